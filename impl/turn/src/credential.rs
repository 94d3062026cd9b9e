//! Time-limited credentials: usernames that say until when they hold, and passwords made of them with a
//! secret that an application's server and the TURN server share.
//!
//! No standard describes them, and every server knows them: the username is the second since 1970 at
//! which the credential ends, a colon, and a name of the user; the password is the HMAC-SHA-1 of the
//! username under the secret, in base64. The TURN server keeps no accounts: it computes the password
//! from the username it is shown.

use std::time::Duration;

use base::WallTime;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto::{HmacAlgorithm, Provider};
use zeroize::Zeroizing;

/// The username of a credential for `user` that holds until `expires`.
///
/// ```
/// use base::WallTime;
/// use std::time::Duration;
///
/// let expires = WallTime::from_unix(Duration::from_secs(1_700_000_000));
/// assert_eq!(turn::time_limited_username(expires, "alice"), "1700000000:alice");
/// ```
#[must_use]
pub fn time_limited_username(expires: WallTime, user: &str) -> String {
    format!("{}:{user}", expires.as_unix().as_secs())
}

/// The password that goes with `username`, for those who know the secret.
///
/// ```
/// let provider = crypto::Provider::default();
/// let password = turn::time_limited_password(provider, b"secret", "1700000000:alice");
/// assert_eq!(password.len(), 28);
/// ```
#[must_use]
pub fn time_limited_password(
    provider: Provider,
    secret: &[u8],
    username: &str,
) -> Zeroizing<String> {
    let tag = provider.hmac_key(HmacAlgorithm::Sha1, secret).sign(&[username.as_bytes()]);
    Zeroizing::new(STANDARD.encode(tag.as_ref()))
}

/// Until when a username says that it holds, if it says so.
#[must_use]
pub fn time_limited_expiry(username: &str) -> Option<WallTime> {
    let seconds = username.split(':').next()?;
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = seconds.parse().ok().filter(|_| is_number)?;
    Some(WallTime::from_unix(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn makes_the_password_that_everybody_makes() {
        // A test vector of HMAC-SHA-1 that is known far and wide.
        let text = "The quick brown fox jumps over the lazy dog";
        let password = time_limited_password(crypto::rust_crypto(), b"key", text);
        assert_eq!(password.as_str(), "3nybhbi3iqa8ino29wqQcBydtNk=");
    }

    #[rstest]
    #[case::usual("1700000000:alice", Some(1_700_000_000))]
    #[case::nobody_in_particular("1700000000", Some(1_700_000_000))]
    #[case::colons_in_the_name("17:a:b", Some(17))]
    #[case::name_alone("alice", None)]
    #[case::sign("+17:alice", None)]
    #[case::nothing("", None)]
    #[case::too_long("99999999999999999999:alice", None)]
    fn reads_until_when_a_username_holds(#[case] username: &str, #[case] seconds: Option<u64>) {
        let expiry = time_limited_expiry(username).map(|at| at.as_unix().as_secs());
        assert_eq!(expiry, seconds);
    }
}
