//! What the driver reports, told in our words: the class, what to look at, and the server's code.
//!
//! The driver's own messages stay out: they can quote a statement.

use turnlock::{Class, TargetError, Verdict};
use turnlock_database::fault::of_connection;

use crate::engine::{Engine, Login};
use crate::redshift;

/// `invalid_password`: the one answer by which the server says that it knows the password is wrong.
const WRONG_PASSWORD: &str = "28P01";

/// Tells a failed login apart: rejected, or not known.
pub(crate) fn of_login<S>(
    error: &sqlx::Error,
    login: &Login,
    answered: bool,
) -> Result<Verdict<S>, TargetError> {
    let (user, server) = (&login.username, &login.server);
    if let Some(code) = code(error) {
        if code == WRONG_PASSWORD {
            let text = format!("{server} rejects the password of {user}");
            let rejected = TargetError::new(Class::AuthRejected, text).with_code(code);
            return Ok(Verdict::Rejected(rejected));
        }
        // One code for a wrong password and for all else that keeps a user out: not taken for a rejection, it
        // would end the way back before the password that works is tried.
        if login.engine == Engine::Redshift && code == redshift::REJECTED {
            let text = format!(
                "{server} rejects the password of {user}, or does not let it log in whatever the password is"
            );
            let rejected = TargetError::new(Class::AuthRejected, text).with_code(code);
            return Ok(Verdict::Rejected(rejected));
        }
        let (class, text) = of_login_code(&code, login);
        return Err(TargetError::new(class, text).with_code(code));
    }
    if let sqlx::Error::Configuration(_) = error {
        let text = format!(
            "the PostgreSQL driver cannot log in to {server} with the password of {user}, which has characters \
             that SCRAM does not know; give {user} another one by hand, or name an admin in masterarn"
        );
        return Err(TargetError::new(Class::Refused, text));
    }
    Err(of_connection(error, server, "PostgreSQL", answered))
}

fn of_login_code(code: &str, login: &Login) -> (Class, String) {
    let (user, login, database) =
        (&login.username, &login.server, login.database.as_deref().unwrap_or_default());
    match code {
        "28000" => (
            Class::AuthRejected,
            format!(
                "{login} does not let {user} log in whatever the password is: the role has NOLOGIN or does \
                 not exist, or pg_hba.conf has no line for it"
            ),
        ),
        "3D000" => (
            Class::DatabaseMissing,
            format!("{login} accepts {user} but has no database {database}; check `dbname`"),
        ),
        "42501" => (
            Class::Permission,
            format!("{login} accepts {user}, who may not CONNECT to the database {database}"),
        ),
        "53300" => (
            Class::TooManyConnections,
            format!(
                "{login} has no connection left for {user}: max_connections, or a CONNECTION LIMIT"
            ),
        ),
        "57P01" | "57P02" | "57P03" => {
            (Class::Tcp, format!("{login} is starting up or shutting down"))
        }
        _ => (Class::Unexpected, format!("{login} refuses the login of {user}")),
    }
}

/// Tells a failed statement apart; `doing` says what it was for.
pub(crate) fn of_statement(error: &sqlx::Error, doing: &str) -> TargetError {
    let Some(code) = code(error) else {
        let text = format!("the connection broke while {doing}");
        return TargetError::new(Class::Tcp, text);
    };
    let (class, why) = match code.as_str() {
        "25006" => (Class::ReadOnly, "the server takes no writes"),
        "42501" => (Class::Permission, "the privilege is missing"),
        "42704" => (Class::Refused, "a role or another object does not exist"),
        "55P03" => (Class::Timeout, "another session holds a lock on the role, or on what it owns"),
        "57014" => (Class::Timeout, "the server took too long"),
        "25P03" | "25P04" | "57P05" => {
            (Class::Timeout, "the server ended the session by a time-out of its own")
        }
        "57P01" | "57P02" | "57P03" => (Class::Tcp, "the server is shutting down"),
        "53300" => (Class::TooManyConnections, "no connection is left"),
        // How password checks such as passwordcheck and credcheck say no.
        "22023" | "28000" | "28P01" | "0A000" | "P0001" => (
            Class::Policy,
            "the server does not take the password, or a setting that goes with it; its rules go into \
             rotation.password",
        ),
        _ => (Class::Unexpected, "the server refuses"),
    };
    TargetError::new(class, format!("{doing}: {why}")).with_code(code)
}

/// The same, where settings go along with the password.
pub(crate) fn of_change(error: &sqlx::Error, doing: &str, settings: &[String]) -> TargetError {
    let code = code(error).filter(|code| ["22023", "42704"].contains(&code.as_str()));
    let Some(code) = code.filter(|_| !settings.is_empty()) else {
        return of_statement(error, doing);
    };
    let text = format!(
        "{doing}: the server does not take the password, or one of these, which the other user has: {}",
        settings.join(", ")
    );
    TargetError::new(Class::Refused, text).with_code(code)
}

/// The SQLSTATE, if it is one: what a server sends in its place is the server's text.
fn code(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    let is_one = code.len() == 5 && code.bytes().all(|c| c.is_ascii_alphanumeric());
    Some(if is_one { code.into_owned() } else { "no SQLSTATE".into() })
}
