//! What is different at Amazon Redshift, all of it by its documentation (the Database Developer Guide).
//!
//! Its SQL is that of PostgreSQL 8.0. There is no SCRAM, no replica that one could log in to by mistake, no
//! `lock_timeout` and no advisory lock ("Unsupported PostgreSQL functions"). Two changes at once need none:
//! both write the same digest, and the one that comes too late does no harm.

use std::ops::RangeInclusive;

use sha2::{Digest, Sha256};
use turnlock::{Class, Passwords, Sensitive, TargetError, VersionId};
use turnlock_database::{Strategy, Trust, lacking};

use crate::engine::Login;
use crate::probe;
use crate::session::{Session, field};
use crate::sql::quoted;
use crate::verifier::{Kind, hex};

/// "Names and identifiers": from 1 to 127 bytes.
pub(crate) const LONGEST_NAME: usize = 127;
/// What a wrong password gets, as in PostgreSQL before 9.0, and so does whoever may not log in at all.
///
/// Not in the documentation: users of amazon-redshift-python-driver and amazon-redshift-jdbc-driver report it.
pub(crate) const REJECTED: &str = "28000";
/// `statement_timeout` is in milliseconds.
pub(crate) const GUARD: &str =
    "SET LOCAL statement_timeout = 5000; SET LOCAL search_path = pg_catalog;";

/// Whether the session's user is superuser, and whether privileges have a view here.
const WHO: &str = "SELECT me.usesuper, \
     (SELECT count(*) FROM pg_class c WHERE c.relname = 'svv_system_privileges') > 0 \
     FROM pg_user me WHERE me.usename = session_user";
/// A user sees only those privileges here that it has access to.
const MAY_ALTER_USERS: &str =
    "SELECT count(*) > 0 FROM svv_system_privileges WHERE system_privilege = 'ALTER USER'";

/// How long a password in clear text may be ("CREATE USER").
const LENGTHS: RangeInclusive<usize> = 8..=64;
/// How many passwords to draw until one keeps Redshift's rules, where the policy allows others too.
const DRAWS: usize = 1000;

/// Refuses what cannot be done at Redshift.
pub(crate) fn supported(strategy: Strategy) -> Result<Strategy, TargetError> {
    let reason = match strategy {
        Strategy::SingleUser => return Ok(strategy),
        Strategy::AlternatingUsers => {
            "the strategy alternating-users, which masterarn asks for by default, is not there for Redshift: \
             no user can act as another at its login, so the second one's objects and privileges would not \
             be the first one's; with \"rotation\": {\"strategy\": \"single-user\"} the admin changes the \
             user's own password"
        }
        Strategy::DualPassword => {
            "a Redshift user has one password: dual-password is for MySQL and MariaDB"
        }
    };
    Err(TargetError::new(Class::Refused, reason))
}

/// Draws a password that Redshift takes in clear text too.
///
/// It is given a digest, which it does not check. But who gives a user the secret's password back by hand
/// gives it in clear text.
pub(crate) fn draw(passwords: &Passwords) -> Result<Sensitive, TargetError> {
    let mut broken = None;
    for _ in 0..DRAWS {
        let password = passwords.draw()?;
        broken = broken_rule(password.expose());
        if broken.is_none() {
            return Ok(password);
        }
        if !LENGTHS.contains(&password.expose().len()) {
            // All others are as long.
            break;
        }
    }
    let text = format!(
        "the password policy makes passwords that Redshift does not take ({}); change rotation.password, or \
         the variables PASSWORD_LENGTH and EXCLUDE_*",
        broken.unwrap_or_default()
    );
    Err(TargetError::new(Class::Policy, text))
}

/// The rules for clear text in "CREATE USER".
fn broken_rule(password: &str) -> Option<&'static str> {
    let lacks = |of: fn(&u8) -> bool| !password.bytes().any(|c| of(&c));
    if !LENGTHS.contains(&password.len()) {
        Some("they have to have 8 to 64 characters")
    } else if lacks(u8::is_ascii_uppercase) || lacks(u8::is_ascii_lowercase) {
        Some("they need an uppercase and a lowercase letter")
    } else if lacks(u8::is_ascii_digit) {
        Some("they need a digit")
    } else if password.bytes().any(|c| !c.is_ascii_graphic() || br#"'"\/@"#.contains(&c)) {
        Some(r#"they may not have any of '"\/@"#)
    } else {
        None
    }
}

/// In which form the user's password is to be stored, by how the server asks for it today.
pub(crate) async fn kind(login: &Login, trust: &Trust) -> Result<Kind, TargetError> {
    kind_for(probe::method(login, trust).await?, login)
}

/// Says why the driver did not understand how the server asks, if that is the reason.
pub(crate) async fn check_method(login: &Login, trust: &Trust) -> Result<(), TargetError> {
    match probe::method(login, trust).await {
        Ok(method) => kind_for(method, login).map(drop),
        // The driver's own error says more.
        Err(_) => Ok(()),
    }
}

fn kind_for(method: i32, login: &Login) -> Result<Kind, TargetError> {
    let (user, server) = (&login.username, &login.server);
    let text = match method {
        probe::MD5 => return Ok(Kind::Md5),
        probe::CLEAR_TEXT => return Ok(Kind::Sha256),
        probe::REDSHIFT_DIGEST => format!(
            "{server} asks {user} for a digest (authentication method 13), as Redshift does where it stores \
             SHA-256: only Amazon's own drivers can log in, and this function cannot. Run ALTER USER … \
             PASSWORD with the user's password in clear text, without sha256|: Redshift then stores MD5"
        ),
        other => format!(
            "{server} asks {user} for its password by method {other}, by which no Redshift password is asked \
             for; check `engine`"
        ),
    };
    Err(TargetError::new(Class::Refused, text))
}

/// The statements that give a user its password.
pub(crate) fn change(user: &str, verifier: &Sensitive) -> String {
    let user = quoted(user);
    format!("BEGIN READ WRITE; {GUARD} ALTER USER {user} PASSWORD '{}'; COMMIT", verifier.expose())
}

/// The text to put after `PASSWORD` for SHA-256: `sha256|`, the digest, `|` and a salt of 256 bits.
///
/// All three parts are needed: of `sha256|x` Redshift takes `x` for the password ("CREATE USER"). The digest
/// is of the password and then the salt's bytes, as Amazon's drivers compute it (`extensible_digest.py` of
/// amazon-redshift-python-driver). The salt comes from the version and the user, so that a repetition changes
/// nothing.
pub(crate) fn sha256(username: &str, password: &Sensitive, version: &VersionId) -> Sensitive {
    let salt = Sha256::new()
        .chain_update(b"turnlock redshift salt\0")
        .chain_update(version.as_str())
        .chain_update(b"\0")
        .chain_update(username)
        .finalize();
    salted(password, &salt)
}

fn salted(password: &Sensitive, salt: &[u8]) -> Sensitive {
    let digest = Sha256::new().chain_update(password.expose()).chain_update(salt).finalize();
    Sensitive::new(format!("sha256|{}|{}", hex(&digest), hex(salt)))
}

/// Checks whether the admin that is logged in may change a user's password ("ALTER USER", required privileges).
pub(crate) async fn check_admin(admin: &mut Session, user: &str) -> Result<(), TargetError> {
    let doing = "reading the rights";
    let row = admin.ask(WHO, doing).await?;
    if field(&row, 0)? {
        return Ok(());
    }
    if field(&row, 1)? && field(&admin.ask(MAY_ALTER_USERS, doing).await?, 0)? {
        return Ok(());
    }
    let what = format!("the admin may not change the password of {user}");
    lacking(
        admin.server(),
        &what,
        &["superuser (CREATEUSER), or a role with ALTER USER".to_owned()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifier::md5;

    #[test]
    fn the_md5_digest_is_that_of_the_documentation() {
        let verifier = md5("user1", &Sensitive::new("ez"));
        assert_eq!(verifier.expose(), "md5153c434b4b77c89e6b94f12c5393af5b");
    }

    /// The documentation has an example but does not tell its password. This digest was computed by Python's
    /// hashlib, as Amazon's driver for Python does it.
    #[test]
    fn the_sha256_digest_is_of_the_password_and_the_bytes_of_the_salt() {
        let verifier = salted(&Sensitive::new("Mypassword1"), &[0xc7; 32]);
        assert_eq!(
            verifier.expose(),
            "sha256|7c96d52eb84c7a71449c1a30685cbf77570651ab058e12db702c852da3c6947b|\
             c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7"
        );
    }

    #[test]
    fn a_repetition_gives_the_same_digest_and_another_version_another_one() {
        let of = |user: &str, version: &str| {
            sha256(user, &Sensitive::new("p"), &VersionId::new(version)).expose().to_owned()
        };
        assert_eq!(of("app", "1"), of("app", "1"));
        assert_ne!(of("app", "1"), of("app", "2"));
        assert_ne!(of("app", "1"), of("web", "1"));
    }

    #[test]
    fn each_rule_of_the_documentation_is_kept() {
        for (password, rule) in [
            ("Short1x", "8 to 64"),
            (&"aB3".repeat(22), "8 to 64"),
            ("nouppercase1", "uppercase"),
            ("NOLOWERCASE1", "lowercase"),
            ("NoDigitsHere", "a digit"),
            ("With space 1", "may not"),
            ("With'quote1", "may not"),
            ("With\"quote1", "may not"),
            (r"With\slash1", "may not"),
            ("With/slash1", "may not"),
            ("With@sign1", "may not"),
        ] {
            assert!(broken_rule(password).is_some_and(|text| text.contains(rule)), "{password}");
        }
        assert_eq!(broken_rule("abcD1234"), None);
        assert_eq!(broken_rule("!#$%&()*+,-.:;<=>?[]^_`{|}~aB3"), None);
    }
}
