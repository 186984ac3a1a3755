//! No secret leaves the way it has to go: not in any log, answer or error, whatever happens.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnlock_local::{Fault, Operation};
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::pair::CLONE;
use turnlock_tests::postgres::{Mark, Server, Setup, Version};
use turnlock_tests::serve::Serve;
use turnlock_tests::tools::AwsCli;
use turnlock_tests::watch::{self, Watch};
use turnlock_tests::world::{ADMIN, FUNCTION, USER, World, function, secret_of};

/// A world whose secrets are all watched for.
struct Watched {
    world: World,
    watch: Watch,
    mark: Mark,
}

/// A text of SQL.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Makes the roles; their passwords are in the server's log before the mark.
async fn make_roles(server: &Server, old: &Canary, admin: &Canary) -> Mark {
    let [old, admin] = [old, admin].map(|canary| literal(canary.value()));
    let make = format!(
        "CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD {admin}; \
         SET ROLE {ADMIN}; CREATE ROLE {USER} LOGIN PASSWORD {old}"
    );
    server.sql(&make).await;
    server.mark()
}

impl Watched {
    async fn start(version: Version, by_admin: bool, edit: impl FnOnce(&mut Value)) -> Self {
        let watch = Watch::default();
        let server = Server::start(Setup { version, ..Setup::default() }).await;
        let mark = make_roles(&server, &watch.old, &watch.admin).await;
        let secret = secret_of(&server, USER, &json!(watch.old.value()));
        let admin = secret_of(&server, ADMIN, &json!(watch.admin.value()));
        let admin = by_admin.then_some(&admin);
        let scene = watch.scene(FUNCTION, function(&server), secret, admin, edit).await;
        Self { world: World { server, scene }, watch, mark }
    }

    /// Looks for all secrets in all that anybody has printed or answered.
    fn assert_silent(&self, versions: usize) {
        let log = self.world.server.log_since(self.mark);
        self.watch.assert_silent(&self.world.scene, versions, &log);
    }
}

const WAYS: [(Version, bool); 4] = [
    (Version::Distribution, false),
    (Version::Distribution, true),
    (Version::V18, false),
    (Version::V18, true),
];

#[tokio::test]
async fn rotations_that_succeed_tell_no_secret() {
    for (version, by_admin) in WAYS {
        let watched = Watched::start(version, by_admin, |_| {}).await;
        watched.world.test_only().await.expect("the test passes");
        for _ in 0..2 {
            watched.world.rotate().await.expect("the rotation succeeds");
        }
        assert!(watched.world.server.log_since(watched.mark).contains("ALTER ROLE"));
        watched.assert_silent(3);
    }
}

#[tokio::test]
async fn two_users_that_take_turns_tell_no_secret_and_the_function_no_setting() {
    for version in Version::ALL {
        let watched = Watched::start(version, true, |secret| {
            secret["rotation"] = json!({"strategy": "alternating-users"});
        })
        .await;
        let world = &watched.world;
        let token = Canary::new("a setting's value");
        let kept = format!("ALTER ROLE {USER} SET myapp.token = {}", literal(token.value()));
        world.server.sql(&kept).await;
        let error = world.rotate().await.expect_err("the admin may not set it");
        error.assert_is("setSecret", "permission", &["the setting myapp.token"]);
        world.server.sql(&format!("GRANT SET ON PARAMETER myapp.token TO {ADMIN}")).await;
        world.retry().await.expect("the admin may");
        world.test_only().await.expect("the test passes");
        world.rotate().await.expect("the rotation succeeds");
        let differs = format!("ALTER ROLE {USER} SET myapp.token = {}", literal("another"));
        let pending = world.rotate_but_for_the_end().await;
        world.server.sql(&differs).await;
        let error = world.step("testSecret", &pending).await.expect_err("the two differ");
        error.assert_is("testSecret", "refused", &["the setting myapp.token"]);
        let copied = format!("ALTER ROLE \"{CLONE}\" SET \"myapp\".\"token\"");
        assert!(world.server.log_since(watched.mark).contains(&copied));
        watched.assert_silent(4);
        let (output, events) =
            (world.local.output(FUNCTION), format!("{:?} {error:?}", world.local.events()));
        assert_absent(&[token], &[("the function's output", &output), ("events", &events)]);
    }
}

#[tokio::test]
async fn passwords_that_are_wrong_are_told_to_nobody() {
    for (version, by_admin) in WAYS {
        let watched = Watched::start(version, by_admin, |_| {}).await;
        let roles = format!("ALTER ROLE {USER} PASSWORD 'x'; ALTER ROLE {ADMIN} PASSWORD 'y'");
        watched.world.server.sql(&roles).await;
        let error = watched.world.rotate().await.expect_err("no password works");
        error.assert_is("setSecret", "auth-rejected", &[]);
        watched.assert_silent(2);
    }
}

#[tokio::test]
async fn a_policy_that_allows_no_password_tells_no_secret() {
    for (version, by_admin) in WAYS {
        let watched = Watched::start(version, by_admin, |secret| {
            secret["rotation"]["password"] = json!({"length": 2});
        })
        .await;
        let error = watched.world.rotate().await.expect_err("two characters are too few");
        error.assert_is("createSecret", "policy", &[]);
        watched.assert_silent(2);
    }
}

#[tokio::test]
async fn a_change_that_the_server_denies_tells_no_secret() {
    for version in Version::ALL {
        let watched = Watched::start(version, true, |_| {}).await;
        watched.world.server.sql(&format!("ALTER ROLE {ADMIN} NOCREATEROLE")).await;
        let error = watched.world.rotate().await.expect_err("the admin may not");
        error.assert_is("setSecret", "permission", &[]);
        // The server logs the statement that failed.
        let log = watched.world.server.log_since(watched.mark);
        assert!(log.contains("STATEMENT:"), "{log}");
        watched.assert_silent(2);
    }
}

#[tokio::test]
async fn calls_that_secrets_manager_denies_tell_no_secret() {
    for operation in
        [Operation::GetSecretValue, Operation::PutSecretValue, Operation::UpdateSecretVersionStage]
    {
        let watched = Watched::start(Version::Distribution, false, |_| {}).await;
        watched.world.local.fail_next(operation, 100, Fault::AccessDenied);
        let error = watched.world.rotate().await.expect_err("the call is denied");
        assert_eq!(error.class, "permission");
        watched.assert_silent(2);
    }
}

#[tokio::test]
async fn logs_in_json_tell_no_secret() {
    let (old, admin) = (Canary::new("the old password"), Canary::new("the admin's password"));
    let server = Server::start(Setup::default()).await;
    let mark = make_roles(&server, &old, &admin).await;
    let text = secret_of(&server, USER, &json!(old.value())).to_string();
    let function = function(&server).env("RUST_LOG", "trace").env("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let world = World::with_function(server, &text, function).await;
    world.rotate().await.expect("the rotation succeeds");
    let new = Canary::of("the new password", world.password("AWSCURRENT"));
    let (output, log) = (world.local.output(FUNCTION), world.server.log_since(mark));
    assert!(output.lines().next().is_some_and(|line| line.starts_with('{')), "{output}");
    assert_absent(&[old, admin, new], &[("function", &output), ("server", &log)]);
}

#[tokio::test]
async fn the_stand_in_prints_no_secret_and_nor_does_the_function_through_it() {
    let (old, admin) = (Canary::new("the old password"), Canary::new("the admin's password"));
    let server = Server::start(Setup::default()).await;
    let mark = make_roles(&server, &old, &admin).await;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("state.json");
    let serve = Serve::start([
        "--function",
        &format!("{FUNCTION}={}", turnlock_postgres().display()),
        "--env",
        &format!("{FUNCTION}:TLS_CA_FILE={}", server.ca_file().display()),
        "--env",
        &format!("{FUNCTION}:RUST_LOG=trace"),
        "--env",
        &format!("{FUNCTION}:METRICS_NAMESPACE=Turnlock"),
        "--data",
        data.to_str().expect("a path in UTF-8"),
        "--step-spacing",
        "100",
        "--require-rotation-token",
        "--fail",
        "DescribeSecret:1:internal",
    ]);
    let aws = AwsCli::new(serve.endpoint());
    let text = secret_of(&server, USER, &json!(old.value())).to_string();
    aws.json(["secretsmanager", "create-secret", "--name", "app", "--secret-string", &text]);
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:turnlock-postgres";
    let rotate = ["secretsmanager", "rotate-secret", "--secret-id", "app"];
    let with = ["--rotation-lambda-arn", arn, "--rotation-rules", "AutomaticallyAfterDays=1"];
    let asked = std::thread::spawn({
        let aws = aws.clone();
        move || aws.json(rotate.iter().chain(&with))
    });
    let (mut token, began) = (None, Instant::now());
    while !serve.output().contains("RotationSucceeded") {
        token = token.or_else(|| watch::token_in(&data));
        assert!(began.elapsed() < Duration::from_secs(60), "{}", serve.output());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked.join().expect("the rotation was begun");
    let token = Canary::of("the RotationToken", token.expect("a RotationToken"));
    let value = aws.json(["secretsmanager", "get-secret-value", "--secret-id", "app"]);
    let value = value["SecretString"].as_str().expect("a text");
    let value: Value = serde_json::from_str(value).expect("JSON");
    let new = Canary::of("the new password", value["password"].as_str().expect("a password"));
    assert!(server.can_log_in(USER, new.value(), "postgres").await);

    let (output, log) = (serve.output(), server.log_since(mark));
    assert!(output.contains(&format!("[{FUNCTION}] ")), "{output}");
    assert!(output.contains("DeadPasswordTime"), "{output}");
    assert_absent(&[old, admin, new, token], &[("stand-in", &output), ("server", &log)]);
}

#[tokio::test]
async fn a_secret_that_leaks_is_found() {
    let watched = Watched::start(Version::Distribution, false, |_| {}).await;
    watched.world.rotate().await.expect("the rotation succeeds");
    let new = watched.world.password("AWSCURRENT");
    for secret in [watched.watch.old.value(), &new] {
        let quoted = literal(secret);
        watched.world.server.sql(&format!("SELECT {quoted} AS password")).await;
        let log = watched.world.server.log_since(watched.mark);
        let found = |canary: &Canary| !canary.sightings("log", &log).is_empty();
        assert!(
            watched
                .watch
                .canaries(&watched.world.scene)
                .iter()
                .any(|canary| canary.value() == secret && found(canary))
        );
    }
}
