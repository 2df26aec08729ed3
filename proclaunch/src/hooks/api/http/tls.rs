//! TLS, for `https://`.
//!
//! **Invariant:** a certificate is believed only if the system's authorities, or those that the script names, vouch
//! for it and for the host, unless the script says `verify = false`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, version,
};

use super::{Trust, url};

/// Begins TLS on a connection.
pub(super) async fn begin<S>(host: &str, trust: &Trust, stream: S) -> Result<TlsStream<S>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(url::bare(host).to_owned())
        .map_err(|_| format!("`{host}` is no name that a certificate can have"))?;
    let connector = TlsConnector::from(config(trust).await?);
    connector.connect(name, stream).await.map_err(|error| said(&error))
}

/// What is wrong with a connection: rustls speaks through errors of input and output.
fn said(error: &io::Error) -> String {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(cause) => format!("TLS: {cause}"),
        None => crate::hooks::api::net::plain(error),
    }
}

async fn config(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    match trust {
        Trust::System => {
            // Read once, off this thread: it is some hundred certificates.
            static SYSTEM: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();
            SYSTEM.get_or_try_init(|| apart(system)).await.cloned()
        }
        Trust::Authority(path) => {
            let path = path.clone();
            apart(move || authority(&path)).await
        }
        Trust::Anyone => Ok(Arc::new(
            builder()
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone(provider())))
                .with_no_client_auth(),
        )),
    }
}

/// Does what reads files on a thread that may wait for them.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

fn system() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        return Err(
            "TLS: this machine has no certificates of authorities (package ca-certificates)".to_owned()
        );
    }
    Ok(Arc::new(builder().with_root_certificates(roots).with_no_client_auth()))
}

fn authority(path: &Path) -> Result<Arc<ClientConfig>, String> {
    let wrong = |why: String| format!("`ca` {}: {why}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in PEM form in it".to_owned()));
    }
    Ok(Arc::new(builder().with_root_certificates(roots).with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

type Builder = tokio_rustls::rustls::ConfigBuilder<ClientConfig, tokio_rustls::rustls::WantsVerifier>;

fn builder() -> Builder {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .expect("ring speaks both")
}

/// Believes every certificate, as a probe of one's own service may; that the other end has its key is checked.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
