//! Messages on a stream: RFC 8489 §6.2.2.
//!
//! STUN alone on a connection needs no framing: the length in the header tells where the next message
//! begins. TURN puts ChannelData between the messages, which the two highest bits tell apart and which
//! is padded on a stream (RFC 8656 §12.5).

use crate::wire::{HEADER_LENGTH, MAGIC_COOKIE};

/// The longest frame there is: a header and the most its length field can say.
pub const MAX_FRAME: usize = HEADER_LENGTH + u16::MAX as usize;

/// Takes frames off a stream, however its bytes arrive.
///
/// It holds one frame at most and never asks for memory before the bytes for it have come.
#[derive(Debug)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that were taken as a frame.
    taken: usize,
    channel_data: ChannelData,
    is_broken: bool,
}

/// Whether ChannelData may stand between the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelData {
    /// STUN alone.
    Refused,
    /// TURN: a frame may be ChannelData.
    Allowed,
    /// TURN before RFC 8656, whose channels had numbers up to 0x7fff: for servers of old clients.
    AllowedOfOld,
}

/// A frame of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The bytes of a STUN message, still to be parsed.
    Message(&'a [u8]),
    /// ChannelData with its header, without its padding.
    ChannelData(&'a [u8]),
}

/// The stream carries something that is not a frame; there is no way to find the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// Not the beginning of a message, nor of ChannelData where that is allowed.
    #[error("neither a message nor channel data")]
    NotAFrame,
    /// A message whose length is not a multiple of four.
    #[error("message length not a multiple of four")]
    BadLength,
    /// A message without the magic cookie.
    #[error("no magic cookie")]
    NoCookie,
}

impl Deframer {
    /// For the beginning of a stream.
    #[must_use]
    pub const fn new(channel_data: ChannelData) -> Self {
        Self { buffer: Vec::new(), taken: 0, channel_data, is_broken: false }
    }

    /// Takes bytes in and says how many; the rest has to wait until the frame that is held has been
    /// [taken](Deframer::next_frame). Takes all when the stream is broken, to no effect.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        if self.is_broken {
            return bytes.len();
        }
        self.drop_taken();
        let room = MAX_FRAME.saturating_sub(self.buffer.len());
        let (now, _) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.buffer.extend_from_slice(now);
        now.len()
    }

    /// The next frame, if all of it has come.
    ///
    /// # Errors
    ///
    /// `FramingError` if the stream cannot be followed any further; every later call says so too.
    /// The connection is of no more use.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FramingError> {
        self.drop_taken();
        let extent = match self.extent() {
            Ok(Some(extent)) => extent,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.is_broken = true;
                return Err(error);
            }
        };
        let Some(frame) = self.buffer.get(..extent.frame) else {
            return Ok(None);
        };
        if self.buffer.len() < extent.with_padding {
            return Ok(None);
        }
        self.taken = extent.with_padding;
        Ok(Some(match extent.is_message {
            true => Frame::Message(frame),
            false => Frame::ChannelData(frame),
        }))
    }

    /// Takes out what has come behind the last frame, for a stream that goes on as something else
    /// (RFC 6062 §4.5). The stream begins anew.
    #[must_use]
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.drop_taken();
        std::mem::take(&mut self.buffer)
    }

    /// Bytes held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// Whether the stream stands between two frames.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn drop_taken(&mut self) {
        self.buffer.drain(..self.taken.min(self.buffer.len()));
        self.taken = 0;
    }

    /// How long the frame at the front is, as far as can be told.
    fn extent(&self) -> Result<Option<Extent>, FramingError> {
        let Some((&[first, _, high, low], rest)) = self.buffer.split_first_chunk() else {
            return match self.buffer.first() {
                Some(first) if !self.may_begin(*first) => Err(FramingError::NotAFrame),
                _ => Ok(None),
            };
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if !self.may_begin(first) {
            return Err(FramingError::NotAFrame);
        }
        if first & 0xc0 != 0 {
            let frame = 4 + length;
            let with_padding = frame.next_multiple_of(4);
            return Ok(Some(Extent { frame, with_padding, is_message: false }));
        }
        if !length.is_multiple_of(4) {
            return Err(FramingError::BadLength);
        }
        match rest.first_chunk() {
            Some(cookie) if u32::from_be_bytes(*cookie) != MAGIC_COOKIE => {
                Err(FramingError::NoCookie)
            }
            _ => {
                let frame = HEADER_LENGTH + length;
                Ok(Some(Extent { frame, with_padding: frame, is_message: true }))
            }
        }
    }

    /// Whether a frame may begin with this byte: RFC 8489 §5, RFC 8656 §12.
    fn may_begin(&self, first: u8) -> bool {
        first
            < match self.channel_data {
                ChannelData::Refused => 0x40,
                ChannelData::Allowed => 0x50,
                ChannelData::AllowedOfOld => 0x80,
            }
    }
}

struct Extent {
    frame: usize,
    with_padding: usize,
    is_message: bool,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{
        Builder,
        wire::{Class, Method, Software, TransactionId},
    };

    fn message(software: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let id = TransactionId::new([7; 12]);
        let mut builder = Builder::new(&mut bytes, Method::BINDING, Class::Request, id);
        builder.put(&Software::new(software).unwrap());
        builder.finish().unwrap();
        bytes
    }

    /// Owned copies of all frames, the stream arriving `step` bytes at a time.
    fn frames(stream: &[u8], step: usize, channel_data: ChannelData) -> Vec<(bool, Vec<u8>)> {
        let mut deframer = Deframer::new(channel_data);
        let mut frames = Vec::new();
        for piece in stream.chunks(step) {
            let mut piece = piece;
            while !piece.is_empty() {
                piece = &piece[deframer.push(piece)..];
                while let Some(frame) = deframer.next_frame().unwrap() {
                    frames.push(match frame {
                        Frame::Message(bytes) => (true, bytes.to_vec()),
                        Frame::ChannelData(bytes) => (false, bytes.to_vec()),
                    });
                }
            }
        }
        assert!(deframer.is_empty());
        frames
    }

    #[test]
    fn finds_every_frame_however_the_bytes_arrive() {
        let (first, second) = (message("a"), message("peer"));
        let channel = [0x40, 0x01, 0, 3, 1, 2, 3, 0];
        let stream = [first.as_slice(), &channel, &second, &channel].concat();
        let data = (false, channel[..7].to_vec());
        let expected = vec![(true, first), data.clone(), (true, second), data];
        for step in 1..=stream.len() {
            assert_eq!(frames(&stream, step, ChannelData::Allowed), expected, "{step}");
        }
    }

    #[rstest]
    #[case::high_bits(&[0x80], FramingError::NotAFrame)]
    #[case::channel_on_stun(&[0x40, 0, 0, 0], FramingError::NotAFrame)]
    #[case::odd_length(&[0, 1, 0, 3], FramingError::BadLength)]
    #[case::no_cookie(&[0, 1, 0, 0, 1, 2, 3, 4], FramingError::NoCookie)]
    fn a_broken_stream_stays_broken(#[case] stream: &[u8], #[case] error: FramingError) {
        let mut deframer = Deframer::new(ChannelData::Refused);
        assert_eq!(deframer.push(stream), stream.len());
        assert_eq!(deframer.next_frame(), Err(error));
        assert_eq!(deframer.push(&message("later")), 32);
        assert_eq!(deframer.next_frame(), Err(error));
    }

    #[rstest]
    #[case::now(ChannelData::Allowed, false)]
    #[case::of_old(ChannelData::AllowedOfOld, true)]
    fn channels_of_old_are_for_who_asks_for_them(#[case] kind: ChannelData, #[case] taken: bool) {
        let mut deframer = Deframer::new(kind);
        deframer.push(&[0x7f, 0xff, 0, 0]);
        assert_eq!(deframer.next_frame().is_ok(), taken);
    }

    #[test]
    fn gives_back_what_comes_behind_the_last_frame() {
        let mut deframer = Deframer::new(ChannelData::Refused);
        let first = message("a");
        let stream = [&first, &b"\xffno frame"[..]].concat();
        assert_eq!(deframer.push(&stream), stream.len());
        assert_eq!(deframer.next_frame(), Ok(Some(Frame::Message(&first))));
        assert_eq!(deframer.take_rest(), b"\xffno frame");
        assert!(deframer.is_empty());
    }

    #[test]
    fn holds_one_frame_at_most() {
        let mut deframer = Deframer::new(ChannelData::Refused);
        let mut stream = vec![0, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42];
        stream.resize(3 * MAX_FRAME, 0);
        assert_eq!(deframer.push(&stream), MAX_FRAME);
        assert_eq!(deframer.push(&stream), 0);
        assert!(matches!(deframer.next_frame(), Ok(Some(Frame::Message(_)))));
        assert!(deframer.push(&stream) > 0);
    }
}
