//! DATA_CHANNEL_OPEN, the wish for a channel: [RFC 8832 §5.1](https://www.rfc-editor.org/rfc/rfc8832#section-5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  0x03         |  Channel Type |            Priority           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Reliability Parameter                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Label Length          |       Protocol Length         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Label, then Protocol: UTF-8                                  /
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::{ChannelType, MessageType};

/// The wish for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// What the channel promises.
    pub kind: ChannelType,
    /// Its weight among the channels of the association.
    pub priority: u16,
    /// Retransmissions, or milliseconds of life; ignored for reliable channels.
    pub reliability: u32,
    /// Its name, which need not be unique; at most [`Open::MAX_TEXT`] bytes.
    pub label: &'a str,
    /// What the application speaks on it; at most [`Open::MAX_TEXT`] bytes.
    pub protocol: &'a str,
}

impl<'a> Open<'a> {
    /// Bytes before label and protocol.
    pub const HEADER: usize = 12;
    /// Bytes that the length field of a label or protocol can count.
    pub const MAX_TEXT: usize = 65_535;

    /// Reads what follows the type.
    pub(super) fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let kind = ChannelType::new(reader.u8()?);
        let priority = reader.u16()?;
        let reliability = reader.u32()?;
        let label_length = usize::from(reader.u16()?);
        let protocol_length = usize::from(reader.u16()?);
        let label = text(&mut reader, label_length)?;
        let protocol = text(&mut reader, protocol_length)?;
        reader.finish()?;
        Ok(Self { kind, priority, reliability, label, protocol })
    }

    /// Bytes of the whole message.
    #[must_use]
    pub const fn size(&self) -> usize {
        Self::HEADER + self.label.len() + self.protocol.len()
    }

    /// Writes the message, its type first. Text past [`Open::MAX_TEXT`] bytes is left out.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let (label, protocol) = (cut(self.label), cut(self.protocol));
        writer.u8(MessageType::OPEN.number());
        writer.u8(self.kind.number());
        writer.u16(self.priority);
        writer.u32(self.reliability);
        writer.u16(u16::try_from(label.len()).unwrap_or(u16::MAX));
        writer.u16(u16::try_from(protocol.len()).unwrap_or(u16::MAX));
        writer.bytes(label.as_bytes());
        writer.bytes(protocol.as_bytes());
    }
}

impl fmt::Display for Open<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, priority, reliability, label, protocol } = self;
        write!(f, "OPEN {kind} priority={priority} label={label:?}")?;
        if kind.ordered() != ChannelType::RELIABLE {
            write!(f, " parameter={reliability}")?;
        }
        if protocol.is_empty() { Ok(()) } else { write!(f, " protocol={protocol:?}") }
    }
}

fn text<'a>(reader: &mut Reader<'a>, length: usize) -> Result<&'a str, Malformed> {
    let not_text = reader.malformed("text that is not UTF-8");
    std::str::from_utf8(reader.bytes(length)?).map_err(|_| not_text)
}

/// As much of `text` as the length field can count.
fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(Open::MAX_TEXT)).rev().find(|&end| text.is_char_boundary(end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::wire::Dcep;

    /// What a browser sends for `createDataChannel("chat", {ordered: false, maxRetransmits: 3})`.
    const CAPTURE: &[u8] = &[
        0x03, 0x81, 0x01, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x02, b'c', b'h', b'a',
        b't', b'v', b'1',
    ];

    fn written(open: &Open<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        open.write(&mut Writer::new(&mut bytes));
        bytes
    }

    #[test]
    fn reads_capture() {
        let message = Dcep::parse(CAPTURE).unwrap();
        assert_eq!(
            message.to_string(),
            r#"OPEN rexmit unordered priority=256 label="chat" parameter=3 protocol="v1""#,
        );
        let Dcep::Open(open) = message else { panic!("an OPEN") };
        assert_eq!((open.size(), written(&open).as_slice()), (CAPTURE.len(), CAPTURE));
    }

    #[test]
    fn rejects_truncated() {
        for length in 1..CAPTURE.len() {
            assert!(Dcep::parse(&CAPTURE[..length]).is_err(), "{length} bytes");
        }
    }

    // Row S26 of the reliability study: lengths that say more, or less, than the message holds.
    #[test]
    fn lengths_match_the_body_exactly_or_the_message_is_malformed() {
        let lengths = [0_u16, 1, 2, 3, 4, 5, 6, 7, 0x7fff, 0x8000, 0xfffa, 0xffff];
        for label in lengths {
            for protocol in lengths {
                let mut bytes = CAPTURE.to_vec();
                bytes[8..10].copy_from_slice(&label.to_be_bytes());
                bytes[10..12].copy_from_slice(&protocol.to_be_bytes());
                let fits = usize::from(label) + usize::from(protocol) == CAPTURE.len() - 12;
                assert_eq!(Dcep::parse(&bytes).is_ok(), fits, "label {label}, protocol {protocol}");
            }
        }
    }

    #[rstest]
    #[case::label(12)]
    #[case::protocol(16)]
    fn text_is_utf8(#[case] at: usize) {
        let mut bytes = CAPTURE.to_vec();
        bytes[at] = 0xff;
        assert_eq!(Dcep::parse(&bytes).unwrap_err().what, "text that is not UTF-8");
    }

    #[test]
    fn the_longest_texts_round_trip_and_longer_ones_are_cut_between_characters() {
        let (long, longer) = ("x".repeat(Open::MAX_TEXT), "é".repeat(40_000));
        let open = Open {
            kind: ChannelType::TIMED,
            priority: 0xffff,
            reliability: u32::MAX,
            label: &long,
            protocol: &longer,
        };
        let bytes = written(&open);
        let Ok(Dcep::Open(read)) = Dcep::parse(&bytes) else { panic!("an OPEN") };
        assert_eq!(read.label, long);
        assert_eq!(read.protocol, "é".repeat(32_767));
    }
}
