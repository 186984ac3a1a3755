//! Which certificates are trusted.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use turnlock::{Class, TargetError};

/// Amazon's own roots for RDS, of all regions; Mozilla's are built into the driver.
const RDS_ROOTS: &[u8] = include_bytes!("../rds-ca-global.pem");

/// The roots that a server's certificate may go back to, besides Mozilla's.
#[derive(Debug)]
pub struct Trust(Result<Vec<u8>, TargetError>);

impl Trust {
    /// Amazon's roots for RDS, and those in the file that `TLS_CA_FILE` names.
    ///
    /// What is wrong with the file is the error of every login, so that it is seen where one looks first.
    pub fn from_env() -> Self {
        Self::new(std::env::var_os("TLS_CA_FILE").map(Into::into))
    }

    fn new(file: Option<PathBuf>) -> Self {
        let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else {
            return Self(Ok(RDS_ROOTS.to_vec()));
        };
        Self(with_file(&file).map_err(|problem| {
            let text = format!("TLS_CA_FILE, {}, {problem}", file.display());
            TargetError::new(Class::TlsUntrusted, text)
        }))
    }

    /// The roots as PEM.
    ///
    /// # Errors
    ///
    /// Class `tls-untrusted` where the file cannot be read or holds no certificates.
    pub fn roots(&self) -> Result<Vec<u8>, TargetError> {
        self.0.clone()
    }

    /// What verifies a server as the driver does: by these roots and Mozilla's.
    ///
    /// # Errors
    ///
    /// As [`roots`](Self::roots).
    pub fn client(&self) -> Result<Arc<ClientConfig>, TargetError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(&self.roots()?).filter_map(Result::ok),
        );
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|_| TargetError::new(Class::Unexpected, "no TLS version is compiled in"))?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

fn with_file(file: &PathBuf) -> Result<Vec<u8>, &'static str> {
    let own = std::fs::read(file).map_err(|_| "cannot be read")?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&own).collect();
    if certificates.is_empty() || certificates.iter().any(Result::is_err) {
        return Err("does not hold certificates as PEM");
    }
    Ok([RDS_ROOTS, b"\n", own.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_those_of_all_regions() {
        assert_eq!(CertificateDer::pem_slice_iter(RDS_ROOTS).filter(Result::is_ok).count(), 81);
    }

    #[test]
    fn a_file_that_holds_no_certificate_is_an_error_that_names_it() {
        for file in ["/nonexistent", "Cargo.toml"] {
            let error = Trust::new(Some(file.into())).roots().unwrap_err();
            assert_eq!(error.class(), Class::TlsUntrusted);
            assert!(error.to_string().contains(file), "{error}");
        }
    }
}
