//! One account of a provider, in every way in which its keys can be rotated, and what has to hold at any moment of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::provider::{Callback, Minting, Oddity, Paging, Setup};
use crate::world::keys::{ACCOUNT, Without, World, overlapping};

/// Who mints, how many keys there can be, and what the provider tells of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Way {
    /// Whether an admin mints and retires, else the key itself.
    pub by_admin: bool,
    /// How many keys the account can have.
    pub limit: Option<usize>,
    /// How lists are cut.
    pub paging: Paging,
    /// Whether there is a list at all.
    pub lists: bool,
}

impl Way {
    /// By the key itself, at a provider that has room for the current key and one more.
    pub const OWN: Self =
        Self { by_admin: false, limit: Some(2), paging: Paging::None, lists: true };

    /// The same by an admin.
    pub const ADMIN: Self = Self { by_admin: true, ..Self::OWN };

    /// With room for one more, and a list with one key a page.
    pub const PAGED: Self = Self { limit: Some(3), paging: Paging::Cursor(1), ..Self::OWN };

    /// At a provider that does not tell what keys there are.
    pub const UNLISTED: Self = Self { limit: Some(3), lists: false, ..Self::OWN };

    /// All of these.
    pub const ALL: [Self; 4] = [Self::OWN, Self::ADMIN, Self::PAGED, Self::UNLISTED];

    /// An account whose key is rotated this way, without a pause between two rotations, by a function whose steps may
    /// take so long.
    pub async fn start(self, timeout: Duration) -> World {
        let minting = if self.by_admin { Minting::Admin } else { Minting::Itself };
        let setup = Setup { limit: self.limit, paging: self.paging, minting, ..Setup::default() };
        let description = overlapping(&setup, Without { list: !self.lists });
        let world = if self.by_admin {
            World::administered_within(timeout, setup, &description, |_| ()).await
        } else {
            World::described_within(timeout, setup, &description, |_| ()).await
        };
        // A step that is repeated by hand has no token of a rotation.
        world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
        world
    }
}

impl World {
    /// What is wrong at this moment, if anything is: it may be in the middle of a rotation, whose minted keys may be on
    /// their way to Secrets Manager.
    pub fn fault(&self, way: Way, on_their_way: usize) -> Option<String> {
        if !self.works("AWSCURRENT") {
            return Some("AWSCURRENT is dead".to_owned());
        }
        let labels = self.labels();
        let pending = labels.get("AWSPENDING");
        let value = pending.and_then(|id| self.local.value_of(&self.secret, id));
        if value.is_some() && !self.works("AWSPENDING") {
            return Some("AWSPENDING has a value that is dead".to_owned());
        }
        let most = self.provider.most_at_once(ACCOUNT);
        if way.limit.is_some_and(|limit| most > limit) {
            return Some(format!("there were {most} keys at once"));
        }
        let orphans: Vec<String> = self.orphans().into_iter().map(|key| key.id).collect();
        (orphans.len() > on_their_way).then(|| format!("no version holds any of {orphans:?}"))
    }

    /// Looks whether anything is wrong after each call to the provider from now on that no other fault hits; the answer
    /// takes so long besides.
    pub fn watch(self: &Arc<Self>, way: Way, on_their_way: usize, pause: Duration) -> Watch {
        let (world, faults) = (Arc::downgrade(self), Watch::default());
        let found = Arc::clone(&faults.0);
        let look = Callback::new(move || {
            let fault = world.upgrade().and_then(|world| world.fault(way, on_their_way));
            found.lock().expect("no test has panicked").extend(fault);
            std::thread::sleep(pause);
        });
        self.provider.fail_all("*", Oddity::Runs(look).after_acting());
        faults
    }

    /// Fails unless a rotation has ended as it should.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub fn assert_rotated(&self, way: Way, context: &str) {
        assert_eq!(self.fault(way, 0), None, "{way:?}, {context}");
        assert!(self.works("AWSPREVIOUS"), "{way:?}, {context}: AWSPREVIOUS is dead");
        assert!(!self.labels().contains_key("AWSPENDING"), "{way:?}, {context}");
    }
}

/// What was wrong at some moment.
#[derive(Debug, Default)]
pub struct Watch(Arc<Mutex<Vec<String>>>);

impl Watch {
    /// Fails if anything was.
    ///
    /// # Panics
    ///
    /// Then.
    pub fn assert_quiet(&self, context: &str) {
        let faults = self.0.lock().expect("no test has panicked");
        assert!(faults.is_empty(), "{context}: {faults:?}");
    }
}
