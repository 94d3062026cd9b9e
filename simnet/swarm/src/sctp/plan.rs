//! A world of two ends of SCTP, as data.

use std::{fmt, time::Duration};

/// The names of the two hosts: the DTLS client, were there one, and the server.
pub(crate) const NAMES: [&str; 2] = ["client", "server"];
/// Bytes of IPv4 and UDP around a packet.
pub(crate) const AROUND: u32 = 28;

/// A world of two ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The seed it was drawn from, from which all chance in it grows.
    pub(crate) seed: u64,
    /// Whether data channels are on top, or messages go on streams.
    pub(crate) style: Style,
    pub(crate) setup: Setup,
    pub(crate) sides: [Side; 2],
    /// What each side's packets meet on their way.
    pub(crate) ways: [Way; 2],
    pub(crate) mtu: Mtu,
    /// When nothing passes at all.
    pub(crate) partitions: Vec<(Duration, Duration)>,
    pub(crate) flows: Vec<Flow>,
    /// What happens to the association, if anything does.
    pub(crate) deed: Option<(Duration, Deed)>,
    /// When the network heals.
    pub(crate) storm: Duration,
}

/// What runs over the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Data channels.
    Channels,
    /// Nothing: messages on streams.
    Bare,
}

/// How the association is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// One side connects.
    One(usize),
    /// Both do.
    Both,
    /// Signalling carries both INITs.
    Snap,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Side {
    /// When it begins.
    pub(crate) start: Duration,
    /// Most bytes that it keeps for a slow reader.
    pub(crate) window: u32,
    pub(crate) send_buffer: usize,
    pub(crate) features: sctp::Features,
    pub(crate) algorithm: sctp::Algorithm,
    pub(crate) scheduler: sctp::Scheduler,
    /// How it reads.
    pub(crate) reading: Reading,
    /// Its first transmission sequence number, if it is chosen.
    pub(crate) initial_tsn: Option<u32>,
    pub(crate) rto_max: Duration,
    pub(crate) max_packet: usize,
    pub(crate) max_probe: usize,
}

/// How an application reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Whatever there is.
    AtOnce,
    /// So many messages each time.
    Slowly(Duration, usize),
    /// Nothing between two times.
    Pausing(Duration, Duration),
}

/// Messages from one side to the other and back, on one channel or stream at a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flow {
    /// Who opens it.
    pub(crate) side: usize,
    pub(crate) ordered: bool,
    pub(crate) reliability: Reliability,
    pub(crate) priority: u16,
    /// Whether both know of the channel without telling each other.
    pub(crate) negotiated: bool,
    /// Its stream, where it is chosen here.
    pub(crate) stream: u16,
    pub(crate) start: Duration,
    /// Time between two messages; as fast as there is room if it is none.
    pub(crate) pace: Duration,
    /// Messages of each round, from who opens it and back.
    pub(crate) counts: [u32; 2],
    pub(crate) sizes: Sizes,
    /// How often it is closed and opened again, at least 1.
    pub(crate) rounds: u32,
}

/// How long the sender of a message keeps trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reliability {
    Reliable,
    /// Sent again so many times.
    Retransmits(u16),
    /// So many milliseconds.
    Lifetime(u32),
    /// As long as nothing better needs the room. Data channels have no such thing.
    Priority(u32),
}

/// Lengths of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// Up to so many bytes.
    UpTo(u32),
    /// Exactly so many.
    Exactly(u32),
}

/// Something that happens to the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// A side forgets everything and begins anew.
    Restart(usize),
    /// A side shuts it down.
    Shutdown(usize),
    /// Both do, the second so much later.
    ShutdownBoth(Duration),
    /// A side aborts it.
    Abort(usize),
}

/// What the path carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mtu {
    /// Bytes of an IP packet.
    pub(crate) bytes: u32,
    /// What becomes of longer ones.
    pub(crate) longer: Longer,
    /// It changes once.
    pub(crate) later: Option<(Duration, u32)>,
}

/// What becomes of packets that are too long for the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Longer {
    /// They are fragmented.
    Fragmented,
    /// They vanish.
    Vanish,
    /// They vanish, and the sender is told.
    Told,
}

/// What happens to packets in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Way {
    pub(crate) loss: Loss,
    /// Per cent of packets that come later, by up to 80 ms.
    pub(crate) reorder: u32,
    /// Per cent of packets that come twice.
    pub(crate) duplicate: u32,
    /// Per cent of packets in which a bit turns over.
    pub(crate) corrupt: u32,
    /// Per cent of packets of which the end is cut off.
    pub(crate) truncate: u32,
    /// Milliseconds, for good.
    pub(crate) delay: u32,
    /// Standard deviation of the delay, in milliseconds.
    pub(crate) jitter: u32,
    /// Kilobits a second, for good; 0 for any.
    pub(crate) rate: u32,
    /// What waits before it, for good.
    pub(crate) queue: Queue,
}

/// What waits before a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Queue {
    /// So many milliseconds.
    DropTail(u32),
    #[default]
    Codel,
    FqCodel,
    Pie,
    DualPi2,
}

/// Packets that are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loss {
    #[default]
    None,
    /// Per cent, each for itself.
    Single(u32),
    /// Per cent, so many in a row on average.
    Bursts(u32, u32),
}

impl Loss {
    /// The share of packets lost, and how many in a row.
    pub(crate) fn rate(self) -> (f64, f64) {
        match self {
            Self::None => (0.0, 1.0),
            Self::Single(percent) => (f64::from(percent) / 100.0, 1.0),
            Self::Bursts(percent, length) => (f64::from(percent) / 100.0, f64::from(length)),
        }
    }
}

/// A part of a world that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Flow(usize),
    Deed,
    Partitions,
    Loss(usize),
    Reorder(usize),
    Duplicate(usize),
    Corrupt(usize),
    Truncate(usize),
    Jitter(usize),
    Rate(usize),
    Reading(usize),
    Window(usize),
    Mtu,
    Rounds,
    Back,
    Interleaving,
    ZeroChecksum,
    Ecn,
}

impl Plan {
    /// A round trip without jitter.
    pub(crate) fn round_trip(&self) -> Duration {
        let millis: u32 = self.ways.iter().map(|way| way.delay).sum();
        Duration::from_millis(u64::from(millis))
    }

    /// Whether a feature is there at both ends.
    pub(crate) fn both(&self, of: impl Fn(&sctp::Features) -> bool) -> bool {
        self.sides.iter().all(|side| of(&side.features))
    }

    /// What may be left out.
    pub(crate) fn cuts(&self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let mut offer = |is_there: bool, cut: Cut| cuts.extend(is_there.then_some(cut));
        for index in 0..self.flows.len() {
            offer(self.flows.len() > 1, Cut::Flow(index));
        }
        offer(self.deed.is_some(), Cut::Deed);
        offer(!self.partitions.is_empty(), Cut::Partitions);
        for (index, way) in self.ways.iter().enumerate() {
            offer(way.loss != Loss::None, Cut::Loss(index));
            offer(way.reorder > 0, Cut::Reorder(index));
            offer(way.duplicate > 0, Cut::Duplicate(index));
            offer(way.corrupt > 0, Cut::Corrupt(index));
            offer(way.truncate > 0, Cut::Truncate(index));
            offer(way.jitter > 0, Cut::Jitter(index));
            offer(way.rate > 0, Cut::Rate(index));
        }
        for (index, side) in self.sides.iter().enumerate() {
            offer(side.reading != Reading::AtOnce, Cut::Reading(index));
            offer(side.window != sctp::DEFAULT_MAX_RECEIVE_WINDOW, Cut::Window(index));
        }
        offer(self.mtu != Mtu::PLAIN, Cut::Mtu);
        offer(self.flows.iter().any(|flow| flow.rounds > 1), Cut::Rounds);
        offer(self.flows.iter().any(|flow| flow.counts[1] > 0), Cut::Back);
        let any =
            |of: &dyn Fn(&sctp::Features) -> bool| self.sides.iter().any(|side| of(&side.features));
        offer(any(&|it| it.interleaving), Cut::Interleaving);
        offer(any(&|it| it.zero_checksum), Cut::ZeroChecksum);
        offer(any(&|it| it.ecn), Cut::Ecn);
        cuts
    }

    /// The same without a part.
    pub(crate) fn without(mut self, cut: Cut) -> Self {
        match cut {
            Cut::Flow(index) if index < self.flows.len() => {
                self.flows.remove(index);
            }
            Cut::Deed => self.deed = None,
            Cut::Partitions => self.partitions.clear(),
            Cut::Mtu => self.mtu = Mtu::PLAIN,
            Cut::Rounds => self.flows.iter_mut().for_each(|flow| flow.rounds = 1),
            Cut::Back => self.flows.iter_mut().for_each(|flow| flow.counts[1] = 0),
            Cut::Interleaving => self.each(|side| side.features.interleaving = false),
            Cut::ZeroChecksum => self.each(|side| side.features.zero_checksum = false),
            Cut::Ecn => self.each(|side| side.features.ecn = false),
            Cut::Reading(index) => self.one(index, |side| side.reading = Reading::AtOnce),
            Cut::Window(index) => {
                self.one(index, |side| side.window = sctp::DEFAULT_MAX_RECEIVE_WINDOW);
            }
            Cut::Loss(index) => self.way(index, |way| way.loss = Loss::None),
            Cut::Reorder(index) => self.way(index, |way| way.reorder = 0),
            Cut::Duplicate(index) => self.way(index, |way| way.duplicate = 0),
            Cut::Corrupt(index) => self.way(index, |way| way.corrupt = 0),
            Cut::Truncate(index) => self.way(index, |way| way.truncate = 0),
            Cut::Jitter(index) => self.way(index, |way| way.jitter = 0),
            Cut::Rate(index) => self.way(index, |way| way.rate = 0),
            Cut::Flow(_) => {}
        }
        self
    }

    fn each(&mut self, change: impl Fn(&mut Side)) {
        self.sides.iter_mut().for_each(change);
    }

    fn one(&mut self, index: usize, change: impl Fn(&mut Side)) {
        self.sides.get_mut(index).into_iter().for_each(change);
    }

    fn way(&mut self, index: usize, change: impl Fn(&mut Way)) {
        self.ways.get_mut(index).into_iter().for_each(change);
    }
}

impl Mtu {
    /// What Ethernet carries, for ever.
    pub(crate) const PLAIN: Self = Self { bytes: 1_500, longer: Longer::Fragmented, later: None };
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| NAMES.get(index).copied().unwrap_or("nobody");
        match *self {
            Self::Flow(index) => write!(f, "flow-{index}"),
            Self::Deed => f.write_str("deed"),
            Self::Partitions => f.write_str("partitions"),
            Self::Loss(index) => write!(f, "loss-{}", name(index)),
            Self::Reorder(index) => write!(f, "reordering-{}", name(index)),
            Self::Duplicate(index) => write!(f, "duplicates-{}", name(index)),
            Self::Corrupt(index) => write!(f, "corruption-{}", name(index)),
            Self::Truncate(index) => write!(f, "truncation-{}", name(index)),
            Self::Jitter(index) => write!(f, "jitter-{}", name(index)),
            Self::Rate(index) => write!(f, "rate-{}", name(index)),
            Self::Reading(index) => write!(f, "slow-reading-{}", name(index)),
            Self::Window(index) => write!(f, "small-window-{}", name(index)),
            Self::Mtu => f.write_str("mtu"),
            Self::Rounds => f.write_str("rounds"),
            Self::Back => f.write_str("messages-back"),
            Self::Interleaving => f.write_str("interleaving"),
            Self::ZeroChecksum => f.write_str("zero-checksum"),
            Self::Ecn => f.write_str("ecn"),
        }
    }
}
