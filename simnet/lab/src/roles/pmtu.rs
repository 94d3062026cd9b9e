//! A host that looks for the largest packet that arrives, and whether it is told.

use std::{net::SocketAddr, time::Duration};

use base::{Instant, SocketError, SocketErrorKind};
use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use super::{Inhabitant, Parameters};
use crate::{
    run::{Directory, Figure, Post, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Parameters of a host that sends packets of several sizes, which must not be fragmented, to an `echo`
/// host, the largest first, until one comes back. A path on which packets vanish and nobody says so is
/// a black hole for them (RFC 8899 §1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PmtuProbe {
    /// Whom it asks: a host with the role `echo`.
    pub to: String,
    /// Sizes of IP packets in bytes, the largest first.
    #[serde(default = "sizes")]
    pub sizes: Vec<u16>,
    /// How often each is sent before it counts as lost.
    #[serde(default = "tries")]
    pub tries: u8,
    /// How long it waits for each.
    #[serde(default = "wait", with = "simnet::units::duration")]
    pub wait: Duration,
    /// When it begins.
    #[serde(default, with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

/// Ethernet, PPPoE, tunnels of several kinds, and the least that IPv6 and IPv4 promise.
fn sizes() -> Vec<u16> {
    vec![1_500, 1_492, 1_480, 1_460, 1_440, 1_420, 1_400, 1_380, 1_360, 1_300, 1_280, 1_000, 576]
}

const fn tries() -> u8 {
    3
}

const fn wait() -> Duration {
    Duration::from_millis(500)
}

impl PmtuProbe {
    /// Probes the way to a host.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let to = target.to_owned();
        Self { to, sizes: sizes(), tries: tries(), wait: wait(), start: Duration::ZERO }
    }
}

impl Parameters for PmtuProbe {
    type Endpoint = Probing;

    fn endpoint(&self, _: &str, _: &Scenario) -> Probing {
        let role = self.clone();
        Probing {
            role,
            to: None,
            index: 0,
            tried: 0,
            due: None,
            told: Vec::new(),
            found: None,
            began: Instant::ZERO,
        }
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        Some(&self.to)
    }

    fn check(&self, scenario: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        super::target(scenario, &format!("{path}.to"), &self.to, &["echo"]).into_iter().collect()
    }
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Probing {
    role: PmtuProbe,
    to: Option<(SocketId, SocketAddr)>,
    /// Which of the sizes is tried, and how often it was.
    index: usize,
    tried: u8,
    due: Option<Instant>,
    /// What the network said: the size that was tried, and the one that fits.
    told: Vec<(u16, u32)>,
    /// The size that came back, and when.
    found: Option<(u16, Instant)>,
    began: Instant,
}

impl Probing {
    fn size(&self) -> Option<u16> {
        self.role.sizes.get(self.index).copied()
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        self.due = None;
        let (Some((socket, to)), Some(size)) = (self.to, self.size()) else { return };
        let headers = simnet::UDP_HEADER
            + if to.is_ipv4() { simnet::IPV4_HEADER } else { simnet::IPV6_HEADER };
        let mut payload = vec![0; usize::from(size).saturating_sub(headers).max(2)];
        if let Some(head) = payload.first_chunk_mut() {
            *head = size.to_be_bytes();
        }
        self.tried += 1;
        self.due = Some(cx.now() + self.role.wait);
        cx.send(socket, to, &payload);
    }

    fn next(&mut self, cx: &mut Cx<'_>) {
        self.index += 1;
        self.tried = 0;
        self.send(cx);
    }
}

impl Inhabitant for Probing {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        self.began = cx.now();
        self.to = directory
            .resolve(&self.role.to, super::echo::PORT)
            .and_then(|to| Some((super::socket_towards(cx, to)?, to)));
        if let Some((socket, _)) = self.to {
            cx.set_dont_fragment(socket, true);
        }
        self.send(cx);
    }

    fn report(&self) -> Report {
        let lost = self.index > 0;
        let mut report = Report::default()
            .with("told", Figure::Count(self.told.len() as u64))
            .with("black-hole", Figure::Truth(lost && self.told.is_empty()));
        if let Some((size, at)) = self.found {
            report = report
                .with("path-mtu", Figure::Count(size.into()))
                .with("took", Figure::Time(at - self.began));
        }
        for (size, mtu) in &self.told {
            report = report.believing(format!("{size} bytes do not fit, {mtu} do"));
        }
        report
    }
}

impl Endpoint for Probing {
    fn handle_datagram(&mut self, cx: &mut Cx<'_>, _: SocketId, _: &RecvMeta, payload: &[u8]) {
        let size = payload.first_chunk().map(|head| u16::from_be_bytes(*head));
        if let Some(size) = size.filter(|_| self.found.is_none()) {
            self.found = Some((size, cx.now()));
            self.due = None;
        }
    }

    fn handle_socket_error(&mut self, cx: &mut Cx<'_>, _: SocketId, error: SocketError) {
        let SocketErrorKind::TooBig { mtu } = error.kind else { return };
        let Some(size) = self.size().filter(|_| self.found.is_none()) else { return };
        if self.told.last().is_none_or(|(last, _)| *last != size) {
            self.told.push((size, mtu));
        }
        // A size that is said to fit is tried next, if it is one of those.
        let fits = |candidate: &u16| u32::from(*candidate) <= mtu;
        let fitting = self.role.sizes.iter().position(fits).filter(|_| mtu > 0);
        self.index = fitting.map_or(self.index, |index| index.max(self.index + 1) - 1);
        self.next(cx);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.due.is_none_or(|due| due > cx.now()) {
            return;
        }
        if self.tried < self.role.tries {
            self.send(cx);
        } else {
            self.next(cx);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}
