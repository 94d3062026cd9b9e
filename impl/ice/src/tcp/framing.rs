//! Datagrams on a stream: [RFC 4571 §2](https://www.rfc-editor.org/rfc/rfc4571#section-2), as RFC
//! 6544 §7.1 wants it for everything.
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            Length             |  datagram of Length bytes ... |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

/// Bytes before the content of a frame.
pub const FRAME_HEADER: usize = 2;
/// The longest content of a frame in bytes.
pub const MAX_FRAME: usize = 65_535;

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The content has more than [`MAX_FRAME`] bytes.
    #[error("longer than a frame")]
    TooLong,
}

/// Appends a frame to `buffer`, whose content `fill` appends, and returns its size with the header.
///
/// # Errors
///
/// `FrameError::TooLong`; the buffer is then as it was.
pub fn write_frame(
    buffer: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<usize, FrameError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; FRAME_HEADER]);
    fill(buffer);
    let size = buffer.len().saturating_sub(start);
    let header = size.checked_sub(FRAME_HEADER).and_then(|length| u16::try_from(length).ok());
    let place = buffer.get_mut(start..start + FRAME_HEADER);
    if let (Some(length), Some(place)) = (header, place) {
        place.copy_from_slice(&length.to_be_bytes());
        return Ok(size);
    }
    buffer.truncate(start);
    Err(FrameError::TooLong)
}

/// Takes frames off a stream. Holds less than one frame, and only what has come of it.
#[derive(Debug)]
pub(super) struct Deframer {
    /// The beginning of a frame, header included.
    partial: Vec<u8>,
}

/// What the next bytes of a stream are.
pub(super) enum Deframed<'a> {
    /// All were used, and no frame is whole.
    Nothing,
    /// A frame that lies in them.
    Here(&'a [u8]),
    /// A frame that began earlier, now in the scratch buffer.
    Scratch,
    /// The beginning of a frame that is too long.
    TooLong,
}

impl Deframer {
    pub(super) const fn new() -> Self {
        Self { partial: Vec::new() }
    }

    /// Takes the next frame of at most `longest` bytes. Empty frames are passed over.
    pub(super) fn next<'a>(
        &mut self,
        bytes: &mut &'a [u8],
        scratch: &mut Vec<u8>,
        longest: usize,
    ) -> Deframed<'a> {
        loop {
            if bytes.is_empty() {
                return Deframed::Nothing;
            }
            if !self.partial.is_empty() {
                match self.join(bytes, scratch, longest) {
                    Deframed::Scratch if scratch.is_empty() => continue,
                    other => return other,
                }
            }
            let Some((&header, rest)) = bytes.split_first_chunk::<FRAME_HEADER>() else {
                self.hold(bytes);
                return Deframed::Nothing;
            };
            let length = usize::from(u16::from_be_bytes(header));
            if length > longest {
                return Deframed::TooLong;
            }
            let Some((content, rest)) = rest.split_at_checked(length) else {
                self.hold(bytes);
                return Deframed::Nothing;
            };
            *bytes = rest;
            if !content.is_empty() {
                return Deframed::Here(content);
            }
        }
    }

    /// Continues a frame that began earlier.
    fn join<'a>(
        &mut self,
        bytes: &mut &'a [u8],
        scratch: &mut Vec<u8>,
        longest: usize,
    ) -> Deframed<'a> {
        self.take(bytes, FRAME_HEADER);
        let Some(&header) = self.partial.first_chunk::<FRAME_HEADER>() else {
            return Deframed::Nothing;
        };
        let length = usize::from(u16::from_be_bytes(header));
        if length > longest {
            return Deframed::TooLong;
        }
        self.take(bytes, FRAME_HEADER + length);
        if self.partial.len() < FRAME_HEADER + length {
            return Deframed::Nothing;
        }
        scratch.clear();
        scratch.extend_from_slice(self.partial.get(FRAME_HEADER..).unwrap_or_default());
        self.partial.clear();
        Deframed::Scratch
    }

    /// Moves bytes over until there are `size` of them.
    fn take(&mut self, bytes: &mut &[u8], size: usize) {
        let missing = size.saturating_sub(self.partial.len()).min(bytes.len());
        let (now, later) = bytes.split_at(missing);
        self.partial.extend_from_slice(now);
        *bytes = later;
    }

    fn hold(&mut self, bytes: &mut &[u8]) {
        self.partial.extend_from_slice(bytes);
        *bytes = &[];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when `stream` arrives cut at these places.
    fn frames(stream: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut deframer = Deframer::new();
        let (mut scratch, mut found) = (Vec::new(), Vec::new());
        let ends = cuts.iter().copied().chain([stream.len()]);
        let mut start = 0;
        for end in ends {
            let mut bytes = &stream[start..end];
            start = end;
            loop {
                match deframer.next(&mut bytes, &mut scratch, MAX_FRAME) {
                    Deframed::Nothing => break,
                    Deframed::Here(frame) => found.push(frame.to_vec()),
                    Deframed::Scratch => found.push(scratch.clone()),
                    Deframed::TooLong => panic!("no frame is too long"),
                }
            }
            assert!(bytes.is_empty());
        }
        assert!(deframer.partial.is_empty(), "all frames were whole");
        found
    }

    #[test]
    fn frames_come_out_whole_wherever_the_stream_is_cut() {
        let contents: [&[u8]; 4] = [b"one", b"", b"three", b"4"];
        let mut stream = Vec::new();
        for content in contents {
            write_frame(&mut stream, |buffer| buffer.extend(content)).unwrap();
        }
        let expected: Vec<&[u8]> = contents.into_iter().filter(|one| !one.is_empty()).collect();
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                assert_eq!(frames(&stream, &[first, second]), expected, "{first} {second}");
            }
        }
        let everywhere: Vec<_> = (0..stream.len()).collect();
        assert_eq!(frames(&stream, &everywhere), expected);
    }

    #[test]
    fn a_frame_has_at_most_65535_bytes() {
        let mut buffer = b"before".to_vec();
        assert_eq!(
            write_frame(&mut buffer, |buffer| buffer.resize(8 + MAX_FRAME, 1)),
            Ok(MAX_FRAME + 2)
        );
        assert_eq!(buffer[6..8], [0xff, 0xff]);
        buffer.truncate(6);
        let longer = write_frame(&mut buffer, |buffer| buffer.resize(9 + MAX_FRAME, 1));
        assert_eq!((longer, &buffer[..]), (Err(FrameError::TooLong), &b"before"[..]));
    }

    #[test]
    fn a_filler_that_takes_away_makes_no_frame() {
        let mut buffer = b"before".to_vec();
        assert_eq!(write_frame(&mut buffer, Vec::clear), Err(FrameError::TooLong));
    }

    #[test]
    fn what_is_held_is_what_came() {
        let mut deframer = Deframer::new();
        let mut bytes = &[0xff, 0xff, 1, 2, 3][..];
        let found = deframer.next(&mut bytes, &mut Vec::new(), MAX_FRAME);
        assert!(matches!(found, Deframed::Nothing));
        assert!(deframer.partial.capacity() < 64, "{}", deframer.partial.capacity());
    }
}
