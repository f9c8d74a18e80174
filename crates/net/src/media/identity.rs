//! Who we are to browsers: a certificate that is made at the start and never kept. Who they talk to
//! they know by its hash, which the description says over SIP (RFC 8827 §5.6.4).

use std::fmt;
use std::io;
use std::sync::Arc;

use dimpl::{Dtls, DtlsCertificate};
use media::Fingerprint;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use sha2::{Digest, Sha256};

use super::clock::Clock;

/// Bytes of a serial number: no two certificates that a browser sees may have the same.
const SERIAL_BYTES: usize = 16;
/// The longest datagram of a handshake: it fits on every way.
const MTU: usize = 1_150;

/// A certificate with its key.
pub(crate) struct Identity {
    certificate: DtlsCertificate,
    config: Arc<dimpl::Config>,
    fingerprint: Fingerprint,
    clock: Clock,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint)
    }
}

impl Identity {
    /// A new one. `clock` counts what is told to its handshakes.
    ///
    /// # Errors
    /// The system has no randomness, or the certificate cannot be made.
    pub(crate) fn new(clock: Clock) -> io::Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "hotline");
        let mut serial = [0; SERIAL_BYTES];
        getrandom::fill(&mut serial).map_err(io::Error::other)?;
        // A serial number is positive.
        serial[0] &= 0x7f;
        params.serial_number = Some(serial.to_vec().into());
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.der().to_vec();
        let fingerprint = fingerprint(&certificate);
        // A cookie proves where a datagram came from: here a check of ICE has, with a password.
        let config = dimpl::Config::builder().mtu(MTU).use_server_cookie(false).build();
        let config = Arc::new(config.map_err(io::Error::other)?);
        let certificate = DtlsCertificate { certificate, private_key: key.serialize_der() };
        Ok(Self { certificate, config, fingerprint, clock })
    }

    /// Of the certificate.
    pub(crate) const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// A handshake that nobody has begun; `is_client`: it is ours to begin.
    pub(crate) fn handshake(&self, is_client: bool) -> Dtls {
        let now = self.clock.instant();
        let (config, certificate) = (Arc::clone(&self.config), self.certificate.clone());
        let mut handshake = Dtls::new_auto(config, certificate, now);
        handshake.set_active(is_client);
        handshake
    }
}

/// The hash of a certificate in DER.
pub(crate) fn fingerprint(certificate: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(certificate).into())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn each_start_has_a_certificate_of_its_own() {
        let clock = Clock::new(Instant::now());
        let [one, other] = [0; 2].map(|_| Identity::new(clock).unwrap());
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.fingerprint(), fingerprint(&one.certificate.certificate));
        let shown = format!("{one:?}");
        assert!(shown.starts_with("Identity(sha-256 "), "{shown}");
    }
}
