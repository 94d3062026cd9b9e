//! A candidate as text.

use std::{fmt, net::IpAddr};

/// A candidate, word by word: RFC 8839 §5.1. Nothing is checked that a test may want to see wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The foundation.
    pub foundation: String,
    /// The component.
    pub component: String,
    /// The transport, as it is written.
    pub transport: String,
    /// The priority.
    pub priority: String,
    /// IP address or name.
    pub address: String,
    /// The port.
    pub port: String,
    /// `host`, `srflx`, `prflx`, `relay`, or something else.
    pub kind: String,
    /// Pairs of names and values behind the type, raddr and rport among them.
    pub rest: Vec<(String, String)>,
}

/// What a text lacks to be a candidate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LineError(&'static str);

impl Line {
    /// A UDP candidate of component 1 with these words.
    #[must_use]
    pub fn new(foundation: &str, priority: u32, address: IpAddr, port: u16, kind: &str) -> Self {
        Self {
            foundation: foundation.to_owned(),
            component: "1".to_owned(),
            transport: "udp".to_owned(),
            priority: priority.to_string(),
            address: address.to_string(),
            port: port.to_string(),
            kind: kind.to_owned(),
            rest: Vec::new(),
        }
    }

    /// The same with one more pair at the end.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.rest.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes a text apart, with or without `candidate:` before it.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn read(text: &str) -> Result<Self, LineError> {
        let text = text.strip_prefix("candidate:").unwrap_or(text);
        let mut words = text.split(' ').map(str::to_owned);
        let mut next = |what| words.next().ok_or(LineError(what));
        let foundation = next("no foundation")?;
        let component = next("no component")?;
        let transport = next("no transport")?;
        let priority = next("no priority")?;
        let address = next("no address")?;
        let port = next("no port")?;
        if next("no typ")? != "typ" {
            return Err(LineError("another word than typ behind the port"));
        }
        let kind = next("no type")?;
        let mut rest = Vec::new();
        while let Some(name) = words.next() {
            rest.push((name, words.next().ok_or(LineError("a name without a value"))?));
        }
        Ok(Self { foundation, component, transport, priority, address, port, kind, rest })
    }

    /// The value of the first pair with this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.rest.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every rule of the grammar that the text breaks: empty for whatever a conforming sender writes.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let ice_chars =
            |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+' || c == b'/');
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit())
        };
        let mut faults = Vec::new();
        let mut check = |good: bool, fault| {
            if !good {
                faults.push(fault);
            }
        };
        check(
            (1..=32).contains(&self.foundation.len()) && ice_chars(&self.foundation),
            "the foundation is not 1 to 32 ICE characters",
        );
        let component = digits(&self.component, 3)
            && self.component.parse().is_ok_and(|n: u16| (1..=256).contains(&n));
        check(component, "the component is not 1 to 256");
        let transport = self.transport.to_ascii_lowercase();
        check(["udp", "tcp"].contains(&transport.as_str()), "the transport is neither UDP nor TCP");
        let priority = digits(&self.priority, 10)
            && self.priority.parse().is_ok_and(|n: u64| (1..1 << 31).contains(&n));
        check(priority, "the priority is not 1 to 2^31 - 1");
        check(self.port.parse::<u16>().is_ok(), "the port is no number of 16 bits");
        check(
            ["host", "srflx", "prflx", "relay"].contains(&self.kind.as_str()),
            "the type is none of the four",
        );
        let related = self.value("raddr").is_some() && self.value("rport").is_some();
        let bare = self.value("raddr").is_none() && self.value("rport").is_none();
        check(
            if self.kind == "host" { bare } else { related },
            "raddr and rport stand exactly where the type asks for them",
        );
        faults
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { foundation, component, transport, priority, address, port, kind, rest } = self;
        write!(
            f,
            "candidate:{foundation} {component} {transport} {priority} {address} {port} typ {kind}"
        )?;
        rest.iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From RFC 8839 §5.1.
    const SAMPLE: &str =
        "candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998";

    #[test]
    fn the_sample_of_the_specification_is_read_and_written() {
        let line = Line::read(SAMPLE).unwrap();
        assert_eq!(line.value("rport"), Some("8998"));
        assert_eq!(line.faults(), [""; 0]);
        assert_eq!(line.to_string(), SAMPLE);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_named() {
        let line =
            Line::read("candidate:a_b 257 sctp 0 192.0.2.3 65536 typ host raddr ::").unwrap();
        assert_eq!(line.faults().len(), 6, "{:?}", line.faults());
        assert!(Line::read("candidate:1 1 udp 1 192.0.2.3 4000 host").is_err());
    }
}
