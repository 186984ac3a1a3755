//! The strategies, each with a secret of its own on a real target.

mod keys;
mod mysql;
mod postgres;

use std::fmt;
use std::pin::Pin;

use serde_json::json;
use turnlock_local::Operation;

use super::stage::Stage;
use crate::scene::Scene;

/// The names that the secrets of admins have here; what a role may do with them, it may by these names.
pub const ADMIN_SECRETS: [&str; 2] = ["admin", "rds!db-1"];
/// The key of the customer's that some secrets are under.
pub const KMS_KEY: &str =
    "arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888";

type Start = Pin<Box<dyn Future<Output = Stage> + Send>>;

/// A strategy, or a situation of one in which it asks AWS for something more.
#[derive(Clone, Copy)]
pub struct Way {
    /// What it is called in the table.
    pub name: &'static str,
    /// The function that rotates it.
    pub function: &'static str,
    start: fn() -> Start,
}

impl Way {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        postgres::WAYS.into_iter().chain(mysql::WAYS).chain(keys::WAYS)
    }

    pub(super) async fn start(self) -> Stage {
        (self.start)().await
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Way").field(&self.name).finish()
    }
}

/// Puts a secret under the customer's key.
fn encrypt(scene: &Scene, secret: &str) {
    let request = json!({"SecretId": secret, "KmsKeyId": KMS_KEY});
    scene.local.call(Operation::UpdateSecret, &request).expect("a key");
}
