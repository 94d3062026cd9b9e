//! Messages of PCP: RFC 6887 §7, §11.1, §12.1, §13.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Version = 2  |R|   Opcode    |   Reserved    |  Result code  |
//! +---------------------------------------------------------------+
//! |  Lifetime in seconds                                          |
//! +---------------------------------------------------------------+
//! |  Requests: address of the client (128 bits)                   |
//! |  Responses: epoch time (32 bits), reserved (96 bits)          |
//! +---------------------------------------------------------------+
//! |  What belongs to the opcode, then options                     |
//! +---------------------------------------------------------------+
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use base::{Malformed, Reader, Writer};

mod option;
mod result;

pub use option::{Filter, PcpOption};
pub use result::ResultCode;

/// The version of the protocol.
pub const VERSION: u8 = 2;
/// The most bytes of a message.
pub const MAX_LENGTH: usize = 1_100;
/// Bytes of the header.
pub(super) const HEADER: usize = 24;
/// The bit beside an opcode that marks responses.
pub(super) const RESPONSE: u8 = 0x80;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For how many seconds.
    pub lifetime: u32,
    /// Who asks: the source address of the packet, unless a NAT is in between.
    pub client: IpAddr,
    /// What for.
    pub operation: Operation,
    /// How.
    pub options: Vec<PcpOption>,
}

/// What the box answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The opcode of the request.
    pub opcode: u8,
    /// How it went.
    pub result: ResultCode,
    /// For how many seconds the answer holds.
    pub lifetime: u32,
    /// Seconds since the box had no mappings.
    pub epoch: u32,
    /// What became of it; as asked, if it went wrong, and none if the opcode is unknown.
    pub operation: Option<Operation>,
    /// The options that were heeded.
    pub options: Vec<PcpOption>,
}

/// What is asked for or granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// How old the box's mappings are (RFC 6887 §14.1).
    Announce,
    /// A mapping that lets others in (RFC 6887 §11).
    Map(Map),
    /// A mapping towards one peer (RFC 6887 §12), which comes second.
    Peer(Map, SocketAddr),
}

/// A mapping that is asked for or granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// What only its owner knows.
    pub nonce: [u8; 12],
    /// The number of the protocol; zero stands for all.
    pub protocol: u8,
    /// The port of the host; zero stands for all.
    pub internal_port: u16,
    /// The external endpoint: suggested by the client, granted by the box. An unspecified address and a
    /// port of zero leave it open.
    pub external: SocketAddr,
}

/// Why bytes are no request that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They deserve no answer (RFC 6887 §8.2).
    Silence(&'static str),
    /// They deserve this answer.
    Answer(ResultCode),
}

impl Operation {
    /// Its opcode.
    #[must_use]
    pub const fn opcode(&self) -> u8 {
        match self {
            Self::Announce => 0,
            Self::Map(_) => 1,
            Self::Peer(..) => 2,
        }
    }

    fn parse(opcode: u8, reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        Ok(Some(match opcode {
            0 => Self::Announce,
            1 => Self::Map(Map::parse(reader)?),
            2 => {
                let map = Map::parse(reader)?;
                let port = reader.u16()?;
                reader.u16()?;
                Self::Peer(map, SocketAddr::new(read_ip(reader)?, port))
            }
            _ => return Ok(None),
        }))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Announce => {}
            Self::Map(map) => map.write(writer),
            Self::Peer(map, remote) => {
                map.write(writer);
                writer.u16(remote.port());
                writer.u16(0);
                write_ip(writer, remote.ip());
            }
        }
    }
}

impl Map {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let nonce = reader.array()?;
        let protocol = reader.u8()?;
        reader.u24()?;
        let (internal_port, external_port) = (reader.u16()?, reader.u16()?);
        let external = SocketAddr::new(read_ip(reader)?, external_port);
        Ok(Self { nonce, protocol, internal_port, external })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.nonce);
        writer.u8(self.protocol);
        writer.u24(0);
        writer.u16(self.internal_port);
        writer.u16(self.external.port());
        write_ip(writer, self.external.ip());
    }
}

impl Request {
    /// Reads a request, in the order of RFC 6887 §8.2.
    ///
    /// # Errors
    ///
    /// If there is nothing to serve.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let (Ok(version), Ok(opcode)) = (reader.u8(), reader.u8()) else {
            return Err(Fault::Silence("shorter than two bytes: RFC 6887 §8.2"));
        };
        if opcode & RESPONSE != 0 {
            return Err(Fault::Silence("a response: RFC 6887 §8.2"));
        }
        if version != VERSION {
            return Err(Fault::Answer(ResultCode::UNSUPP_VERSION));
        }
        if bytes.len() < HEADER {
            return Err(Fault::Silence("shorter than a header: RFC 6887 §8.2"));
        }
        if bytes.len() > MAX_LENGTH || !bytes.len().is_multiple_of(4) {
            return Err(Fault::Answer(ResultCode::MALFORMED_REQUEST));
        }
        let malformed = |_| Fault::Answer(ResultCode::MALFORMED_REQUEST);
        reader.u16().map_err(malformed)?;
        let lifetime = reader.u32().map_err(malformed)?;
        let client = read_ip(&mut reader).map_err(malformed)?;
        let operation = Operation::parse(opcode, &mut reader).map_err(malformed)?;
        let operation = operation.ok_or(Fault::Answer(ResultCode::UNSUPP_OPCODE))?;
        let options = PcpOption::parse_all(&mut reader).map_err(Fault::Answer)?;
        Ok(Self { lifetime, client, operation, options })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION);
        writer.u8(self.operation.opcode());
        writer.u16(0);
        writer.u32(self.lifetime);
        write_ip(&mut writer, self.client);
        self.operation.write(&mut writer);
        for option in &self.options {
            option.write(&mut writer);
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
        reader.u8()?;
        let opcode = reader.u8()?;
        if opcode & RESPONSE == 0 {
            return Err(reader.malformed("opcode of a request"));
        }
        let opcode = opcode & !RESPONSE;
        reader.u8()?;
        let result = ResultCode(reader.u8()?);
        let (lifetime, epoch) = (reader.u32()?, reader.u32()?);
        reader.bytes(12)?;
        // What an error repeats may be broken: that is why it is one.
        let operation = match Operation::parse(opcode, &mut reader) {
            Err(error) if result == ResultCode::SUCCESS => return Err(error),
            parsed => parsed.unwrap_or(None),
        };
        let options = PcpOption::parse_all(&mut reader).unwrap_or_default();
        Ok(Self { opcode, result, lifetime, epoch, operation, options })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION);
        writer.u8(RESPONSE | self.opcode);
        writer.u8(0);
        writer.u8(self.result.0);
        writer.u32(self.lifetime);
        writer.u32(self.epoch);
        writer.zeros(12);
        if let Some(operation) = &self.operation {
            operation.write(&mut writer);
        }
        for option in &self.options {
            option.write(&mut writer);
        }
        bytes
    }

    /// The response to a request that cannot be served: a copy of it, with the result (RFC 6887 §8.2).
    pub(super) fn refusal(request: &[u8], result: ResultCode, epoch: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION);
        writer.u8(RESPONSE | request.get(1).copied().unwrap_or_default());
        writer.u8(0);
        writer.u8(result.0);
        writer.u32(result.lifetime());
        writer.u32(epoch);
        writer.zeros(12);
        let rest = request.get(HEADER..).unwrap_or_default();
        writer.bytes(rest.get(..MAX_LENGTH - HEADER).unwrap_or(rest));
        writer.pad_to(4);
        bytes
    }
}

/// An address of either family: IPv4 as IPv4-mapped IPv6 (RFC 6887 §5).
pub(super) fn read_ip(reader: &mut Reader<'_>) -> Result<IpAddr, Malformed> {
    let ip = Ipv6Addr::from_octets(reader.array()?);
    Ok(ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4))
}

pub(super) fn write_ip(writer: &mut Writer<'_>, ip: IpAddr) {
    let mapped = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    writer.bytes(&mapped.octets());
}

/// No endpoint in particular, as IPv4 writes it.
pub const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    pub(super) const MAP: Map = Map {
        nonce: [7; 12],
        protocol: super::super::UDP,
        internal_port: 4_000,
        external: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(11, 0, 0, 1)), 40_000),
    };

    fn request(operation: Operation, options: Vec<PcpOption>) -> Request {
        let client = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));
        Request { lifetime: 7_200, client, operation, options }
    }

    #[rstest]
    #[case::announce(Operation::Announce, vec![])]
    #[case::map(Operation::Map(MAP), vec![PcpOption::PreferFailure])]
    #[case::peer(Operation::Peer(MAP, ANY), vec![PcpOption::ThirdParty(IpAddr::V6(Ipv6Addr::LOCALHOST))])]
    #[case::filter(Operation::Map(MAP), vec![PcpOption::Filter(Filter { length: 120, remote: ANY })])]
    #[case::unknown(Operation::Map(MAP), vec![PcpOption::Unknown(200, vec![1, 2, 3])])]
    fn messages_round_trip(#[case] operation: Operation, #[case] options: Vec<PcpOption>) {
        let request = request(operation, options.clone());
        let bytes = request.to_bytes();
        assert!(bytes.len().is_multiple_of(4));
        assert_eq!(Request::parse(&bytes), Ok(request));
        let response = Response {
            opcode: operation.opcode(),
            result: ResultCode::SUCCESS,
            lifetime: 1,
            epoch: 2,
            operation: Some(operation),
            options,
        };
        assert_eq!(Response::parse(&response.to_bytes()), Ok(response));
    }

    #[rstest]
    #[case::empty(|_: &mut Vec<u8>| {}, 0, Err(Fault::Silence("shorter than two bytes: RFC 6887 §8.2")))]
    #[case::short(|_: &mut Vec<u8>| {}, 20, Err(Fault::Silence("shorter than a header: RFC 6887 §8.2")))]
    #[case::response(|bytes: &mut Vec<u8>| bytes[1] |= RESPONSE, 60, Err(Fault::Silence("a response: RFC 6887 §8.2")))]
    #[case::version(|bytes: &mut Vec<u8>| bytes[0] = 3, 60, Err(Fault::Answer(ResultCode::UNSUPP_VERSION)))]
    #[case::odd(|_: &mut Vec<u8>| {}, 59, Err(Fault::Answer(ResultCode::MALFORMED_REQUEST)))]
    #[case::half(|_: &mut Vec<u8>| {}, 40, Err(Fault::Answer(ResultCode::MALFORMED_REQUEST)))]
    #[case::long(|bytes: &mut Vec<u8>| bytes.resize(1_104, 0), 1_104, Err(Fault::Answer(ResultCode::MALFORMED_REQUEST)))]
    #[case::opcode(|bytes: &mut Vec<u8>| bytes[1] = 9, 60, Err(Fault::Answer(ResultCode::UNSUPP_OPCODE)))]
    #[case::option(|bytes: &mut Vec<u8>| bytes.extend([1, 0, 0, 99]), 64, Err(Fault::Answer(ResultCode::MALFORMED_OPTION)))]
    fn names_what_is_wrong(
        #[case] change: fn(&mut Vec<u8>),
        #[case] length: usize,
        #[case] wanted: Result<Request, Fault>,
    ) {
        let mut bytes = request(Operation::Map(MAP), Vec::new()).to_bytes();
        change(&mut bytes);
        bytes.truncate(length);
        assert_eq!(Request::parse(&bytes), wanted);
    }
}
