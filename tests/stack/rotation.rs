//! A secret of a real PostgreSQL, rotated by the deployed function, and a rotation that fails.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Fault, Function, Knobs, Local, Operation};
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::tools::AwsCli;
use turnlock_tests::world::{self, FIRST_PASSWORD, USER};

use crate::account::{Account, STACK};
use crate::{check, metrics, roles};

const PATIENCE: Duration = Duration::from_secs(60);

/// The largest zip that a function may be.
const LARGEST_ZIP: u64 = 5 * 1024 * 1024;

/// Secrets Manager, the stack and a server, together.
#[derive(Debug)]
struct Scene<'a> {
    account: &'a Account,
    local: Local,
    server: Server,
    outputs: BTreeMap<String, String>,
}

/// Prints what happened; whether all went well.
pub(crate) async fn run(server: Server, account: &Account) -> bool {
    let function = format!("{STACK}-postgres");
    let remote = Function::url(account.invocations(&function));
    let knobs = Knobs { attempts: 1, require_rotation_token: true, ..Knobs::default() };
    let local = Local::builder().function(&function, remote).knobs(knobs).start().await;
    let local = local.expect("the stand-in starts");
    println!("sam deploy, all parameters that this machine can serve:");
    let endpoint = format!("SecretsManagerEndpoint={}", local.endpoint());
    let mut parameters = vec![endpoint, "AlarmEmail=on-call@example.com".to_owned()];
    parameters.extend(roles::parameters());
    let outputs = account.deploy(&parameters);
    for (name, value) in &outputs {
        println!("  {name:<22} {value}");
    }
    let mut is_well = true;
    for name in ["postgres", "mysql", "api-key"] {
        let size = account.zip_size(&format!("{STACK}-{name}"));
        is_well &= check(
            &format!("the zip of {STACK}-{name}: {size} bytes"),
            size > 0 && size <= LARGEST_ZIP,
        );
    }
    println!();
    let scene = Scene { account, local, server, outputs };
    is_well &= scene.rotate().await;
    is_well &= scene.fail().await;
    is_well &= scene.go_out().await;
    is_well &= metrics::run(account, &function);
    is_well &= roles::run(account, &scene.outputs).await;
    is_well
}

impl Scene<'_> {
    /// One rotation, begun by the AWS CLI with the ARN that the stack has as output.
    async fn rotate(&self) -> bool {
        println!("A rotation of PostgreSQL by the deployed function:");
        self.server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let secret = world::secret_of(&self.server, USER, &json!(FIRST_PASSWORD));
        let (arn, ended) = self.rotated("app", &secret).await;
        let mut is_well = check("all four steps succeeded", ended.is_ok());
        let password = self.password(&arn);
        let password = password.as_str();
        let accepts = async |password| self.server.can_log_in(USER, password, "postgres").await;
        is_well &= check("AWSCURRENT has a new password", password != FIRST_PASSWORD);
        is_well &= check("the server takes it", accepts(password).await);
        is_well &= check("and not the first one", !accepts(FIRST_PASSWORD).await);
        let log = self.account.log(&format!("{STACK}-postgres")).join("\n");
        is_well &=
            check("the log has neither", !log.contains(password) && !log.contains(FIRST_PASSWORD));
        println!();
        is_well
    }

    /// One that cannot succeed: nothing listens where the secret says.
    async fn fail(&self) -> bool {
        println!("A rotation of a server that is not there:");
        let mut secret = world::secret_of(&self.server, USER, &json!(FIRST_PASSWORD));
        secret["port"] = json!(1);
        let (_, ended) = self.rotated("nowhere", &secret).await;
        let text = format!("{ended:?}");
        let is_well = check("failed with its class and its reason", text.contains("(tcp)"));
        println!("  {text}\n");
        is_well
    }

    /// One that cannot move the label, and so leaves consumers with a dead password; and its retry.
    async fn go_out(&self) -> bool {
        println!("A rotation that is denied its end, and its retry:");
        let (secret, step) = ("app", Operation::UpdateSecretVersionStage);
        self.local.fail_next(step, 1, Fault::AccessDenied);
        let mut is_well = true;
        for should_end in [false, true] {
            // The second is answered by an error: it is the first that goes on.
            let _begun = self.local.rotate(secret);
            let ended = self.local.wait_for_rotation(secret, PATIENCE).await;
            let password = self.password(secret);
            let logs_in = self.server.can_log_in(USER, &password, "postgres").await;
            let what = if should_end { "the retry ends it, and" } else { "it fails, and no" };
            let is_so = ended.is_ok() == should_end && logs_in == should_end;
            is_well &= check(&format!("{what} consumer logs in"), is_so);
        }
        println!();
        is_well
    }

    /// What consumers read.
    fn password(&self, secret: &str) -> String {
        let current = self.local.value_of(secret, "AWSCURRENT").expect("a value");
        let current: Value = serde_json::from_str(&current).expect("a document");
        current["password"].as_str().unwrap_or_default().to_owned()
    }

    async fn rotated(&self, name: &str, secret: &Value) -> (String, Result<(), String>) {
        let aws = AwsCli::new(self.local.endpoint());
        let create = ["secretsmanager", "create-secret", "--name", name, "--secret-string"];
        let arn = aws.json(create.into_iter().chain([secret.to_string().as_str()]));
        let arn = arn["ARN"].as_str().expect("an ARN").to_owned();
        let function = &self.outputs["PostgresFunctionArn"];
        let rotate = ["secretsmanager", "rotate-secret", "--secret-id", &arn];
        aws.json(rotate.into_iter().chain(["--rotation-lambda-arn", function]));
        let ended = self.local.wait_for_rotation(&arn, PATIENCE).await;
        (arn, ended.map_err(|failure| failure.to_string()))
    }
}

/// The server that is rotated.
pub(crate) async fn server() -> Server {
    Server::start(Setup::default()).await
}
