//! TLS's certificates (RFC 3261 §26.2.1, RFC 5922): ours, and whom we believe.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::identity::Servers;

/// Where the certificates are; all files are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our certificate, and behind it those that lead to a root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Roots of the certificates that peers may prove their names by. Without it no peer is asked
    /// for one.
    pub client_ca: Option<PathBuf>,
    /// Roots of the servers that we connect to; without it, the system's.
    pub server_ca: Option<PathBuf>,
}

/// What connections are made by. Whoever has a clone can have the files read again.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: TlsFiles,
    contexts: RwLock<Arc<Contexts>>,
}

/// What the files say at one moment.
pub(super) struct Contexts {
    /// For SIP peers: asked for a certificate where `client_ca` is given, but not made to have one.
    pub(super) peers: Arc<ServerConfig>,
    /// For browsers, whose people would be asked to choose one.
    pub(super) browsers: Arc<ServerConfig>,
    /// For servers that we connect to.
    pub(super) outgoing: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read, holds no certificate or key, or the key is not the certificate's.
    pub fn load(files: TlsFiles) -> io::Result<Tls> {
        let contexts = RwLock::new(Arc::new(read(&files)?));
        Ok(Self(Arc::new(Inner { files, contexts })))
    }

    /// Reads the files again: new connections are made by what they say now, those that are open
    /// go on. Waits for the disk.
    ///
    /// # Errors
    /// As for [`Tls::load`]; then all stays as it was.
    pub fn reload(&self) -> io::Result<()> {
        let contexts = Arc::new(read(&self.0.files)?);
        *self.0.contexts.write().unwrap_or_else(PoisonError::into_inner) = contexts;
        Ok(())
    }

    pub(super) fn contexts(&self) -> Arc<Contexts> {
        Arc::clone(&self.0.contexts.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.files).finish()
    }
}

fn read(files: &TlsFiles) -> io::Result<Contexts> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| named(&files.key, error))?;
    let serves = |verifier: Arc<dyn ClientCertVerifier>| {
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let config = config.with_client_cert_verifier(verifier);
                config.with_single_cert(chain.clone(), key.clone_key())
            });
        config.map(Arc::new).map_err(|error| named(&files.certificate, error))
    };
    let nobody = WebPkiClientVerifier::no_client_auth();
    let peers = match &files.client_ca {
        None => serves(Arc::clone(&nobody))?,
        Some(file) => serves(verifier(file, &provider)?)?,
    };
    let roots = match &files.server_ca {
        None => system_roots(),
        Some(file) => roots(file)?,
    };
    let servers = Arc::new(Servers::new(roots, Arc::clone(&provider)));
    let outgoing = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .dangerous()
                .with_custom_certificate_verifier(servers)
                .with_client_auth_cert(chain.clone(), key.clone_key())
        })
        .map_err(|error| named(&files.certificate, error))?;
    Ok(Contexts { peers, browsers: serves(nobody)?, outgoing: Arc::new(outgoing) })
}

fn verifier(
    file: &Path,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let roots = Arc::new(roots(file)?);
    WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| named(file, error))
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let found =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| named(file, error))?;
    match found.is_empty() {
        true => Err(named(file, "there is no certificate in it")),
        false => Ok(found),
    }
}

fn roots(file: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| named(file, error))?;
    }
    Ok(roots)
}

/// What the system trusts. Where it trusts nobody, neither do we: only connections of ours fail.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the system has no root certificates: no TLS server can be connected to");
    }
    roots
}

fn named(file: &Path, error: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
}
