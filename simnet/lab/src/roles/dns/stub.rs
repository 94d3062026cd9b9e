//! A stub resolver as a machine: asks, asks again, and hands over what it was told.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE, rdata::RData};

use super::zone::canonical;

/// Questions that may be open at a time.
const MAX_OPEN: usize = 256;
/// The longest chain of aliases that is followed in an answer.
const MAX_ALIASES: usize = 8;

/// How a stub asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StubConfig {
    /// Whom to ask, one after the other.
    pub servers: Vec<SocketAddr>,
    /// How long to wait for the first answer; twice as long each time after.
    pub patience: Duration,
    /// How often to ask before giving up.
    pub attempts: u32,
}

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
}

/// The number of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Query(u64);

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question.
    pub query: Query,
    /// The name it was about.
    pub name: String,
    /// The family it was about.
    pub family: Family,
    /// At least one address, or why there is none.
    pub result: Result<Vec<IpAddr>, Failure>,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no such name.
    #[error("no such name")]
    NoSuchName,
    /// The name has no address of the family.
    #[error("no address of this family")]
    NoAddress,
    /// The server refused, or did not understand.
    #[error("refused by the server")]
    Refused,
    /// The answer did not fit a datagram.
    #[error("the answer was cut off")]
    Truncated,
    /// No server answered in time.
    #[error("no answer")]
    TimedOut,
}

/// Why a question cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AskError {
    /// The text is no name.
    #[error("not a domain name")]
    BadName,
    /// There is nobody to ask.
    #[error("no server to ask")]
    NoServer,
    /// Too many questions are open.
    #[error("too many open questions")]
    TooMany,
}

/// A stub resolver. It keeps no answers: who asks again gets asked again.
pub struct Stub {
    config: StubConfig,
    rng: Rng,
    now: Instant,
    next: u64,
    open: BTreeMap<Query, Open>,
    ready: VecDeque<(Transmit, Vec<u8>)>,
    answers: VecDeque<Answer>,
}

/// A question that waits for its answer.
#[derive(Clone, Debug)]
struct Open {
    name: String,
    family: Family,
    id: u16,
    server: SocketAddr,
    attempts: u32,
    deadline: Instant,
}

impl StubConfig {
    /// Asks one server, three times in seven seconds.
    #[must_use]
    pub fn asking(server: SocketAddr) -> Self {
        Self { servers: vec![server], patience: Duration::from_secs(1), attempts: 3 }
    }
}

impl Stub {
    /// A stub with no questions.
    #[must_use]
    pub const fn new(config: StubConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            now: Instant::ZERO,
            next: 0,
            open: BTreeMap::new(),
            ready: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }

    /// Asks for the addresses of `name`. The [`Answer`] is an event.
    ///
    /// # Errors
    ///
    /// If the question cannot be asked.
    pub fn ask(&mut self, now: Instant, name: &str, family: Family) -> Result<Query, AskError> {
        self.now = self.now.max(now);
        if name.is_empty() || Name::new(name).is_err() {
            return Err(AskError::BadName);
        }
        let Some(&server) = self.config.servers.first() else { return Err(AskError::NoServer) };
        if self.open.len() >= MAX_OPEN {
            return Err(AskError::TooMany);
        }
        let query = Query(self.next);
        self.next += 1;
        let open =
            Open { name: canonical(name), family, id: 0, server, attempts: 0, deadline: self.now };
        self.open.insert(query, open);
        self.attempt(query);
        Ok(query)
    }

    /// Asks once more, or gives up.
    fn attempt(&mut self, query: Query) {
        let Some(open) = self.open.get_mut(&query) else { return };
        if open.attempts >= self.config.attempts.max(1) {
            self.settle(query, Err(Failure::TimedOut));
            return;
        }
        let turn = usize::try_from(open.attempts).unwrap_or(usize::MAX);
        let servers = &self.config.servers;
        if let Some(server) = servers.get(turn % servers.len().max(1)) {
            open.server = *server;
        }
        let wait = self.config.patience.saturating_mul(1 << open.attempts.min(16));
        open.attempts += 1;
        // An unguessable number is what keeps others from answering.
        open.id = u16::from_be_bytes(self.rng.public_array());
        open.deadline = self.now + wait.max(Duration::from_millis(1));
        if let Some(message) = question(open) {
            self.ready.push_back((Transmit::new(open.server, message.len()), message));
        }
    }

    fn settle(&mut self, query: Query, result: Result<Vec<IpAddr>, Failure>) {
        if let Some(Open { name, family, .. }) = self.open.remove(&query) {
            self.answers.push_back(Answer { query, name, family, result });
        }
    }
}

impl Machine for Stub {
    type Event = Answer;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.now = self.now.max(now);
        let Ok(message) = Packet::parse(datagram.payload) else { return };
        if !message.has_flags(PacketFlag::RESPONSE) {
            return;
        }
        let fits = |open: &Open| {
            open.id == message.id()
                && open.server == datagram.source
                && message.questions.first().is_none_or(|asked| is_about(asked, open))
        };
        let Some((&query, open)) = self.open.iter().find(|(_, open)| fits(open)) else { return };
        let result = read(&message, open);
        self.settle(query, result);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        let due = |(query, open): (&Query, &Open)| (open.deadline <= self.now).then_some(*query);
        let due: Vec<_> = self.open.iter().filter_map(due).collect();
        for query in due {
            self.attempt(query);
        }
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, message) = self.ready.pop_front()?;
        buffer.extend_from_slice(&message);
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.open.values().map(|open| open.deadline).min()
    }
}

impl Family {
    const fn record(self) -> TYPE {
        match self {
            Self::Ipv4 => TYPE::A,
            Self::Ipv6 => TYPE::AAAA,
        }
    }
}

fn question(open: &Open) -> Option<Vec<u8>> {
    let mut message = Packet::new_query(open.id);
    message.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(&open.name).ok()?;
    let (kind, class) = (open.family.record().into(), CLASS::IN.into());
    message.questions.push(Question::new(name, kind, class, false));
    message.build_bytes_vec().ok()
}

fn is_about(asked: &Question<'_>, open: &Open) -> bool {
    canonical(&asked.qname.to_string()) == open.name && asked.qtype == open.family.record().into()
}

/// What a response says.
fn read(message: &Packet<'_>, open: &Open) -> Result<Vec<IpAddr>, Failure> {
    match message.rcode() {
        RCODE::NoError if message.has_flags(PacketFlag::TRUNCATION) => Err(Failure::Truncated),
        RCODE::NoError => {
            let addresses = addresses(message, open);
            if addresses.is_empty() { Err(Failure::NoAddress) } else { Ok(addresses) }
        }
        RCODE::NameError => Err(Failure::NoSuchName),
        _ => Err(Failure::Refused),
    }
}

/// The addresses of the name, or of what it is an alias of.
fn addresses(message: &Packet<'_>, open: &Open) -> Vec<IpAddr> {
    let owned = |name: &str| {
        let name = name.to_owned();
        let all = message.answers.iter();
        all.filter(move |record| canonical(&record.name.to_string()) == name)
    };
    let mut name = open.name.clone();
    for _ in 0..MAX_ALIASES {
        let alias = owned(&name).find_map(|record| match &record.rdata {
            RData::CNAME(target) => Some(canonical(&target.0.to_string())),
            _ => None,
        });
        match alias {
            Some(target) => name = target,
            None => break,
        }
    }
    let address = |data: &RData<'_>| match (data, open.family) {
        (RData::A(a), Family::Ipv4) => Some(IpAddr::V4(a.address.into())),
        (RData::AAAA(a), Family::Ipv6) => Some(IpAddr::V6(a.address.into())),
        _ => None,
    };
    owned(&name).filter_map(|record| address(&record.rdata)).collect()
}
