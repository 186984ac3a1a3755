//! Why a server could not be asked, told in our words: the driver's own stay out, as they can quote a statement.

use std::time::Duration;

use rustls::CertificateError;
use turnlock::{Class, TargetError};

use crate::Server;

/// The longest wait for TLS and the login, from the open connection on.
pub const LOG_IN: Duration = Duration::from_secs(5);

/// Tells apart what kept a login from an answer of the server.
///
/// `protocol` is the one that the server should speak; `answered` whether it has said anything.
pub fn of_connection(
    error: &sqlx::Error,
    server: &Server,
    protocol: &str,
    answered: bool,
) -> TargetError {
    let (class, text) = if let sqlx::Error::Io(error) = error {
        match certificate(error) {
            Some(fault) => of_certificate(fault, server),
            None => hung_up(server, answered),
        }
    } else if let sqlx::Error::Tls(_) = error {
        let text =
            format!("{server} does not offer TLS; only \"ssl\": false allows a login without it");
        (Class::TlsUntrusted, text)
    } else if answered {
        (Class::Unexpected, format!("{server} does not speak {protocol}'s protocol"))
    } else {
        // A driver can take the end of the connection for the answer to its wish for TLS.
        hung_up(server, answered)
    };
    TargetError::new(class, text)
}

fn certificate(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_certificate(fault: &rustls::Error, server: &Server) -> (Class, String) {
    let expected = server.tls_name.as_deref().unwrap_or_default();
    let rustls::Error::InvalidCertificate(problem) = fault else {
        return (Class::TlsUntrusted, format!("the TLS handshake with {server} failed"));
    };
    use CertificateError as E;
    if let E::NotValidForName | E::NotValidForNameContext { .. } = problem {
        let text = format!(
            "the certificate of {server} is not for {expected}; where `host` is an alias, \
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
    (Class::TlsUntrusted, format!("the certificate of {server} {problem}"))
}

fn hung_up(server: &Server, answered: bool) -> (Class, String) {
    let when = if answered { "during the login" } else { "before it said anything" };
    (Class::Tcp, format!("{server} closed the connection {when}"))
}

/// A login that did not end within [`LOG_IN`].
pub fn slow_login(server: &Server, answered: bool) -> TargetError {
    let what =
        if answered { "did not finish the login" } else { "took the connection and was silent" };
    TargetError::new(Class::Timeout, format!("{server} {what} for {LOG_IN:?}"))
}
