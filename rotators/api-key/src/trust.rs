//! Which certificates are trusted: Mozilla's roots, and those of `TLS_CA_FILE`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use turnlock::{Class, TargetError};

/// The roots that a provider's certificate may go back to.
#[derive(Debug)]
pub(crate) struct Trust(Option<PathBuf>);

impl Trust {
    /// Mozilla's, and those in the file that `TLS_CA_FILE` names.
    pub(crate) fn from_env() -> Self {
        let file = std::env::var_os("TLS_CA_FILE").filter(|file| !file.is_empty());
        Self(file.map(Into::into))
    }

    /// What verifies a provider.
    pub(crate) fn client(&self) -> Result<ClientConfig, TargetError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = &self.0 {
            for certificate in certificates(file)? {
                // One that the library cannot read vouches for nobody.
                let _unread = roots.add(certificate);
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|_| TargetError::new(Class::Unexpected, "no TLS version is compiled in"))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn certificates(file: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TargetError> {
    let fault = |problem: &str| {
        let text = format!("TLS_CA_FILE, {}, {problem}", file.display());
        TargetError::new(Class::TlsUntrusted, text)
    };
    let pem = std::fs::read(file).map_err(|_| fault("cannot be read"))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.unwrap_or_default();
    if found.is_empty() {
        return Err(fault("does not hold certificates as PEM"));
    }
    Ok(found)
}
