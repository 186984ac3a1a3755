//! The rotator keeps the contract, before a real server.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]
#![expect(clippy::print_stdout, reason = "what was tried is shown by --nocapture")]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use own_rotator::Redis;
use redis::aio::MultiplexedConnection;
use server::Server;
use turnlock::testing::contract::{self, Limits};
use turnlock::testing::{Fuse, Fused, Promise, Wire, World};
use turnlock::{Document, SecretId};

const ADMIN_SECRET: &str = "admin-secret";

/// A user of its own on a server that all tests share.
struct Place {
    server: Arc<Server>,
    rotator: Fused<Redis>,
    admin: MultiplexedConnection,
    user: String,
    wire: Wire,
}

impl Place {
    async fn start(server: Arc<Server>, fuse: Arc<Fuse>) -> Self {
        static USERS: AtomicUsize = AtomicUsize::new(0);
        let user = format!("app-{}", USERS.fetch_add(1, Ordering::Relaxed));
        let admin = server.log_in("default", server::ADMIN_PASSWORD).await.expect("the admin");
        let wire = Wire::start(server.address(), Arc::clone(&fuse)).await.expect("a port");
        let mut place = Self { server, rotator: Fused::new(Redis, fuse), admin, user, wire };
        let rules = ["reset", "on", ">first-password", "~*", "&*", "+@all", "-@admin"];
        place
            .acl("SETUSER")
            .arg(&place.user)
            .arg(&rules)
            .exec_async(&mut place.admin)
            .await
            .expect("a user");
        place
    }

    fn acl(&self, command: &str) -> redis::Cmd {
        let mut acl = redis::cmd("ACL");
        acl.arg(command);
        acl
    }

    /// The secret of a user, who is reached through the wire.
    fn secret_of(&self, user: &str, password: &str, more: &str) -> String {
        let address = self.wire.address();
        format!(
            r#"{{"host":"{}","port":{},"ssl":false,"username":"{user}","password":"{password}"{more}}}"#,
            address.ip(),
            address.port()
        )
    }

    /// What the server has of every user, one a line.
    async fn users(&self) -> Vec<String> {
        self.acl("LIST").query_async(&mut self.admin.clone()).await.expect("a list of users")
    }
}

impl World for Place {
    type Rotator = Fused<Redis>;

    fn rotator(&self) -> &Fused<Redis> {
        &self.rotator
    }

    fn secret(&self) -> String {
        let more = format!(r#","masterarn":"{ADMIN_SECRET}","note":{{"kept":[1.50]}}"#);
        self.secret_of(&self.user, "first-password", &more)
    }

    fn admin(&self) -> Option<(SecretId, String)> {
        let secret = self.secret_of("default", server::ADMIN_PASSWORD, "");
        Some((SecretId::new(ADMIN_SECRET), secret))
    }

    fn promise(&self) -> Promise {
        Promise::CurrentAndPrevious
    }

    async fn accepts(&self, version: &Document) -> bool {
        let text = |field| version.sensitive(field).expect("a text");
        let login = self.server.log_in(text("username").expose(), text("password").expose()).await;
        let Some(mut session) = login else { return false };
        redis::cmd("GET").arg("key").exec_async(&mut session).await.is_ok()
    }

    async fn others(&self) -> String {
        let ours = format!("user {} ", self.user);
        let others = self.users().await.into_iter().filter(|user| !user.starts_with(&ours));
        others.collect::<Vec<_>>().join("\n")
    }

    async fn credentials(&self) -> usize {
        let ours = format!("user {} ", self.user);
        let user = self.users().await.into_iter().find(|user| user.starts_with(&ours));
        user.map_or(0, |user| user.split(' ').filter(|rule| rule.starts_with('#')).count())
    }
}

#[tokio::test]
async fn the_rotator_keeps_the_contract_before_a_real_server() {
    let server = Arc::new(Server::start().await);
    // On two cores, all of it takes many minutes.
    let limits = Limits::default().calls_one_in(10).pairs_one_in(40);
    let place = async |fuse| Place::start(Arc::clone(&server), fuse).await;
    let report = contract::run_within(place, limits).await;
    println!("{report}");
    report.assert_kept();
}
