//! What the chunks of data and of set-up say.

use super::{
    Chunk, Tlv,
    code::{chunk, data},
};
use crate::{F, dtls::Cursor};

/// DATA (RFC 9260 §3.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// [`code::data`](super::code::data).
    pub flags: u8,
    /// The transmission sequence number.
    pub tsn: u32,
    /// The stream.
    pub stream: u16,
    /// The stream sequence number.
    pub ssn: u16,
    /// The payload protocol identifier.
    pub ppid: u32,
    /// The bytes.
    pub payload: Vec<u8>,
}

impl Data {
    /// What a DATA chunk says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if from.kind != chunk::DATA {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        Some(Self {
            flags: from.flags,
            tsn: u32::from_be_bytes(cursor.array()?),
            stream: cursor.u16()?,
            ssn: cursor.u16()?,
            ppid: u32::from_be_bytes(cursor.array()?),
            payload: cursor.rest().to_vec(),
        })
    }

    /// Whether it is a whole message.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.flags & (data::B | data::E) == data::B | data::E
    }

    /// The same with these flags as well.
    #[must_use]
    pub const fn and(mut self, flags: u8) -> Self {
        self.flags |= flags;
        self
    }
}

impl From<Data> for Chunk {
    fn from(data: Data) -> Self {
        let mut value = data.tsn.to_be_bytes().to_vec();
        value.extend(data.stream.to_be_bytes());
        value.extend(data.ssn.to_be_bytes());
        value.extend(data.ppid.to_be_bytes());
        value.extend(&data.payload);
        Self::new(chunk::DATA, value).flags(data.flags)
    }
}

/// I-DATA (RFC 8260 §2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IData {
    /// [`code::data`](super::code::data).
    pub flags: u8,
    /// The transmission sequence number.
    pub tsn: u32,
    /// The stream.
    pub stream: u16,
    /// The two bytes in between, which mean nothing.
    pub reserved: u16,
    /// The message identifier.
    pub mid: u32,
    /// The payload protocol identifier of a first fragment, the fragment sequence number of others.
    pub ppid_or_fsn: u32,
    /// The bytes.
    pub payload: Vec<u8>,
}

impl IData {
    /// What an I-DATA chunk says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if from.kind != chunk::I_DATA {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        Some(Self {
            flags: from.flags,
            tsn: u32::from_be_bytes(cursor.array()?),
            stream: cursor.u16()?,
            reserved: cursor.u16()?,
            mid: u32::from_be_bytes(cursor.array()?),
            ppid_or_fsn: u32::from_be_bytes(cursor.array()?),
            payload: cursor.rest().to_vec(),
        })
    }
}

impl From<IData> for Chunk {
    fn from(data: IData) -> Self {
        let mut value = data.tsn.to_be_bytes().to_vec();
        value.extend(data.stream.to_be_bytes());
        value.extend(data.reserved.to_be_bytes());
        value.extend(data.mid.to_be_bytes());
        value.extend(data.ppid_or_fsn.to_be_bytes());
        value.extend(&data.payload);
        Self::new(chunk::I_DATA, value).flags(data.flags)
    }
}

/// INIT and INIT ACK (RFC 9260 §3.3.2, §3.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Init {
    /// Whether it is an INIT ACK.
    pub is_ack: bool,
    /// The tag that packets to its sender carry.
    pub tag: u32,
    /// The receive window.
    pub a_rwnd: u32,
    /// The number of outgoing streams.
    pub outgoing: u16,
    /// The most incoming streams.
    pub incoming: u16,
    /// The number of the first chunk of data.
    pub tsn: u32,
    /// The parameters.
    pub parameters: Vec<Tlv>,
}

impl Init {
    /// What an INIT or INIT ACK says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if !matches!(from.kind, chunk::INIT | chunk::INIT_ACK) {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        Some(Self {
            is_ack: from.kind == chunk::INIT_ACK,
            tag: u32::from_be_bytes(cursor.array()?),
            a_rwnd: u32::from_be_bytes(cursor.array()?),
            outgoing: cursor.u16()?,
            incoming: cursor.u16()?,
            tsn: u32::from_be_bytes(cursor.array()?),
            parameters: Tlv::read_all(cursor.rest())?,
        })
    }

    /// The value of its first parameter of this type.
    #[must_use]
    pub fn find(&self, kind: u16) -> Option<&[u8]> {
        let found = self.parameters.iter().find(|parameter| parameter.kind == kind);
        found.map(|parameter| &parameter.value[..])
    }

    /// Whether it has a parameter of this type.
    #[must_use]
    pub fn has(&self, kind: u16) -> bool {
        self.find(kind).is_some()
    }

    /// Whether it names this chunk among the extensions (RFC 5061 §4.2.7).
    #[must_use]
    pub fn extends(&self, chunk: u8) -> bool {
        let list = self.find(super::code::parameter::SUPPORTED_EXTENSIONS);
        list.is_some_and(|list| list.contains(&chunk))
    }

    /// The same with another parameter at its end.
    #[must_use]
    pub fn with(mut self, parameter: Tlv) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The same without the parameters of this type.
    #[must_use]
    pub fn without(mut self, kind: u16) -> Self {
        self.parameters.retain(|parameter| parameter.kind != kind);
        self
    }
}

impl From<Init> for Chunk {
    fn from(init: Init) -> Self {
        let mut value = init.tag.to_be_bytes().to_vec();
        value.extend(init.a_rwnd.to_be_bytes());
        value.extend(init.outgoing.to_be_bytes());
        value.extend(init.incoming.to_be_bytes());
        value.extend(init.tsn.to_be_bytes());
        value.extend(Tlv::encode_all(&init.parameters));
        Self::new(if init.is_ack { chunk::INIT_ACK } else { chunk::INIT }, value)
    }
}

/// SACK (RFC 9260 §3.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sack {
    /// The last number before which nothing is missing.
    pub cumulative: u32,
    /// The receive window.
    pub a_rwnd: u32,
    /// What arrived beyond: first and last, counted from the cumulative number.
    pub gaps: Vec<(u16, u16)>,
    /// Numbers that arrived more than once.
    pub duplicates: Vec<u32>,
    /// How many gap blocks it says there are.
    pub gap_count: F<u16>,
    /// How many duplicates it says there are.
    pub duplicate_count: F<u16>,
}

impl Sack {
    /// What a SACK says.
    #[must_use]
    pub fn read(from: &Chunk) -> Option<Self> {
        if from.kind != chunk::SACK {
            return None;
        }
        let mut cursor = Cursor::new(&from.value);
        let mut sack = Self {
            cumulative: u32::from_be_bytes(cursor.array()?),
            a_rwnd: u32::from_be_bytes(cursor.array()?),
            ..Self::default()
        };
        let (gaps, duplicates) = (cursor.u16()?, cursor.u16()?);
        for _ in 0..gaps {
            sack.gaps.push((cursor.u16()?, cursor.u16()?));
        }
        for _ in 0..duplicates {
            sack.duplicates.push(u32::from_be_bytes(cursor.array()?));
        }
        cursor.done(sack)
    }
}

impl From<Sack> for Chunk {
    fn from(sack: Sack) -> Self {
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let mut value = sack.cumulative.to_be_bytes().to_vec();
        value.extend(sack.a_rwnd.to_be_bytes());
        value.extend(sack.gap_count.resolve(count(sack.gaps.len())));
        value.extend(sack.duplicate_count.resolve(count(sack.duplicates.len())));
        for (first, last) in &sack.gaps {
            value.extend(first.to_be_bytes());
            value.extend(last.to_be_bytes());
        }
        value.extend(sack.duplicates.iter().flat_map(|tsn| tsn.to_be_bytes()));
        Self::new(chunk::SACK, value)
    }
}
