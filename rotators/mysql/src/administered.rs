//! A password that an admin changes, of one user: with the old one dead at once, or alive until the next rotation.

use turnlock::{Class, Sensitive, TargetError, VersionId};
use turnlock_database::Strategy;

use crate::account::Account;
use crate::accounts::{self, Held, Requirement};
use crate::digest::Plugin;
use crate::engine::Login;
use crate::fault;
use crate::session::Session;
use crate::sql::{literal, quoted};
use crate::strict;
use crate::version::Product;

/// Gives every account of the secret its next password.
pub(crate) async fn set(
    admin: &mut Session,
    strategy: Strategy,
    current: &Login,
    pending: &Login,
    version: &VersionId,
) -> Result<(), TargetError> {
    admin.check_server()?;
    let user = pending.username.as_str();
    let found = accounts::look(admin, &[user]).await?.pop().unwrap_or_default();
    let chosen = choose(found, admin.server(), current, pending)?;
    admin.facts().rules.check(&pending.password, user, admin.server())?;
    let mut statements = Vec::new();
    for held in &chosen {
        let plugin = settable(held, admin.server())?;
        usable(plugin, held, current)?;
        let rounds = admin.facts().rounds;
        let digest = plugin.digest(&pending.password, &held.account, version, rounds);
        let change = Change { held, plugin, digest: &digest, current, pending };
        statements.extend(match (strategy, admin.facts().version.product) {
            (Strategy::DualPassword, Product::MySql) => change.retain(),
            (Strategy::DualPassword, Product::MariaDb) => change.add_rule(version),
            (_, Product::MySql) => vec![change.replace()],
            (_, Product::MariaDb) => vec![change.replace_rule()],
        });
    }
    if statements.is_empty() {
        return Ok(());
    }
    let doing = format!("changing the password of {user}");
    match admin.change(&statements, &doing).await {
        Err(refusal) if strict::refuses_digests(admin, &refusal) => {
            if strategy == Strategy::DualPassword || chosen.iter().any(|held| held.rules.len() > 1)
            {
                return Err(strict::refuse(admin, &doing));
            }
            let whose: Vec<_> =
                chosen.iter().map(|held| format!(" FOR {}", held.account.quoted())).collect();
            strict::set(admin, &whose, pending, &doing).await
        }
        done => Ok(done?),
    }
}

/// The accounts that are the secret's.
///
/// Accounts of one name with other hosts have passwords of their own. Where there are several, those are the
/// secret's that take its current password, or its pending one already.
pub(crate) fn choose(
    found: Vec<Held>,
    server: &str,
    current: &Login,
    pending: &Login,
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
        held.accepts(&current.password)
            || current.username == pending.username && held.accepts(&pending.password)
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
/// Without TLS a server lets a user of caching_sha2_password in only while it remembers a login over TLS, which it
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
struct Change<'a> {
    held: &'a Held,
    plugin: Plugin,
    /// Of the pending password.
    digest: &'a Sensitive,
    current: &'a Login,
    pending: &'a Login,
}

impl Change<'_> {
    fn replace(&self) -> Sensitive {
        identified(&self.held.account, self.plugin, self.digest, "")
    }

    /// MySQL: the pending password first, the current one second.
    ///
    /// A second RETAIN would push the current one out; so it is made only where the current one is the first.
    fn retain(&self) -> Vec<Sensitive> {
        let Self { held, plugin, digest, current, pending } = self;
        let first = |password| held.rules.first().is_some_and(|rule| rule.accepts(password));
        if first(&pending.password) {
            return Vec::new();
        }
        let mut statements = Vec::new();
        if let Some(retained) = &held.retained
            && !first(&current.password)
            && held.retains(&current.password)
        {
            tracing::warn!("the current password is the account's second one: healing");
            statements.push(identified(&held.account, *plugin, retained, ""));
        }
        statements.push(identified(&held.account, *plugin, digest, " RETAIN CURRENT PASSWORD"));
        statements
    }

    /// MariaDB: one rule for the pending password and one for the current one, and the others as they are.
    fn add_rule(&self, version: &VersionId) -> Vec<Sensitive> {
        let rounds = crate::digest::MOST_ROUNDS;
        let Self { held, plugin, digest, current, .. } = self;
        let old = plugin.digest(&current.password, &held.account, version, rounds);
        let rules = vec![(plugin.name(), *digest), (plugin.name(), &old)];
        vec![self.rules(rules, |_| true)]
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

/// MySQL's statement; `IF EXISTS`, since a replica may be without the account.
fn identified(account: &Account, plugin: Plugin, digest: &Sensitive, end: &str) -> Sensitive {
    Sensitive::new(format!(
        "ALTER USER IF EXISTS {} IDENTIFIED WITH {} AS {}{end}",
        account.quoted(),
        literal(plugin.name()),
        literal(digest.expose())
    ))
}

/// MariaDB's statement.
fn via(account: &Account, rules: &[(&str, &Sensitive)]) -> Sensitive {
    let rule = |(plugin, digest): &(&str, &Sensitive)| {
        if digest.expose().is_empty() {
            return quoted(plugin);
        }
        format!("{} USING {}", quoted(plugin), literal(digest.expose()))
    };
    let rules: Vec<String> = rules.iter().map(rule).collect();
    let account = account.quoted();
    Sensitive::new(format!("ALTER USER IF EXISTS {account} IDENTIFIED VIA {}", rules.join(" OR ")))
}
