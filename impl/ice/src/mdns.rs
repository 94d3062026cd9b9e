//! Names that hide the addresses of host candidates: the draft on multicast DNS in ICE, over RFC
//! 6762.
//!
//! To plug it in: one [`Mdns`] serves all agents of a process. Its driver binds UDP port 5353 on
//! each interface, joins [`GROUP_V4`] and [`GROUP_V6`] there, sends with a hop limit of 255, and
//! tells the machine of each such socket with [`Mdns::add_link`]. An agent that hides its addresses
//! makes a name with [`mdns_name`] for each; [`Mdns::register`] it, and it is announced and
//! answered for. For an event `Resolve` of an agent, call [`Mdns::resolve`], and give
//! [`MdnsEvent::Resolved`] back to the agent. Where port 5353 cannot be had, a socket on another
//! port makes a link that asks and does not answer.
//!
//! Departures, all of which are for random names that nobody else will claim: names are not probed
//! for (the draft says so), a name that others claim too is counted and kept, and there are no
//! negative answers (RFC 6762 §6.1), which only owners that have probed may give.

mod name;
mod querier;
mod responder;
mod wire;

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};

pub use name::{is_mdns_name, mdns_name};

use querier::Query;
use responder::Registration;
use wire::{Heard, Packet};

/// A responder and one-shot querier of multicast DNS, for the addresses of random names.
///
/// ```
/// use base::{Datagram, Ecn, Instant, Machine, Rng};
/// use ice::{GROUP_V4, Mdns, MdnsConfig, MdnsEvent, MdnsLink, mdns_name};
///
/// let (now, mut rng) = (Instant::ZERO, Rng::from_seed([1; 32]));
/// let mut ours = Mdns::new(MdnsConfig::default(), rng.fork("ours"), now);
/// let mut theirs = Mdns::new(MdnsConfig::default(), rng.fork("theirs"), now);
/// let (here, there) = ("192.168.1.2:5353".parse()?, "192.168.1.3:5353".parse()?);
/// ours.add_link(now, MdnsLink { local: here, prefix: 24, interface: 1 });
/// theirs.add_link(now, MdnsLink { local: there, prefix: 24, interface: 1 });
///
/// let name = mdns_name(&mut rng);
/// theirs.register(now, &name, "192.168.1.3".parse()?)?;
/// ours.resolve(now, &name)?;
///
/// let mut carry = |from: &mut Mdns, to: &mut Mdns, source| {
///     let mut bytes = Vec::new();
///     while let Some(sent) = from.poll_transmit(now, &mut bytes) {
///         let payload = &bytes[bytes.len() - sent.size..];
///         let destination = sent.destination;
///         to.handle_datagram(now, Datagram { source, destination, ecn: Ecn::NotEct, payload });
///     }
/// };
/// carry(&mut ours, &mut theirs, here);
/// carry(&mut theirs, &mut ours, there);
/// let ip = Some("192.168.1.3".parse()?);
/// assert_eq!(ours.poll_event(), Some(MdnsEvent::Resolved { name, ip }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Mdns {
    config: MdnsConfig,
    rng: Rng,
    now: Instant,
    links: Vec<MdnsLink>,
    registrations: Vec<Registration>,
    queries: Vec<Query>,
    packets: VecDeque<(Transmit, Packet)>,
    events: VecDeque<MdnsEvent>,
    /// Unicast answers in the second that began then.
    answers: (Instant, u32),
    stats: MdnsStats,
}

/// How names are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MdnsConfig {
    /// How long to wait for the address of a name: 5 s. In that time it is asked for three times.
    pub patience: Duration,
    /// Whether names are resolved that are not a random UUID and `.local`. Default: no, so that
    /// nobody can make us send to a printer by its name.
    pub resolves_any_name: bool,
}

impl Default for MdnsConfig {
    fn default() -> Self {
        Self { patience: Duration::from_secs(5), resolves_any_name: false }
    }
}

/// A socket on a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MdnsLink {
    /// Its address. With another port than 5353 it only asks (RFC 6762 §5.1).
    pub local: SocketAddr,
    /// Length of the network prefix in bits, by which neighbours are told (RFC 6762 §11).
    pub prefix: u8,
    /// The interface: addresses are told on links of their own interface alone.
    pub interface: u32,
}

/// What became of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MdnsEvent {
    /// A name that was asked for has this address; `None` if nobody answered, or with more than
    /// one.
    Resolved {
        /// The name.
        name: String,
        /// Its address.
        ip: Option<IpAddr>,
    },
}

/// Why a name is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MdnsError {
    /// It is not a random UUID and `.local`.
    #[error("not a name of the kind that hides addresses")]
    NotAllowed,
    /// There are [`MAX_NAMES`] or [`MAX_QUERIES`].
    #[error("too many names")]
    TooMany,
}

/// What was heard and said, counted since the machine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MdnsStats {
    /// Queries sent.
    pub queries: u64,
    /// Answers and announcements sent.
    pub responses: u64,
    /// Messages that cannot be read, have too many parts, or are not standard queries and answers.
    pub malformed: u64,
    /// Messages from elsewhere than the link, from the wrong port, or answers nobody asked for.
    pub strange: u64,
    /// Answers not given because there were enough in this second.
    pub limited: u64,
    /// Others that claim one of our names.
    pub conflicts: u64,
    /// Packets and names beyond the limits.
    pub left_out: u64,
}

/// The IPv4 group: RFC 6762 §3.
pub const GROUP_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), PORT);
/// The IPv6 group: RFC 6762 §3.
pub const GROUP_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb)), PORT);
/// The port of multicast DNS.
const PORT: u16 = 5353;

/// Links: two families on 16 interfaces.
pub const MAX_LINKS: usize = 32;
/// Names of our own: one for each address of each agent of a busy host.
pub const MAX_NAMES: usize = 256;
/// Names asked for at a time: the remote candidates of one agent.
pub const MAX_QUERIES: usize = 64;
/// Packets that wait to be sent.
const MAX_PACKETS: usize = 512;
/// Unicast answers in a second, to all together. More is no household, and nobody shall use us to
/// shout at a neighbour.
pub const MAX_ANSWERS_PER_SECOND: u32 = 100;

impl Mdns {
    /// Without links and names.
    #[must_use]
    pub const fn new(config: MdnsConfig, rng: Rng, now: Instant) -> Self {
        Self {
            config,
            rng,
            now,
            links: Vec::new(),
            registrations: Vec::new(),
            queries: Vec::new(),
            packets: VecDeque::new(),
            events: VecDeque::new(),
            answers: (now, 0),
            stats: MdnsStats {
                queries: 0,
                responses: 0,
                malformed: 0,
                strange: 0,
                limited: 0,
                conflicts: 0,
                left_out: 0,
            },
        }
    }

    /// Uses a socket from now on. Links beyond [`MAX_LINKS`] are left out.
    pub fn add_link(&mut self, now: Instant, link: MdnsLink) {
        let now = self.advance(now);
        self.links.retain(|known| known.local != link.local);
        if self.links.len() == MAX_LINKS {
            self.stats.left_out += 1;
            return;
        }
        self.links.push(link);
        // RFC 6762 §8.3: connectivity changed, so names are announced anew.
        for registration in &mut self.registrations {
            registration.announce_from(now);
        }
        self.act(now);
    }

    /// The socket is gone.
    pub fn remove_link(&mut self, now: Instant, local: SocketAddr) {
        self.advance(now);
        self.links.retain(|known| known.local != local);
        self.packets.retain(|(transmit, _)| transmit.source != Some(local));
        self.registrations.iter_mut().for_each(|known| known.forget_link(local));
    }

    /// Answers for a name from now on, and announces it.
    ///
    /// # Errors
    ///
    /// `MdnsError`, if the name is not from [`mdns_name`], or there are too many.
    pub fn register(&mut self, now: Instant, name: &str, ip: IpAddr) -> Result<(), MdnsError> {
        let now = self.advance(now);
        if !is_mdns_name(name) {
            return Err(MdnsError::NotAllowed);
        }
        self.registrations.retain(|known| !known.is_named(name));
        if self.registrations.len() == MAX_NAMES {
            return Err(MdnsError::TooMany);
        }
        self.registrations.push(Registration::new(name, ip, now));
        self.act(now);
        Ok(())
    }

    /// Answers for a name no longer, and says goodbye (RFC 6762 §10.1).
    pub fn unregister(&mut self, now: Instant, name: &str) {
        self.advance(now);
        let gone = self.registrations.extract_if(.., |known| known.is_named(name)).last();
        if let Some(gone) = gone {
            self.say_to_all(&gone, Packet::goodbye(&gone.name, gone.ip));
        }
    }

    /// Asks for the address of a name, once. [`MdnsEvent::Resolved`] follows, whatever comes.
    ///
    /// # Errors
    ///
    /// `MdnsError`, if the name may not be asked for, or there are too many.
    pub fn resolve(&mut self, now: Instant, name: &str) -> Result<(), MdnsError> {
        let now = self.advance(now);
        let is_allowed =
            is_mdns_name(name) || (self.config.resolves_any_name && name::is_local_name(name));
        if !is_allowed {
            return Err(MdnsError::NotAllowed);
        }
        if self.queries.iter().any(|query| query.is_named(name)) {
            return Ok(());
        }
        if self.queries.len() + self.events.len() >= MAX_QUERIES {
            return Err(MdnsError::TooMany);
        }
        // Two agents of one host need no network for it.
        if let Some(own) = self.registrations.iter().find(|known| known.is_named(name)) {
            let ip = Some(own.ip);
            self.events.push_back(MdnsEvent::Resolved { name: name.to_owned(), ip });
            return Ok(());
        }
        let id = u16::from_be_bytes(self.rng.public_array());
        self.queries.push(Query::new(name, id, now, self.config.patience));
        self.act(now);
        Ok(())
    }

    /// Asks for a name no longer.
    pub fn cancel(&mut self, now: Instant, name: &str) {
        self.advance(now);
        self.queries.retain(|query| !query.is_named(name));
    }

    /// What was heard and said.
    #[must_use]
    pub const fn stats(&self) -> &MdnsStats {
        &self.stats
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// Says and asks what is due.
    fn act(&mut self, now: Instant) {
        self.announce(now);
        self.ask(now);
    }

    /// The link that a datagram came over: by its destination, or for a group by its source.
    fn link_of(&self, datagram: &Datagram<'_>) -> Option<MdnsLink> {
        let Datagram { source, destination, .. } = *datagram;
        let is_group = destination.ip().is_multicast();
        let mut links = self.links.iter();
        let found = links.find(|link| match is_group {
            true => link.has_neighbour(source.ip()),
            false => link.local == destination,
        });
        // RFC 6762 §11: what came to the group came over the link, whatever the source looks like.
        let fallback = || {
            let mut links = self.links.iter();
            links.find(|link| is_group && link.local.is_ipv4() == source.is_ipv4())
        };
        found.or_else(fallback).copied()
    }

    fn send(&mut self, link: MdnsLink, destination: SocketAddr, packet: Packet) {
        if self.packets.len() >= MAX_PACKETS {
            self.stats.left_out += 1;
            return;
        }
        let transmit = Transmit::new(destination, 0).from(link.local);
        self.packets.push_back((transmit, packet));
    }
}

impl MdnsLink {
    const fn group(&self) -> SocketAddr {
        if self.local.is_ipv4() { GROUP_V4 } else { GROUP_V6 }
    }

    /// Whether it answers too.
    const fn answers(&self) -> bool {
        self.local.port() == PORT
    }

    /// Whether the address is of the same network: RFC 6762 §11.
    fn has_neighbour(&self, ip: IpAddr) -> bool {
        let prefix = u32::from(self.prefix);
        match (self.local.ip(), ip) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let bits = 32_u32.saturating_sub(prefix);
                let network = |ip: Ipv4Addr| u32::from(ip).checked_shr(bits).unwrap_or(0);
                network(own) == network(other)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let bits = 128_u32.saturating_sub(prefix);
                let network = |ip: Ipv6Addr| u128::from(ip).checked_shr(bits).unwrap_or(0);
                other.is_unicast_link_local() || network(own) == network(other)
            }
            _ => false,
        }
    }
}

impl Machine for Mdns {
    type Event = MdnsEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let now = self.advance(now);
        let Some(link) = self.link_of(&datagram) else {
            self.stats.strange += 1;
            return;
        };
        let mut scratch = Vec::new();
        match wire::read(datagram.payload, &mut scratch) {
            None => self.stats.malformed += 1,
            Some(Heard::Query(query)) => self.handle_query(now, link, &datagram, &query),
            Some(Heard::Response(response)) => {
                self.handle_response(now, link, &datagram, &response);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        self.give_up(now);
        self.act(now);
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, packet) = self.packets.pop_front()?;
        let begin = buffer.len();
        packet.write(buffer);
        Some(Transmit { size: buffer.len().saturating_sub(begin), ..transmit })
    }

    fn poll_event(&mut self) -> Option<MdnsEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let announcements = self.registrations.iter().filter_map(Registration::deadline);
        announcements.chain(self.queries.iter().map(Query::deadline)).min()
    }
}

#[cfg(test)]
mod tests;
