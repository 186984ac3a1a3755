//! What the driver reports, told in our words: the class, what to look at, and the server's code.
//!
//! The driver's own messages stay out: they can quote a statement.

use std::fmt;

use rustls::CertificateError;
use turnlock::{Class, TargetError, Verdict};

use crate::login::{Engine, Login};
use crate::redshift;

/// `invalid_password`: the one answer by which the server says that it knows the password is wrong.
const WRONG_PASSWORD: &str = "28P01";

/// Tells a failed login apart: rejected, or not known.
pub(crate) fn of_login<S>(
    error: &sqlx::Error,
    login: &Login,
    answered: bool,
) -> Result<Verdict<S>, TargetError> {
    let user = &login.username;
    if let Some(code) = code(error) {
        if code == WRONG_PASSWORD {
            let text = format!("{login} rejects the password of {user}");
            let rejected = TargetError::new(Class::AuthRejected, text).with_code(code);
            return Ok(Verdict::Rejected(rejected));
        }
        // One code for a wrong password and for all else that keeps a user out: not taken for a rejection, it
        // would end the way back before the password that works is tried.
        if login.engine == Engine::Redshift && code == redshift::REJECTED {
            let text = format!(
                "{login} rejects the password of {user}, or does not let it log in whatever the password is"
            );
            let rejected = TargetError::new(Class::AuthRejected, text).with_code(code);
            return Ok(Verdict::Rejected(rejected));
        }
        let (class, text) = of_login_code(&code, login);
        return Err(TargetError::new(class, text).with_code(code));
    }
    let (class, text) = if let sqlx::Error::Io(error) = error {
        match certificate(error) {
            Some(fault) => of_certificate(fault, login),
            None => hung_up(login, answered),
        }
    } else if let sqlx::Error::Tls(_) = error {
        let text =
            format!("{login} does not offer TLS; only \"ssl\": false allows a login without it");
        (Class::TlsUntrusted, text)
    } else if let sqlx::Error::Configuration(_) = error {
        let text = format!(
            "the PostgreSQL driver cannot log in to {login} with the password of {user}, which has characters \
             that SCRAM does not know; give {user} another one by hand, or name an admin in masterarn"
        );
        (Class::Refused, text)
    } else if answered {
        (Class::Unexpected, format!("{login} does not speak PostgreSQL's protocol"))
    } else {
        // The driver takes the end of the connection for the answer to its wish for TLS.
        hung_up(login, answered)
    };
    Err(TargetError::new(class, text))
}

fn of_login_code(code: &str, login: &Login) -> (Class, String) {
    let (user, database) = (&login.username, &login.database);
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

fn certificate(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_certificate(fault: &rustls::Error, login: &Login) -> (Class, String) {
    let expected = login.tls_name.as_deref().unwrap_or_default();
    let rustls::Error::InvalidCertificate(problem) = fault else {
        return (Class::TlsUntrusted, format!("the TLS handshake with {login} failed"));
    };
    use CertificateError as E;
    if let E::NotValidForName | E::NotValidForNameContext { .. } = problem {
        let text = format!(
            "the certificate of {login} is not for {expected}; where `host` is an alias, \
             rotation.tls_server_name is the name on the certificate"
        );
        return (Class::TlsName, text);
    }
    let problem = if let E::UnknownIssuer = problem {
        "goes back to no root that is trusted here; TLS_CA_FILE names a file with more roots"
    } else if let E::Expired | E::ExpiredContext { .. } = problem {
        "has expired"
    } else if let E::NotValidYet | E::NotValidYetContext { .. } = problem {
        "is not valid yet"
    } else {
        "is not valid"
    };
    (Class::TlsUntrusted, format!("the certificate of {login} {problem}"))
}

fn hung_up(login: &Login, answered: bool) -> (Class, String) {
    let when = if answered { "during the login" } else { "before it said anything" };
    (Class::Tcp, format!("{login} closed the connection {when}"))
}

/// A login that did not end in time.
pub(crate) fn slow_login(login: &Login, answered: bool, bound: impl fmt::Debug) -> TargetError {
    let what =
        if answered { "did not finish the login" } else { "took the connection and was silent" };
    TargetError::new(Class::Timeout, format!("{login} {what} for {bound:?}"))
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
