use super::installation::Installation;
use crate::servers::Tls;

/// What a server is to be like; the default is what a careful operator of today has.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Which PostgreSQL.
    pub version: Version,
    /// Whether it offers TLS, and with which certificate.
    pub tls: Tls,
    /// How clients over TCP prove who they are.
    pub authentication: Authentication,
    /// How the server stores a password that it is given in plain text.
    pub password_encryption: PasswordEncryption,
    /// The server's `max_connections`, of which three are for superusers.
    pub max_connections: u16,
    /// More lines for `postgresql.conf`, which win over the ones above.
    pub configuration: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            version: Version::Distribution,
            tls: Tls::Trusted,
            authentication: Authentication::ScramSha256,
            password_encryption: PasswordEncryption::ScramSha256,
            max_connections: 20,
            configuration: Vec::new(),
        }
    }
}

/// Which PostgreSQL to run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// The newest that the distribution has installed.
    Distribution,
    /// PostgreSQL 18, as `tests/setup test` installs it.
    V18,
}

impl Version {
    /// Every version that the tests are to pass with.
    pub const ALL: [Self; 2] = [Self::Distribution, Self::V18];

    pub(super) fn installation(self) -> Installation {
        match self {
            Self::Distribution => Installation::of_the_distribution(),
            Self::V18 => Installation::of_version_18(),
        }
    }
}

/// How clients over TCP prove who they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Authentication {
    /// `scram-sha-256` for everyone.
    ScramSha256,
    /// `md5` for everyone, which also takes SCRAM where the stored password is a SCRAM verifier.
    Md5,
    /// These lines of `pg_hba.conf`.
    Lines(Vec<String>),
}

impl Authentication {
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::ScramSha256 => vec!["host all all all scram-sha-256".to_owned()],
            Self::Md5 => vec!["host all all all md5".to_owned()],
            Self::Lines(lines) => lines.clone(),
        }
    }
}

/// The server's `password_encryption`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordEncryption {
    /// `scram-sha-256`.
    ScramSha256,
    /// `md5`.
    Md5,
}

impl PasswordEncryption {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha256 => "scram-sha-256",
            Self::Md5 => "md5",
        }
    }
}
