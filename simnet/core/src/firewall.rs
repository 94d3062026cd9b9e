//! Stateful firewalls: what passes by rule, what passes as an answer, and what its sender hears.
//!
//! A [`Firewall`] is a [`Middlebox`] that translates nothing, so that it can stand before or behind a
//! NAT. What it does is a [`Config`]; [`Rules`] are its judge, and a host that guards itself asks them
//! directly.
//!
//! | file | holds |
//! |---|---|
//! | `config.rs`, `ports.rs`, `serial.rs` | [`Config`], [`Rule`], and how they look in files |
//! | `named.rs` | the configurations that have a name |
//! | `rules.rs` | [`Rules`]: what passes |
//! | `flow.rs`, `tls.rs` | what has been seen of one flow |
//! | `table.rs` | the books |
//! | `refusal.rs` | why a packet does not pass, and what its sender hears |
//!
//! Sequence numbers are not followed, and no payload is looked at but the first bytes of a flow that has
//! to be TLS.

mod config;
mod flow;
mod named;
mod ports;
mod refusal;
mod rules;
mod serial;
mod table;
mod tls;

use std::{collections::VecDeque, fmt, net::IpAddr, time::Duration};

use base::Instant;

pub use config::{
    Action, Admission, Captive, Config, Direction, Filtering, Fragments, IcmpErrors, Limits,
    NotTls, Rule, Timers,
};
pub use ports::{BadPorts, PortRange};
pub use refusal::{Answer, Refusal, Verdict};
pub use rules::Rules;

use self::table::Key;
use crate::{
    event::DropReason,
    middlebox::{Middlebox, Outlet, Side},
    nat::fragment::{self, Pieces},
    packet::{Body, IcmpError, Packet, Tcp, TcpFlags, is_link_scoped},
    prefix::Prefix,
    tcp::reset_for,
};

/// How long the refusal of a SYN waits: RFC 5382 §4.3, RFC 6092 §3.3.1.
const PATIENCE: Duration = Duration::from_secs(6);

/// A firewall between an inside and an outside.
///
/// ```
/// use simnet::{
///     Host, Network,
///     firewall::{Config, Firewall},
/// };
/// use std::time::Duration;
///
/// let mut net = Network::builder(7)
///     .wan("wan", "11.0.0.0/8")
///     .lan("office", "12.1.0.0/24")
///     .nat("guard", "office", "wan", Firewall::new(Config::udp_blocked()))
///     .host("alice", Host::on("office"))
///     .host("server", Host::on("wan").address("11.0.0.3"))
///     .build()
///     .expect("the description fits together");
/// let alice = net.bind(net.node("alice"), "0.0.0.0:4000".parse().unwrap()).unwrap();
/// let server = net.bind(net.node("server"), "0.0.0.0:3478".parse().unwrap()).unwrap();
/// net.send(alice, "11.0.0.3:3478".parse().unwrap(), b"anyone?");
/// net.run_for(Duration::from_secs(1));
/// assert!(net.receive(server).is_none());
/// ```
pub struct Firewall {
    rules: Rules,
    /// Where fragments went whose first one passed.
    pieces: Pieces<Side>,
    /// TCP SYNs from one side that are refused when their time has come.
    waiting: VecDeque<Waiting>,
}

/// A SYN whose sender will hear that it was refused.
struct Waiting {
    until: Instant,
    side: Side,
    key: Key,
    refusal: Refusal,
    packet: Packet,
}

impl Firewall {
    /// A firewall that has seen nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { rules: Rules::new(config), pieces: Pieces::default(), waiting: VecDeque::new() }
    }

    /// What it does.
    #[must_use]
    pub const fn config(&self) -> &Config {
        self.rules.config()
    }

    /// Its rules, and what they remember.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Lets an inside host go that the portal holds captive.
    pub fn release(&mut self, host: IpAddr) {
        self.rules.release(host);
    }

    /// Loses all state, as a box does that loses power.
    pub fn reboot(&mut self) {
        self.rules.forget();
        self.pieces = Pieces::default();
        self.waiting.clear();
    }

    /// Checks that the books are in order.
    ///
    /// # Errors
    ///
    /// What is wrong, in words. It is a bug of this crate.
    pub fn audit(&self) -> Result<(), String> {
        self.rules.audit()
    }

    /// Ends what is due.
    fn catch_up(&mut self, out: &mut Outlet<'_>) {
        while let Some(fragment) = self.pieces.expire(out.now()) {
            refuse(fragment, Refusal::NoFirstFragment, out);
        }
        while self.waiting.front().is_some_and(|waiting| waiting.until <= out.now())
            && let Some(waiting) = self.waiting.pop_front()
        {
            report(waiting.side, &waiting.packet, IcmpError::Prohibited, out);
            refuse(waiting.packet, waiting.refusal, out);
        }
    }

    /// A packet with ports.
    fn whole(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let direction = direction(side);
        if packet.fragment.is_some() && self.config().fragments == Fragments::Drop {
            refuse(packet, Refusal::NoFragments, out);
            return;
        }
        match self.rules.judge(out.now(), direction, &packet) {
            Verdict::Accept => {
                self.cross(direction, &packet, out);
                self.pass(side, packet, out);
            }
            Verdict::Refuse(refusal, answer) => {
                self.turn_away(side, packet, refusal, answer, out);
            }
        }
    }

    /// Sends a packet on, and the fragments that waited for it.
    fn pass(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let key = fragment::Key::of(side, &packet);
        let to = opposite(side);
        forward(side, to, packet, out);
        let Some(key) = key else { return };
        self.pieces.decide(key, to, out.now(), self.rules.config().limits.fragmented);
        while let Some(waiting) = self.pieces.release(&key) {
            forward(side, to, waiting, out);
        }
    }

    /// A fragment without ports goes where the first one went.
    fn follow(&mut self, key: fragment::Key, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        let Config { fragments, limits, .. } = *self.config();
        if fragments == Fragments::Drop {
            refuse(packet, Refusal::NoFragments, out);
        } else if let Some(to) = self.pieces.decision(&key) {
            forward(side, to, packet, out);
            // The decision lasts from the last fragment on.
            self.pieces.decide(key, to, out.now(), limits.fragmented);
        } else if fragments == Fragments::InOrder {
            refuse(packet, Refusal::NoFirstFragment, out);
        } else if let Some(packet) = self.pieces.hold(key, packet, out.now(), limits.fragmented) {
            refuse(packet, Refusal::FragmentLimit(limits.fragmented), out);
        }
    }

    /// Tells the sender, now or later, and ends the packet.
    fn turn_away(
        &mut self,
        side: Side,
        packet: Packet,
        refusal: Refusal,
        answer: Answer,
        out: &mut Outlet<'_>,
    ) {
        match answer {
            Answer::Silence => {}
            Answer::PortUnreachable => report(side, &packet, IcmpError::PortUnreachable, out),
            Answer::Prohibited => report(side, &packet, IcmpError::Prohibited, out),
            Answer::ProhibitedLater if self.waiting.len() < self.config().limits.waiting => {
                let key = Key::of(direction(side), &packet);
                let until = out.now() + PATIENCE;
                self.waiting.push_back(Waiting { until, side, key, refusal, packet });
                return;
            }
            Answer::ProhibitedLater => {}
            Answer::Reset => reset(side, &packet, out),
            Answer::ResetBoth => {
                reset(side, &packet, out);
                reset_onward(side, &packet, out);
            }
        }
        refuse(packet, refusal, out);
    }

    /// RFC 5382 §4.3: a SYN that crosses one which waits to be refused keeps it from being so.
    fn cross(&mut self, direction: Direction, packet: &Packet, out: &mut Outlet<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        let key = Key::of(direction, packet);
        while let Some(at) = self.waiting.iter().position(|waiting| waiting.key == key)
            && let Some(waiting) = self.waiting.remove(at)
        {
            refuse(waiting.packet, Refusal::Crossed, out);
        }
    }
}

impl Middlebox for Firewall {
    fn announces(&self, inside: &[Prefix]) -> Vec<Prefix> {
        inside.to_vec()
    }

    fn handle_packet(&mut self, side: Side, packet: Packet, out: &mut Outlet<'_>) {
        self.catch_up(out);
        let destination = packet.destination_ip;
        let is_own = |side| out.addresses(side).iter().any(|own| own.ip == destination);
        if is_link_scoped(destination) {
            out.drop(packet, DropReason::NotForwarded);
        } else if is_own(side) || is_own(opposite(side)) {
            out.drop(packet, DropReason::NotForUs);
        } else if let (Body::Trailing(_), Some(key)) =
            (&packet.body, fragment::Key::of(side, &packet))
        {
            self.follow(key, side, packet, out);
        } else {
            self.whole(side, packet, out);
        }
    }

    fn handle_timeout(&mut self, out: &mut Outlet<'_>) {
        self.catch_up(out);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.waiting.front().map(|waiting| waiting.until);
        waiting.into_iter().chain(self.pieces.next_deadline()).min()
    }
}

impl fmt::Debug for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firewall").field("rules", &self.rules).finish_non_exhaustive()
    }
}

fn direction(side: Side) -> Direction {
    if side == Side::INSIDE { Direction::Outbound } else { Direction::Inbound }
}

fn opposite(side: Side) -> Side {
    if side == Side::INSIDE { Side::OUTSIDE } else { Side::INSIDE }
}

/// Takes a hop off and sends the packet on, if it lives and fits; else its sender learns of it.
fn forward(from: Side, to: Side, mut packet: Packet, out: &mut Outlet<'_>) {
    if !packet.decrement_hop_limit() {
        report(from, &packet, IcmpError::TimeExceeded, out);
        out.drop(packet, DropReason::HopLimit);
        return;
    }
    let mtu = out.mtu(to);
    let unbreakable = packet.dont_fragment || packet.is_ipv6();
    if unbreakable && packet.ip_length() > usize::try_from(mtu).unwrap_or(usize::MAX) {
        report(from, &packet, IcmpError::TooBig { mtu }, out);
        out.drop(packet, DropReason::TooBig);
        return;
    }
    out.forward(to, packet);
}

/// Tells the sender of `packet`, on `side`, what is wrong with it.
fn report(side: Side, packet: &Packet, kind: IcmpError, out: &mut Outlet<'_>) {
    let own = out.addresses(side).iter().find(|own| own.ip.is_ipv6() == packet.is_ipv6());
    if let Some(error) = own.and_then(|own| packet.icmp_error(own.ip, kind)) {
        out.send(side, error);
    }
}

/// Resets the connection towards the sender of `packet`.
fn reset(side: Side, packet: &Packet, out: &mut Outlet<'_>) {
    if let Some(reset) = reset_for(packet) {
        out.send(side, reset);
    }
}

/// Resets the connection towards the destination of `packet`: what the sender would have said.
fn reset_onward(side: Side, packet: &Packet, out: &mut Outlet<'_>) {
    let Body::Tcp(tcp) = &packet.body else { return };
    let reset = Tcp { window: 0, ..Tcp::new(TcpFlags::RST).sequence(tcp.sequence) };
    let reset = if tcp.flags.contains(TcpFlags::ACK) {
        reset.acknowledging(tcp.acknowledgment)
    } else {
        reset
    };
    out.send(opposite(side), Packet::tcp(packet.source(), packet.destination(), reset));
}

fn refuse(packet: Packet, refusal: Refusal, out: &mut Outlet<'_>) {
    out.drop_because(packet, refusal.reason(), || refusal.to_string());
}
