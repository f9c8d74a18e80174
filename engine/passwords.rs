//! Passwords: hashed by Argon2id for the web, as HA1 for phones; never kept in clear.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use sip::digest::{Algorithm, ha1};

/// What is kept of a password.
pub struct Hashes {
    /// For the web, in PHC string format.
    pub argon2: String,
    /// For phones (RFC 7616 §3.4.2).
    pub ha1_md5: String,
    /// The same with SHA-256.
    pub ha1_sha256: String,
}

/// Hashes a password for a user of a realm. Takes some tens of milliseconds on purpose.
///
/// # Errors
/// The system has no randomness for the salt.
pub fn hash(user: &str, realm: &str, password: &str) -> anyhow::Result<Hashes> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let argon2 = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| anyhow::anyhow!("the password cannot be hashed: {error}"))?;
    Ok(Hashes {
        argon2: argon2.to_string(),
        ha1_md5: ha1(Algorithm::Md5, user, realm, password),
        ha1_sha256: ha1(Algorithm::Sha256, user, realm, password),
    })
}

/// Whether `password` is the one that was hashed. Without a hash, as for an unknown user, the same
/// time is spent for nothing.
pub fn verify(password: &str, hashed: Option<&str>) -> bool {
    let argon2 = Argon2::default();
    match hashed.and_then(|hashed| PasswordHash::new(hashed).ok()) {
        Some(hashed) => argon2.verify_password(password.as_bytes(), &hashed).is_ok(),
        None => {
            let _ = argon2.hash_password_with_salt(password.as_bytes(), &[7; 16]);
            false
        }
    }
}

/// 256 random bits as a token for a URL.
///
/// # Errors
/// The system has no randomness.
pub fn token() -> anyhow::Result<String> {
    Ok(hex::encode(secret()?))
}

/// 256 random bits.
///
/// # Errors
/// The system has no randomness.
pub fn secret() -> anyhow::Result<[u8; 32]> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_right() {
        let hashes = hash("8001", "hotline", "demo").expect("it is hashed");
        assert!(hashes.argon2.starts_with("$argon2id$"));
        assert!(verify("demo", Some(&hashes.argon2)));
        assert!(!verify("Demo", Some(&hashes.argon2)));
        assert!(!verify("demo", None));
        assert!(!verify("demo", Some("no hash")));
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let one = hash("8001", "hotline", "demo").expect("it is hashed");
        let other = hash("8001", "hotline", "demo").expect("it is hashed");
        assert_ne!(one.argon2, other.argon2);
        assert_eq!(one.ha1_md5, other.ha1_md5);
    }
}
