//! The way to the server, opened here and handed to the driver as a Unix socket.
//!
//! The driver resolves, connects and logs in behind one call and takes the certificate's name from the
//! host. Opening the connection here gives each of these its own bound and its own error, and lets the
//! host be an alias. What passes is the driver's own TLS: the relay only moves bytes.

use std::fs::Permissions;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, lookup_host};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use turnlock::{Class, TargetError};

use crate::Server;

/// The longest wait for a name to be resolved.
const RESOLVE: Duration = Duration::from_secs(3);
/// The longest wait for the server to take a connection, over all of its addresses.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait for a server to hang up after a goodbye.
const DRAIN: Duration = Duration::from_secs(1);
const BUFFER: usize = 16 * 1024;

/// An open connection to a server, waiting for the driver at a socket that only this user can reach.
#[derive(Debug)]
pub struct Relay {
    directory: PathBuf,
    socket: PathBuf,
    heard: Heard,
    task: JoinHandle<io::Result<()>>,
}

/// What the driver and the server have said to each other, so far as a relay tells it.
#[derive(Clone, Debug, Default)]
struct Heard {
    answered: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Relay {
    /// Connects to a server; the driver's socket has this name.
    ///
    /// # Errors
    ///
    /// As [`connect`].
    pub async fn open(server: &Server, name: &str) -> Result<Self, TargetError> {
        Self::watched(server, name, |_| true).await
    }

    /// The same, and hangs up as soon as the server says what `passes` does not let the driver hear.
    ///
    /// `passes` is shown all that comes from the server, in the pieces in which it comes.
    ///
    /// # Errors
    ///
    /// As [`connect`].
    pub async fn watched(
        server: &Server,
        name: &str,
        passes: impl FnMut(&[u8]) -> bool + Send + 'static,
    ) -> Result<Self, TargetError> {
        let server = connect(server).await?;
        let (directory, socket, listener) = listen(name).map_err(|error| {
            let text =
                format!("cannot open a Unix socket in the temporary directory: {}", error.kind());
            TargetError::new(Class::Unexpected, text)
        })?;
        let heard = Heard::default();
        let path = directory.path().to_owned();
        let task = tokio::spawn(relay(directory, listener, server, heard.clone(), passes));
        Ok(Self { directory: path, socket, heard, task })
    }

    /// The directory of the socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits until what the driver said last has reached the server, and the server has hung up.
    pub async fn drained(mut self) {
        let ended = timeout(DRAIN, &mut self.task).await;
        if !matches!(ended, Ok(Ok(Ok(())))) {
            tracing::debug!("a connection did not close in good order");
        }
    }

    /// Whether the server has sent anything yet.
    pub fn answered(&self) -> bool {
        self.heard.answered.load(Ordering::Relaxed)
    }

    /// Whether the server has said what the driver was not to hear.
    pub fn stopped(&self) -> bool {
        self.heard.stopped.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens a connection, each part of it with its own bound and its own error.
///
/// # Errors
///
/// Class `dns`, `tcp` or `timeout`.
pub async fn connect(server: &Server) -> Result<TcpStream, TargetError> {
    let addresses = resolve(server).await?;
    match timeout(CONNECT, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(stream)) => {
            // Logging in is a dialogue of small messages. That it is slower otherwise is no error.
            if stream.set_nodelay(true).is_err() {
                tracing::debug!("TCP_NODELAY could not be set");
            }
            Ok(stream)
        }
        Ok(Err(error)) => {
            let text = format!("cannot reach {server}: {}", error.kind());
            Err(TargetError::new(Class::Tcp, text))
        }
        Err(_) => {
            let text = format!(
                "{server} did not take a connection in {CONNECT:?}; check security groups and routes"
            );
            Err(TargetError::new(Class::Timeout, text))
        }
    }
}

async fn resolve(server: &Server) -> Result<Vec<SocketAddr>, TargetError> {
    let Server { host, port, .. } = server;
    if is_below_localhost(host) {
        let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(addresses.map(|address| (address, *port).into()).into());
    }
    let lookup = timeout(RESOLVE, lookup_host((host.as_str(), *port))).await;
    let Ok(found) = lookup else {
        let text = format!("the name {host} was not resolved in {RESOLVE:?}");
        return Err(TargetError::new(Class::Timeout, text));
    };
    let addresses: Vec<_> = found.into_iter().flatten().collect();
    if addresses.is_empty() {
        let text = format!("the name {host} cannot be resolved; check `host` and the VPC's DNS");
        return Err(TargetError::new(Class::Dns, text));
    }
    Ok(addresses)
}

/// Whether a name is under `localhost`: always the loopback interface, and no matter for DNS (RFC 6761, 6.3).
fn is_below_localhost(host: &str) -> bool {
    let labels = host.trim_end_matches('.').rsplit_once('.');
    labels.is_some_and(|(_, last)| last.eq_ignore_ascii_case("localhost"))
}

/// A directory that only this user can enter, with a socket in it.
fn listen(name: &str) -> io::Result<(TempDir, PathBuf, UnixListener)> {
    let mut builder = tempfile::Builder::new();
    let directory =
        builder.prefix("turnlock-").permissions(Permissions::from_mode(0o700)).tempdir()?;
    let socket = directory.path().join(name);
    let listener = UnixListener::bind(&socket)?;
    Ok((directory, socket, listener))
}

/// Takes one client, and moves bytes until either side hangs up.
async fn relay(
    directory: TempDir,
    listener: UnixListener,
    server: TcpStream,
    heard: Heard,
    mut passes: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let (client, _) = listener.accept().await?;
    // Gone as soon as it is used: a process that is killed later leaves nothing behind.
    drop((listener, directory));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let down = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            match from_server.read(&mut buffer).await? {
                0 => return to_client.shutdown().await,
                count => {
                    heard.answered.store(true, Ordering::Relaxed);
                    if !passes(&buffer[..count]) {
                        heard.stopped.store(true, Ordering::Relaxed);
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                    to_client.write_all(&buffer[..count]).await?;
                }
            }
        }
    };
    tokio::try_join!(up, down)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_under_localhost_are_not_asked_of_dns() {
        for host in ["db.localhost", "a.b.LocalHost", "db.localhost."] {
            assert!(is_below_localhost(host), "{host}");
        }
        for host in ["localhost", "localhost.example.com", "notlocalhost", "db.notlocalhost", ""] {
            assert!(!is_below_localhost(host), "{host}");
        }
    }

    #[tokio::test]
    async fn names_under_localhost_are_the_loopback_interface() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server { host: "db.abc.localhost".into(), port, tls_name: None };
        let stream = connect(&server).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    }

    #[tokio::test]
    async fn nobody_else_can_enter_the_directory_of_the_socket() {
        let (directory, _, _listener) = listen("socket").unwrap();
        let mode = directory.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
