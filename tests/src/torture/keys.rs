//! A provider of keys.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::Function;

use super::stage::{Keeps, Stage, State};
use super::wires::Wires;
use crate::binaries;
use crate::descriptions::{
    CLIENT_SECRET, REFRESH_TOKEN, REGENERATE, SINGLE_USER, described, refresh_tokens,
};
use crate::provider::{Minting, Paging, Provider, Setup};
use crate::scene::Scene;
use crate::wire::{Fuse, Protocol};
use crate::world::keys::{ACCOUNT, Without, World, overlapping};

/// How the key is rotated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// `overlapping-keys`, by the key itself.
    Overlapping,
    /// `overlapping-keys`, by an admin.
    OverlappingByAdmin,
    /// `overlapping-keys`, with a list in pages.
    Paged,
    /// The secrets of a client of OAuth 2.0, by an admin, who is not told which there are.
    ClientSecret,
    /// `regenerate`, by an admin.
    Regenerate,
    /// `single-user`: a value that is drawn here.
    Drawn,
    /// `refresh-token`, where a token that was used can be used again for a while.
    RefreshToken,
}

/// A provider, a function and the wires between them.
pub(crate) struct Keys {
    way: Way,
    world: World,
    // Dropped after the function that they lead.
    _wires: Wires,
}

/// Short, since a key that an attempt has left is not touched before that attempt can be at work no more.
const TIMEOUT: Duration = Duration::from_secs(4);
/// Whose keys are none of ours.
const BYSTANDER: &str = "bystander";

impl Way {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Overlapping,
        Self::OverlappingByAdmin,
        Self::Paged,
        Self::ClientSecret,
        Self::Regenerate,
        Self::Drawn,
        Self::RefreshToken,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overlapping => "keys overlapping-keys",
            Self::OverlappingByAdmin => "keys overlapping-keys by an admin",
            Self::Paged => "keys overlapping-keys, a list in pages",
            Self::ClientSecret => "keys overlapping-keys, secrets of a client",
            Self::Regenerate => "keys regenerate by an admin",
            Self::Drawn => "keys single-user",
            Self::RefreshToken => "keys refresh-token",
        }
    }

    fn overlaps(self) -> bool {
        match self {
            Self::Overlapping | Self::OverlappingByAdmin | Self::Paged | Self::ClientSecret => true,
            Self::Regenerate | Self::Drawn | Self::RefreshToken => false,
        }
    }

    fn by_admin(self) -> bool {
        match self {
            Self::OverlappingByAdmin | Self::ClientSecret | Self::Regenerate => true,
            Self::Overlapping | Self::Paged | Self::Drawn | Self::RefreshToken => false,
        }
    }

    fn limit(self) -> Option<usize> {
        match self {
            Self::Overlapping | Self::OverlappingByAdmin | Self::ClientSecret => Some(2),
            Self::Paged => Some(3),
            Self::Regenerate | Self::Drawn | Self::RefreshToken => None,
        }
    }

    fn setup(self) -> Setup {
        let minting = if self.by_admin() { Minting::Admin } else { Minting::Itself };
        let paging = if self == Self::Paged { Paging::Cursor(1) } else { Paging::None };
        let grace = Duration::from_secs(600);
        Setup { minting, paging, limit: self.limit(), grace, ..Setup::default() }
    }

    fn description(self) -> String {
        match self {
            Self::Overlapping | Self::OverlappingByAdmin | Self::Paged => {
                overlapping(&self.setup(), Without::default())
            }
            Self::ClientSecret => CLIENT_SECRET.to_owned(),
            Self::Regenerate => described(REGENERATE),
            Self::Drawn => described(SINGLE_USER),
            Self::RefreshToken => REFRESH_TOKEN.to_owned(),
        }
    }

    pub(crate) async fn start(self, fuse: &Fuse) -> Keys {
        let provider = Provider::start(self.setup());
        provider.open_account(BYSTANDER);
        let wires = Wires::to(provider.port(), Protocol::Http("the provider"), fuse);
        let function = Function::binary(binaries::turnlock_api_key());
        let function = function.env("RUST_LOG", "debug").timeout(TIMEOUT);
        let token = provider.authorize(ACCOUNT);
        let edit = |secret: &mut Value| {
            if self == Self::RefreshToken {
                refresh_tokens(secret);
                secret["refresh_token"] = json!(token);
            }
        };
        let (function, text) = (wires.through(function), self.description());
        let world = World::at(provider, function, self.by_admin(), &text, edit).await;
        wires.attach(&world.scene, |secret, port| {
            secret["url"] = json!(format!("http://localhost:{port}"));
        });
        Keys { way: self, world, _wires: wires }
    }
}

impl Stage for Keys {
    fn scene(&self) -> &Scene {
        &self.world
    }

    fn keeps(&self) -> Keeps {
        match self.way {
            Way::Overlapping | Way::OverlappingByAdmin | Way::Paged | Way::ClientSecret => {
                Keeps { any: true, current: true, previous: Some(true) }
            }
            // The provider's answer is the only copy of a value that ends the old one.
            Way::Regenerate => Keeps { any: false, current: false, previous: Some(false) },
            // A token that was used can be used again for a while.
            Way::RefreshToken => Keeps { any: true, current: true, previous: None },
            Way::Drawn => Keeps { any: true, current: false, previous: Some(false) },
        }
    }

    /// What an attempt has minted and not stored is left alone until the attempt can be at work no more.
    fn attempts(&self) -> (u32, Duration) {
        (40, Duration::from_millis(250))
    }

    async fn begin(&self) {}

    async fn accepts(&self, value: &Value) -> bool {
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        if self.way == Way::RefreshToken {
            return self.world.provider.accepts_refresh_token(&text("refresh_token"));
        }
        self.world.provider.accepts(&text("key"))
    }

    async fn state(&self) -> State {
        let world = &self.world;
        let mut own: Vec<String> = Vec::new();
        if self.way.overlaps() {
            let orphans = world.orphans();
            own.extend(orphans.into_iter().map(|key| format!("no version holds {}", key.id)));
        }
        let most = world.provider.most_at_once(ACCOUNT);
        if self.way.limit().is_some_and(|limit| most > limit) {
            own.push(format!("there were {most} keys at once"));
        }
        let others = world.provider.keys(BYSTANDER);
        let others = others.into_iter().map(|key| format!("{} {}", key.id, key.value));
        State { own: own.join("\n"), others: others.collect::<Vec<_>>().join("\n") }
    }

    /// Of HTTP nothing stays that could keep anybody out.
    async fn left_over(&self) -> String {
        String::new()
    }

    /// Where no list tells of a key that was minted and not stored, the log does.
    fn tidy_by_hand(&self) -> Vec<String> {
        if self.way != Way::ClientSecret {
            return Vec::new();
        }
        let mut untold = Vec::new();
        let output = self.world.output();
        for orphan in self.world.orphans() {
            if !output.contains(&orphan.label) {
                untold.push(format!("nothing tells of {}", orphan.id));
            }
            self.world.provider.revoke(ACCOUNT, &orphan.id);
        }
        untold
    }

    fn secrets(&self, value: &Value) -> Vec<String> {
        let fields = ["key", "client_secret", "refresh_token", "access_token"];
        let texts = fields.into_iter().filter_map(|field| value[field].as_str());
        // What no provider has issued is a word.
        texts.filter(|text| text.len() >= 12).map(str::to_owned).collect()
    }

    fn log(&self) -> String {
        String::new()
    }
}
