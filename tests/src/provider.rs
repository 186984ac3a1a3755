//! A service that issues keys over HTTP, for any provider's description, with the faults that such services have.
//!
//! It speaks HTTP/1.1 over plain sockets, with or without TLS: most of its faults are what no library for servers
//! would do. The paths, of which `{a}` is an account:
//!
//! | call | request | answer |
//! |---|---|---|
//! | `create` | `POST /accounts/{a}/keys`, `label` or `name`, `lifetime` in seconds | 201 `{"data":{"id","token","label","expires_at"}}` |
//! | `list` | `GET /accounts/{a}/keys` | 200 `{"data":[{"id","label","created_at","expires_at"}]}`, in pages |
//! | `test` | `GET /whoami` | 200 `{"account","key_id"}` |
//! | `retire` | `DELETE /accounts/{a}/keys/{id}` | 204; 404 if gone |
//! | `regenerate` | `POST /accounts/{a}/regenerate` | 200 `{"data":{"id","token"}}`; the old value is dead at once |
//! | `update` | `PUT /accounts/{a}/key`, `value` | 200 `{"data":{"id"}}` |
//! | `token` | `POST /oauth/token` | RFC 6749: `client_credentials`, `refresh_token` |
//! | `introspect` | `POST /oauth/introspect` | RFC 7662 |
//!
//! Bodies are JSON or forms. A client of OAuth 2.0 is an account, and its secrets are the account's keys.

mod accounts;
mod answer;
mod caller;
mod connection;
mod fault;
mod oauth;
mod request;
mod routes;
mod setup;

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;
use tempfile::TempDir;

use crate::canary::Canary;
use crate::certificates::Authority;
use accounts::Accounts;
use fault::Faults;

pub use accounts::Key;
pub use fault::{Callback, Fault, Oddity, Wait};
pub use request::Request;
pub use setup::{Authentication, Certificate, Minting, Paging, Setup};

/// The server; it listens from its start until it is dropped, on threads of its own, so that a test may block.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
    certificates: Option<TempDir>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    port: u16,
    origin: String,
    setup: Setup,
    tls: Option<Arc<ServerConfig>>,
    accounts: Mutex<Accounts>,
    faults: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
    /// Those that are open, or were.
    connections: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Provider {
    /// Starts to listen, with no account yet.
    pub fn start(setup: Setup) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let (scheme, tls, certificates) = if setup.tls {
            let (config, folder) = certificates(setup.certificate);
            ("https", Some(config), Some(folder))
        } else {
            ("http", None, None)
        };
        let shared = Arc::new(Shared {
            port,
            origin: format!("{scheme}://localhost:{port}"),
            accounts: Mutex::new(Accounts::new(&setup)),
            setup,
            tls,
            faults: Mutex::default(),
            requests: Mutex::default(),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let of_listener = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if of_listener.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_listener);
                thread::spawn(move || connection::serve(client, &shared));
            }
        });
        Self { shared, certificates }
    }

    /// `http://localhost:PORT`, or `https`.
    pub fn url(&self) -> &str {
        &self.shared.origin
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// The authority that issued its certificate.
    ///
    /// # Panics
    ///
    /// If it has none.
    pub fn ca_file(&self) -> std::path::PathBuf {
        let folder = self.certificates.as_ref().map(TempDir::path).map(Path::to_path_buf);
        folder.expect("a provider with TLS").join("ca.pem")
    }

    /// What may mint keys in every account, where the setup has an admin.
    pub fn admin_key(&self) -> String {
        self.accounts().admin.clone()
    }

    /// Makes an account with one key, which is accepted at once.
    pub fn open_account(&self, account: &str) -> Key {
        self.accounts().open(account)
    }

    /// Mints a key, as a person would on the provider's page; the limit does not hold.
    pub fn mint(&self, account: &str, label: &str) -> Key {
        self.accounts().mint(account, label, None)
    }

    /// The first refresh token of an account, as after a consent; of a family of its own.
    pub fn authorize(&self, account: &str) -> String {
        self.accounts().authorize(account)
    }

    /// The keys that an account has now, in the order of their creation.
    pub fn keys(&self, account: &str) -> Vec<Key> {
        self.accounts().keys(account)
    }

    /// The most keys that an account has ever had at once.
    pub fn most_at_once(&self, account: &str) -> usize {
        self.accounts().most_at_once(account)
    }

    /// Whether a consumer with this key, or with this access token, is let in now.
    pub fn accepts(&self, key: &str) -> bool {
        self.accounts().principal(key).is_some()
    }

    /// Whether this refresh token would be taken now.
    pub fn accepts_refresh_token(&self, token: &str) -> bool {
        self.accounts().takes_refresh_token(token)
    }

    /// Takes a key from its account, as a person would.
    pub fn revoke(&self, account: &str, id: &str) -> bool {
        self.accounts().retire(account, id)
    }

    /// Sets the server's clock forward: what expires, expires.
    pub fn advance(&self, by: Duration) {
        self.accounts().ahead += by;
    }

    /// Every secret that it has ever issued, to look for in logs.
    pub fn canaries(&self) -> Vec<Canary> {
        self.accounts().canaries()
    }

    /// Has the n-th of the calls from now on, from 1, go wrong; `*` in a path stands for one part of it.
    ///
    /// `calls` are such as `POST /accounts/*/keys`, or `*` for all.
    pub fn fail(&self, calls: &str, number: usize, fault: Fault) {
        lock(&self.shared.faults).plan(calls, number, 1, fault);
    }

    /// Has all of these calls go wrong from now on.
    pub fn fail_all(&self, calls: &str, fault: Fault) {
        lock(&self.shared.faults).plan(calls, 1, usize::MAX, fault);
    }

    /// Runs something in the n-th call from now on: when it has been read, or when it was carried out.
    pub fn interrupt(&self, number: usize, acted: bool, what: impl Fn() + Send + Sync + 'static) {
        let fault = Oddity::Runs(Callback::new(what));
        let fault = if acted { fault.after_acting() } else { fault.before_acting() };
        self.fail("*", number, fault);
    }

    /// Closes connections before a byte of theirs is read, so many of them, and those that are open.
    pub fn close_connections(&self, count: usize) {
        lock(&self.shared.faults).closes = count;
        self.shared.close_all();
    }

    /// Answers well again from now on.
    pub fn recover(&self) {
        *lock(&self.shared.faults) = Faults::default();
    }

    /// Every request that could be read, in order.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// The requests by short names, such as `create` and `test`.
    pub fn calls(&self) -> Vec<&'static str> {
        self.requests().iter().map(routes::name).collect()
    }

    /// Forgets the requests so far.
    pub fn clear_calls(&self) {
        lock(&self.shared.requests).clear();
    }

    /// How many connections it has had.
    pub fn connections(&self) -> usize {
        lock(&self.shared.connections).len()
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        lock(&self.shared.accounts)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listening thread sees the end at the next connection.
        drop(TcpStream::connect(("127.0.0.1", self.shared.port)));
        self.shared.close_all();
    }
}

impl Shared {
    fn close_all(&self) {
        for stream in lock(&self.connections).iter() {
            // One that is closed already is fine.
            drop(stream.shutdown(std::net::Shutdown::Both));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics while holding the lock")
}

/// A certificate of this kind, and a folder with the authority's own.
fn certificates(certificate: Certificate) -> (Arc<ServerConfig>, TempDir) {
    let authority = Authority::new();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let issued = match certificate {
        Certificate::Valid => authority.issue(&names),
        Certificate::OtherName => authority.issue(&["elsewhere.invalid".to_owned()]),
        Certificate::Expired => authority.issue_expired(&names),
    };
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(file, authority.certificate()).expect("a file");
    (issued.server(), folder)
}
