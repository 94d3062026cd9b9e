//! Messages of NAT-PMP: RFC 6886 §3.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Version = 0   | Opcode        | Reserved, or result code      |
//! +---------------------------------------------------------------+
//! | Seconds since start of epoch (responses alone)                |
//! +---------------------------------------------------------------+
//! | Internal port                 | External port                 |
//! +---------------------------------------------------------------+
//! | Lifetime in seconds                                           |
//! +---------------------------------------------------------------+
//! ```

use std::net::Ipv4Addr;

use base::{Malformed, Reader, Writer};

/// The version of the protocol.
pub const VERSION: u8 = 0;
/// The bit of an opcode that marks responses.
const RESPONSE: u8 = 128;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Which external address the box has.
    Address,
    /// A mapping.
    Map(Mapping),
}

/// A mapping that is asked for or granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Whether it is one of TCP; else of UDP.
    pub tcp: bool,
    /// The port of the host. Zero, with no lifetime, stands for all its mappings.
    pub internal: u16,
    /// The external port: suggested by the client (zero for any), granted by the box.
    pub external: u16,
    /// For how many seconds; none ends the mapping.
    pub lifetime: u32,
}

/// What the box answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Its external address, which is unspecified if there is none.
    Address {
        /// How it went.
        result: ResultCode,
        /// Seconds since the box had no mappings.
        epoch: u32,
        /// The address.
        ip: Ipv4Addr,
    },
    /// What became of a mapping.
    Map {
        /// How it went.
        result: ResultCode,
        /// Seconds since the box had no mappings.
        epoch: u32,
        /// The mapping; without external port and lifetime if there is none.
        mapping: Mapping,
    },
    /// Anything else that went wrong.
    Other {
        /// The opcode that was asked for.
        opcode: u8,
        /// What went wrong.
        result: ResultCode,
        /// Seconds since the box had no mappings.
        epoch: u32,
    },
}

/// How it went: RFC 6886 §3.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResultCode(pub u16);

impl ResultCode {
    /// It was done.
    pub const SUCCESS: Self = Self(0);
    /// The box speaks another version.
    pub const UNSUPPORTED_VERSION: Self = Self(1);
    /// The box does not allow it.
    pub const NOT_AUTHORIZED: Self = Self(2);
    /// The box has no external address.
    pub const NETWORK_FAILURE: Self = Self(3);
    /// No port is left.
    pub const OUT_OF_RESOURCES: Self = Self(4);
    /// The box knows nothing of the kind.
    pub const UNSUPPORTED_OPCODE: Self = Self(5);
}

impl Request {
    /// Reads a request. The outer error says that the bytes are none; the inner one has an opcode that
    /// nobody knows.
    ///
    /// # Errors
    ///
    /// If the bytes are no request.
    pub fn parse(bytes: &[u8]) -> Result<Result<Self, u8>, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(reader.malformed("version"));
        }
        let tcp = match reader.u8()? {
            RESPONSE.. => return Err(reader.malformed("opcode of a response")),
            0 => return Ok(Ok(Self::Address)),
            1 => false,
            2 => true,
            other => return Ok(Err(other)),
        };
        reader.u16()?;
        let (internal, external, lifetime) = (reader.u16()?, reader.u16()?, reader.u32()?);
        Ok(Ok(Self::Map(Mapping { tcp, internal, external, lifetime })))
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION);
        match self {
            Self::Address => writer.u8(0),
            Self::Map(mapping) => {
                writer.u8(mapping.opcode());
                writer.u16(0);
                mapping.write(&mut writer);
            }
        }
        bytes
    }
}

impl Response {
    /// Reads a response.
    ///
    /// # Errors
    ///
    /// If the bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(reader.malformed("version"));
        }
        let Some(opcode) = reader.u8()?.checked_sub(RESPONSE) else {
            return Err(reader.malformed("opcode of a request"));
        };
        let (result, epoch) = (ResultCode(reader.u16()?), reader.u32()?);
        match opcode {
            0 if reader.remaining() >= 4 => {
                Ok(Self::Address { result, epoch, ip: Ipv4Addr::from(reader.array()?) })
            }
            1 | 2 if reader.remaining() >= 8 => {
                let (internal, external) = (reader.u16()?, reader.u16()?);
                let lifetime = reader.u32()?;
                let mapping = Mapping { tcp: opcode == 2, internal, external, lifetime };
                Ok(Self::Map { result, epoch, mapping })
            }
            _ => Ok(Self::Other { opcode, result, epoch }),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (opcode, result, epoch) = match self {
            Self::Address { result, epoch, .. } => (0, result, epoch),
            Self::Map { result, epoch, mapping } => (mapping.opcode(), result, epoch),
            Self::Other { opcode, result, epoch } => (*opcode, result, epoch),
        };
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION);
        writer.u8(RESPONSE | opcode);
        writer.u16(result.0);
        writer.u32(*epoch);
        match self {
            Self::Address { ip, .. } => writer.bytes(&ip.octets()),
            Self::Map { mapping, .. } => mapping.write(&mut writer),
            Self::Other { .. } => {}
        }
        bytes
    }
}

impl Mapping {
    const fn opcode(&self) -> u8 {
        if self.tcp { 2 } else { 1 }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.internal);
        writer.u16(self.external);
        writer.u32(self.lifetime);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MAPPING: Mapping = Mapping { tcp: true, internal: 80, external: 8_080, lifetime: 7_200 };

    #[rstest]
    #[case::address(Request::Address)]
    #[case::map(Request::Map(MAPPING))]
    fn requests_round_trip(#[case] request: Request) {
        assert_eq!(Request::parse(&request.to_bytes()), Ok(Ok(request)));
    }

    #[rstest]
    #[case::address(Response::Address { result: ResultCode::SUCCESS, epoch: 7, ip: Ipv4Addr::LOCALHOST })]
    #[case::map(Response::Map { result: ResultCode::NOT_AUTHORIZED, epoch: 7, mapping: MAPPING })]
    #[case::other(Response::Other { opcode: 9, result: ResultCode::UNSUPPORTED_OPCODE, epoch: 1 })]
    fn responses_round_trip(#[case] response: Response) {
        assert_eq!(Response::parse(&response.to_bytes()), Ok(response));
    }

    #[test]
    fn reads_the_bytes_of_its_specification() {
        // RFC 6886 §3.3: version 0, opcode 2, reserved, ports 80 and 8080, two hours.
        let bytes = [0, 2, 0, 0, 0, 80, 0x1f, 0x90, 0, 0, 0x1c, 0x20];
        assert_eq!(Request::parse(&bytes), Ok(Ok(Request::Map(MAPPING))));
        assert!(Request::parse(&bytes[..11]).is_err());
        assert_eq!(Request::parse(&[0, 3]), Ok(Err(3)));
        assert!(Request::parse(&[0, 128]).is_err());
        assert!(Request::parse(&[]).is_err());
    }
}
