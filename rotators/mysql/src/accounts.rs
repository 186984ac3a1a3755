//! The accounts of one name: what the server has stored of each, as an admin sees it.

use serde::Deserialize;
use turnlock::{Class, Sensitive, TargetError};

use crate::account::Account;
use crate::digest::Plugin;
use crate::fault::Refusal;
use crate::session::{Answer, Session, text, unexpected};
use crate::sql::literal;
use crate::version::{Product, Version};

/// The seconds that a lock of ours is waited for.
const PATIENCE: u32 = 3;

/// An account and the passwords that it takes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) account: Account,
    /// Any of them lets in; MySQL has one.
    pub(crate) rules: Vec<Rule>,
    /// MySQL's second password, kept by `RETAIN CURRENT PASSWORD`.
    pub(crate) retained: Option<Sensitive>,
    /// What a login needs besides the password.
    pub(crate) requires: Requirement,
}

/// `REQUIRE`: what a login needs besides the password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Requirement {
    Nothing,
    Tls,
    /// A certificate of the client's: `X509`, `ISSUER`, `SUBJECT`, `CIPHER`.
    Certificate,
}

/// One way to authenticate.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) plugin: String,
    pub(crate) digest: Sensitive,
}

impl Rule {
    /// Whether it takes a password.
    pub(crate) fn accepts(&self, password: &Sensitive) -> bool {
        Plugin::named(&self.plugin).is_some_and(|plugin| plugin.accepts(&self.digest, password))
    }
}

impl Held {
    /// Whether it takes a password, as the first, the second or any.
    pub(crate) fn accepts(&self, password: &Sensitive) -> bool {
        self.rules.iter().any(|rule| rule.accepts(password)) || self.retains(password)
    }

    /// Whether a password is the second one.
    pub(crate) fn retains(&self, password: &Sensitive) -> bool {
        let plugin = self.rules.first().and_then(|rule| Plugin::named(&rule.plugin));
        match (plugin, &self.retained) {
            (Some(plugin), Some(retained)) => plugin.accepts(retained, password),
            _ => false,
        }
    }

    /// The plugin whose passwords can be set, if there is one.
    pub(crate) fn plugin(&self) -> Option<Plugin> {
        self.rules.iter().find_map(|rule| Plugin::named(&rule.plugin))
    }
}

/// Looks at all accounts of some names, holding the lock of each until the session ends.
///
/// The answer has one list a name, in their order.
pub(crate) async fn look(
    admin: &mut Session,
    names: &[&str],
) -> Result<Vec<Vec<Held>>, TargetError> {
    let version = admin.facts().version;
    let doing = format!("looking at the accounts of {}", names.join(" and "));
    let mut statements: Vec<String> = locks(names);
    statements.extend(names.iter().map(|name| question(version, name)));
    let statements = Sensitive::new(statements.join("; "));
    let answers =
        admin.ask(&statements, &doing).await.map_err(|refusal| may_not_look(refusal, version))?;
    let (locks, looks) = answers.split_at_checked(names.len()).ok_or_else(|| unexpected(&doing))?;
    held(locks, admin.server(), names)?;
    let read = |(answer, name): (&Answer, &&str)| {
        read(version, answer, name).ok_or_else(|| unexpected(&doing))
    };
    looks.iter().zip(names).map(read).collect()
}

/// Whether every account of a name takes a password.
pub(crate) async fn shows(
    session: &mut Session,
    name: &str,
    password: &Sensitive,
) -> Result<bool, TargetError> {
    let version = session.facts().version;
    let doing = format!("looking at the accounts of {name}");
    let answers = session.ask(&Sensitive::new(question(version, name)), &doing).await?;
    let found = answers.first().and_then(|answer| read(version, answer, name));
    let found = found.ok_or_else(|| unexpected(&doing))?;
    Ok(!found.is_empty() && found.iter().all(|held| held.accepts(password)))
}

/// Takes the lock of one name until the session ends.
pub(crate) async fn lock(session: &mut Session, name: &str) -> Result<(), TargetError> {
    let statements = Sensitive::new(locks(&[name]).join("; "));
    let doing = format!("waiting for other rotations of {name}");
    let answers = session.ask(&statements, &doing).await?;
    held(&answers, session.server(), &[name])
}

/// The table where the server stores accounts.
pub(crate) fn table(version: Version) -> &'static str {
    match version.product {
        Product::MariaDb => "mysql.global_priv",
        Product::MySql => "mysql.user",
    }
}

fn may_not_look(refusal: Refusal, version: Version) -> TargetError {
    if refusal.error.class() != Class::Permission {
        return refusal.error;
    }
    let text = format!("{}; missing: SELECT ON {}", refusal.error, table(version));
    TargetError::new(Class::Permission, text)
}

/// Statements that take the lock of each name, in one order, so that two rotations never wait for each other.
fn locks(names: &[&str]) -> Vec<String> {
    let mut locks: Vec<String> = names.iter().map(|name| lock_name(name)).collect();
    locks.sort_unstable();
    let take = |lock: &String| format!("SELECT GET_LOCK({}, {PATIENCE})", literal(lock));
    locks.iter().map(take).collect()
}

/// Fails unless every lock was had.
fn held(answers: &[Answer], server: &str, names: &[&str]) -> Result<(), TargetError> {
    let had = |answer: &Answer| answer.first().and_then(|row| text(row, 0)) == Some("1");
    if answers.iter().all(had) {
        return Ok(());
    }
    let text = format!(
        "another rotation is changing {} at {server} and has not ended for {PATIENCE} s",
        names.join(" or ")
    );
    Err(TargetError::new(Class::Timeout, text))
}

/// A name for `GET_LOCK` that no application uses, and short enough for the server.
fn lock_name(user: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(user);
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("turnlock.{digits}")
}

fn question(version: Version, user: &str) -> String {
    let retained = if version.has_retain() {
        "JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password'))"
    } else {
        "NULL"
    };
    let columns = match version.product {
        Product::MariaDb => "Priv".to_owned(),
        Product::MySql => format!("plugin, authentication_string, {retained}, ssl_type"),
    };
    let (table, user) = (table(version), literal(user));
    format!("SELECT User, Host, {columns} FROM {table} WHERE User = {user} ORDER BY Host")
}

fn read(version: Version, answer: &Answer, name: &str) -> Option<Vec<Held>> {
    let mut all = Vec::new();
    for row in answer {
        // Compared as the server's collation does, one name can stand for another.
        if text(row, 0)? != name {
            continue;
        }
        let account = Account::new(name, text(row, 1)?);
        let own = |column| text(row, column).map(Sensitive::new);
        match version.product {
            Product::MySql => all.push(Held {
                account,
                rules: vec![Rule {
                    plugin: text(row, 2)?.to_owned(),
                    digest: own(3).unwrap_or_else(|| Sensitive::new("")),
                }],
                retained: own(4),
                requires: match text(row, 5)? {
                    "" => Requirement::Nothing,
                    "ANY" => Requirement::Tls,
                    _ => Requirement::Certificate,
                },
            }),
            Product::MariaDb => {
                let stored: Stored = serde_json::from_str(text(row, 2)?).ok()?;
                if !stored.is_role {
                    let requires = stored.requires();
                    all.push(Held { account, rules: stored.rules(), retained: None, requires });
                }
            }
        }
    }
    Some(all)
}

/// MariaDB's `global_priv.Priv`, so far as it says how an account authenticates.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    is_role: bool,
    /// As in the server's source: 0 and less nothing, 1 TLS, 2 and 3 a certificate.
    #[serde(default)]
    ssl_type: i64,
    #[serde(flatten)]
    first: StoredRule,
    /// All of them, with an empty one in the place of the first.
    #[serde(default)]
    auth_or: Vec<StoredRule>,
}

#[derive(Deserialize)]
struct StoredRule {
    plugin: Option<String>,
    #[serde(default)]
    authentication_string: String,
}

impl Stored {
    fn requires(&self) -> Requirement {
        match self.ssl_type {
            ..=0 => Requirement::Nothing,
            1 => Requirement::Tls,
            2.. => Requirement::Certificate,
        }
    }

    fn rules(self) -> Vec<Rule> {
        let Self { first, auth_or, .. } = self;
        let first = Rule::of(first);
        if auth_or.is_empty() {
            return first.into_iter().collect();
        }
        let mut first = first;
        auth_or.into_iter().filter_map(|rule| Rule::of(rule).or_else(|| first.take())).collect()
    }
}

impl Rule {
    fn of(stored: StoredRule) -> Option<Self> {
        let digest = Sensitive::new(stored.authentication_string);
        Some(Self { plugin: stored.plugin?, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> Vec<String> {
        let stored: Stored = serde_json::from_str(json).unwrap();
        let show = |rule: &Rule| format!("{} {}", rule.plugin, rule.digest.expose());
        stored.rules().iter().map(show).collect()
    }

    /// As MariaDB 10.11 stores them.
    #[test]
    fn rules_are_read_in_their_order() {
        assert_eq!(
            rules(r#"{"access":0,"plugin":"mysql_native_password","authentication_string":"*9F"}"#),
            ["mysql_native_password *9F"]
        );
        assert_eq!(
            rules(
                r#"{"plugin":"mysql_native_password","authentication_string":"*9F",
                "auth_or":[{},{"plugin":"mysql_native_password","authentication_string":"*89"}]}"#
            ),
            ["mysql_native_password *9F", "mysql_native_password *89"]
        );
        assert_eq!(
            rules(
                r#"{"plugin":"mysql_native_password","authentication_string":"invalid",
                "auth_or":[{"plugin":"unix_socket"},{}]}"#
            ),
            ["unix_socket ", "mysql_native_password invalid"]
        );
        assert_eq!(rules(r#"{"access":0,"is_role":true}"#), Vec::<String>::new());
    }

    #[test]
    fn a_server_is_asked_for_a_second_password_only_where_it_keeps_one() {
        let question = |version| question(Version::parse(version).unwrap(), "o'ne");
        let of_mysql = |retained: &str| {
            format!(
                "SELECT User, Host, plugin, authentication_string, {retained}, ssl_type FROM mysql.user \
                 WHERE User = 'o''ne' ORDER BY Host"
            )
        };
        for version in ["5.7.44-log", "8.0.13"] {
            assert_eq!(question(version), of_mysql("NULL"), "{version}");
        }
        let retained = "JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password'))";
        for version in ["8.0.14", "8.4.6", "9.7.4"] {
            assert_eq!(question(version), of_mysql(retained), "{version}");
        }
        assert_eq!(
            question("10.4.3-MariaDB"),
            "SELECT User, Host, Priv FROM mysql.global_priv WHERE User = 'o''ne' ORDER BY Host"
        );
    }

    #[test]
    fn a_lock_has_one_name_a_user_and_fits() {
        assert_eq!(lock_name("app"), lock_name("app"));
        assert_ne!(lock_name("app"), lock_name("App"));
        assert!(lock_name(&"x".repeat(80)).len() <= 64);
        assert_eq!(locks(&["a", "b"]), locks(&["b", "a"]));
    }
}
