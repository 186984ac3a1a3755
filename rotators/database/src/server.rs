use std::fmt;

/// Where a database server is, and the name that its certificate has to have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// A name or an address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The name on the server's certificate; `None` where the secret says `"ssl": false`.
    pub tls_name: Option<String>,
}

/// As `host:port`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        if host.contains(':') {
            return write!(f, "[{host}]:{}", self.port);
        }
        write!(f, "{host}:{}", self.port)
    }
}
