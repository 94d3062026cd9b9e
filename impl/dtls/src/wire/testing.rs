//! What tests of messages share.

use std::fmt::Debug;

use base::{Reader, Writer};

use super::{Extension, Message};

/// Cuts `whole` at every length; each part must be refused, but those of a length in `legal`, where a
/// message may end as well.
pub(crate) fn refuses_truncated(
    whole: &[u8],
    legal: &[usize],
    mut is_refused: impl FnMut(&[u8]) -> bool,
) {
    assert!(!is_refused(whole), "the whole is not refused");
    for length in 0..whole.len() {
        let refused = is_refused(&whole[..length]);
        assert_eq!(refused, !legal.contains(&length), "cut at {length} of {}", whole.len());
    }
}

/// The bytes of a message's body.
pub(crate) fn written<'a, M: Message<'a>>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.write(&mut Writer::new(&mut bytes));
    bytes
}

/// Reads `body`, writes it again, and checks cuts at every length and a byte too many.
pub(crate) fn message_laws<'a, M: Message<'a> + Debug + PartialEq>(
    body: &'a [u8],
    legal: &[usize],
) -> M {
    let message = M::parse(body).expect("the body is well-formed");
    assert_eq!(written(&message), body, "written as it was read");
    for length in 0..body.len() {
        let refused = M::parse(&body[..length]).is_err();
        assert_eq!(refused, !legal.contains(&length), "cut at {length} of {}", body.len());
    }
    message
}

/// The value of an extension.
pub(crate) fn value<'a, E: Extension<'a>>(extension: &E) -> Vec<u8> {
    let mut bytes = Vec::new();
    extension.write(&mut Writer::new(&mut bytes));
    bytes
}

/// The same laws for the value of an extension.
pub(crate) fn extension_laws<'a, E: Extension<'a> + Debug + PartialEq>(bytes: &'a [u8]) -> E {
    let extension = E::read(Reader::new(bytes)).expect("the value is well-formed");
    assert_eq!(value(&extension), bytes, "written as it was read");
    for length in 0..bytes.len() {
        assert!(E::read(Reader::new(&bytes[..length])).is_err(), "cut at {length}");
    }
    extension
}

/// `bytes` and one more.
pub(crate) fn with_trailing(bytes: &[u8]) -> Vec<u8> {
    let mut longer = bytes.to_vec();
    longer.push(0);
    longer
}
