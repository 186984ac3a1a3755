//! Programs that use the password: they really log in, over TLS, as any program would.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use sqlx::ConnectOptions;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, UnixListener, UnixStream};
use tokio::task::AbortHandle;

/// Where consumers come from. The function comes from 127.0.0.1, so the server's log tells them apart.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How a driver is told who logs in.
pub(crate) trait Options: ConnectOptions<Connection: Sized> {
    /// The same, with a name and a password.
    fn of(&self, user: &str, password: &str) -> Self;
}

/// A way to the server for consumers, open until it is dropped.
pub(crate) struct Consumers<O> {
    options: O,
    relay: AbortHandle,
}

impl<O: Options> Consumers<O> {
    /// Listens at a socket in the server's folder, since drivers cannot choose the address that they come from.
    pub(crate) fn start(options: O, socket: PathBuf, port: u16) -> io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let relay = tokio::spawn(accept(listener, address)).abort_handle();
        Ok(Self { options, relay })
    }

    /// One consumer, with the name and password that it has.
    pub(crate) fn consumer(&self, user: &str, password: &str) -> Consumer<O> {
        Consumer(self.options.of(user, password))
    }
}

impl<O> Drop for Consumers<O> {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// Someone with a password.
pub(crate) struct Consumer<O>(O);

impl<O: Options> Consumer<O> {
    /// Logs in; `None` where the password is refused. An error is neither yes nor no.
    pub(crate) async fn log_in(&self) -> Result<Option<O::Connection>, sqlx::Error> {
        match self.0.connect().await {
            Ok(session) => Ok(Some(session)),
            Err(sqlx::Error::Database(error))
                if error.code().is_some_and(|code| is_refusal(&code)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What PostgreSQL says to a wrong password, and MySQL and MariaDB.
fn is_refusal(code: &str) -> bool {
    matches!(code, "28P01" | "28000")
}

async fn accept(listener: UnixListener, server: SocketAddr) {
    while let Ok((client, _)) = listener.accept().await {
        // A consumer whose relay fails sees a closed connection, and says so.
        tokio::spawn(relay(client, server));
    }
}

async fn relay(mut client: UnixStream, server: SocketAddr) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((HOME, 0)))?;
    let mut server = socket.connect(server).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
