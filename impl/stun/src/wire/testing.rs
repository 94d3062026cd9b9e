//! What the tests of all attributes share.

use base::{Malformed, Reader, Writer};

use super::{Decode, Encode, TransactionId};

/// Reads one value.
pub(crate) fn read<'a, A: Decode<'a>>(value: &'a [u8], id: &TransactionId) -> Result<A, Malformed> {
    A::read(Reader::new(value), id)
}

/// The value as written.
pub(crate) fn written<A: Encode>(attribute: &A, id: &TransactionId) -> Vec<u8> {
    let mut buffer = Vec::new();
    attribute.write(&mut Writer::new(&mut buffer), id);
    buffer
}

/// Every proper prefix of `bytes`, in a buffer of exactly its size.
pub(crate) fn truncations(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len()).map(|length| (length, bytes[..length].to_vec()))
}
