use super::installation::Installation;
use crate::servers::Tls;

/// What a server is to be like; the default is MySQL as a careful operator of today has it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whose server.
    pub product: Product,
    /// Whether it offers TLS, and with which certificate.
    pub tls: Tls,
    /// The server's `max_connections`, besides one for root. MariaDB takes ten for less.
    pub max_connections: u16,
    /// More lines for the section `mysqld` of `my.cnf`, which win over the ones above.
    ///
    /// The data folder is made without them.
    pub configuration: Vec<String>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            product: Product::MySql,
            tls: Tls::Trusted,
            max_connections: 20,
            configuration: Vec::new(),
        }
    }
}

impl Setup {
    /// The default for this product.
    pub fn of(product: Product) -> Self {
        Self { product, ..Self::default() }
    }
}

/// Whose server to run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Product {
    /// MySQL, as `tests/setup mysqld` names it.
    MySql,
    /// MariaDB, as `tests/setup` unpacks it.
    MariaDb,
}

impl Product {
    /// Every product that the tests are to pass with.
    pub const ALL: [Self; 2] = [Self::MySql, Self::MariaDb];

    /// What a secret has in `engine`.
    pub fn engine(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }

    pub(super) fn installation(self) -> Installation {
        match self {
            Self::MySql => Installation::of_mysql(),
            Self::MariaDb => Installation::of_mariadb(),
        }
    }
}
