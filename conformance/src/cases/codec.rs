//! Messages and attributes as bytes, one after the other and to the last bit: RFC 8489 §5, §14, and
//! RFC 5780 §7. The subject reads what the suite writes, and writes what the suite reads.
//!
//! | file | about |
//! |---|---|
//! | `structure.rs` | headers, lengths, padding, order |
//! | `addresses.rs` | the address attributes |
//! | `errors.rs` | ERROR-CODE and UNKNOWN-ATTRIBUTES |
//! | `credentials.rs` | USERHASH and the password algorithms |
//! | `integrity.rs` | the integrity attributes and FINGERPRINT |
//! | `discovery.rs` | the attributes of RFC 5780 |

mod addresses;
mod credentials;
mod discovery;
mod errors;
mod integrity;
mod structure;

use crate::cases::stun::script::*;

/// Asserts that nothing went wrong in a sweep over many inputs: `wrong` is the first that did.
#[track_caller]
fn sweep(t: &mut Ctl<'_>, req: Req, wanted: &str, wrong: Option<String>) -> Outcome {
    let got = wrong.clone().unwrap_or_else(|| "so for all".to_owned());
    t.must(req, wrong.is_none(), wanted, got)
}

/// A message of these attributes in a request that begins like any other.
fn request(attributes: impl IntoIterator<Item = Attribute>) -> Vec<u8> {
    Message::request(TransactionId([0x5a; 12])).with_all(attributes).encode()
}
