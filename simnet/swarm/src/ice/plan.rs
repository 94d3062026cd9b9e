//! A world of two peers, as data: what there is, what happens, and what may be left out of it.

use std::{fmt, time::Duration};

use super::{draw::PATIENCE, oracle::must_connect};

/// A world of two peers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The seed it was drawn from, from which all chance in it grows.
    pub(crate) seed: u64,
    pub(crate) family: Family,
    pub(crate) meeting: Meeting,
    pub(crate) sides: [Side; 2],
    /// Whether there is a STUN server.
    pub(crate) stun: bool,
    pub(crate) turn: Option<Turn>,
    pub(crate) signalling: Signalling,
    /// In the order of time; all end before [`Plan::heal`].
    pub(crate) faults: Vec<Fault>,
    /// When everything that was bad about the network ends, losses of links included.
    pub(crate) heal: Duration,
    /// When the world ends.
    pub(crate) end: Duration,
    /// Whether Bob's host crashes for good, and when.
    pub(crate) gone: Option<Duration>,
}

/// The names of the two sides, in order.
pub(crate) const NAMES: [&str; 2] = ["alice", "bob"];

/// Which addresses the network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
    Dual,
}

/// Where the two sides are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// On two sides of a wide-area network.
    Apart,
    /// On the same LAN, that of the first.
    Together,
    /// Behind the same carrier-grade NAT.
    SameCarrier(&'static str),
}

/// One of the two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Side {
    /// What lies between the host and the wide-area network.
    pub(crate) access: Access,
    /// The NAT of a second network, if the host has an interface there.
    pub(crate) second: Option<&'static str>,
    /// What the way to the wide-area network does to packets until the network heals.
    pub(crate) impairment: Impairment,
    /// One way, in milliseconds, for good.
    pub(crate) delay: u32,
    pub(crate) controlling: bool,
    /// Names candidates as they are found, rather than all at once.
    pub(crate) trickle: bool,
    pub(crate) aggressive: bool,
    /// Uses relayed candidates alone.
    pub(crate) relay_only: bool,
    /// Offers candidates of TCP.
    pub(crate) tcp: bool,
    /// When it begins.
    pub(crate) start: Duration,
}

/// What lies between a host and the wide-area network, from the inside out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Access {
    /// A firewall, by the name of its preset.
    pub(crate) firewall: Option<&'static str>,
    /// NATs, by the names of their presets: none, one or two.
    pub(crate) nats: Vec<&'static str>,
}

impl Access {
    /// Whether the host is on the wide-area network itself.
    pub(crate) const fn is_open(&self) -> bool {
        self.firewall.is_none() && self.nats.is_empty()
    }
}

/// What a link does to packets besides taking its time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Impairment {
    pub(crate) loss: Loss,
    /// Per cent of packets that come later, by up to 40 ms.
    pub(crate) reorder: u32,
    /// Per cent of packets that come twice.
    pub(crate) duplicate: u32,
    /// Standard deviation of the delay, in milliseconds.
    pub(crate) jitter: u32,
    /// kbit/s.
    pub(crate) rate: Option<u32>,
    /// Largest packet in bytes, for good.
    pub(crate) mtu: Option<u32>,
}

impl Impairment {
    /// Nothing but what stays when the network heals.
    pub(crate) fn healed(self) -> Self {
        Self { mtu: self.mtu, ..Self::default() }
    }
}

/// Packets that a link loses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loss {
    #[default]
    None,
    /// Per cent, each for itself.
    Single(u32),
    /// Per cent, so many in a row on average.
    Bursts(u32, u32),
}

/// A TURN server, by the ports it listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) udp: Option<u16>,
    pub(crate) tcp: Option<u16>,
}

/// How long what the applications tell each other takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signalling {
    pub(crate) delay: Duration,
    /// By how much a letter may take longer than that, and so be overtaken.
    pub(crate) spread: Duration,
}

/// Something bad that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Its number in the world as drawn.
    pub(crate) number: usize,
    pub(crate) at: Duration,
    pub(crate) what: What,
}

/// What happens, and to which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The NAT next to the wide-area network forgets everything.
    Reboot(usize),
    /// It gets another address outside.
    Renumber(usize),
    /// The way to the wide-area network carries nothing for a time, and nobody is told.
    Outage(usize, Duration),
    /// The host's first interface is down for a time.
    InterfaceDown(usize, Duration),
    /// The host's first interface is gone for good; the second stays.
    Handover(usize),
    /// The host's first interface has another address from then on.
    Moved(usize),
    /// The host's first interface gets one address more.
    Added(usize),
    /// The two hosts do not hear each other for a time; servers hear both.
    Partition(Duration),
    /// The host hears neither the other nor the servers for a time.
    Isolation(usize, Duration),
    /// The TURN server crashes and comes back with nothing remembered.
    TurnRestart(Duration),
    /// So many per cent are lost on the way to the wide-area network for a time.
    Storm(usize, u32, Duration),
    /// The application restarts ICE of its own accord.
    Restart(usize),
    /// Both do at once.
    Glare,
}

impl Fault {
    /// When it is over; what stays changed is over at once.
    pub(crate) fn until(&self) -> Duration {
        self.at + self.what.lasts()
    }
}

impl What {
    /// How long it lasts.
    pub(crate) const fn lasts(self) -> Duration {
        match self {
            Self::Outage(_, time)
            | Self::InterfaceDown(_, time)
            | Self::Partition(time)
            | Self::Isolation(_, time)
            | Self::TurnRestart(time)
            | Self::Storm(_, _, time) => time,
            _ => Duration::ZERO,
        }
    }

    /// Its kind, for tables.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Reboot(_) => "NAT reboot",
            Self::Renumber(_) => "NAT gets another address",
            Self::Outage(..) => "link outage",
            Self::InterfaceDown(..) => "interface down for a time",
            Self::Handover(_) => "handover to the second interface",
            Self::Moved(_) => "address moved",
            Self::Added(_) => "address added",
            Self::Partition(_) => "peers partitioned",
            Self::Isolation(..) => "host isolated",
            Self::TurnRestart(_) => "TURN server restart",
            Self::Storm(..) => "storm of losses",
            Self::Restart(_) => "ICE restart by one",
            Self::Glare => "ICE restart by both at once",
        }
    }
}

/// Something that may be left out of a world, so that it becomes smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The fault with this number.
    Fault(usize),
    /// What the link of a side does besides taking its time.
    Impairment(usize),
    /// The boxes before a side.
    Boxes(usize),
    /// The outer of two NATs.
    Outer(usize),
    /// The second interface.
    Second(usize),
    /// The candidates of TCP.
    Tcp(usize),
    /// The spread of signalling.
    Spread,
    /// That they meet on a LAN or behind a carrier.
    Meeting,
}

impl Plan {
    /// Everything that can be left out, what makes the world smallest first.
    pub(crate) fn cuts(&self) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = self.faults.iter().map(|it| Cut::Fault(it.number)).collect();
        if self.meeting != Meeting::Apart {
            cuts.push(Cut::Meeting);
        }
        for (index, side) in self.sides.iter().enumerate() {
            let taken = self.faults.iter().any(|it| it.what == What::Handover(index));
            let choices = [
                (side.impairment != Impairment::default(), Cut::Impairment(index)),
                (side.second.is_some() && !taken, Cut::Second(index)),
                (!side.access.is_open() && self.meeting == Meeting::Apart, Cut::Boxes(index)),
                (side.access.nats.len() > 1, Cut::Outer(index)),
                (side.tcp, Cut::Tcp(index)),
            ];
            cuts.extend(choices.into_iter().filter(|(there, _)| *there).map(|(_, cut)| cut));
        }
        if !self.signalling.spread.is_zero() {
            cuts.push(Cut::Spread);
        }
        cuts
    }

    /// The same world without something.
    pub(crate) fn without(mut self, cut: Cut) -> Self {
        match cut {
            Cut::Fault(number) => self.faults.retain(|fault| fault.number != number),
            Cut::Impairment(index) => self.side(index, |it| it.impairment = Impairment::default()),
            Cut::Boxes(index) => {
                self.faults.retain(|fault| !fault.what.is_about_nat(index));
                self.side(index, |it| it.access = Access::default());
            }
            Cut::Outer(index) => self.side(index, |it| it.access.nats.truncate(1)),
            Cut::Second(index) => self.side(index, |it| it.second = None),
            Cut::Tcp(index) => self.side(index, |it| it.tcp = false),
            Cut::Spread => self.signalling.spread = Duration::ZERO,
            Cut::Meeting => self.meeting = Meeting::Apart,
        }
        if self.gone.is_none() && !must_connect(&self) {
            // A world of which no path is promised is given the time to say why there is none. Otherwise
            // it would fail because it is cut short, which is another failure.
            self.end = self.end.max(self.heal + PATIENCE);
        }
        self
    }

    fn side(&mut self, index: usize, change: impl FnOnce(&mut Side)) {
        if let Some(side) = self.sides.get_mut(index) {
            change(side);
        }
    }
}

impl What {
    fn is_about_nat(self, index: usize) -> bool {
        self == Self::Reboot(index) || self == Self::Renumber(index)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| NAMES.get(index).copied().unwrap_or("nobody");
        match *self {
            Self::Fault(number) => write!(f, "fault-{number}"),
            Self::Impairment(index) => write!(f, "impairment-{}", name(index)),
            Self::Boxes(index) => write!(f, "boxes-{}", name(index)),
            Self::Outer(index) => write!(f, "outer-{}", name(index)),
            Self::Second(index) => write!(f, "second-{}", name(index)),
            Self::Tcp(index) => write!(f, "tcp-{}", name(index)),
            Self::Spread => f.write_str("spread"),
            Self::Meeting => f.write_str("meeting"),
        }
    }
}
