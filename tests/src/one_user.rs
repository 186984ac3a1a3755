//! One user of MySQL or MariaDB, in every way in which its password can be rotated.

use serde_json::json;
use turnlock_local::{Fault, Operation};

use crate::mysql::{Product, Setup};
use crate::world::mysql::{FUNCTION, USER, World};

/// A server, a strategy, and who makes the change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way {
    /// Whose server.
    pub product: Product,
    /// Whether the password before stays alive: `dual-password`, else `single-user`.
    pub keeps: bool,
    /// Whether an admin makes the change, else the user itself.
    pub by_admin: bool,
}

impl Way {
    /// Two passwords, by the user itself: only MySQL can.
    pub const DUAL_OWN: Self = Self { product: Product::MySql, keeps: true, by_admin: false };

    /// All with two passwords.
    pub const DUAL: [Self; 3] = [
        Self::DUAL_OWN,
        Self { by_admin: true, ..Self::DUAL_OWN },
        Self { product: Product::MariaDb, keeps: true, by_admin: true },
    ];

    /// All with one password.
    pub const SINGLE: [Self; 4] = [
        Self { product: Product::MySql, keeps: false, by_admin: false },
        Self { product: Product::MySql, keeps: false, by_admin: true },
        Self { product: Product::MariaDb, keeps: false, by_admin: false },
        Self { product: Product::MariaDb, keeps: false, by_admin: true },
    ];

    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::SINGLE.into_iter().chain(Self::DUAL)
    }

    /// A user whose secret is rotated this way, on a server that is like the setup but of the product.
    pub async fn start(self, setup: Setup) -> World {
        let setup = Setup { product: self.product, ..setup };
        let strategy = if self.keeps { "dual-password" } else { "single-user" };
        let rotation = json!({"strategy": strategy});
        let world = if self.by_admin {
            World::start_administered(setup, |secret| secret["rotation"] = rotation).await
        } else {
            World::start_with(setup, |secret| secret["rotation"] = rotation).await
        };
        if self.keeps && !self.by_admin {
            world
                .server
                .sql(&format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {USER}@'%'"))
                .await;
        }
        world
    }
}

impl World {
    /// Whether the version that has a label or an id logs in.
    pub async fn logs_in(&self, version: &str) -> bool {
        self.accepts(&self.password(version)).await
    }

    /// Fails unless a rotation has ended as it should.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub async fn assert_rotated(&self, way: Way) {
        assert!(self.logs_in("AWSCURRENT").await, "{way:?}: AWSCURRENT is locked out");
        assert_eq!(self.logs_in("AWSPREVIOUS").await, way.keeps, "{way:?}: AWSPREVIOUS");
    }

    /// A rotation of which createSecret has failed: the version to make, without a value.
    ///
    /// # Panics
    ///
    /// If it fails elsewhere.
    pub async fn begin(&self) -> String {
        self.local.set_knobs(|knobs| knobs.require_rotation_token = false);
        self.local.fail_next(Operation::PutSecretValue, 1, Fault::AccessDenied);
        let error = self.rotate().await.expect_err("createSecret is denied");
        assert_eq!(error.step, "createSecret", "{error:?}");
        self.labels()["AWSPENDING"].clone()
    }

    /// Rotates up to finishSecret, and gives the rotation up: its password is on a version without a label.
    ///
    /// # Panics
    ///
    /// If it fails earlier.
    pub async fn abandon(&self) -> String {
        let version = self.rotate_but_for_the_end().await;
        self.clear_pending(&version);
        version
    }

    /// Turns rotation off and on again, as people do to get unstuck.
    ///
    /// # Panics
    ///
    /// If the stand-in refuses.
    pub fn cancel(&self) {
        let request = json!({"SecretId": self.secret});
        self.local.call(Operation::CancelRotateSecret, &request).expect("it is cancelled");
        self.local.set_rotation(&self.secret, FUNCTION).expect("it is turned on again");
    }
}
