//! A world of a client and a server of DTLS, as data.

use std::{fmt, time::Duration};

use crypto::NamedGroup;
use dtls::{CipherSuite, SrtpProfile, Version};

/// The names of the two hosts: the client and the server.
pub(crate) const NAMES: [&str; 2] = ["client", "server"];
/// Bytes of IPv4 and UDP around a datagram.
pub(crate) const AROUND: u32 = 28;

/// A world of a client and a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The seed it was drawn from, from which all chance in it grows.
    pub(crate) seed: u64,
    /// The client, then the server.
    pub(crate) sides: [Side; 2],
    /// What each side's packets meet on their way.
    pub(crate) ways: [Way; 2],
    /// Largest IP packet that passes; longer ones vanish.
    pub(crate) mtu: u32,
    /// Whether the server asks for a cookie first.
    pub(crate) cookies: bool,
    /// Whether the server asks for the client's certificate.
    pub(crate) mutual: bool,
    /// The client moves to another port so long after both are connected.
    pub(crate) rebinding: Option<Duration>,
    /// Updates of keys, so long after both are connected, in the order of time.
    pub(crate) updates: Vec<Update>,
    /// How long after both are connected the network stays as bad as it is.
    pub(crate) storm: Duration,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Side {
    /// When it begins.
    pub(crate) start: Duration,
    pub(crate) versions: [Version; 2],
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) groups: Vec<NamedGroup>,
    /// Groups of which the client sends shares at once.
    pub(crate) shares: usize,
    pub(crate) profiles: Vec<SrtpProfile>,
    pub(crate) key: Key,
    /// Bytes of the connection id it wants, if it speaks of them.
    pub(crate) connection_id: Option<usize>,
    pub(crate) record_limit: Option<u16>,
    /// Whether it knows what the path carries.
    pub(crate) knows_mtu: bool,
    /// Whether it knows the round-trip time.
    pub(crate) knows_rtt: bool,
    /// Whether it learns of the other's fingerprint only while the handshake goes on.
    pub(crate) learns_late: bool,
    /// Time between two of its messages.
    pub(crate) pace: Duration,
    /// Longest message it sends.
    pub(crate) longest: u64,
}

/// The key that a side proves itself with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    P256,
    P384,
    Rsa,
}

/// An update of the keys of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) after: Duration,
    pub(crate) side: usize,
    /// Whether the other side is asked to update its own.
    pub(crate) asks: bool,
}

/// What happens to packets in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Way {
    pub(crate) loss: Loss,
    /// Per cent of packets that come later, by up to 80 ms.
    pub(crate) reorder: u32,
    /// Per cent of packets that come twice.
    pub(crate) duplicate: u32,
    /// Per cent of packets in which a bit turns over. The checksum of UDP finds it out as long as the
    /// handshake is in clear; later it does not.
    pub(crate) corrupt: u32,
    /// Milliseconds, for good.
    pub(crate) delay: u32,
    /// Standard deviation of the delay, in milliseconds.
    pub(crate) jitter: u32,
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
    Loss(usize),
    Reorder(usize),
    Duplicate(usize),
    Corrupt(usize),
    Jitter(usize),
    Mtu,
    Cookies,
    Mutual,
    Rebinding,
    Updates,
    ConnectionIds,
    RecordLimits,
    Late,
}

impl Plan {
    /// A round trip without jitter.
    pub(crate) fn round_trip(&self) -> Duration {
        let millis: u32 = self.ways.iter().map(|way| way.delay).sum();
        Duration::from_millis(u64::from(millis))
    }

    /// The first timeout of a side.
    pub(crate) fn first_timeout(&self, side: &Side) -> Duration {
        const DEFAULT: Duration = Duration::from_millis(400);
        const FLOOR: Duration = Duration::from_millis(50);
        if side.knows_rtt { (self.round_trip() * 3 / 2).max(FLOOR) } else { DEFAULT }
    }

    /// How long the handshake may take, so that not one world in ten millions has had bad luck only.
    ///
    /// Each attempt of an exchange gets through with a probability that follows from the loss. Bursts are
    /// counted in packets, and one attempt is hardly more than one, so they last as many attempts. The
    /// timeouts of so many attempts, doubling up to a minute, are the time: at 40 % loss in both directions
    /// 45 attempts, 40 minutes, and three times as many where a side does not know what the path carries.
    pub(crate) fn given(&self) -> Duration {
        const MINUTE: Duration = Duration::from_secs(60);
        let rates = self.ways.map(|way| way.loss.rate());
        let through: f64 = rates.iter().map(|(rate, _)| 1.0 - rate).product();
        let bursts = rates.iter().fold(1.0_f64, |most, (_, length)| most.max(*length));
        let mut attempts = 8.0;
        if through < 1.0 {
            attempts += libm::ceil(libm::log(1e-7) / libm::log(1.0 - through) * bursts);
        }
        if self.sides.iter().any(|side| !side.knows_mtu) {
            // A ClientHello in pieces may be too much for a server with cookies, and one in few pieces for
            // the path: only some of the sizes that are tried help.
            attempts *= 3.0;
        }
        let first = self.sides.iter().map(|side| self.first_timeout(side)).max();
        let mut timeout = first.unwrap_or(MINUTE);
        let (mut given, mut made) = (Duration::ZERO, 0.0);
        while made < attempts {
            given += timeout;
            timeout = (timeout * 2).min(MINUTE);
            made += 1.0;
        }
        given
    }

    /// What may be left out.
    pub(crate) fn cuts(&self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let mut offer = |is_there: bool, cut: Cut| cuts.extend(is_there.then_some(cut));
        for (index, way) in self.ways.iter().enumerate() {
            offer(way.loss != Loss::None, Cut::Loss(index));
            offer(way.reorder > 0, Cut::Reorder(index));
            offer(way.duplicate > 0, Cut::Duplicate(index));
            offer(way.corrupt > 0, Cut::Corrupt(index));
            offer(way.jitter > 0, Cut::Jitter(index));
        }
        offer(self.mtu < 1_500, Cut::Mtu);
        offer(self.cookies, Cut::Cookies);
        offer(self.mutual, Cut::Mutual);
        offer(self.rebinding.is_some(), Cut::Rebinding);
        offer(!self.updates.is_empty(), Cut::Updates);
        let any = |of: &dyn Fn(&Side) -> bool| self.sides.iter().any(of);
        let rebinds = self.rebinding.is_some();
        offer(!rebinds && any(&|side| side.connection_id.is_some()), Cut::ConnectionIds);
        offer(any(&|side| side.record_limit.is_some()), Cut::RecordLimits);
        offer(any(&|side| side.learns_late), Cut::Late);
        cuts
    }

    /// The same without a part.
    pub(crate) fn without(mut self, cut: Cut) -> Self {
        if let Cut::Loss(index)
        | Cut::Reorder(index)
        | Cut::Duplicate(index)
        | Cut::Corrupt(index)
        | Cut::Jitter(index) = cut
            && let Some(way) = self.ways.get_mut(index)
        {
            match cut {
                Cut::Loss(_) => way.loss = Loss::None,
                Cut::Reorder(_) => way.reorder = 0,
                Cut::Duplicate(_) => way.duplicate = 0,
                Cut::Corrupt(_) => way.corrupt = 0,
                _ => way.jitter = 0,
            }
        }
        match cut {
            Cut::Mtu => self.mtu = 1_500,
            Cut::Cookies => self.cookies = false,
            Cut::Mutual => self.mutual = false,
            Cut::Rebinding => self.rebinding = None,
            Cut::Updates => self.updates.clear(),
            Cut::ConnectionIds => self.each(|side| side.connection_id = None),
            Cut::RecordLimits => self.each(|side| side.record_limit = None),
            Cut::Late => self.each(|side| side.learns_late = false),
            _ => {}
        }
        self
    }

    fn each(&mut self, change: impl Fn(&mut Side)) {
        self.sides.iter_mut().for_each(change);
    }

    /// The same plan on a path that does nothing to packets but take its time, and that both sides know.
    pub(crate) fn rehearsal(&self) -> Self {
        // Another seed, so that its keys are others: the same keys would seal two different handshakes.
        let mut plan = Self { seed: !self.seed, ..self.clone() };
        for way in &mut plan.ways {
            *way = Way { delay: way.delay, ..Way::default() };
        }
        plan.each(|side| (side.knows_mtu, side.knows_rtt) = (true, true));
        plan
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |index: usize| NAMES.get(index).copied().unwrap_or("nobody");
        match *self {
            Self::Loss(index) => write!(f, "loss-{}", name(index)),
            Self::Reorder(index) => write!(f, "reordering-{}", name(index)),
            Self::Duplicate(index) => write!(f, "duplicates-{}", name(index)),
            Self::Corrupt(index) => write!(f, "corruption-{}", name(index)),
            Self::Jitter(index) => write!(f, "jitter-{}", name(index)),
            Self::Mtu => f.write_str("mtu"),
            Self::Cookies => f.write_str("cookies"),
            Self::Mutual => f.write_str("client-certificate"),
            Self::Rebinding => f.write_str("rebinding"),
            Self::Updates => f.write_str("key-updates"),
            Self::ConnectionIds => f.write_str("connection-ids"),
            Self::RecordLimits => f.write_str("record-limits"),
            Self::Late => f.write_str("late-fingerprints"),
        }
    }
}
