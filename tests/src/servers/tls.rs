use crate::certificates::{Authority, Issued};

/// What the server answers to a client that asks for TLS.
///
/// Every server with TLS also takes plaintext, so that a client without TLS is seen to come without it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tls {
    /// No TLS.
    Off,
    /// A certificate for `localhost` and `127.0.0.1`, issued by the authority of `Server::ca_file`.
    Trusted,
    /// The same with more names.
    TrustedFor(Vec<String>),
    /// Issued by that authority, but for another host's name.
    WrongName,
    /// Issued for `localhost` and `127.0.0.1`, but by another authority than that of `Server::ca_file`.
    Untrusted,
}

impl Tls {
    /// The authority to trust, PEM, and the server's certificate, if it has one.
    pub(super) fn certificates(&self) -> (String, Option<Issued>) {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let authority = Authority::new();
        let issued = match self {
            Self::Off => None,
            Self::Trusted => Some(authority.issue(&names)),
            Self::TrustedFor(more) => {
                names.extend(more.iter().cloned());
                Some(authority.issue(&names))
            }
            Self::WrongName => Some(authority.issue(&["elsewhere.invalid".to_owned()])),
            Self::Untrusted => Some(Authority::new().issue(&names)),
        };
        (authority.certificate(), issued)
    }
}
