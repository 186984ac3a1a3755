use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fuse::Sort;
use super::{Blown, Fuse};

/// How long an answer is waited for that the client is never to have.
const ANSWER: Duration = Duration::from_secs(1);
/// The most that is handed on at once; what is longer counts as several messages.
const MOST: usize = 65_536;

/// A port of this machine that leads to a real server, where each message of a client is a call of a [`Fuse`].
///
/// A message is what a client says until it waits for the server. What the fuse blows at does not reach the server, or is
/// answered and the answer does not reach the client; and the connection is cut. Ends when it is dropped.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    _connections: JoinSet<()>,
}

impl Wire {
    /// Begins to listen on the loopback interface.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub async fn start(server: SocketAddr, fuse: Arc<Fuse>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let fuse = Arc::clone(&fuse);
                clients.spawn(async move {
                    // That connections break is what this is for.
                    drop(lead(client, server, &fuse).await);
                });
            }
        });
        Ok(Self { address, _connections: connections })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn lead(mut client: TcpStream, server: SocketAddr, fuse: &Fuse) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut message, mut answer) = (vec![0; MOST], vec![0; MOST]);
    loop {
        tokio::select! {
            count = client.read(&mut message) => {
                let said = match count? {
                    0 => return Ok(()),
                    count => message.get(..count).unwrap_or_default(),
                };
                let handed_on = fuse.message(async {
                    server.write_all(said).await?;
                    timeout(ANSWER, server.read(&mut answer)).await.unwrap_or(Ok(0))
                });
                match handed_on.await {
                    Ok(count) => client.write_all(answer.get(..count?).unwrap_or_default()).await?,
                    Err(Blown { .. }) => return Ok(()),
                }
            }
            count = server.read(&mut answer) => match count? {
                0 => return Ok(()),
                count => client.write_all(answer.get(..count).unwrap_or_default()).await?,
            },
        }
    }
}

impl Fuse {
    /// A message to a server. It belongs to no delivery in particular, so it never waits for its turn.
    async fn message<T>(&self, handed_on: impl Future<Output = T>) -> Result<T, Blown> {
        self.pass("message".to_owned(), Sort::ChangesTarget, handed_on).await
    }
}
