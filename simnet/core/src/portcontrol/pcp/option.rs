//! Options of requests and responses: RFC 6887 §7.3, §13.

use std::net::{IpAddr, SocketAddr};

use base::{Reader, Writer};

use super::{ResultCode, read_ip, write_ip};

const THIRD_PARTY: u8 = 1;
const PREFER_FAILURE: u8 = 2;
const FILTER: u8 = 3;
/// Options from here on may be ignored.
const OPTIONAL: u8 = 128;
/// Bytes of a THIRD_PARTY option.
const ADDRESS: usize = 16;
/// Bytes of a FILTER option.
const FILTERED: usize = 20;

/// An option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PcpOption {
    /// The request concerns another host (RFC 6887 §13.1).
    ThirdParty(IpAddr),
    /// No other external endpoint will do (RFC 6887 §13.2).
    PreferFailure,
    /// Only these may send to the mapping (RFC 6887 §13.3).
    Filter(Filter),
    /// Another one: its code, and what it holds.
    Unknown(u8, Vec<u8>),
}

/// Remote endpoints that may send to a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// How many of 128 bits of the address count; zero removes all filters.
    pub length: u8,
    /// The address, and the port; zero stands for all ports.
    pub remote: SocketAddr,
}

impl PcpOption {
    /// Reads all that is left.
    pub(super) fn parse_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, ResultCode> {
        let mut options = Vec::new();
        while !reader.is_empty() {
            options.push(Self::parse(reader)?);
        }
        Ok(options)
    }

    fn parse(reader: &mut Reader<'_>) -> Result<Self, ResultCode> {
        let malformed = |_| ResultCode::MALFORMED_OPTION;
        let code = reader.u8().map_err(malformed)?;
        reader.u8().map_err(malformed)?;
        let length = usize::from(reader.u16().map_err(malformed)?);
        let mut body = reader.sub(length).map_err(malformed)?;
        reader.bytes(length.next_multiple_of(4) - length).map_err(malformed)?;
        match (code, length) {
            (THIRD_PARTY, ADDRESS) => Ok(Self::ThirdParty(read_ip(&mut body).map_err(malformed)?)),
            (PREFER_FAILURE, 0) => Ok(Self::PreferFailure),
            (FILTER, FILTERED) => {
                body.u8().map_err(malformed)?;
                let length = body.u8().map_err(malformed)?;
                let port = body.u16().map_err(malformed)?;
                let ip = read_ip(&mut body).map_err(malformed)?;
                let shortest = if ip.is_ipv4() { 96 } else { 0 };
                if length != 0 && !(shortest..=128).contains(&length) {
                    return Err(ResultCode::MALFORMED_OPTION);
                }
                Ok(Self::Filter(Filter { length, remote: SocketAddr::new(ip, port) }))
            }
            (THIRD_PARTY | PREFER_FAILURE | FILTER, _) => Err(ResultCode::MALFORMED_OPTION),
            _ => Ok(Self::Unknown(code, body.rest().to_vec())),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let (code, length) = match self {
            Self::ThirdParty(_) => (THIRD_PARTY, ADDRESS),
            Self::PreferFailure => (PREFER_FAILURE, 0),
            Self::Filter(_) => (FILTER, FILTERED),
            Self::Unknown(code, bytes) => (*code, bytes.len()),
        };
        writer.u8(code);
        writer.u8(0);
        writer.u16(u16::try_from(length).unwrap_or(u16::MAX));
        match self {
            Self::ThirdParty(ip) => write_ip(writer, *ip),
            Self::PreferFailure => {}
            Self::Filter(filter) => {
                writer.u8(0);
                writer.u8(filter.length);
                writer.u16(filter.remote.port());
                write_ip(writer, filter.remote.ip());
            }
            Self::Unknown(_, bytes) => writer.bytes(bytes),
        }
        writer.pad_to(4);
    }

    /// Whether a server that does not know it must refuse the request.
    pub(crate) const fn is_mandatory(&self) -> bool {
        match self {
            Self::ThirdParty(_) | Self::PreferFailure | Self::Filter(_) => true,
            Self::Unknown(code, _) => *code < OPTIONAL,
        }
    }
}

impl Filter {
    /// Whether it lets `remote` in.
    pub(crate) fn admits(&self, remote: SocketAddr) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let mask = u128::MAX.checked_shl(128 - u32::from(self.length.min(128))).unwrap_or(0);
        let near = (bits(self.remote.ip()) ^ bits(remote.ip())) & mask == 0;
        near && (self.remote.port() == 0 || self.remote.port() == remote.port())
    }
}
