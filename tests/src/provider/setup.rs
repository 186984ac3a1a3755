use std::time::Duration;

/// What kind of provider it is.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whether it speaks TLS, with a certificate of an authority of its own.
    pub tls: bool,
    /// What is the matter with the certificate.
    pub certificate: Certificate,
    /// Where keys stand in a request.
    pub authentication: Authentication,
    /// Who may mint, list and retire keys.
    pub minting: Minting,
    /// How many keys an account can have.
    pub limit: Option<usize>,
    /// The status of the answer to one key too many; its code is `too_many_keys`.
    pub full: u16,
    /// How lists are cut.
    pub paging: Paging,
    /// Whether ids are numbers.
    pub numeric_ids: bool,
    /// Whether keys have signs that have to be escaped in JSON, forms and URLs.
    pub odd_keys: bool,
    /// How long a new key is not accepted yet.
    pub settle: Duration,
    /// How long keys live, unless the request says otherwise.
    pub lifetime: Option<Duration>,
    /// Whether a refresh token gets a successor when it is used.
    pub refresh_rotates: bool,
    /// How long a refresh token that was used can be used again; later, its whole family is revoked.
    pub grace: Duration,
    /// Whether error messages quote the request with all its secrets.
    pub echoes: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            tls: false,
            certificate: Certificate::Valid,
            authentication: Authentication::Bearer,
            minting: Minting::Itself,
            limit: None,
            full: 409,
            paging: Paging::None,
            numeric_ids: false,
            odd_keys: false,
            settle: Duration::ZERO,
            lifetime: None,
            refresh_rotates: true,
            grace: Duration::ZERO,
            echoes: false,
        }
    }
}

/// A certificate of an authority of the provider's own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// For the names of this machine, as long as it takes.
    Valid,
    /// For another name.
    OtherName,
    /// For the names of this machine, and ended.
    Expired,
}

/// Where a key stands in a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Authentication {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of this name, and nothing but the key in it.
    Header(&'static str),
    /// The password of HTTP's basic authentication; the user is the account, or `admin`.
    Basic,
    /// A parameter of this name in the query.
    Query(&'static str),
}

/// Who may mint, list and retire keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Minting {
    /// Every key of the account, and the admin's.
    Itself,
    /// The admin's key alone.
    Admin,
}

/// How a list is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Paging {
    /// Not at all.
    None,
    /// `?page=N` from 1, with `page` and `pages` in the answer.
    Page(usize),
    /// `?cursor=C`, with `next_cursor` in the answer, which is null at the end.
    Cursor(usize),
    /// `?page=N`, with `Link: <URL>; rel="next"` in the head, which is away at the end.
    Link(usize),
}
