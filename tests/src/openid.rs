//! A provider of OpenID Connect, whose refresh tokens have successors: `oidc-provider`, which is certified.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::project;
use crate::servers::{Kind, Mark, Process, Tls};

/// A provider on a free port of the loopback interface, with one client.
///
/// A refresh token is dead as soon as it was used; used again, it takes its successors with it. It ends with the
/// process that started it, also when that is killed.
#[derive(Debug)]
pub struct OpenId {
    process: Process,
}

/// The client's id.
pub const CLIENT: &str = "shop";
/// The client's secret.
pub const SECRET: &str = "secret-of-the-shop-for-tests-only";

const KIND: Kind = Kind {
    name: "oidc-provider",
    script: r#"
create() { mkdir data; }
run() { . ./command; }
gentle=TERM
hard=KILL
"#,
    connections: |_| Vec::new(),
    refuses_root: false,
    port_taken: "EADDRINUSE",
    gave_up: "Error: ",
};

impl OpenId {
    /// Starts a provider and returns when it listens.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds what it said.
    pub async fn start() -> Self {
        let folder = project::cache().join("openid");
        let program = folder.join("bin/node");
        assert!(program.is_file(), "oidc-provider is missing: run tests/setup test");
        let script = project::root().join("tests/openid.mjs");
        let clients = json!([{
            "client_id": CLIENT,
            "client_secret": SECRET,
            "grant_types": ["client_credentials", "refresh_token", "authorization_code"],
            "response_types": ["code"],
            "redirect_uris": ["http://127.0.0.1/"],
        }]);
        let mut process = Process::prepare(KIND, &Tls::Off);
        let configure = |process: &Process| {
            let (folder, script) = (folder.display(), script.display());
            let port = process.port();
            let command = format!("exec \"$1\" '{script}' '{folder}' {port} '{clients}'\n");
            process.write("command", &command);
        };
        process.launch(&program, configure, |_, log| log.contains("listening on ")).await;
        Self { process }
    }

    /// `http://127.0.0.1:PORT`; its endpoints are `/token` and `/token/introspection`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.port())
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        self.process.log_since(Mark::START)
    }

    /// A refresh token, as after somebody's consent.
    ///
    /// # Panics
    ///
    /// If it gives none.
    pub fn consent(&self) -> String {
        let what = format!("POST /consent?client_id={CLIENT}");
        let answer = self.client().send(&what, &[], None).expect("it answers").json();
        answer["refresh_token"].as_str().expect("a token").to_owned()
    }

    /// Whether a token is good, as RFC 7662 has it; asking does it no harm.
    pub fn is_active(&self, token: &str) -> bool {
        let answer = self.post("/token/introspection", &[("token", token)]);
        answer.json()["active"] == Value::Bool(true)
    }

    /// Sends a form as the client.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let own = [("client_id", CLIENT), ("client_secret", SECRET)];
        let fields = [&own, fields].concat();
        self.client().post_form(path, &[], &fields).expect("it answers")
    }

    fn client(&self) -> Client {
        Client::new(self.port())
    }
}
