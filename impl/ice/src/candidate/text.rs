//! The text of a candidate: [RFC 8839 §5.1](https://www.rfc-editor.org/rfc/rfc8839#section-5.1),
//! with `tcptype` of RFC 6544 §4.5 and the `ufrag` by which browsers tell the generation.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{Address, Candidate, DISCARD_PORT, Extension, Kind, TcpType, Transport};

/// The longest text in bytes, prefix included. The fixed fields, a name and a username fragment of
/// the greatest length leave room for a dozen extensions.
pub const MAX_LINE: usize = 1_024;

/// Unknown extensions kept; what follows is ignored, as a reader that does not know it may
/// (RFC 8839 §5.1).
pub const MAX_EXTENSIONS: usize = 16;

/// The longest host name in bytes: RFC 1035 §2.3.4.
const MAX_NAME: usize = 253;

/// Why a text is no candidate we can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CandidateError {
    /// It breaks the grammar.
    #[error("{what} at character {at}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
        /// Offset in bytes.
        at: usize,
    },
    /// It keeps the grammar and says something this crate does not know: to be ignored (RFC 8839
    /// §5.1).
    #[error("unknown {0}")]
    Unsupported(&'static str),
    /// It is longer than [`MAX_LINE`].
    #[error("longer than {MAX_LINE} bytes")]
    TooLong,
}

pub(crate) const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Whether it is a token of RFC 3261 §25.1.
pub(crate) fn is_token(text: &str) -> bool {
    let is_mark = |byte| b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

impl FromStr for Candidate {
    type Err = CandidateError;

    /// Reads the value of the attribute, or all of it from `candidate:` or `a=candidate:` on.
    ///
    /// # Errors
    ///
    /// [`CandidateError::Unsupported`] for what is to be ignored, the others for what is wrong.
    fn from_str(text: &str) -> Result<Self, CandidateError> {
        if text.len() > MAX_LINE {
            return Err(CandidateError::TooLong);
        }
        let attribute = text.strip_prefix("a=").unwrap_or(text);
        let value = attribute.strip_prefix("candidate:").unwrap_or(attribute);
        let mut fields = Fields { rest: Some(value), at: text.len() - value.len(), start: 0 };

        let foundation = fields.take("no foundation")?.parse();
        let foundation = foundation.map_err(|_| fields.wrong("bad foundation"))?;
        let component = fields.number("bad component", 3, 256)?;
        let transport = fields.transport()?;
        let priority = fields.number("bad priority", 10, (1 << 31) - 1)?;
        let host = fields.take("no address")?;
        let host = parse_host(host).ok_or_else(|| fields.wrong("bad address"))?;
        let port = fields.port()?;
        if port == 0 {
            return Err(fields.wrong("bad port"));
        }
        let kind = fields.kind()?;
        let related = fields.related(kind)?;
        let mut candidate = Self::new(
            foundation,
            u16::try_from(component).unwrap_or(1),
            Transport::Udp,
            priority,
            host.at(port),
            kind,
        );
        candidate.related = related;
        let tcp_type = fields.extensions(&mut candidate)?;
        candidate.transport = match (transport, tcp_type) {
            (Token::Udp, _) => Transport::Udp,
            (Token::Tcp, Some(tcp_type)) => Transport::Tcp(tcp_type),
            (Token::Tcp, None) => return Err(fields.wrong("no tcptype")),
        };
        Ok(candidate)
    }
}

#[derive(Clone, Copy)]
enum Token {
    Udp,
    Tcp,
}

enum HostPart {
    Ip(IpAddr),
    Name(String),
}

impl HostPart {
    fn at(self, port: u16) -> Address {
        match self {
            Self::Ip(ip) => Address::Ip(SocketAddr::new(ip, port)),
            Self::Name(name) => Address::Name { name, port },
        }
    }
}

/// A colon makes it IPv6 (RFC 8839 §5.1). A zone is refused: it means something on one host alone.
fn parse_host(text: &str) -> Option<HostPart> {
    if text.contains(':') {
        return text.parse().ok().map(|ip: Ipv6Addr| HostPart::Ip(ip.into()));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Some(HostPart::Ip(ip.into()));
    }
    // Four numbers that are no address are not a name either.
    let last = text.strip_suffix('.').unwrap_or(text).rsplit('.').next()?;
    let is_name = text.len() <= MAX_NAME
        && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit());
    is_name.then(|| HostPart::Name(text.to_owned()))
}

/// A label of a host name: letters, digits, hyphens inside, and underscores, which exist in life.
fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The fields of a text, split at single spaces.
struct Fields<'a> {
    rest: Option<&'a str>,
    /// Offset of `rest`.
    at: usize,
    /// Offset of the field taken last.
    start: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        self.start = self.at;
        let field = match rest.split_once(' ') {
            Some((field, more)) => {
                self.rest = Some(more);
                field
            }
            None => {
                self.rest = None;
                rest
            }
        };
        self.at += field.len() + usize::from(self.rest.is_some());
        Some(field)
    }

    fn peek(&self) -> Option<&'a str> {
        self.rest.map(|rest| rest.split_once(' ').map_or(rest, |(field, _)| field))
    }

    const fn wrong(&self, what: &'static str) -> CandidateError {
        CandidateError::Malformed { what, at: self.start }
    }

    fn take(&mut self, what: &'static str) -> Result<&'a str, CandidateError> {
        if self.rest.is_none() {
            self.start = self.at;
        }
        self.next().filter(|field| !field.is_empty()).ok_or_else(|| self.wrong(what))
    }

    /// A number from 1 to `most` in at most `digits` digits.
    fn number(
        &mut self,
        what: &'static str,
        digits: usize,
        most: u32,
    ) -> Result<u32, CandidateError> {
        let field = self.take(what)?;
        let number = decimal(field).filter(|number| {
            let is_zero = *number == 0 && base::mutant::active("ice-zero-priority-accepted");
            is_zero || (1..=most).contains(number)
        });
        number.filter(|_| field.len() <= digits).ok_or_else(|| self.wrong(what))
    }

    fn port(&mut self) -> Result<u16, CandidateError> {
        let number = decimal(self.take("no port")?);
        number.and_then(|n| u16::try_from(n).ok()).ok_or_else(|| self.wrong("bad port"))
    }

    fn transport(&mut self) -> Result<Token, CandidateError> {
        let field = self.take("no transport")?;
        match field {
            _ if field.eq_ignore_ascii_case("udp") => Ok(Token::Udp),
            _ if field.eq_ignore_ascii_case("tcp") => Ok(Token::Tcp),
            _ if is_token(field) => Err(CandidateError::Unsupported("transport")),
            _ => Err(self.wrong("bad transport")),
        }
    }

    fn kind(&mut self) -> Result<Kind, CandidateError> {
        if self.take("no type")? != "typ" {
            return Err(self.wrong("no type"));
        }
        let field = self.take("no type")?;
        let known = Kind::ALL.into_iter().find(|kind| field.eq_ignore_ascii_case(kind.name()));
        match known {
            Some(kind) => Ok(kind),
            None if is_token(field) => Err(CandidateError::Unsupported("type")),
            None => Err(self.wrong("bad type")),
        }
    }

    /// The related address. It is for diagnostics alone, so that one we cannot read is no reason to
    /// refuse the candidate, and neither is one where none belongs.
    fn related(&mut self, kind: Kind) -> Result<Option<SocketAddr>, CandidateError> {
        let mut host = None;
        let mut port = None;
        if self.peek() == Some("raddr") {
            self.next();
            host = Some(self.take("no related address")?);
        }
        if self.peek() == Some("rport") {
            self.next();
            port = Some(self.port()?);
        }
        let ip = host.and_then(|host| host.parse::<IpAddr>().ok());
        let related = ip.zip(port).map(|(ip, port)| SocketAddr::new(ip, port));
        Ok(related.filter(|_| kind != Kind::Host))
    }

    /// The extensions, of which the first of a known name counts.
    fn extensions(&mut self, candidate: &mut Candidate) -> Result<Option<TcpType>, CandidateError> {
        let mut tcp_type = None;
        while let Some(name) = self.next() {
            let extension = self.rest.map(|_| self.start).and_then(|start| {
                let value = self.next()?;
                self.start = start;
                Extension::new(name, value)
            });
            let extension = extension.ok_or_else(|| self.wrong("bad extension"))?;
            match name {
                "tcptype" if tcp_type.is_none() => {
                    let named = |one: &TcpType| extension.value.eq_ignore_ascii_case(one.name());
                    let found = TcpType::ALL.into_iter().find(named);
                    tcp_type = Some(found.ok_or_else(|| self.wrong("bad tcptype"))?);
                }
                "ufrag" if candidate.ufrag.is_none() => {
                    let ufrag = extension.value.parse().map_err(|_| self.wrong("bad ufrag"))?;
                    candidate.ufrag = Some(ufrag);
                }
                "tcptype" | "ufrag" => {}
                _ if candidate.extensions.len() < MAX_EXTENSIONS => {
                    candidate.extensions.push(extension);
                }
                _ => {}
            }
        }
        Ok(tcp_type)
    }
}

fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { foundation, component, priority, kind, .. } = self;
        let transport = if self.transport.is_tcp() { "tcp" } else { "udp" };
        write!(f, "candidate:{foundation} {component} {transport} {priority} ")?;
        match &self.address {
            Address::Ip(address) => write!(f, "{} {}", address.ip(), address.port())?,
            Address::Name { name, port } => write!(f, "{name} {port}")?,
        }
        write!(f, " typ {kind}")?;
        if *kind != Kind::Host {
            let related = self.related.unwrap_or_else(|| self.hidden());
            write!(f, " raddr {} rport {}", related.ip(), related.port())?;
        }
        if let Transport::Tcp(tcp_type) = self.transport {
            write!(f, " tcptype {tcp_type}")?;
        }
        for Extension { name, value } in &self.extensions {
            write!(f, " {name} {value}")?;
        }
        match &self.ufrag {
            Some(ufrag) => write!(f, " ufrag {ufrag}"),
            None => Ok(()),
        }
    }
}

impl Candidate {
    /// RFC 8839 §5.1: an address that is not told is the unspecified one, with the discard port.
    fn hidden(&self) -> SocketAddr {
        let is_v6 = self.address.ip().is_some_and(|address| address.is_ipv6());
        let ip = if is_v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
        SocketAddr::new(ip, DISCARD_PORT)
    }
}

#[cfg(test)]
mod tests;
