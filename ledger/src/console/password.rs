//! Passwords: Argon2id, apart from the threads that answer, few at a time.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// NIST SP 800-63B: what a password alone has at least.
pub const PASSWORD_CHARS_MIN: usize = 12;
pub(super) const PASSWORD_CHARS_MAX: usize = 200;

/// Each takes 19 MiB and tens of milliseconds.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// What the password of nobody is compared with, so that it takes as long.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password").ok());

/// # Errors
/// The machine has no randomness.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Whether it is of this length at least and at most.
pub(super) fn is_long_enough(password: &str) -> bool {
    (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&password.chars().count())
}

/// [`hash`], where people wait for answers. `None`: the machine has no randomness.
pub(super) async fn hash_apart(password: String) -> Option<String> {
    // Closed only when the runtime ends.
    let _place = AT_ONCE.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || hash(&password).ok()).await.ok().flatten()
}

/// Whether the password is the one; without a hash it is not, and that takes as long.
pub(super) async fn is_right(password: String, hash: Option<String>) -> bool {
    let Ok(_place) = AT_ONCE.acquire().await else { return false };
    let compared = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let Some(hash) = hash.or_else(|| NOBODYS.clone()) else { return false };
        let Ok(hash) = PasswordHash::new(&hash) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known
    });
    compared.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_when_it_is_the_one_and_nobodys_never_is() {
        let hash = hash_apart("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_right("correct horse".to_owned(), Some(hash.clone())).await);
        assert!(!is_right("correct house".to_owned(), Some(hash)).await);
        assert!(!is_right("nobody has this password".to_owned(), None).await);
        assert!(!is_right("x".to_owned(), Some("plain".to_owned())).await);
    }
}
