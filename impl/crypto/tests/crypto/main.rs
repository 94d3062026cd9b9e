//! Both providers against known answers, against Wycheproof, and against each other.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agreement;
mod certificate;
mod hash_and_hmac;
mod pkcs8;
mod secrets;
mod symmetric;
mod wycheproof;

use crypto::Provider;

/// The two providers, for loops.
const PROVIDERS: [Provider; 2] = [crypto::aws_lc_rs(), crypto::rust_crypto()];

/// The bytes that `text` spells in hexadecimal, blanks ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|i| digits.get(i..i + 2).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
