//! The targets in memory, as the contract is tried on them.

use std::sync::Arc;
use std::time::Duration;

use turnlock::testing::{Fuse, Promise, World};
use turnlock::{Credential as _, Document, SecretId};

use super::database::{Database, Strategy};
use super::keys::Keys;
use super::{
    ADMIN, ADMIN_SECRET, Fake, KEY, KEY_OF_ADMIN, KEY_WITH_ADMIN, OF_ADMIN, OWN, WITH_ADMIN,
};

/// A target, and the secret of one of its users.
pub(crate) struct Tried<R> {
    pub(crate) rotator: R,
    pub(crate) secret: &'static str,
    pub(crate) admin: Option<&'static str>,
    pub(crate) promise: Promise,
}

impl<R: Fake> World for Tried<R> {
    type Rotator = R;

    fn rotator(&self) -> &R {
        &self.rotator
    }

    fn secret(&self) -> String {
        self.secret.to_owned()
    }

    fn admin(&self) -> Option<(SecretId, String)> {
        Some((SecretId::new(ADMIN_SECRET), self.admin?.to_owned()))
    }

    fn promise(&self) -> Promise {
        self.promise
    }

    async fn accepts(&self, version: &Document) -> bool {
        R::Credential::read(version).is_ok_and(|credential| self.rotator.accepts(&credential))
    }

    async fn others(&self) -> String {
        self.rotator.others()
    }

    async fn credentials(&self) -> usize {
        self.rotator.count()
    }

    fn pass(&self, time: Duration) {
        self.rotator.age(time);
    }
}

pub(crate) fn database(fuse: Arc<Fuse>, strategy: Strategy, by_admin: bool) -> Tried<Database> {
    let users = [("app", "first-secret"), (ADMIN, "admins-secret")];
    Tried {
        rotator: Database::new(fuse, strategy, &users),
        secret: if by_admin { WITH_ADMIN } else { OWN },
        admin: by_admin.then_some(OF_ADMIN),
        promise: match strategy {
            Strategy::SingleUser => Promise::SomeVersion,
            Strategy::AlternatingUsers | Strategy::DualPassword => Promise::CurrentAndPrevious,
        },
    }
}

/// A provider of which an account has that many keys at most, beside the admin's own.
pub(crate) fn keys(fuse: Arc<Fuse>, most: usize, by_admin: bool) -> Tried<Keys> {
    let rotator = Keys::new(fuse, most + usize::from(by_admin), "first-secret");
    if by_admin {
        rotator.add("admins-secret");
    }
    Tried {
        rotator,
        secret: if by_admin { KEY_WITH_ADMIN } else { KEY },
        admin: by_admin.then_some(KEY_OF_ADMIN),
        promise: Promise::CurrentAndPrevious,
    }
}
