//! What the other chunks say.

use super::{
    Chunk, Tlv,
    code::{chunk, parameter},
};
use crate::dtls::Cursor;

/// FORWARD-TSN (RFC 3758 §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardTsn {
    /// The number up to which nothing is waited for.
    pub cumulative: u32,
    /// Streams, each with the last sequence number that was skipped.
    pub streams: Vec<(u16, u16)>,
}

impl ForwardTsn {
    /// What a FORWARD-TSN says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if from.kind != chunk::FORWARD_TSN {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        let cumulative = u32::from_be_bytes(cursor.array()?);
        let mut streams = Vec::new();
        while !cursor.is_done() {
            streams.push((cursor.u16()?, cursor.u16()?));
        }
        Some(Self { cumulative, streams })
    }
}

impl From<ForwardTsn> for Chunk {
    fn from(forward: ForwardTsn) -> Self {
        let mut value = forward.cumulative.to_be_bytes().to_vec();
        for (stream, ssn) in &forward.streams {
            value.extend(stream.to_be_bytes());
            value.extend(ssn.to_be_bytes());
        }
        Self::new(chunk::FORWARD_TSN, value)
    }
}

/// I-FORWARD-TSN (RFC 8260 §2.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IForwardTsn {
    /// The number up to which nothing is waited for.
    pub cumulative: u32,
    /// Streams, whether it is about their unordered messages, and the last message that was skipped.
    pub streams: Vec<(u16, bool, u32)>,
}

impl IForwardTsn {
    /// What an I-FORWARD-TSN says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if from.kind != chunk::I_FORWARD_TSN {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        let cumulative = u32::from_be_bytes(cursor.array()?);
        let mut streams = Vec::new();
        while !cursor.is_done() {
            let (stream, flags) = (cursor.u16()?, cursor.u16()?);
            streams.push((stream, flags & 1 == 1, u32::from_be_bytes(cursor.array()?)));
        }
        Some(Self { cumulative, streams })
    }
}

impl From<IForwardTsn> for Chunk {
    fn from(forward: IForwardTsn) -> Self {
        let mut value = forward.cumulative.to_be_bytes().to_vec();
        for (stream, unordered, mid) in &forward.streams {
            value.extend(stream.to_be_bytes());
            value.extend(u16::from(*unordered).to_be_bytes());
            value.extend(mid.to_be_bytes());
        }
        Self::new(chunk::I_FORWARD_TSN, value)
    }
}

/// The causes in an ABORT or ERROR; `None` if it is neither or makes no sense.
#[must_use]
pub fn causes(from: &Chunk) -> Option<Vec<Tlv>> {
    matches!(from.kind, chunk::ABORT | chunk::ERROR).then(|| Tlv::read_all(&from.value))?
}

/// The information in a HEARTBEAT or HEARTBEAT ACK.
#[must_use]
pub fn heartbeat_info(from: &Chunk) -> Option<Vec<u8>> {
    if !matches!(from.kind, chunk::HEARTBEAT | chunk::HEARTBEAT_ACK) {
        return None;
    }
    let mut list = Tlv::read_all(&from.value)?;
    let one = list.pop().filter(|one| one.kind == parameter::HEARTBEAT_INFO)?;
    list.is_empty().then_some(one.value)
}
