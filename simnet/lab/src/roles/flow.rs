//! A host that sends datagrams at a constant rate.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use super::{Inhabitant, Parameters};
use crate::{
    run::{Directory, Figure, Post, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Parameters of a host that sends datagrams at a constant rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flow {
    /// Where they go: a host, a host with a port, or an address with a port.
    pub to: String,
    /// Bits of UDP payload per second.
    #[serde(default = "rate", with = "simnet::units::rate")]
    pub rate: u64,
    /// Bytes of UDP payload in a datagram, 16 at least.
    #[serde(default = "size")]
    pub size: u16,
    /// When it begins.
    #[serde(default, with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
    /// When it ends; if it does not say, a second before the scenario (or after three quarters of it), so
    /// that what is under way arrives.
    #[serde(
        default,
        with = "simnet::units::option_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub stop: Option<Duration>,
}

/// Where data is thrown away: RFC 863.
pub(super) const PORT: u16 = 9;

const fn rate() -> u64 {
    64_000
}

const fn size() -> u16 {
    160
}

impl Flow {
    /// 64 kbit/s in datagrams of 160 bytes, as telephones talk.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let to = target.to_owned();
        Self { to, rate: rate(), size: size(), start: Duration::ZERO, stop: None }
    }

    /// The same at another rate in bits per second.
    #[must_use]
    pub fn rate(self, rate: u64) -> Self {
        Self { rate, ..self }
    }
}

/// What stands in every datagram of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Its number, from 0 on.
    pub(super) number: u64,
    /// When it was sent.
    pub(super) sent: Instant,
}

/// Bytes of a stamp.
const STAMP: usize = 16;

impl Stamp {
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (number, rest) = payload.split_first_chunk()?;
        let (sent, _) = rest.split_first_chunk()?;
        let sent = Instant::from_nanos(u64::from_be_bytes(*sent));
        Some(Self { number: u64::from_be_bytes(*number), sent })
    }

    pub(super) fn write(self, size: usize) -> Vec<u8> {
        let mut payload = Vec::with_capacity(size.max(STAMP));
        payload.extend(self.number.to_be_bytes());
        payload.extend(self.sent.as_nanos().to_be_bytes());
        payload.resize(size.max(STAMP), 0);
        payload
    }
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Sending {
    role: Flow,
    stop: Instant,
    to: Option<(SocketId, SocketAddr)>,
    began: Instant,
    sent: u64,
}

impl Parameters for Flow {
    type Endpoint = Sending;

    fn endpoint(&self, _: &str, scenario: &Scenario) -> Sending {
        let drain = (scenario.duration / 4).min(Duration::from_secs(1));
        let stop = Instant::ZERO + self.stop.unwrap_or(scenario.duration - drain);
        Sending { role: self.clone(), stop, to: None, began: Instant::ZERO, sent: 0 }
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        Some(&self.to)
    }

    fn check(&self, scenario: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        super::target(scenario, &format!("{path}.to"), &self.to, &[]).into_iter().collect()
    }
}

impl Inhabitant for Sending {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        self.began = cx.now();
        self.to = directory
            .resolve(&self.role.to, PORT)
            .and_then(|to| Some((super::socket_towards(cx, to)?, to)));
        self.send(cx);
    }

    fn report(&self) -> Report {
        Report::default().with("sent", Figure::Count(self.sent))
    }
}

impl Sending {
    /// When the datagram with a number is due.
    fn due(&self, number: u64) -> Instant {
        let bits = u128::from(self.role.size.max(16)) * 8;
        let nanos = u128::from(number) * bits * 1_000_000_000 / u128::from(self.role.rate.max(1));
        self.began + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let Some((socket, to)) = self.to else { return };
        while self.poll_timeout().is_some_and(|due| due <= cx.now()) {
            let stamp = Stamp { number: self.sent, sent: cx.now() };
            cx.send(socket, to, &stamp.write(self.role.size.into()));
            self.sent += 1;
        }
    }
}

impl Endpoint for Sending {
    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.send(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.to?;
        let due = self.due(self.sent);
        (self.role.rate > 0 && due < self.stop).then_some(due)
    }
}
