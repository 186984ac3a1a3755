//! A real Redis or Valkey on a free port, gone with the test.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, IntoConnectionInfo as _};

pub(crate) const ADMIN_PASSWORD: &str = "password-of-the-admin";

const PATIENCE: Duration = Duration::from_secs(60);

/// The shell ends the server when this process ends, however it does: then its standard input does.
const SCRIPT: &str = r#"
server=$(command -v redis-server || command -v valkey-server || echo "$("$1" cache)/redis/bin/redis-server")
"$server" --port "$2" --bind 127.0.0.1 --dir "$3" --aclfile "$3/users.acl" --save '' >"$3/server.log" 2>&1 &
read -r end
kill -9 $!
wait
rm -rf "$3"
"#;

/// A server, until it is dropped.
pub(crate) struct Server {
    shell: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts one, and waits until it answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let acl = folder.join("users.acl");
        let admin = format!("user default on >{ADMIN_PASSWORD} ~* &* +@all\n");
        std::fs::write(acl, admin).expect("the folder can be written");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let address = port.expect("a free port");
        let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/setup");
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh", setup, &address.port().to_string()]).arg(folder);
        let shell = shell.stdin(Stdio::piped()).spawn().expect("a shell");
        let server = Self { shell, address };
        for _ in 0..6_000 {
            if server.answers().await {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no redis-server answers; `make setup` installs one");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn answers(&self) -> bool {
        tokio::net::TcpStream::connect(self.address).await.is_ok()
    }

    /// Logs in past everything; nothing where the password is rejected.
    pub(crate) async fn log_in(&self, user: &str, password: &str) -> Option<MultiplexedConnection> {
        let server = format!("redis://{}", self.address).into_connection_info().expect("a URL");
        let login = server.redis_settings().clone().set_username(user).set_password(password);
        let client = redis::Client::open(server.set_redis_settings(login)).expect("a client");
        let bounds = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE));
        let bounds = bounds.set_response_timeout(Some(PATIENCE));
        match client.get_multiplexed_async_connection_with_config(&bounds).await {
            Ok(session) => Some(session),
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed => None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut input) = self.shell.stdin.take() {
            // If the shell is gone, so is the server.
            drop(input.write_all(b"\n"));
        }
        drop(self.shell.wait());
    }
}
