//! No password is told on MySQL or MariaDB: not in any log, the server's own ones included, whatever its settings.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::canary::Canary;
use turnlock_tests::mysql::{Mark, Product, Server, Setup};
use turnlock_tests::watch::Watch;
use turnlock_tests::world::mysql::{
    ADMIN, FUNCTION, USER, World, function, rights_of_an_admin, secret_of,
};

/// A world whose secrets are all watched for.
struct Watched {
    world: World,
    watch: Watch,
    mark: Mark,
}

/// Who changes the password, and how many there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Own,
    OwnDual,
    Admin,
    AdminDual,
    TwoUsers,
}

const WAYS: [(Product, Way); 9] = [
    (Product::MySql, Way::Own),
    (Product::MySql, Way::OwnDual),
    (Product::MySql, Way::Admin),
    (Product::MySql, Way::AdminDual),
    (Product::MySql, Way::TwoUsers),
    (Product::MariaDb, Way::Own),
    (Product::MariaDb, Way::Admin),
    (Product::MariaDb, Way::AdminDual),
    (Product::MariaDb, Way::TwoUsers),
];

/// What a server can be set to that changes how statements are read.
const MODES: [&str; 4] = ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES", "ANSI", "TRADITIONAL"];

impl Way {
    fn is_by_admin(self) -> bool {
        matches!(self, Self::Admin | Self::AdminDual | Self::TwoUsers)
    }

    fn strategy(self) -> &'static str {
        match self {
            Self::Own | Self::Admin => "single-user",
            Self::OwnDual | Self::AdminDual => "dual-password",
            Self::TwoUsers => "alternating-users",
        }
    }
}

/// A text of SQL, where backslashes escape.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Makes them in a session that no log knows of: what the test begins with stands nowhere then.
async fn make_accounts(server: &Server, watch: &Watch) {
    let rights = rights_of_an_admin(server.product());
    let [old, admin] = [&watch.old, &watch.admin].map(|canary| literal(canary.value()));
    let retain = match server.product() {
        Product::MySql => format!("; GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {USER}@'%'"),
        Product::MariaDb => String::new(),
    };
    server.sql("SET GLOBAL general_log = OFF; SET GLOBAL slow_query_log = OFF").await;
    server
        .sql(&format!(
            "SET sql_log_bin = OFF, sql_mode = ''; \
             CREATE USER {USER}@'%' IDENTIFIED BY {old}; CREATE USER {ADMIN}@'%' IDENTIFIED BY {admin}; \
             GRANT {rights} ON *.* TO {ADMIN}@'%' WITH GRANT OPTION{retain}"
        ))
        .await;
    server.sql("SET GLOBAL general_log = ON; SET GLOBAL slow_query_log = ON").await;
}

impl Watched {
    async fn start(product: Product, way: Way, configuration: &[&str]) -> Self {
        Self::start_with(product, way, configuration, |_| ()).await
    }

    async fn start_with(
        product: Product,
        way: Way,
        configuration: &[&str],
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let watch = Watch::default();
        let configuration = configuration.iter().map(|line| (*line).to_owned()).collect();
        let server = Server::start(Setup { configuration, ..Setup::of(product) }).await;
        make_accounts(&server, &watch).await;
        let mark = server.mark();
        let secret = secret_of(&server, USER, &json!(watch.old.value()));
        let admin = secret_of(&server, ADMIN, &json!(watch.admin.value()));
        let admin = way.is_by_admin().then_some(&admin);
        let edit = |secret: &mut Value| {
            secret["rotation"] = json!({"strategy": way.strategy()});
            edit(secret);
        };
        let scene = watch.scene(FUNCTION, function(&server), secret, admin, edit).await;
        Self { world: World { server, scene }, watch, mark }
    }

    /// Rotates with all kinds of characters, and in test-only mode.
    async fn rotates(&self) {
        self.world.test_only().await.expect("the test passes");
        for _ in 0..2 {
            self.world.rotate().await.expect("the rotation succeeds");
        }
        let log = self.world.server.log_since(self.mark);
        assert!(log.contains("ALTER USER") || log.contains("SET PASSWORD"), "{log}");
    }

    /// Looks for all secrets in all that anybody has printed or answered, and in every log of the server.
    async fn assert_silent(&self, versions: usize) {
        let written = self.world.server.written().await;
        assert!(written.contains("Query_time"), "the log of slow statements is not there");
        self.watch.assert_silent(&self.world.scene, versions, &written);
    }
}

/// Passwords of which every fourth character has to be quoted somewhere.
fn all_punctuation(secret: &mut Value) {
    secret["rotation"]["password"] = json!({"length": 64, "exclude_characters": ""});
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_succeed_tell_no_secret_to_any_log_in_any_mode() {
    for (product, way) in WAYS {
        let watched = Watched::start_with(product, way, &[], all_punctuation).await;
        for mode in MODES {
            watched.world.server.sql(&format!("SET GLOBAL sql_mode = '{mode}'")).await;
            watched.rotates().await;
        }
        watched.assert_silent(1 + 2 * MODES.len()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_logs_of_every_format_have_no_secret() {
    for (product, way) in WAYS {
        for format in ["ROW", "STATEMENT"] {
            let format = format!("binlog_format = {format}");
            let watched = Watched::start(product, way, &[&format]).await;
            watched.rotates().await;
            let written = watched.world.server.written().await;
            assert!(written.matches("USER").count() > 1, "the binary log is not there");
            watched.assert_silent(3).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_mariadb_wants_to_see_is_in_none_of_its_logs() {
    for way in [Way::Own, Way::Admin] {
        let watched = Watched::start_with(Product::MariaDb, way, &[], all_punctuation).await;
        let server = &watched.world.server;
        server.sql("INSTALL SONAME 'simple_password_check'").await;
        let error = watched.world.rotate().await.expect_err("the statement would be logged");
        error.assert_is("setSecret", "policy", &["general_log is on"]);
        watched.assert_silent(2).await;
        server.sql("SET GLOBAL general_log = OFF").await;
        watched.world.retry().await.expect("the rotation succeeds");
        watched.world.rotate().await.expect("the rotation succeeds");
        let written = server.written().await;
        assert!(written.contains("SET PASSWORD FOR 'app'@'%'='*"), "the binary log is not there");
        watched.assert_silent(3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_the_server_denies_tell_no_secret() {
    let deny = [
        (Product::MySql, Way::OwnDual, "REVOKE APPLICATION_PASSWORD_ADMIN ON *.* FROM app@'%'"),
        (Product::MySql, Way::Own, "ALTER USER app@'%' WITH MAX_QUERIES_PER_HOUR 4"),
        (Product::MySql, Way::Admin, "GRANT SYSTEM_USER ON *.* TO app@'%'"),
        (
            Product::MariaDb,
            Way::AdminDual,
            "REVOKE CREATE USER, UPDATE ON *.* FROM turnlock_admin@'%'",
        ),
    ];
    for (product, way, statement) in deny {
        let watched = Watched::start(product, way, &[]).await;
        watched.world.server.sql(statement).await;
        watched.world.rotate().await.expect_err("the change is denied");
        watched.assert_silent(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_a_password_does_not_keep_tell_no_secret() {
    for way in [Way::Own, Way::OwnDual, Way::Admin, Way::AdminDual] {
        let watched = Watched::start(Product::MySql, way, &[]).await;
        let rules = "INSTALL COMPONENT 'file://component_validate_password'; \
             SET GLOBAL validate_password.length = 40";
        watched.world.server.sql(rules).await;
        let error = watched.world.rotate().await.expect_err("it is too short");
        error.assert_is("setSecret", "policy", &[]);
        watched.assert_silent(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_are_wrong_are_told_to_nobody() {
    for (product, way) in WAYS {
        let watched = Watched::start(product, way, &[]).await;
        let other = "ALTER USER app@'%' IDENTIFIED BY 'x', turnlock_admin@'%' IDENTIFIED BY 'y'";
        watched.world.server.sql(other).await;
        let error = watched.world.rotate().await.expect_err("no password works");
        error.assert_is("setSecret", "auth-rejected", &[]);
        watched.assert_silent(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_would_have_a_password_that_is_set_as_people_set_it() {
    let watched = Watched::start(Product::MariaDb, Way::Own, &[]).await;
    watched.rotates().await;
    let leak = Canary::new("a password set by hand");
    let statement = format!("ALTER USER app@'%' IDENTIFIED BY {}", literal(leak.value()));
    watched.world.server.sql(&statement).await;
    let written = watched.world.server.written().await;
    // The general, the slow and the binary log.
    let places = leak.sightings("written", &written);
    assert!(places.len() >= 3, "{places:?}");
}
