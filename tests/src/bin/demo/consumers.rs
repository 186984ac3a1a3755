//! Programs that use the password: they really log in, over TLS, as any program would.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, UnixListener, UnixStream};
use tokio::task::AbortHandle;
use turnlock_tests::postgres::Server;

/// Where consumers come from. The function comes from 127.0.0.1, so the server's log tells them apart.
const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A way to the server for consumers, open until it is dropped.
pub(crate) struct Consumers {
    options: PgConnectOptions,
    relay: AbortHandle,
}

impl Consumers {
    /// Listens at a socket in the server's folder, since the driver cannot choose the address it comes from.
    pub(crate) fn start(server: &Server) -> io::Result<Self> {
        let (folder, port) = (server.folder(), server.port());
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let relay = tokio::spawn(accept(listener, address)).abort_handle();
        let options = PgConnectOptions::new_without_pgpass()
            .host(server.host())
            .socket(folder)
            .port(port)
            .database("postgres")
            .application_name("consumer")
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert(server.ca_file());
        Ok(Self { options, relay })
    }

    /// One consumer, with the name and password that it has.
    pub(crate) fn consumer(&self, user: &str, password: &str) -> Consumer {
        Consumer(self.options.clone().username(user).password(password))
    }
}

impl Drop for Consumers {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

/// Someone with a password.
pub(crate) struct Consumer(PgConnectOptions);

impl Consumer {
    /// Logs in; `None` where the password is refused. An error is neither yes nor no.
    pub(crate) async fn log_in(&self) -> Result<Option<PgConnection>, sqlx::Error> {
        const WRONG_PASSWORD: &str = "28P01";
        match self.0.connect().await {
            Ok(session) => Ok(Some(session)),
            Err(sqlx::Error::Database(error))
                if error.code().is_some_and(|code| code == WRONG_PASSWORD) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
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
