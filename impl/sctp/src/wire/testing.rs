//! What tests of chunks share.

use base::{Reader, Writer};

use super::{CHUNK_HEADER, Cause, Chunk, Parameter};

/// The bytes that `text` shows, blanks left out.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|letter| letter.to_digit(16)).collect();
    assert!(digits.len().is_multiple_of(2), "half a byte");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// Reads one chunk, gives it to `check`, writes it again, and cuts it at every length, its length field
/// made to fit: what is shorter than `shortest` is refused. Says how the chunk prints.
pub(crate) fn chunk_laws(capture: &str, shortest: usize, check: impl FnOnce(Chunk<'_>)) -> String {
    let bytes = hex(capture);
    let mut reader = Reader::new(&bytes);
    let chunk = Chunk::read(&mut reader).expect("the chunk is well-formed");
    assert!(reader.is_empty(), "one chunk, all of it");
    check(chunk);
    let mut again = b"before".to_vec();
    chunk.write(&mut Writer::new(&mut again));
    assert_eq!(&again[6..], bytes, "written as it was read");
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    for cut in CHUNK_HEADER..length {
        let mut part = bytes[..cut].to_vec();
        part[2..4].copy_from_slice(&u16::try_from(cut).unwrap().to_be_bytes());
        let is_refused = Chunk::read(&mut Reader::new(&part)).is_err();
        assert_eq!(is_refused, cut < shortest, "cut at {cut} of {length}");
        let mut fewer = Reader::new(&bytes[..cut]);
        assert!(Chunk::read(&mut fewer).is_err(), "{cut} bytes of {length}");
    }
    chunk.to_string()
}

/// Reads one parameter, writes it again, and cuts it at every length. Says how it prints.
pub(crate) fn parameter_laws(capture: &str) -> String {
    let bytes = hex(capture);
    let mut reader = Reader::new(&bytes);
    let parameter = Parameter::read(&mut reader).expect("the parameter is well-formed");
    assert!(reader.is_empty(), "one parameter, all of it");
    let mut again = Vec::new();
    parameter.write(&mut Writer::new(&mut again));
    assert_eq!(again, bytes, "written as it was read");
    cut(&bytes, |part| Parameter::read(&mut Reader::new(part)).is_err());
    parameter.to_string()
}

/// The same for a cause.
pub(crate) fn cause_laws(capture: &str) -> String {
    let bytes = hex(capture);
    let mut reader = Reader::new(&bytes);
    let cause = Cause::read(&mut reader).expect("the cause is well-formed");
    assert!(reader.is_empty(), "one cause, all of it");
    let mut again = Vec::new();
    cause.write(&mut Writer::new(&mut again));
    assert_eq!(again, bytes, "written as it was read");
    cut(&bytes, |part| Cause::read(&mut Reader::new(part)).is_err());
    cause.to_string()
}

/// Cuts at every length short of the one that the length field says.
fn cut(bytes: &[u8], is_refused: impl Fn(&[u8]) -> bool) {
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    for cut in 0..length {
        assert!(is_refused(&bytes[..cut]), "cut at {cut} of {length}");
    }
}
