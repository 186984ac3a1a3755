//! Throwaway certificate authorities and the server certificates they issue.

use std::fmt;
use std::sync::Arc;

use rand::TryRng as _;
use rand::rngs::SysRng;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority that nobody trusts until told to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A server's certificate with its key, both PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Issued {
    /// What a server shows it by.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the usual versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.expect("PEM")], key.expect("PEM"));
        Arc::new(config.expect("a certificate with its key"))
    }
}

impl Authority {
    /// Makes a new authority with a name and a key of its own.
    #[expect(clippy::new_without_default, reason = "no two authorities are equal")]
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Under a common name, a client would see a bad signature instead of an unknown issuer.
        let number = SysRng.try_next_u64().expect("the system has randomness");
        let name = format!("throwaway test authority {number:016x}");
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key pair");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("a certificate");
        Self { issuer }
    }

    /// Its own certificate in PEM, for a client to trust.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a server certificate for these names; IP addresses become IP names.
    pub fn issue(&self, names: &[String]) -> Issued {
        self.sign(CertificateParams::new(names).expect("names fit for a certificate"))
    }

    /// The same with a certificate that has ended.
    pub fn issue_expired(&self, names: &[String]) -> Issued {
        let mut parameters = CertificateParams::new(names).expect("names fit for a certificate");
        parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2001, 1, 1);
        self.sign(parameters)
    }

    fn sign(&self, parameters: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key pair");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
