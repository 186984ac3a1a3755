//! JupyterHub, whose API issues tokens: the real program, without its proxy.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::project;
use crate::servers::{Kind, Process, Tls};

/// A hub on a free port of the loopback interface, with users that nobody can log in as.
///
/// It ends with the process that started it, also when that is killed, and leaves no process or folder.
#[derive(Debug)]
pub struct JupyterHub {
    process: Process,
    admin: String,
}

/// A token that was just made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Token {
    /// Its public name, such as `a2`.
    pub id: String,
    /// The secret.
    pub value: String,
}

const KIND: Kind = Kind {
    name: "JupyterHub",
    script: r#"
create() { mkdir data; }
run() { exec $drop env HOME="$folder" PYTHONDONTWRITEBYTECODE=1 "$1" -f "$folder/hub.py"; }
gentle=TERM
hard=KILL
"#,
    connections: |_| Vec::new(),
    refuses_root: false,
    port_taken: "Address already in use",
    gave_up: "Traceback (most recent call last)",
};

/// The hub's name for the service whose token may do all with users.
const ADMIN: &str = "rotator";

impl JupyterHub {
    /// Starts a hub and returns when it answers.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds its log.
    pub async fn start() -> Self {
        let program = project::cache().join("jupyterhub/bin/jupyterhub");
        assert!(program.is_file(), "JupyterHub is missing: run tests/setup test");
        let admin = "a-token-of-the-admin-for-tests-only".to_owned();
        let mut process = Process::prepare(KIND, &Tls::Off);
        let configure =
            |process: &Process| process.write("hub.py", &configuration(process.port(), &admin));
        process
            .launch(&program, configure, |_, log| log.contains("JupyterHub is now running"))
            .await;
        Self { process, admin }
    }

    /// `http://127.0.0.1:PORT`; its API is at `/hub/api`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// Its folder, which is gone when the hub is dropped.
    pub fn folder(&self) -> &std::path::Path {
        self.process.folder()
    }

    /// The token of a service that may do all with users and their tokens.
    pub fn admin_token(&self) -> &str {
        &self.admin
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        self.process.log_since(crate::servers::Mark::START)
    }

    /// Makes a user.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn create_user(&self, user: &str) {
        let answer = self.send("POST", &format!("/users/{user}"), &self.admin, None);
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// Makes a token of a user; with `scopes` that are null, one that may do what the user may.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn create_token(&self, user: &str, note: &str, scopes: &Value) -> Token {
        let mut body = json!({"note": note});
        if !scopes.is_null() {
            body["scopes"] = scopes.clone();
        }
        let path = format!("/users/{user}/tokens");
        let answer = self.send("POST", &path, &self.admin, Some(&body));
        assert_eq!(answer.status, 201, "{answer:?}");
        let token = answer.json();
        let text = |name: &str| token[name].as_str().expect("text").to_owned();
        Token { id: text("id"), value: text("token") }
    }

    /// The tokens of a user as the hub lists them, without their values.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn tokens(&self, user: &str) -> Vec<Value> {
        let answer = self.send("GET", &format!("/users/{user}/tokens"), &self.admin, None);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["api_tokens"].as_array().expect("a list").clone()
    }

    /// What the hub says to whoever comes with a token: name, scopes, the token's id. Null if it is refused.
    ///
    /// # Panics
    ///
    /// If it says neither.
    pub fn who_is(&self, token: &str) -> Value {
        let answer = self.send("GET", "/user", token, None);
        match answer.status {
            200 => answer.json(),
            403 => Value::Null,
            status => panic!("{status}: {}", answer.body),
        }
    }

    /// Whether a consumer with this token is let in.
    pub fn accepts(&self, token: &str) -> bool {
        !self.who_is(token).is_null()
    }

    /// Sends a request to its API with a token.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub fn send(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let authorization = format!("token {token}");
        let headers = [("Authorization", authorization.as_str())];
        let what = format!("{method} /hub/api{path}");
        Client::new(self.port()).send(&what, &headers, body).expect("the hub answers")
    }
}

/// Consumers of the API need no proxy, which would be a program of its own: they speak to the hub.
fn configuration(port: u16, admin: &str) -> String {
    format!(
        r#"
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False

    async def add_route(self, routespec, target, data):
        pass

    async def delete_route(self, routespec):
        pass

    async def get_all_routes(self):
        return {{}}

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret = bytes(32)
c.JupyterHub.authenticator_class = "null"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [{{"name": "{ADMIN}", "api_token": "{admin}"}}]
c.JupyterHub.load_roles = [
    {{"name": "{ADMIN}", "scopes": ["admin:users", "tokens"], "services": ["{ADMIN}"]}}
]
"#
    )
}
