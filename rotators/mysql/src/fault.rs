//! What the driver reports, told in our words: the class, what to look at, and the server's code.
//!
//! The driver's own messages stay out: they can quote a statement. Codes are those of MySQL's and MariaDB's
//! references of errors, which share all numbers below 1,500; above, each has its own.

use sqlx::mysql::MySqlDatabaseError;
use turnlock::{Class, TargetError, Verdict};
use turnlock_database::Server;
use turnlock_database::fault::of_connection;

use crate::engine::Login;

/// `ER_ACCESS_DENIED_ERROR`: the server knows no such user and password.
const ACCESS_DENIED: u16 = 1045;
/// `ER_ACCESS_DENIED_NO_PASSWORD_ERROR`: what MariaDB says instead where the last of the account's rules needs no
/// password (seen on 10.11 with `mysql_native_password OR unix_socket`).
const DENIED_BY_ANOTHER_RULE: u16 = 1698;
/// `ER_INCORRECT_CURRENT_PASSWORD`: the password behind `REPLACE` is not the first one.
pub(crate) const NOT_THE_FIRST: u16 = 3891;
/// `ER_MISSING_CURRENT_PASSWORD`: the account has PASSWORD REQUIRE CURRENT.
pub(crate) const WITHOUT_THE_FIRST: u16 = 3892;
/// `ER_CREDENTIALS_CONTRADICT_TO_HISTORY`, which MySQL says before it looks what is behind `REPLACE`.
pub(crate) const IN_THE_HISTORY: u16 = 3638;
/// `ER_OPTION_PREVENTS_STATEMENT`
pub(crate) const OPTION_PREVENTS: u16 = 1290;
/// `ER_CANNOT_USER`
const NOT_DONE_TO_USER: u16 = 1396;
/// `ER_USER_DOES_NOT_EXIST`, a note of MySQL's.
const NO_SUCH_USER: u16 = 3162;

/// Tells a failed login apart: rejected, or not known.
pub(crate) fn of_login<S>(
    error: &sqlx::Error,
    login: &Login,
    answered: bool,
) -> Result<Verdict<S>, TargetError> {
    let (user, server) = (&login.username, &login.server);
    if let Some(number) = number(error) {
        if matches!(number, ACCESS_DENIED | DENIED_BY_ANOTHER_RULE) {
            let plain = match server.tls_name {
                Some(_) => "",
                None => ", or takes no login without TLS (REQUIRE SSL, require_secure_transport)",
            };
            let text = format!(
                "{server} rejects the password of {user}, or has no account {user} for the host of this \
                 function{plain}"
            );
            let rejected =
                TargetError::new(Class::AuthRejected, text).with_code(number.to_string());
            return Ok(Verdict::Rejected(rejected));
        }
        let (class, text) = of_login_number(number, login);
        return Err(TargetError::new(class, text).with_code(number.to_string()));
    }
    let refused = |text| Err(TargetError::new(Class::Refused, text));
    if let sqlx::Error::Protocol(problem) = error
        && problem.starts_with("unknown authentication plugin")
    {
        return refused(format!(
            "{server} asks {user} to log in by an authentication plugin that is not mysql_native_password, \
             caching_sha2_password or sha256_password; this function can log in by no other"
        ));
    }
    Err(of_connection(error, server, "MySQL", answered))
}

/// A password that only TLS would keep secret, and a secret that says `"ssl": false`.
pub(crate) fn needs_tls(user: &str, server: &Server) -> TargetError {
    let text = format!(
        "{server} asks {user} for a password that only TLS keeps secret ({user} has the plugin \
         caching_sha2_password or sha256_password): take \"ssl\": false out of the secret"
    );
    TargetError::new(Class::Refused, text)
}

fn of_login_number(number: u16, login: &Login) -> (Class, String) {
    let (user, server) = (&login.username, &login.server);
    let database = login.database.as_deref().unwrap_or_default();
    match number {
        1049 => (
            Class::DatabaseMissing,
            format!("{server} accepts {user} but has no database {database}; check `dbname`"),
        ),
        1044 => (
            Class::Permission,
            format!("{server} accepts {user}, who has no privilege in the database {database}"),
        ),
        1040 | 1203 | 1226 => (
            Class::TooManyConnections,
            format!(
                "{server} has no connection left for {user}: max_connections, or a limit of the account"
            ),
        ),
        3118 | 4151 => (
            Class::AuthRejected,
            format!(
                "{server} knows the password of {user}, but the account is locked (ACCOUNT LOCK)"
            ),
        ),
        3955 | 4150 => (
            Class::AuthRejected,
            format!(
                "{server} has blocked {user} after too many failed logins (FAILED_LOGIN_ATTEMPTS, \
                 max_password_errors), whatever the password is"
            ),
        ),
        1862 | 1820 => (
            Class::AuthRejected,
            format!(
                "the password of {user} at {server} has expired, and only a person or an admin can set it; \
                 name one in masterarn"
            ),
        ),
        1130 => (
            Class::AuthRejected,
            format!("{server} does not let {user} log in from here whatever the password is"),
        ),
        1129 => (
            Class::Refused,
            format!(
                "{server} has blocked this function's address after many broken connections \
                 (max_connect_errors); TRUNCATE performance_schema.host_cache or FLUSH HOSTS unblocks it"
            ),
        ),
        1251 => (
            Class::Refused,
            format!("{server} asks {user} to log in by a protocol that is older than MySQL 4.1's"),
        ),
        3159 => (
            Class::Refused,
            format!(
                "{server} takes no login without TLS (require_secure_transport): take \"ssl\": false out of \
                 the secret"
            ),
        ),
        1524 => (
            Class::Refused,
            format!(
                "{server} has not loaded the authentication plugin of {user} (MySQL 8.4 loads \
                 mysql_native_password only if it is told to, MySQL 9 never)"
            ),
        ),
        1047 | 1053 | 1927 => (Class::Tcp, format!("{server} is starting up or shutting down")),
        3032 => (Class::Tcp, format!("{server} lets nobody in (offline_mode)")),
        _ => (Class::Unexpected, format!("{server} refuses the login of {user}")),
    }
}

/// A statement that failed.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The server's code, if it said anything.
    pub(crate) number: Option<u16>,
    pub(crate) error: TargetError,
}

impl From<Refusal> for TargetError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// Tells a failed statement apart; `doing` says what it was for.
pub(crate) fn of_statement(error: &sqlx::Error, doing: &str) -> Refusal {
    let Some(number) = number(error) else {
        let text = format!("the connection broke while {doing}");
        return Refusal { number: None, error: TargetError::new(Class::Tcp, text) };
    };
    Refusal::of(number, doing)
}

/// Whether a warning says that an account was not changed, as there is none.
pub(crate) fn tells_of_nobody(number: u16) -> bool {
    matches!(number, NOT_DONE_TO_USER | NO_SUCH_USER)
}

impl Refusal {
    pub(crate) fn of(number: u16, doing: &str) -> Self {
        let (class, why) = match number {
            // skip-grant-tables says the same.
            OPTION_PREVENTS | 1792 | 1836 | 3100 => {
                (Class::ReadOnly, "the server takes no change (read_only, super_read_only)")
            }
            1044 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 | 1045 | 1698 => {
                (Class::Permission, "the privilege is missing")
            }
            1819 | IN_THE_HISTORY | 1372 => (
                Class::Policy,
                "the server does not take the password (validate_password, simple_password_check, its history); \
             its rules go into rotation.password",
            ),
            1820 => (
                Class::AuthRejected,
                "the password has expired, and only a person or an admin can set it; name one in masterarn",
            ),
            1133 | NOT_DONE_TO_USER | NO_SUCH_USER => {
                (Class::Refused, "an account or a role does not exist")
            }
            1054 | 1146 | 1305 | 1356 | 1049 => {
                (Class::Refused, "a table, a column, a routine or a database does not exist")
            }
            1524 => {
                (Class::Refused, "the server has not loaded the account's authentication plugin")
            }
            WITHOUT_THE_FIRST => (
                Class::Refused,
                "the account takes a password only with the first one that it has (PASSWORD REQUIRE CURRENT)",
            ),
            NOT_THE_FIRST => (Class::Refused, "another session has changed the password meanwhile"),
            1184 => (
                Class::Refused,
                "the server's init_connect fails for this user, which ends its sessions",
            ),
            1470 => (Class::Refused, "a name is too long for the server"),
            1205 | 1213 | 1317 | 3024 | 3058 | 1969 => {
                (Class::Timeout, "another session holds a lock, or the server took too long")
            }
            1040 | 1203 | 1226 => (
                Class::TooManyConnections,
                "max_connections or a limit of the account is reached (MAX_QUERIES_PER_HOUR and the like)",
            ),
            1047 | 1053 | 1927 | 1077 | 1079 => (Class::Tcp, "the server is shutting down"),
            _ => (Class::Unexpected, "the server refuses"),
        };
        let error =
            TargetError::new(class, format!("{doing}: {why}")).with_code(number.to_string());
        Self { number: Some(number), error }
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(error.number())
}
