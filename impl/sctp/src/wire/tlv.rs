//! What frames parameters and causes: [RFC 9260 §3.2.1](https://www.rfc-editor.org/rfc/rfc9260#section-3.2.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Parameter Type         |       Parameter Length        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                        Parameter Value                        \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use base::{Malformed, Reader, Writer};

/// Bytes before the value.
pub(super) const TLV_HEADER: usize = 4;

/// One parameter or cause as it stands in the bytes.
pub(super) struct Tlv<'a> {
    pub(super) kind: u16,
    pub(super) value: Reader<'a>,
    /// All of it but the padding.
    pub(super) whole: &'a [u8],
}

/// Reads the next one and the padding after it. The padding of the last one may be missing, since the
/// length of a chunk does not count it (RFC 9260 §3.2).
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<Tlv<'a>, Malformed> {
    let mut ahead = *reader;
    let kind = ahead.u16()?;
    let length = usize::from(ahead.u16()?);
    let Some(value) = length.checked_sub(TLV_HEADER) else {
        return Err(reader.malformed("parameter shorter than its header"));
    };
    let value = ahead.sub(value)?;
    let whole = reader.bytes(length)?;
    let padding = padding(length).min(reader.remaining());
    reader.bytes(padding)?;
    Ok(Tlv { kind, value, whole })
}

/// Appends one with the value that `write` appends, and pads it.
pub(super) fn write(writer: &mut Writer<'_>, kind: u16, write: impl FnOnce(&mut Writer<'_>)) {
    let start = writer.len();
    writer.u16(kind);
    writer.u16(0);
    write(writer);
    finish(writer, start);
}

/// Fills in the length of the chunk, parameter or cause that began at `start`, and pads it with zeros.
/// The length is cut off at 65,535; callers bound what they write.
pub(super) fn finish(writer: &mut Writer<'_>, start: usize) {
    let length = writer.len() - start;
    let field = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(to) = writer.written_mut().get_mut(start + 2..start + 4) {
        to.copy_from_slice(&field);
    }
    writer.zeros(padding(length));
}

/// Takes back the padding of the one that began at `start` and was written last: at the end of a chunk it is
/// padding of the chunk, which the chunk's length does not count (RFC 9260 §3.2).
pub(super) fn unpad(writer: &mut Writer<'_>, start: usize) {
    let Some(&[high, low]) = writer.written().get(start + 2..).and_then(<[u8]>::first_chunk) else {
        return;
    };
    let end = start + usize::from(u16::from_be_bytes([high, low]));
    if end < writer.len() {
        writer.truncate(end);
    }
}

/// Bytes that make `length` a multiple of four.
pub(super) const fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_padded_and_its_length_is_not() {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes), 7, |writer| writer.u8(9));
        assert_eq!(bytes, [0, 7, 0, 5, 9, 0, 0, 0]);
        let mut reader = Reader::new(&bytes);
        let tlv = read(&mut reader).unwrap();
        assert_eq!((tlv.kind, tlv.whole), (7, &bytes[..5]));
        assert!(reader.is_empty());
        assert!(read(&mut Reader::new(&bytes[..5])).is_ok(), "the last padding may be missing");
        assert!(read(&mut Reader::new(&bytes[..4])).is_err());
    }

    #[test]
    fn the_padding_of_the_last_one_can_be_taken_back() {
        let mut bytes = vec![1, 2, 3, 4];
        let mut writer = Writer::new(&mut bytes);
        writer.u32(7);
        write(&mut writer, 7, |writer| writer.u8(9));
        unpad(&mut writer, 4);
        assert_eq!(writer.written(), [0, 0, 0, 7, 0, 7, 0, 5, 9]);
        unpad(&mut writer, 4);
        assert_eq!(writer.len(), 9);
    }

    #[test]
    fn a_length_below_its_header_ends_the_reading() {
        for length in 0..4 {
            let bytes = [0, 1, 0, length, 0, 0, 0, 0];
            assert!(read(&mut Reader::new(&bytes)).is_err());
        }
    }
}
