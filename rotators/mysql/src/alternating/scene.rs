//! What the server says of the accounts of two users.

use turnlock::{Sensitive, TargetError};

use crate::account::Account;
use crate::accounts::{self, Held};
use crate::administered::choose;
use crate::engine::Login;
use crate::privileges::Privileges;
use crate::privileges::existence::Doubt;
use crate::session::{Answer, Session, text, unexpected};
use crate::settings::Settings;
use crate::sql::literal;
use crate::version::Version;

/// The accounts of the current user, and of the other one.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) version: Version,
    pub(crate) pairs: Vec<Pair>,
    /// Accounts of the other user's name whose host none of the current user's has.
    pub(crate) unpaired: Vec<Side>,
    /// Accounts of the current user's name that have another password than the secret's.
    pub(crate) left_out: Vec<Account>,
}

/// An account of the current user, and the one of the other user with the same host.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) current: Side,
    pub(crate) other: Account,
    /// `None` where it is yet to be made.
    pub(crate) known: Option<Side>,
}

/// One account.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) held: Held,
    pub(crate) state: State,
}

/// What has to be alike of two accounts.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) privileges: Privileges,
    pub(crate) settings: Settings,
}

impl Scene {
    /// Looks at both users, holding their locks until the session ends: three questions at most, however many
    /// privileges there are.
    pub(crate) async fn look(
        admin: &mut Session,
        current: &Login,
        other: &str,
    ) -> Result<Self, TargetError> {
        let version = admin.facts().version;
        let names = [current.username.as_str(), other];
        let doing = format!("looking at {} and {other}", current.username);
        let mut found = accounts::look(admin, &names).await?.into_iter();
        let (Some(all), Some(others)) = (found.next(), found.next()) else {
            return Err(unexpected(&doing));
        };
        let mut left_out: Vec<Account> = all.iter().map(|held| held.account.clone()).collect();
        let chosen = choose(all, admin.server(), current, None)?;
        left_out.retain(|account| chosen.iter().all(|held| held.account != *account));
        let accounts = chosen.iter().chain(&others).map(|held| &held.account);
        let question = question(accounts, version);
        let answers = admin.ask(&Sensitive::new(question), &doing).await?;
        let mut answers = answers.iter().skip(1);
        let own = answers.next().ok_or_else(|| unexpected(&doing))?;
        let own = Privileges::read_session(own.iter().filter_map(|row| text(row, 0)), version)?;
        let mut side = |held: Held| {
            let state = State::read(&mut answers, &held.account, version, &doing)?;
            Ok::<_, TargetError>(Side { held, state })
        };
        let chosen = chosen.into_iter().map(&mut side).collect::<Result<Vec<_>, _>>()?;
        let mut others = others.into_iter().map(side).collect::<Result<Vec<_>, _>>()?;
        let mut pairs = Vec::new();
        for current in chosen {
            let account = Account::new(other, current.held.account.host.clone());
            let known = others.iter().position(|side| side.held.account == account);
            let known = known.map(|at| others.swap_remove(at));
            pairs.push(Pair { current, other: account, known });
        }
        let mut scene = Self { version, pairs, unpaired: others, left_out };
        scene.settle(admin, &own, &doing).await?;
        Ok(scene)
    }

    /// Leaves privileges on what no longer exists out of account, as they cannot be granted.
    async fn settle(
        &mut self,
        admin: &mut Session,
        own: &Privileges,
        doing: &str,
    ) -> Result<(), TargetError> {
        let none = Privileges::default();
        let version = self.version;
        for pair in &mut self.pairs {
            let known = pair.known.as_ref().map_or(&none, |side| &side.state.privileges);
            let state = &mut pair.current.state;
            let doubt = Doubt::between(&state.privileges, known).seen_by(own, version);
            state.privileges = attainable(admin, &state.privileges, known, doubt, doing).await?;
        }
        Ok(())
    }
}

/// Privileges without those that `other` lacks and nobody can grant, since what they are for no longer exists.
pub(super) async fn attainable(
    session: &mut Session,
    privileges: &Privileges,
    other: &Privileges,
    doubt: Doubt,
    doing: &str,
) -> Result<Privileges, TargetError> {
    let Some(question) = doubt.question() else { return Ok(privileges.clone()) };
    let answers = session.ask(&Sensitive::new(question), doing).await?;
    let row = |row: &Vec<Option<Sensitive>>| -> Option<[String; 4]> {
        Some([0, 1, 2, 3].map(|column| text(row, column).unwrap_or_default().to_owned()))
    };
    let rows = answers.iter().flatten().filter_map(row);
    Ok(privileges.clone().attainable(&doubt.resolved(rows), other))
}

impl State {
    /// Reads the answers to the [`statements`] about one account.
    pub(super) fn read<'a>(
        answers: &mut impl Iterator<Item = &'a Answer>,
        account: &Account,
        version: Version,
        doing: &str,
    ) -> Result<Self, TargetError> {
        let mut next = || answers.next().ok_or_else(|| unexpected(doing));
        let grants = next()?;
        let created = next()?.first().and_then(|row| text(row, 0));
        let created = created.ok_or_else(|| unexpected(doing))?;
        let attribute = if version.has_attributes() {
            next()?.first().and_then(|row| text(row, 0))
        } else {
            None
        };
        let settings = Settings::read(created, attribute, account, version)?;
        let grants = grants.iter().filter_map(|row| text(row, 0));
        let privileges = Privileges::read(grants, account, version)?
            .with_default_roles(settings.default_roles.iter().cloned());
        Ok(Self { privileges, settings })
    }
}

/// What is asked about one account: two statements, or three where accounts have attributes.
///
/// `shown` is the account as it stands in them.
pub(super) fn statements(account: &Account, shown: &str, version: Version) -> Vec<String> {
    let mut statements =
        vec![format!("SHOW GRANTS FOR {shown}"), format!("SHOW CREATE USER {shown}")];
    if version.has_attributes() {
        statements.push(format!(
            "SELECT ATTRIBUTE FROM information_schema.USER_ATTRIBUTES WHERE USER = {} AND HOST = {}",
            literal(&account.user),
            literal(&account.host)
        ));
    }
    statements
}

fn question<'a>(accounts: impl Iterator<Item = &'a Account>, version: Version) -> String {
    let mut all = vec![version.printing().to_owned(), "SHOW GRANTS".to_owned()];
    all.extend(accounts.flat_map(|account| statements(account, &account.quoted(), version)));
    all.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_for_nothing_that_its_version_does_not_know() {
        let app = Account::new("app", "%");
        let asked = |version| question([&app].into_iter(), Version::parse(version).unwrap());
        let shown = "SHOW GRANTS; SHOW GRANTS FOR `app`@`%`; SHOW CREATE USER `app`@`%`";
        for version in ["5.7.44-log", "8.0.16", "10.4.3-MariaDB", "12.0.2-MariaDB"] {
            let expected = format!("SET sql_quote_show_create = ON; {shown}");
            assert_eq!(asked(version), expected, "{version}");
        }
        let hex = "SET sql_quote_show_create = ON, print_identified_with_as_hex = ON";
        for version in ["8.0.17", "8.0.20"] {
            assert_eq!(asked(version), format!("{hex}; {shown}"), "{version}");
        }
        let attribute = "SELECT ATTRIBUTE FROM information_schema.USER_ATTRIBUTES \
             WHERE USER = 'app' AND HOST = '%'";
        for version in ["8.0.21", "8.4.6", "9.7.4"] {
            assert_eq!(asked(version), format!("{hex}; {shown}; {attribute}"), "{version}");
        }
    }
}
