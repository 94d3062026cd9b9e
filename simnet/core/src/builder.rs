//! Worlds, described.

use base::InterfaceKind;

use crate::{link::Link, middlebox::Middlebox, network::Network, observer::Observer};

mod assemble;
mod check;
mod error;
mod host;
mod segment;
mod wires;

pub use error::BuildError;
pub use host::Host;
pub(crate) use segment::first_free;

/// Describes a world, part by part, in any order: names are looked up when it is built.
///
/// ```
/// use simnet::{Host, Link, Network};
/// use std::time::Duration;
///
/// let mut net = Network::builder(7)
///     .wan("wan", "11.0.0.0/8")
///     .lan("office", "192.168.1.0/24")
///     .router("edge", simnet::Attach::to("office").and_to("wan"))
///     .host("alice", Host::on("office"))
///     .host("server", Host::on("wan").address("11.0.0.3"))
///     .link("edge", "wan", Link::delayed(Duration::from_millis(12)))
///     .build()
///     .expect("the description fits together");
///
/// let (alice, server) = (net.node("alice"), net.node("server"));
/// let from = net.bind(alice, "0.0.0.0:4000".parse().unwrap()).unwrap();
/// let to = net.bind(server, "11.0.0.3:3478".parse().unwrap()).unwrap();
/// net.send(from, "11.0.0.3:3478".parse().unwrap(), b"hello");
/// net.run_for(Duration::from_millis(20));
///
/// let received = net.receive(to).expect("hello arrives");
/// assert_eq!(received.at.to_string(), "0.012000s");
/// assert_eq!(received.source.to_string(), "192.168.1.10:4000");
/// assert_eq!(&received.payload[..], b"hello");
/// assert!(net.tally().is_conserved());
/// ```
///
/// # Addresses
///
/// A part that is given no address gets one in each prefix of its segment: routers and boxes on a LAN
/// the first that are free from number 1 on (`192.168.1.1`), everything else from number 16 in IPv6 and
/// 10 in IPv4 on (`192.168.1.10`). The router that is the middle of a wide-area network has number 1.
///
/// # Routes
///
/// Hosts reach their segments directly and all else through the first router or box on their LAN.
/// Routers and wide-area networks know the way to every prefix that lies behind routers, by the fewest
/// hops. What lies behind the inside of a box is its secret.
#[derive(Debug, Default)]
pub struct Builder {
    pub(crate) seed: u64,
    pub(crate) parts: Vec<Part>,
    pub(crate) links: Vec<LinkPlan>,
    pub(crate) routes: Vec<RoutePlan>,
    pub(crate) without_hash: bool,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) plan: Plan,
}

#[derive(Debug)]
pub(crate) enum Plan {
    Wan { prefixes: String },
    Lan { prefixes: String, isolating: bool },
    Host(Host),
    Router(Attach),
    Middlebox(Attach, BoxedMiddlebox),
}

pub(crate) struct BoxedMiddlebox(pub(crate) Box<dyn Middlebox>);

impl std::fmt::Debug for BoxedMiddlebox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Middlebox")
    }
}

/// A route of the description; without a prefix, to everything.
#[derive(Debug)]
pub(crate) struct RoutePlan {
    pub(crate) part: String,
    pub(crate) prefix: Option<String>,
    pub(crate) gateway: String,
}

#[derive(Debug)]
pub(crate) struct LinkPlan {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) link: Link,
}

impl Builder {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A wide-area network: a router in the middle, and a wire of its own to everything attached. Its
    /// `prefixes`, IPv4 and IPv6, stand in one text with spaces between them.
    #[must_use]
    pub fn wan(self, name: &str, prefixes: &str) -> Self {
        self.part(name, Plan::Wan { prefixes: prefixes.to_owned() })
    }

    /// A local network: a switch, which carries unicast, broadcast and multicast among those attached.
    /// Its `prefixes` stand in one text with spaces between them. Several LANs may use the same.
    #[must_use]
    pub fn lan(self, name: &str, prefixes: &str) -> Self {
        self.part(name, Plan::Lan { prefixes: prefixes.to_owned(), isolating: false })
    }

    /// A local network whose hosts do not hear each other, only routers and boxes: the client isolation
    /// of guest networks. What one host sends to another ends as
    /// [`Isolated`](crate::DropReason::Isolated), to a group it reaches nobody but routers and boxes.
    #[must_use]
    pub fn isolated_lan(self, name: &str, prefixes: &str) -> Self {
        self.part(name, Plan::Lan { prefixes: prefixes.to_owned(), isolating: true })
    }

    /// A host.
    #[must_use]
    pub fn host(self, name: &str, host: Host) -> Self {
        self.part(name, Plan::Host(host))
    }

    /// A router between two or more segments.
    #[must_use]
    pub fn router(self, name: &str, attach: Attach) -> Self {
        self.part(name, Plan::Router(attach))
    }

    /// A NAT between the segments `inside` and `outside`, with addresses of the network's choosing.
    #[must_use]
    pub fn nat(self, name: &str, inside: &str, outside: &str, nat: impl Middlebox) -> Self {
        self.middlebox(name, Attach::to(inside).and_to(outside), nat)
    }

    /// A box between segments: the first is its [inside](crate::Side::INSIDE), the second its
    /// [outside](crate::Side::OUTSIDE).
    #[must_use]
    pub fn middlebox(self, name: &str, attach: Attach, middlebox: impl Middlebox) -> Self {
        self.part(name, Plan::Middlebox(attach, BoxedMiddlebox(Box::new(middlebox))))
    }

    /// What happens between two parts that are attached to each other, in both directions. A part is
    /// named alone (`alice`) or with its interface (`alice.eth1`).
    #[must_use]
    pub fn link(self, one: &str, other: &str, link: Link) -> Self {
        self.link_from(one, other, link.clone()).link_from(other, one, link)
    }

    /// What happens in the direction from one part to the other. The last word on a direction counts.
    #[must_use]
    pub fn link_from(mut self, from: &str, to: &str, link: Link) -> Self {
        self.links.push(LinkPlan { from: from.to_owned(), to: to.to_owned(), link });
        self
    }

    /// Lets a host, router or box send what is for `prefix` through `gateway`, an address on one of its
    /// segments. Such a route comes before those that the network works out.
    #[must_use]
    pub fn route(mut self, part: &str, prefix: &str, gateway: &str) -> Self {
        self.routes.push(RoutePlan {
            part: part.to_owned(),
            prefix: Some(prefix.to_owned()),
            gateway: gateway.to_owned(),
        });
        self
    }

    /// Builds a network without the [trace hash](Network::trace_hash), which makes it faster.
    #[must_use]
    pub const fn without_trace_hash(mut self) -> Self {
        self.without_hash = true;
        self
    }

    /// Builds the world.
    ///
    /// # Errors
    ///
    /// If the description does not fit together; the error names the part.
    pub fn build(self) -> Result<Network, BuildError> {
        self.build_observed(())
    }

    /// Builds the world with `observer` watching it.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn build_observed<O: Observer>(self, observer: O) -> Result<Network<O>, BuildError> {
        assemble::assemble(self, observer)
    }

    fn part(mut self, name: &str, plan: Plan) -> Self {
        self.parts.push(Part { name: name.to_owned(), plan });
        self
    }
}

/// Where a part is attached, in order: what follows an attachment describes it.
///
/// ```
/// let uplinks = simnet::Attach::to("lan").and_to("dsl").address("11.0.0.7").and_to("lte").mtu(1_400);
/// # let _ = uplinks;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attach {
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) segment: String,
    pub(crate) name: Option<String>,
    pub(crate) kind: InterfaceKind,
    pub(crate) mtu: u32,
    pub(crate) addresses: Vec<String>,
    pub(crate) down: bool,
    pub(crate) metric: Option<u32>,
}

/// MTU of interfaces that are given none: that of Ethernet.
const DEFAULT_MTU: u32 = 1_500;

impl Attach {
    /// Attaches to a segment.
    #[must_use]
    pub fn to(segment: &str) -> Self {
        Self::default().and_to(segment)
    }

    /// Attaches to another segment, or to the same once more.
    #[must_use]
    pub fn and_to(mut self, segment: &str) -> Self {
        self.points.push(Point {
            segment: segment.to_owned(),
            name: None,
            kind: InterfaceKind::Ethernet,
            mtu: DEFAULT_MTU,
            addresses: Vec::new(),
            down: false,
            metric: None,
        });
        self
    }

    /// Gives the interface this address; repeat for more. The prefix length is that of the segment, or
    /// stands behind the address (`192.0.2.7/32`), which then may lie outside.
    #[must_use]
    pub fn address(self, ip: &str) -> Self {
        self.last(|point| point.addresses.push(ip.to_owned()))
    }

    /// Calls the interface `name`; otherwise the first is `eth0`, and so on.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.last(|point| point.name = Some(name.to_owned()))
    }

    /// Says what the interface is made of.
    #[must_use]
    pub fn kind(self, kind: InterfaceKind) -> Self {
        self.last(|point| point.kind = kind)
    }

    /// The largest IP packet in bytes that the interface carries; 1500 otherwise.
    #[must_use]
    pub fn mtu(self, bytes: u32) -> Self {
        self.last(|point| point.mtu = bytes)
    }

    /// The interface is down at first.
    #[must_use]
    pub fn down(self) -> Self {
        self.last(|point| point.down = true)
    }

    /// Ranks the default route of the interface: of several, the lowest is taken. Otherwise the first
    /// attachment has 1, and so on.
    #[must_use]
    pub fn metric(self, metric: u32) -> Self {
        self.last(|point| point.metric = Some(metric))
    }

    fn last(mut self, change: impl FnOnce(&mut Point)) -> Self {
        if let Some(point) = self.points.last_mut() {
            change(point);
        }
        self
    }
}
