//! Keys of an API.

use super::{Stage, Way, encrypt};
use crate::provider::{Minting, Setup};
use crate::world::keys::{FUNCTION, Without, World, overlapping};

pub(super) const WAYS: [Way; 4] = [
    Way { name: "API key, overlapping", function: FUNCTION, start: || Box::pin(by_itself()) },
    Way {
        name: "API key, two at most, no list of them, after a rotation that was given up",
        function: FUNCTION,
        start: || Box::pin(of_two_at_most()),
    },
    Way {
        name: "API key, overlapping, under a customer's key",
        function: FUNCTION,
        start: || Box::pin(under_a_key()),
    },
    Way { name: "API key, made by an admin", function: FUNCTION, start: || Box::pin(by_admin()) },
];

async fn by_itself() -> Stage {
    Stage::of(FUNCTION, World::start(Setup::default()).await)
}

/// The key of the rotation that was given up has to go before there is room for the next; which it is, the versions
/// of the secret have to tell.
async fn of_two_at_most() -> Stage {
    let setup = Setup { limit: Some(2), ..Setup::default() };
    Stage::of(FUNCTION, World::start_with(setup, Without { list: true }, |_| ()).await).given_up()
}

async fn under_a_key() -> Stage {
    let world = World::start(Setup::default()).await;
    encrypt(&world);
    Stage::of(FUNCTION, world)
}

async fn by_admin() -> Stage {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let description = overlapping(&setup, Without::default());
    Stage::of(FUNCTION, World::administered(setup, &description, |_| ()).await)
}
