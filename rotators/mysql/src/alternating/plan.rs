//! The statements that make the other user equal to the current one, and let it in.

use turnlock::{Sensitive, TargetError, VersionId};

use super::ownership::mark;
use super::scene::{Pair, Scene};
use crate::administered::{settable, usable};
use crate::digest::Plugin;
use crate::engine::Login;
use crate::privileges::{Privileges, difference};
use crate::session::Session;
use crate::settings::{Digest, Rule, statements};
use crate::version::Version;

/// Statements in their order: the last one of each account lets it in, so that who can log in has all the rest.
#[derive(Debug, Default)]
pub(crate) struct Plan(pub(super) Vec<Sensitive>);

impl Plan {
    /// What has to be done for all accounts of the pending user.
    pub(crate) fn of(
        scene: &Scene,
        admin: &Session,
        pending: &Login,
        version: &VersionId,
    ) -> Result<Self, TargetError> {
        let mut plan = Self::default();
        let Login { username, password, .. } = pending;
        admin.facts().rules.check(password, username, admin.server())?;
        for pair in &scene.pairs {
            let plugin = settable(&pair.current.held, admin.server())?;
            usable(plugin, &pair.current.held, pending)?;
            let rounds = admin.facts().rounds;
            let digest = plugin.digest(&pending.password, &pair.other, version, rounds);
            plan.make_equal(pair, &rules(pair, plugin, digest), scene.version);
        }
        Ok(plan)
    }

    fn make_equal(&mut self, pair: &Pair, rules: &[Rule], version: Version) {
        let Pair { current, other, known } = pair;
        let marks = version.has_attributes();
        let (own, its) = (mark(&other.user), mark(&current.held.account.user));
        let (own, its) = (marks.then_some(own.as_str()), marks.then_some(its.as_str()));
        // So that it is known when its turn comes.
        let settings = &current.state.settings;
        let marked =
            statements::difference(settings, settings, &current.held.account, own, version);
        self.0.extend(marked.into_iter().map(Sensitive::new));
        let none = Privileges::default();
        let from = match known {
            None => {
                self.0.push(statements::creation(settings, other, rules, its, version));
                &none
            }
            Some(side) => {
                let from = &side.state.settings;
                let changed = statements::difference(from, settings, other, its, version);
                self.0.extend(changed.into_iter().map(Sensitive::new));
                &side.state.privileges
            }
        };
        let privileges = difference::statements(from, &current.state.privileges, other, version);
        self.0.extend(privileges.into_iter().map(Sensitive::new));
        if known.as_ref().is_some_and(|side| side.held.retained.is_some()) {
            // Nothing of what was valid before its turn is valid after it.
            self.0.push(Sensitive::new(format!(
                "ALTER USER IF EXISTS {} DISCARD OLD PASSWORD",
                other.quoted()
            )));
        }
        self.0.push(statements::letting_in(other, rules, version));
    }
}

/// How the other user is to log in: as the current one, with its own password.
fn rules(pair: &Pair, plugin: Plugin, digest: Sensitive) -> Vec<Rule> {
    let mut digest = Some(digest);
    let mut rules = Vec::new();
    for rule in &pair.current.held.rules {
        if Plugin::named(&rule.plugin).is_none() {
            let kept = Sensitive::new(rule.digest.expose());
            rules.push(Rule { plugin: rule.plugin.clone(), digest: Digest::Text(kept) });
        } else if let Some(digest) = digest.take() {
            rules.push(Rule { plugin: plugin.name().to_owned(), digest: Digest::Text(digest) });
        }
    }
    rules
}
