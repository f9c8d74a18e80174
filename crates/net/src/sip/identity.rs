//! Whose a certificate is (RFC 5922): the domains that it names, and whether a server that we
//! connect to is the one that was meant.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Names of one certificate that are looked at.
const NAMES_MAX: usize = 32;

/// The domains that a certificate is for (§7.1), in lower case: of its SIP URIs, where it has any,
/// else its DNS names. One with a wildcard is none (§7.2), and what the subject's common name says
/// does not count: a certificate that says it nowhere else need not be believed, and RFC 9525 §2
/// says that it must not be.
pub(super) fn domains_of(certificate: &CertificateDer<'_>) -> Arc<[String]> {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return Arc::default() };
    let of_uris = parsed.valid_uri_names().take(NAMES_MAX).filter_map(|uri| {
        let uri = sip::Uri::parse(uri)?;
        let is_domain = uri.scheme() == sip::Scheme::Sip && uri.user().is_empty();
        is_domain.then(|| uri.host().to_ascii_lowercase())
    });
    let of_uris: Vec<String> = of_uris.collect();
    if !of_uris.is_empty() {
        return of_uris.into();
    }
    let names = parsed.valid_dns_names().filter(|name| !name.contains('*'));
    names.take(NAMES_MAX).map(str::to_ascii_lowercase).collect()
}

/// Believes servers whose certificates one of our roots has signed and that are for the domain that
/// is called (§7.3), or, where an address is called, for that.
#[derive(Debug)]
pub(super) struct Servers {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl Servers {
    pub(super) const fn new(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Self {
        Self { roots, provider }
    }
}

impl ServerCertVerifier for Servers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            algorithms,
        )?;
        let ServerName::DnsName(name) = server_name else {
            verify_server_name(&parsed, server_name)?;
            return Ok(ServerCertVerified::assertion());
        };
        let domains = domains_of(end_entity);
        match domains.iter().any(|domain| domain.eq_ignore_ascii_case(name.as_ref())) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(CertificateError::NotValidForName)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
