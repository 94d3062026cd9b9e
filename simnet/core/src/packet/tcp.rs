//! TCP segments (RFC 9293 §3.1) as fields.

use std::{
    fmt,
    ops::{BitOr, BitOrAssign},
};

use bytes::Bytes;

/// Bytes of a TCP header without options.
pub const TCP_HEADER: usize = 20;

/// A TCP segment.
///
/// TCP packets are never fragmented here: hosts forbid it, and a router that has a narrower link ahead
/// answers with "packet too big" even where an IPv4 header would have allowed fragments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Number of the first byte of the payload, or of the SYN.
    pub sequence: u32,
    /// The next number the sender expects, if [`TcpFlags::ACK`] is set.
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: TcpFlags,
    /// Bytes the sender is willing to take, before scaling.
    pub window: u16,
    /// The options as they are on the wire, padded to a multiple of four bytes; 40 at most.
    pub options: Bytes,
    /// Whether the checksum fits the bytes. A receiving host drops the segment otherwise.
    pub checksum_ok: bool,
    /// The bytes after the header.
    pub payload: Bytes,
}

impl Tcp {
    /// A segment with these flags and nothing else: numbers zero, the window as large as it can be
    /// without scaling. [`Packet::tcp`](super::Packet::tcp) gives it its ports.
    #[must_use]
    pub const fn new(flags: TcpFlags) -> Self {
        Self {
            source_port: 0,
            destination_port: 0,
            sequence: 0,
            acknowledgment: 0,
            flags,
            window: u16::MAX,
            options: Bytes::new(),
            checksum_ok: true,
            payload: Bytes::new(),
        }
    }

    /// The same with this sequence number.
    #[must_use]
    pub const fn sequence(mut self, number: u32) -> Self {
        self.sequence = number;
        self
    }

    /// The same, acknowledging everything before `number`.
    #[must_use]
    pub fn acknowledging(mut self, number: u32) -> Self {
        self.acknowledgment = number;
        self.flags |= TcpFlags::ACK;
        self
    }

    /// The same with these bytes.
    #[must_use]
    pub fn payload(mut self, bytes: impl Into<Bytes>) -> Self {
        self.payload = bytes.into();
        self
    }

    /// Bytes of the header with its options.
    #[must_use]
    pub const fn header_length(&self) -> usize {
        TCP_HEADER + self.options.len()
    }

    /// Bytes of the segment.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.header_length() + self.payload.len()
    }

    /// Numbers it takes up: its bytes, and one each for SYN and FIN (RFC 9293 §3.4).
    #[must_use]
    pub fn sequence_length(&self) -> u32 {
        let bytes = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let flags = [TcpFlags::SYN, TcpFlags::FIN].map(|flag| u32::from(self.flags.contains(flag)));
        bytes + flags.iter().sum::<u32>()
    }
}

/// `SYN seq=7 win=65535`: the flags, the numbers that mean something, the window and the length.
impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seq={}", self.flags, self.sequence)?;
        if self.flags.contains(TcpFlags::ACK) {
            write!(f, " ack={}", self.acknowledgment)?;
        }
        write!(f, " win={}", self.window)?;
        if self.payload.is_empty() { Ok(()) } else { write!(f, " len={}", self.payload.len()) }
    }
}

/// The control bits of a TCP segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Sequence numbers start here.
    pub const SYN: Self = Self(0x02);
    /// The connection is reset.
    pub const RST: Self = Self(0x04);
    /// Hand over without waiting for more.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment number means something.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer means something; nobody here sets it.
    pub const URG: Self = Self(0x20);
    /// Congestion was experienced (RFC 3168 §6.1).
    pub const ECE: Self = Self(0x40);
    /// The congestion window was reduced (RFC 3168 §6.1).
    pub const CWR: Self = Self(0x80);

    /// Names of the flags in the order in which they are shown.
    const NAMES: [(Self, &'static str); 8] = [
        (Self::SYN, "SYN"),
        (Self::FIN, "FIN"),
        (Self::RST, "RST"),
        (Self::PSH, "PSH"),
        (Self::URG, "URG"),
        (Self::ECE, "ECE"),
        (Self::CWR, "CWR"),
        (Self::ACK, "ACK"),
    ];

    /// The flags of a header byte.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The header byte.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for TcpFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for TcpFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// `SYN,ACK`; a dash if none is set.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (flag, name) in Self::NAMES {
            if self.contains(flag) {
                if !first {
                    f.write_str(",")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        if first { f.write_str("-") } else { Ok(()) }
    }
}
