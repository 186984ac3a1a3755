//! A password that an admin changes, of one user: with the old one dead at once, or alive until the next rotation.

#[cfg(test)]
mod tests;

use turnlock::{Class, History, Sensitive, TargetError, VersionId};
use turnlock_database::{Strategy, Trust};

use crate::account::Account;
use crate::accounts::{self, Held, Requirement};
use crate::digest::Plugin;
use crate::engine::Login;
use crate::fault;
use crate::session::Session;
use crate::sql::{literal, quoted};
use crate::strict;
use crate::version::Product;

/// The host of an account that may be used from anywhere.
const ANY_HOST: &str = "%";

/// Gives every account of the secret its next password.
pub(crate) async fn set(
    admin: &mut Session,
    strategy: Strategy,
    current: &Login,
    pending: &Login,
    version: &VersionId,
    history: History<'_, Login>,
    trust: &Trust,
) -> Result<(), TargetError> {
    admin.check_server()?;
    let user = pending.username.as_str();
    let found = accounts::look(admin, &[user]).await?.pop().unwrap_or_default();
    let is_plain = matches!(found.as_slice(), [held] if is_plain(held, current));
    let is_valid = || found.iter().any(|held| held.accepts(&current.password));
    let lets_in = is_plain || !is_valid() || Session::accepts(current, trust).await?;
    let (of_before, found) = of_before(found, current, pending, history, lets_in).await?;
    let chosen = if of_before.is_empty() {
        let chosen = choose(found, admin.server(), current, Some(&pending.password))?;
        if !lets_in {
            return Err(keeps_out(&chosen, current));
        }
        chosen
    } else {
        of_before
    };
    admin.facts().rules.check(&pending.password, user, admin.server())?;
    let mut parts = Vec::new();
    for held in &chosen {
        let plugin = settable(held, admin.server())?;
        usable(plugin, held, current)?;
        let rounds = admin.facts().rounds;
        let digest = plugin.digest(&pending.password, &held.account, version, rounds);
        let next = Next { held, plugin, digest: &digest, current, pending };
        parts.extend(match (strategy, admin.facts().version.product) {
            (Strategy::DualPassword, Product::MySql) => next.retain(),
            (Strategy::DualPassword, Product::MariaDb) => Some(next.add_rule()),
            (_, Product::MySql) => Some(next.replace()),
            (_, Product::MariaDb) => Some(next.replace_rule()),
        });
    }
    if parts.is_empty() {
        return Ok(());
    }
    let doing = format!("changing the password of {user}");
    match admin.change(&[alter(&parts)], &doing).await {
        Err(refusal) if strict::refuses_digests(admin, &refusal) => {
            if strategy == Strategy::DualPassword || chosen.iter().any(|held| held.rules.len() > 1)
            {
                return Err(strict::refuse(admin, &doing, "two passwords"));
            }
            let whose: Vec<_> =
                chosen.iter().map(|held| format!(" FOR {}", held.account.quoted())).collect();
            strict::set(admin, &whose, pending, &doing).await
        }
        done => Ok(done?),
    }
}

/// Whether nothing but the password can keep this function from logging in.
///
/// Else the current one has to be let in first, a login more: where the host of an account is not this function's,
/// `dbname` is not there, or a rule is for a plugin that it has not, it could not test what it sets, and would leave
/// consumers with a password that is dead.
fn is_plain(held: &Held, current: &Login) -> bool {
    let takes_passwords_alone = held.rules.iter().all(|rule| Plugin::named(&rule.plugin).is_some());
    held.account.host == ANY_HOST && takes_passwords_alone && current.database.is_none()
}

/// Accounts that take the current password, of which none lets this function in.
fn keeps_out(chosen: &[Held], current: &Login) -> TargetError {
    let accounts: Vec<_> = chosen.iter().map(|held| held.account.to_string()).collect();
    let text = format!(
        "{} has the current password, and does not let this function log in with it: no host of {} is this \
         function's. Make an account for its host too, with the same password",
        current.server,
        accounts.join(", ")
    );
    TargetError::new(Class::Refused, text)
}

/// One statement for all accounts: between two, an interruption would leave them with different passwords.
///
/// `IF EXISTS`, since a replica may be without one of them.
fn alter(parts: &[Sensitive]) -> Sensitive {
    let parts = parts.iter().map(Sensitive::expose).collect::<Vec<_>>();
    // One text for all, made in one go: a string that grows leaves copies of itself behind.
    let parts = Sensitive::new(parts.join(", "));
    Sensitive::new(format!("ALTER USER IF EXISTS {}", parts.expose()))
}

/// The accounts that are the secret's.
///
/// Accounts of one name with other hosts have passwords of their own. Where there are several, those are the
/// secret's that take its current password, or its pending one already.
pub(crate) fn choose(
    found: Vec<Held>,
    server: &str,
    current: &Login,
    pending: Option<&Sensitive>,
) -> Result<Vec<Held>, TargetError> {
    let user = current.username.as_str();
    let refused = |text| Err(TargetError::new(Class::Refused, text));
    if found.is_empty() {
        return refused(format!("{server} has no account {user}"));
    }
    if found.len() == 1 {
        return Ok(found);
    }
    let names = |all: &[Held]| {
        let names: Vec<_> = all.iter().map(|held| held.account.to_string()).collect();
        names.join(", ")
    };
    let all = names(&found);
    let ours = |held: &Held| {
        held.accepts(&current.password) || pending.is_some_and(|pending| held.accepts(pending))
    };
    let (chosen, others): (Vec<_>, Vec<_>) = found.into_iter().partition(ours);
    if chosen.is_empty() {
        return refused(format!(
            "{server} has several accounts of the name {user}: {all}; none of them takes the password of \
             the current version, so it is not known which are this secret's. Give it to those that are"
        ));
    }
    if !others.is_empty() {
        tracing::warn!("left alone, as they do not take the current password: {}", names(&others));
    }
    Ok(chosen)
}

/// Of several accounts of which none takes the current password, or none that lets this function in, those that take
/// one of a version's; and all the others.
///
/// An interrupted rotation has left them the password of a version that somebody has cleared the label of; by hand,
/// somebody may have given the current one back to some of them.
async fn of_before(
    found: Vec<Held>,
    current: &Login,
    pending: &Login,
    history: History<'_, Login>,
    lets_in: bool,
) -> Result<(Vec<Held>, Vec<Held>), TargetError> {
    let known = [&current.password, &pending.password];
    let is_ours = |held: &Held| known.iter().any(|known| held.accepts(known));
    if found.len() < 2 || lets_in && found.iter().any(is_ours) {
        return Ok((Vec::new(), found));
    }
    let (mut ours, mut others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_ours);
    let mut heals = false;
    for held in std::mem::take(&mut others) {
        let takes = |old: &Login| held.accepts(&old.password);
        if history.knows(&current.username, takes).await? {
            tracing::warn!("{} takes the password of an older version: healing", held.account);
            heals = true;
            ours.push(held);
        } else {
            others.push(held);
        }
    }
    if !heals {
        others.append(&mut ours);
    }
    Ok((ours, others))
}

/// How an account's password is set, if it has one.
pub(crate) fn settable(held: &Held, server: &str) -> Result<Plugin, TargetError> {
    held.plugin().ok_or_else(|| {
        let plugins: Vec<_> = held.rules.iter().map(|rule| rule.plugin.as_str()).collect();
        let text = format!(
            "{} at {server} authenticates by {}; this function sets passwords of mysql_native_password, \
             caching_sha2_password and sha256_password",
            held.account,
            plugins.join(" or ")
        );
        TargetError::new(Class::Refused, text)
    })
}

/// Refuses an account that this function could not log in as with the new password.
///
/// Without TLS a server lets a user of `caching_sha2_password` in only while it remembers a login over TLS, which it
/// does not after a change.
pub(crate) fn usable(plugin: Plugin, held: &Held, login: &Login) -> Result<(), TargetError> {
    let (user, server) = (&held.account, &login.server);
    let has_tls = server.tls_name.is_some();
    match held.requires {
        Requirement::Certificate => {
            let text = format!(
                "{user} at {server} has to show a certificate (REQUIRE X509, SUBJECT, ISSUER or CIPHER), and \
                 this function has none to test the new password with"
            );
            Err(TargetError::new(Class::Refused, text))
        }
        Requirement::Tls if !has_tls => {
            let text =
                format!("{user} at {server} has to use TLS (REQUIRE SSL): take \"ssl\": false out");
            Err(TargetError::new(Class::Refused, format!("{text} of the secret")))
        }
        Requirement::Nothing | Requirement::Tls if has_tls || plugin == Plugin::Native => Ok(()),
        Requirement::Nothing | Requirement::Tls => Err(fault::needs_tls(&user.user, server)),
    }
}

/// One account, and what it shall have.
struct Next<'a> {
    held: &'a Held,
    plugin: Plugin,
    /// Of the pending password.
    digest: &'a Sensitive,
    current: &'a Login,
    pending: &'a Login,
}

impl Next<'_> {
    fn replace(&self) -> Sensitive {
        identified(&self.held.account, self.plugin, self.digest, "")
    }

    /// MySQL: the pending password first, the current one second; nothing, if the pending one is the first.
    ///
    /// RETAIN would push the current one out where that is the second. An interrupted rotation has left a first
    /// one then that nobody has, and without RETAIN that one goes.
    fn retain(&self) -> Option<Sensitive> {
        let Self { held, plugin, digest, current, pending } = self;
        let first = held.rules.first()?;
        if first.accepts(&pending.password) {
            return None;
        }
        let is_second = !first.accepts(&current.password) && held.retains(&current.password);
        if is_second {
            tracing::warn!("the current password is the account's second one: healing");
        }
        // The server does not keep a password that is empty.
        let end = if is_second || first.digest.expose().is_empty() {
            ""
        } else {
            " RETAIN CURRENT PASSWORD"
        };
        Some(identified(&held.account, *plugin, digest, end))
    }

    /// MariaDB: a rule for the pending password, then the one of the current, and the others as they are.
    ///
    /// Where none is the current password's, the first one stays, as it does on MySQL: the current one was
    /// taken away by somebody, who does not expect it back.
    fn add_rule(&self) -> Sensitive {
        let Self { held, plugin, digest, current, pending } = self;
        let mut passwords = held.rules.iter().filter(|rule| Plugin::named(&rule.plugin).is_some());
        let stays = |rule: &&accounts::Rule| {
            !rule.accepts(&pending.password) && !rule.digest.expose().is_empty()
        };
        let old = passwords.clone().find(|rule| rule.accepts(&current.password));
        let old = old.or_else(|| passwords.find(stays));
        let mut rules = vec![(plugin.name(), *digest)];
        rules.extend(old.map(|rule| (rule.plugin.as_str(), &rule.digest)));
        self.rules(rules, |_| true)
    }

    /// MariaDB: the pending password in the place of the one that the secret has, and the others as they are.
    fn replace_rule(&self) -> Sensitive {
        let Self { held, plugin, digest, current, pending } = self;
        let known = [&current.password, &pending.password];
        let is_ours = |rule: &accounts::Rule| known.iter().any(|known| rule.accepts(known));
        let only = !held.rules.iter().any(is_ours);
        self.rules(vec![(plugin.name(), *digest)], |rule| only || is_ours(rule))
    }

    /// All rules, with these in the place of the passwords that are to go.
    fn rules(
        &self,
        new: Vec<(&str, &Sensitive)>,
        goes: impl Fn(&accounts::Rule) -> bool,
    ) -> Sensitive {
        let mut new = Some(new);
        let mut rules = Vec::new();
        for rule in &self.held.rules {
            if Plugin::named(&rule.plugin).is_some() && goes(rule) {
                rules.extend(new.take().unwrap_or_default());
            } else {
                rules.push((rule.plugin.as_str(), &rule.digest));
            }
        }
        via(&self.held.account, &rules)
    }
}

/// What MySQL is to change of one account.
fn identified(account: &Account, plugin: Plugin, digest: &Sensitive, end: &str) -> Sensitive {
    Sensitive::new(format!(
        "{} IDENTIFIED WITH {} AS {}{end}",
        account.quoted(),
        literal(plugin.name()),
        literal(digest.expose())
    ))
}

/// What MariaDB is to change of one account.
fn via(account: &Account, rules: &[(&str, &Sensitive)]) -> Sensitive {
    let rule = |(plugin, digest): &(&str, &Sensitive)| {
        if digest.expose().is_empty() {
            return quoted(plugin);
        }
        format!("{} USING {}", quoted(plugin), literal(digest.expose()))
    };
    let rules: Vec<String> = rules.iter().map(rule).collect();
    Sensitive::new(format!("{} IDENTIFIED VIA {}", account.quoted(), rules.join(" OR ")))
}
