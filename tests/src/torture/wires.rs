//! The wires of a function: to its target and to Secrets Manager, with one fuse.

use serde_json::{Value, json};
use turnlock_local::Function;
use url::Url;

use crate::scene::Scene;
use crate::wire::{Fuse, Protocol, Wire};

/// What messages call the service.
pub(crate) const MANAGER: &str = "Secrets Manager";

/// Both wires.
#[derive(Debug)]
pub(crate) struct Wires {
    target: Wire,
    manager: Wire,
}

impl Wires {
    /// To the target on this port; Secrets Manager is not there yet.
    pub(crate) fn to(target: u16, protocol: Protocol, fuse: &Fuse) -> Self {
        let manager = Wire::loose(Protocol::Http(MANAGER), fuse);
        Self { target: Wire::to(target, protocol, fuse), manager }
    }

    /// A function that reaches Secrets Manager through its wire.
    pub(crate) fn through(&self, function: Function) -> Function {
        let endpoint = format!("http://127.0.0.1:{}", self.manager.port());
        function
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoint)
            .env("SECRETS_MANAGER_ENDPOINT", &endpoint)
    }

    /// Leads the function's wire to the scene's Secrets Manager, and has the secret and its admin's name the port of
    /// the target's wire.
    pub(crate) fn attach(&self, scene: &Scene, name_port: impl Fn(&mut Value, u16)) {
        let endpoint = Url::parse(&scene.local.endpoint()).expect("a URL");
        self.manager.lead_to(endpoint.port().expect("a port"));
        let secret = scene.document("AWSCURRENT");
        let admin = secret["masterarn"].as_str().map(str::to_owned);
        for secret in admin.iter().chain([&scene.secret]) {
            let text = scene.local.value_of(secret, "AWSCURRENT").expect("a value");
            let mut value: Value = serde_json::from_str(&text).expect("JSON");
            name_port(&mut value, self.target.port());
            scene.local.put_value(secret, &value.to_string()).expect("a write");
        }
    }
}

/// What secrets of databases have of a port.
pub(crate) fn port(secret: &mut Value, port: u16) {
    secret["port"] = json!(port);
}

/// Has the first of two users that take turns be the current one, as a person could.
pub(crate) fn give_the_first_its_turn(scene: &Scene, user: &str) {
    let versions = ["AWSCURRENT", "AWSPREVIOUS"].map(|label| scene.document(label));
    let its = versions.into_iter().find(|value| value["username"] == user);
    let its = its.expect("one of the two is the first user's").to_string();
    scene.local.put_value(&scene.secret, &its).expect("a write");
}
