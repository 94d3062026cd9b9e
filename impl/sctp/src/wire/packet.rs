//! Packets: [RFC 9260 §3.1](https://www.rfc-editor.org/rfc/rfc9260#section-3.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |      Source Port Number       |    Destination Port Number    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                       Verification Tag                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           Checksum                            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! \                            Chunks                             \
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};
use crc_fast::{CrcAlgorithm, Digest};

use super::Chunks;

/// Bytes of the common header.
pub const HEADER_LENGTH: usize = 12;

/// Where the checksum stands.
const CHECKSUM_AT: usize = 8;

/// The common header without the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// What the receiver chose to know the association by; 0 with an INIT.
    pub verification_tag: u32,
}

impl Header {
    /// Appends the header with a checksum of zero: [`seal`] fills it in once the packet is complete, and
    /// where the peer does not want one it stays (RFC 9653).
    pub fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.source_port);
        writer.u16(self.destination_port);
        writer.u32(self.verification_tag);
        writer.u32(0);
    }
}

/// A packet that arrived.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    /// Its common header.
    pub header: Header,
    /// The checksum it carries, to be compared with [`checksum`].
    pub checksum: u32,
    bytes: &'a [u8],
    body: Reader<'a>,
}

impl<'a> Packet<'a> {
    /// Reads the common header; the chunks are read as they are asked for.
    ///
    /// # Errors
    ///
    /// `Malformed` if there are not even 12 bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = Header {
            source_port: reader.u16()?,
            destination_port: reader.u16()?,
            verification_tag: reader.u32()?,
        };
        let checksum = reader.array().map(u32::from_le_bytes)?;
        Ok(Self { header, checksum, bytes, body: reader })
    }

    /// Whether the packet carries the checksum of its bytes.
    #[must_use]
    pub fn has_right_checksum(&self) -> bool {
        self.checksum == checksum(self.bytes)
    }

    /// The chunks in order. The first that cannot be read is the last.
    #[must_use]
    pub const fn chunks(&self) -> Chunks<'a> {
        Chunks::new(self.body)
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Header { source_port, destination_port, verification_tag } = self.header;
        write!(f, "SCTP {source_port} > {destination_port} tag={verification_tag:#010x}")?;
        for chunk in self.chunks() {
            match chunk {
                Ok(chunk) => write!(f, " [{chunk}]")?,
                Err(error) => write!(f, " [{error}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The CRC32c of `packet`, its checksum field taken as zero (RFC 9260 §6.8). It stands on the wire with
/// its lowest byte first (RFC 9260 §A).
#[must_use]
pub fn checksum(packet: &[u8]) -> u32 {
    let (before, rest) = packet.split_at_checked(CHECKSUM_AT).unwrap_or((packet, &[]));
    let mut header = [0; HEADER_LENGTH];
    header.iter_mut().zip(before).for_each(|(to, from)| *to = *from);
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(&header);
    digest.update(rest.get(4..).unwrap_or_default());
    narrow(digest.finalize())
}

/// The library gives every sum in 64 bits.
fn narrow(sum: u64) -> u32 {
    u32::try_from(sum).unwrap_or_default()
}

/// Fills in the checksum of a complete packet, which begins where `packet` does. What is shorter than a
/// header stays as it is.
pub fn seal(packet: &mut [u8]) {
    let Some(field) = packet.get_mut(CHECKSUM_AT..HEADER_LENGTH) else { return };
    field.fill(0);
    let sum = narrow(crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, packet)).to_le_bytes();
    if let Some(field) = packet.get_mut(CHECKSUM_AT..HEADER_LENGTH) {
        field.copy_from_slice(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Chunk, CookieAck, ShutdownAck, testing::hex};

    /// A COOKIE ACK as another stack sends it, its checksum computed elsewhere, bit by bit.
    const CAPTURE: &str = "1388 1388 0102 0304 ee5a 51a5 0b00 0004";

    #[test]
    fn reads_capture() {
        let bytes = hex(CAPTURE);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.header.verification_tag, 0x0102_0304);
        assert!(packet.has_right_checksum());
        assert_eq!(packet.chunks().collect::<Vec<_>>(), [Ok(Chunk::CookieAck(CookieAck))]);
        assert_eq!(packet.to_string(), "SCTP 5000 > 5000 tag=0x01020304 [COOKIE ACK]");
    }

    #[test]
    fn round_trips() {
        let header = Header { source_port: 1, destination_port: 2, verification_tag: 3 };
        let mut bytes = b"earlier".to_vec();
        let mut writer = Writer::new(&mut bytes);
        header.write(&mut writer);
        Chunk::ShutdownAck(ShutdownAck).write(&mut writer);
        Chunk::CookieAck(CookieAck).write(&mut writer);
        seal(writer.written_mut());
        let packet = Packet::parse(&bytes[7..]).unwrap();
        assert_eq!(packet.header, header);
        assert!(packet.has_right_checksum());
        assert_eq!(packet.chunks().count(), 2);
    }

    #[test]
    fn a_flipped_bit_shows() {
        let whole = hex(CAPTURE);
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!Packet::parse(&bytes).unwrap().has_right_checksum(), "bit {bit}");
        }
    }

    #[test]
    fn rejects_truncated() {
        for length in 0..HEADER_LENGTH {
            let mut bytes = hex(CAPTURE);
            bytes.truncate(length);
            assert!(Packet::parse(&bytes).is_err());
            let _ = checksum(&bytes);
            seal(&mut bytes);
        }
    }
}
