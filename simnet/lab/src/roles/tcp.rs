//! Hosts that send and take bytes by TCP.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use serde::{Deserialize, Serialize};
use simnet::{
    Congestion, Cx, Endpoint, RecvMeta, SocketId, TcpClosed, TcpConfig, TcpEvent,
    traffic::{Schedule, ShortFlows as Users, TcpSink as Reader, TcpSource},
};

use super::{Inhabitant, Parameters, late::Late};
use crate::{
    run::{Directory, Figure, Post, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Where data is thrown away: RFC 863.
const PORT: u16 = 9;
/// The interval in which bytes are counted.
const INTERVAL: Duration = Duration::from_millis(INTERVAL_MS);
/// The same in milliseconds.
const INTERVAL_MS: u64 = 100;

/// Parameters of a host that sends bytes by one TCP connection, as many as it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TcpSend {
    /// Where they go: a host, a host with a port, or an address with a port.
    pub to: String,
    /// How many it sends; without end if it does not say.
    #[serde(
        default,
        with = "simnet::units::option_bytes",
        skip_serializing_if = "Option::is_none"
    )]
    pub bytes: Option<u64>,
    /// How it finds its rate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub congestion: Congestion,
    /// When it begins.
    #[serde(default, with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
    /// When it ends; with the scenario if it does not say.
    #[serde(
        default,
        with = "simnet::units::option_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub stop: Option<Duration>,
}

impl TcpSend {
    /// As much as the way takes, from beginning to end.
    #[must_use]
    pub fn to(target: &str) -> Self {
        Self {
            to: target.to_owned(),
            bytes: None,
            congestion: Congestion::default(),
            start: Duration::ZERO,
            stop: None,
        }
    }
}

impl Parameters for TcpSend {
    type Endpoint = Sending;

    fn endpoint(&self, _: &str, _: &Scenario) -> Sending {
        Sending { role: self.clone(), source: Late::new(), failed: false }
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

/// The host that sends.
#[derive(Debug)]
pub(crate) struct Sending {
    role: TcpSend,
    source: Late<TcpSource>,
    failed: bool,
}

impl Inhabitant for Sending {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        let Some(to) = directory.resolve(&self.role.to, PORT) else {
            self.failed = true;
            return;
        };
        let config = TcpConfig { congestion: self.role.congestion, ..cx.tcp_config() };
        cx.tcp_set_config(config);
        let mut source = TcpSource::to(to);
        if let Some(stop) = self.role.stop {
            let active = stop.saturating_sub(cx.now().elapsed());
            source = source.scheduled(Schedule::default().until(active));
        }
        if let Some(bytes) = self.role.bytes {
            source = source.limit(bytes);
        }
        self.source.begin(cx, source);
    }

    fn report(&self) -> Report {
        let source = self.source.get();
        let written = source.map_or(0, TcpSource::written);
        let ended = match source.and_then(TcpSource::closed) {
            None if self.failed => "no such host".to_owned(),
            None => "not yet".to_owned(),
            Some((at, TcpClosed::Finished)) => format!("finished at {at}"),
            Some((at, why)) => format!("{why:?} at {at}"),
        };
        Report::default().with("written", Figure::Count(written)).with("ended", Figure::Text(ended))
    }
}

/// Parameters of a host that takes bytes by TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TcpSink {
    /// The TCP port it listens on.
    pub port: u16,
}

impl Default for TcpSink {
    fn default() -> Self {
        Self { port: PORT }
    }
}

impl Parameters for TcpSink {
    type Endpoint = Taking;

    fn endpoint(&self, _: &str, _: &Scenario) -> Taking {
        Taking { port: self.port, sink: Late::new() }
    }
}

/// The host that takes.
#[derive(Debug)]
pub(crate) struct Taking {
    port: u16,
    sink: Late<Reader>,
}

impl Taking {
    /// At once: whoever takes has to be there first. IPv6 counts where there is no IPv4.
    fn listen(&mut self, cx: &mut Cx<'_>) {
        let interfaces = cx.interfaces();
        let mut ips = interfaces.iter().flat_map(|it| &it.addresses).map(|address| address.ip);
        let v4 = ips.any(|ip| ip.is_ipv4());
        let local = if v4 {
            SocketAddr::from(([0; 4], self.port))
        } else {
            SocketAddr::from(([0; 16], self.port))
        };
        self.sink.begin(cx, Reader::at(local).interval(INTERVAL));
    }
}

impl Inhabitant for Taking {
    fn report(&self) -> Report {
        let Some(sink) = self.sink.get() else { return Report::default() };
        let amounts = sink.series().amounts();
        let first = amounts.iter().position(|bytes| *bytes > 0).unwrap_or(0);
        let busy = (amounts.len() - first) as u64 * INTERVAL_MS;
        let goodput = sink.bytes().saturating_mul(8_000).checked_div(busy);
        Report::default()
            .with("bytes", Figure::Count(sink.bytes()))
            .with("finished", Figure::Count(sink.finished()))
            .with("goodput", Figure::Rate(goodput.unwrap_or(0)))
    }
}

/// Parameters of a host whose users send small objects by TCP, each by a connection of its own, and rest
/// in between: RFC 8868 §5.1, with the figures of RFC 8867 §5.7.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShortFlows {
    /// Where they go: a host, a host with a port, or an address with a port.
    pub to: String,
    /// How many users there are.
    #[serde(default = "users")]
    pub users: u32,
    /// How many of them begin at once.
    #[serde(default = "busy")]
    pub busy: u32,
    /// Mean time between two objects of a user.
    #[serde(default = "rest", with = "simnet::units::duration")]
    pub rest: Duration,
    /// When it begins.
    #[serde(default, with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

const fn users() -> u32 {
    10
}

const fn busy() -> u32 {
    2
}

const fn rest() -> Duration {
    Duration::from_secs(10)
}

impl Parameters for ShortFlows {
    type Endpoint = Browsing;

    fn endpoint(&self, _: &str, _: &Scenario) -> Browsing {
        Browsing { role: self.clone(), users: Late::new() }
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

/// The host with its users.
#[derive(Debug)]
pub(crate) struct Browsing {
    role: ShortFlows,
    users: Late<Users>,
}

impl Inhabitant for Browsing {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        if let Some(to) = directory.resolve(&self.role.to, PORT) {
            let users = Users::to(to).users(self.role.users, self.role.busy).rest(self.role.rest);
            self.users.begin(cx, users);
        }
    }

    fn report(&self) -> Report {
        let Some(users) = self.users.get() else { return Report::default() };
        Report::default()
            .with("objects", Figure::Count(users.times().count()))
            .with("failed", Figure::Count(users.failed()))
            .with("object-time-mean", Figure::Time(users.times().mean()))
            .with("object-time-p95", Figure::Time(users.times().percentile(95)))
    }
}

/// Lets everything that happens to the outer endpoint happen to the inner one.
macro_rules! pass_on {
    ($outer:ident: $inner:ident $(, $start:ident)?) => {
        impl Endpoint for $outer {
            $(fn start(&mut self, cx: &mut Cx<'_>) {
                self.$start(cx);
            })?

            fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, _: &[u8]) {}

            fn handle_tcp(&mut self, cx: &mut Cx<'_>, event: TcpEvent) {
                self.$inner.handle_tcp(cx, event);
            }

            fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
                self.$inner.handle_timeout(cx);
            }

            fn poll_timeout(&self) -> Option<Instant> {
                self.$inner.poll_timeout()
            }
        }
    };
}

pass_on!(Sending: source);
pass_on!(Taking: sink, listen);
pass_on!(Browsing: users);
