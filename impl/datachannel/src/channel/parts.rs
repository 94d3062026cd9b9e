//! Messages that come in parts, each a message of the association: RFC 8831 §6.6, deprecated.

use bytes::{Bytes, BytesMut};

use crate::Fault;

/// What a part is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    Text,
    Binary,
}

/// The parts of a message that came so far.
#[derive(Debug, Default)]
pub(crate) struct Parts(Option<(PartKind, BytesMut)>);

impl Parts {
    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |(_, bytes)| bytes.len())
    }

    /// A part that is not the last; with it, no more than `limit` bytes may be held.
    pub(crate) fn add(&mut self, kind: PartKind, part: &[u8], limit: usize) -> Result<(), Fault> {
        if self.held() + part.len() > limit {
            return Err(Fault::PartsTooLong);
        }
        let (begun, bytes) = self.0.get_or_insert_with(|| (kind, BytesMut::new()));
        if *begun != kind {
            return Err(Fault::MixedParts);
        }
        bytes.extend_from_slice(part);
        Ok(())
    }

    /// The last part, or a message that is whole by itself.
    pub(crate) fn finish(
        &mut self,
        kind: PartKind,
        last: Bytes,
        limit: usize,
    ) -> Result<Bytes, Fault> {
        if self.0.is_none() {
            return Ok(last);
        }
        self.add(kind, &last, limit)?;
        Ok(self.0.take().map_or(last, |(_, bytes)| bytes.freeze()))
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_one_message() {
        let mut parts = Parts::default();
        parts.add(PartKind::Binary, &[1, 2], 10).unwrap();
        parts.add(PartKind::Binary, &[3], 10).unwrap();
        assert_eq!(parts.held(), 3);
        let whole = parts.finish(PartKind::Binary, Bytes::from_static(&[4]), 10).unwrap();
        assert_eq!(&*whole, &[1, 2, 3, 4]);
        assert_eq!(parts.held(), 0);
    }

    #[test]
    fn a_whole_message_is_not_copied() {
        let whole = Bytes::from_static(b"whole");
        let out = Parts::default().finish(PartKind::Text, whole.clone(), 1).unwrap();
        assert_eq!(out.as_ptr(), whole.as_ptr());
    }

    #[test]
    fn parts_of_different_kinds_do_not_mix() {
        let mut parts = Parts::default();
        parts.add(PartKind::Text, b"a", 10).unwrap();
        assert_eq!(parts.add(PartKind::Binary, b"b", 10), Err(Fault::MixedParts));
        let last = Bytes::from_static(b"c");
        assert_eq!(parts.finish(PartKind::Binary, last, 10), Err(Fault::MixedParts));
    }

    #[test]
    fn no_more_is_held_than_the_limit() {
        let mut parts = Parts::default();
        parts.add(PartKind::Text, &[0; 10], 10).unwrap();
        assert_eq!(parts.add(PartKind::Text, &[0], 10), Err(Fault::PartsTooLong));
        assert_eq!(parts.held(), 10);
    }
}
