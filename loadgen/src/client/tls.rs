//! Whom to trust, and as whom to appear.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

/// What was asked of TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates to trust instead of the public ones.
    pub ca: Option<PathBuf>,
    /// The client's own certificate chain and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether any certificate will do.
    pub is_insecure: bool,
}

/// Why TLS cannot be used like this.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that does not hold what it should.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key do not fit, or no root was found.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    /// Nobody to trust.
    #[error(transparent)]
    Roots(#[from] rustls::client::VerifierBuilderError),
}

/// Builds the configuration that all clients share.
///
/// # Errors
///
/// When a file cannot be used.
pub fn config(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Trust::new(files, provider)?));
    let Some((chain_path, key_path)) = &files.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(chain_path)?;
    let key = PrivateKeyDer::from_pem_file(key_path).map_err(|source| file(key_path, source))?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|source| file(path, source))?;
    certificates.collect::<Result<_, _>>().map_err(|source| file(path, source))
}

fn file(path: &Path, source: rustls::pki_types::pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), source }
}

/// Whom to trust: those whom a public root or a certificate in a file has signed, and a certificate that is
/// itself in the file. What `openssl req -x509` makes says that it is an authority, which webpki takes for no
/// server's.
#[derive(Debug)]
struct Trust {
    by_signature: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
    /// Whoever answers, which is asked for by name: `--insecure`.
    is_blind: bool,
}

impl Trust {
    fn new(files: &TlsFiles, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let given = files.ca.as_deref().map(certificates).transpose()?;
        let mut roots = RootCertStore::empty();
        match &given {
            Some(given) => given.iter().try_for_each(|certificate| roots.add(certificate.clone()))?,
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let by_signature = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { by_signature, given: given.unwrap_or_default(), is_blind: files.is_insecure })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.is_blind {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.by_signature.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        match verified {
            // Told after its time was found right, before its name was looked at.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.given.iter().any(|given| given == certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_signature.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_signature.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_signature.supported_verify_schemes()
    }
}
