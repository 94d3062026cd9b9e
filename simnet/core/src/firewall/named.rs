//! Configurations that have a name.

use super::config::{Action, Admission, Captive, Config, Direction, Filtering, Rule, Timers};
use super::ports::PortRange;
use crate::packet::Protocol;

impl Config {
    /// Everything out, answers in: the firewall of most offices and homes.
    #[must_use]
    pub fn stateful() -> Self {
        Self::default()
    }

    /// No UDP at all; TCP out, answers in.
    #[must_use]
    pub fn udp_blocked() -> Self {
        Self { rules: vec![of(Protocol::Udp, Action::Drop)], ..Self::default() }
    }

    /// UDP to ports 53 and 443 only; TCP out, answers in.
    #[must_use]
    pub fn udp_53_443_only() -> Self {
        let allowed = out(Protocol::Udp, &[53, 443], Action::Accept);
        Self { rules: vec![allowed, of(Protocol::Udp, Action::Drop)], ..Self::default() }
    }

    /// TCP to ports 80 and 443 only, and names over UDP.
    #[must_use]
    pub fn tcp_443_only() -> Self {
        let rules = vec![
            out(Protocol::Udp, &[53], Action::Accept),
            out(Protocol::Tcp, &[80, 443], Action::Accept),
        ];
        Self { outbound: Action::Drop, rules, ..Self::default() }
    }

    /// TLS over TCP to port 443 only, and names over UDP: the first bytes of a flow must be a
    /// ClientHello.
    #[must_use]
    pub fn tls_only() -> Self {
        let rules = vec![
            out(Protocol::Udp, &[53], Action::Accept),
            out(Protocol::Tcp, &[443], Action::AcceptTls),
        ];
        Self { outbound: Action::Drop, rules, ..Self::default() }
    }

    /// A captive portal that lets nobody ask for more than names until he is
    /// [released](super::Firewall::release).
    #[must_use]
    pub fn captive_portal() -> Self {
        let rules = vec![out(Protocol::Udp, &[53], Action::Accept)];
        Self { captive: Some(Captive { rules, ..Captive::default() }), ..Self::default() }
    }

    /// RFC 6092: what IPv6 routers in homes should do. Strangers may send to an inside endpoint that has
    /// sent to somebody (RFC 6092 §3.2.2, §3.3.1), which is what applications want.
    #[must_use]
    pub fn simple_security() -> Self {
        let open = Admission::EndpointIndependent;
        Self {
            inbound: Action::ProhibitLater,
            filtering: Filtering { udp: open, tcp: open },
            ..Self::default()
        }
    }

    /// The same with the filters that RFC 6092 §3.2.2 allows where secrecy counts more: only addresses
    /// that an endpoint has sent to may send to it.
    #[must_use]
    pub fn simple_security_strict() -> Self {
        let strict = Admission::AddressDependent;
        Self { filtering: Filtering { udp: strict, tcp: strict }, ..Self::simple_security() }
    }

    /// The timers that connection tracking on Linux has by default, measured on Linux 6.18: UDP 30 s, and
    /// 120 s once answered; TCP five days; ICMP 30 s.
    #[must_use]
    pub fn linux_timers(self) -> Self {
        let seconds = std::time::Duration::from_secs;
        let timers = Timers {
            udp: seconds(120),
            udp_unanswered: Some(seconds(30)),
            tcp_established: seconds(432_000),
            tcp_transitory: seconds(120),
            icmp: seconds(30),
        };
        Self { timers, ..self }
    }
}

fn of(protocol: Protocol, action: Action) -> Rule {
    Rule { protocol: Some(protocol), ..Rule::new(action) }
}

fn out(protocol: Protocol, ports: &[u16], action: Action) -> Rule {
    let ports = ports.iter().copied().map(PortRange::one).collect();
    Rule { direction: Some(Direction::Outbound), ports, ..of(protocol, action) }
}
