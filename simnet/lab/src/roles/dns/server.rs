//! A name server as a machine: RFC 1035, RFC 6147.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use base::{Datagram, Instant, Machine, Transmit};
use simple_dns::{
    CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    rdata::{A, AAAA, CNAME, OPT, RData},
};

use super::zone::{Dns, Found, Wanted};

/// Bytes of an answer to those who do not say that they take more: RFC 1035 §4.2.1.
const PLAIN_LIMIT: usize = 512;
/// The most bytes of any answer: what fits every path without fragments.
const EXTENDED_LIMIT: u16 = 1_232;
/// Bytes of a header.
const HEADER: usize = 12;
/// Answers that wait to be sent; a server that is asked faster forgets the rest, as real ones do.
const MAX_WAITING: usize = 1_024;
/// The bit of a header that marks responses.
const RESPONSE_BIT: u8 = 0x80;

/// A name server. It reports nothing: its work shows in answers and in [`Server::stats`].
pub struct Server {
    zone: Dns,
    now: Instant,
    waiting: VecDeque<(Instant, Transmit, Vec<u8>)>,
    ready: VecDeque<(Transmit, Vec<u8>)>,
    stats: ServerStats,
}

/// What became of the questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Questions that were answered with at least one address.
    pub answered: u64,
    /// Questions about names that exist, without an address of the kind asked for.
    pub empty: u64,
    /// Questions about names that do not exist.
    pub unknown: u64,
    /// Questions that were refused: not understood, or of a kind this server does not serve.
    pub refused: u64,
    /// Datagrams that are no questions at all.
    pub ignored: u64,
    /// Answers that nobody got because too many were waiting.
    pub overflowed: u64,
}

impl Server {
    /// A server for what `zone` holds.
    #[must_use]
    pub fn new(zone: Dns) -> Self {
        Self {
            zone: zone.canonical(),
            now: Instant::ZERO,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            stats: ServerStats::default(),
        }
    }

    /// What it did so far.
    #[must_use]
    pub const fn stats(&self) -> ServerStats {
        self.stats
    }

    /// The answer to a datagram, if it deserves one.
    fn answer(&mut self, datagram: &[u8]) -> Option<Vec<u8>> {
        let response = datagram.get(2).is_none_or(|flags| flags & RESPONSE_BIT != 0);
        if datagram.len() < HEADER || response {
            self.stats.ignored += 1;
            return None;
        }
        let Ok(request) = Packet::parse(datagram) else {
            self.stats.refused += 1;
            let id = datagram.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
            return bytes(&refusal(id, RCODE::FormatError));
        };
        let question = match (request.opcode(), request.questions.as_slice()) {
            (OPCODE::StandardQuery, [question]) => question,
            (OPCODE::StandardQuery, _) => return self.refuse(&request, RCODE::FormatError),
            _ => return self.refuse(&request, RCODE::NotImplemented),
        };
        let Some(wanted) = wanted(&request, question) else {
            return self.refuse(&request, RCODE::Refused);
        };
        let found = self.zone.find(&question.qname.to_string(), wanted);
        match &found {
            None => self.stats.unknown += 1,
            Some(found) if found.addresses.is_empty() => self.stats.empty += 1,
            Some(_) => self.stats.answered += 1,
        }
        reply(&request, question, found.as_ref())
    }

    fn refuse(&mut self, request: &Packet<'_>, code: RCODE) -> Option<Vec<u8>> {
        self.stats.refused += 1;
        bytes(&refusal(request.id(), code))
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, answer: Vec<u8>) {
        if self.waiting.len() + self.ready.len() >= MAX_WAITING {
            self.stats.overflowed += 1;
            return;
        }
        let transmit = Transmit::new(to, answer.len()).from(from);
        if self.zone.delay == Duration::ZERO {
            self.ready.push_back((transmit, answer));
        } else {
            self.waiting.push_back((self.now + self.zone.delay, transmit, answer));
        }
    }
}

impl Machine for Server {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.now = self.now.max(now);
        if let Some(answer) = self.answer(datagram.payload) {
            self.send(datagram.destination, datagram.source, answer);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while self.waiting.front().is_some_and(|(due, ..)| *due <= self.now)
            && let Some((_, transmit, answer)) = self.waiting.pop_front()
        {
            self.ready.push_back((transmit, answer));
        }
    }

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (transmit, answer) = self.ready.pop_front()?;
        buffer.extend_from_slice(&answer);
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, ..)| *due)
    }
}

/// Which addresses a question is about; none if about something else.
fn wanted(request: &Packet<'_>, question: &Question<'_>) -> Option<Wanted> {
    // RFC 6147 §5.1: other classes know nothing of DNS64, and nothing else here either.
    if !matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY) {
        return None;
    }
    // RFC 6147 §5.5: who checks signatures himself would find an invented address forged. That he does
    // shows in this bit; this server has no signatures to give, so that the other one does not matter.
    let synthesis = !request.has_flags(PacketFlag::CHECKING_DISABLED);
    let (ipv4, ipv6) = match question.qtype {
        QTYPE::TYPE(TYPE::A) => (true, false),
        QTYPE::TYPE(TYPE::AAAA) => (false, true),
        QTYPE::ANY => (true, true),
        QTYPE::IXFR | QTYPE::AXFR | QTYPE::MAILB | QTYPE::MAILA => return None,
        // The name may exist, but has nothing of this type.
        QTYPE::TYPE(_) => (false, false),
    };
    Some(Wanted { ipv4, ipv6, synthesis })
}

fn reply(request: &Packet<'_>, question: &Question<'_>, found: Option<&Found>) -> Option<Vec<u8>> {
    let mut reply = Packet::new_reply(request.id());
    reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
    if request.has_flags(PacketFlag::RECURSION_DESIRED) {
        reply.set_flags(PacketFlag::RECURSION_DESIRED);
    }
    reply.questions.push(question.clone());
    let mut limit = PLAIN_LIMIT;
    if let Some(theirs) = request.opt() {
        limit = PLAIN_LIMIT.max(theirs.udp_packet_size.min(EXTENDED_LIMIT).into());
        *reply.opt_mut() =
            Some(OPT { opt_codes: Vec::new(), udp_packet_size: EXTENDED_LIMIT, version: 0 });
    }
    match found {
        Some(found) => reply.answers = records(question, found)?,
        None => *reply.rcode_mut() = RCODE::NameError,
    }
    let whole = bytes(&reply)?;
    if whole.len() <= limit {
        return Some(whole);
    }
    // RFC 1035 §4.2.1: who wants the rest has to ask in another way.
    reply.set_flags(PacketFlag::TRUNCATION);
    reply.answers.clear();
    bytes(&reply)
}

/// The records of an answer: aliases first, then addresses.
fn records<'a>(question: &Question<'a>, found: &'a Found) -> Option<Vec<ResourceRecord<'a>>> {
    let mut records = Vec::new();
    // The first owner is spelled as it was asked for: some resolvers hide a secret in the case.
    let mut owner = question.qname.clone();
    for (_, target) in &found.aliases {
        let target = Name::new(target).ok()?;
        let alias = RData::CNAME(CNAME(target.clone()));
        records.push(ResourceRecord::new(owner, CLASS::IN, found.ttl, alias));
        owner = target;
    }
    for ip in &found.addresses {
        let data = match ip {
            std::net::IpAddr::V4(ip) => RData::A(A { address: ip.to_bits() }),
            std::net::IpAddr::V6(ip) => RData::AAAA(AAAA { address: ip.to_bits() }),
        };
        records.push(ResourceRecord::new(owner.clone(), CLASS::IN, found.ttl, data));
    }
    Some(records)
}

fn refusal<'a>(id: u16, code: RCODE) -> Packet<'a> {
    let mut reply = Packet::new_reply(id);
    *reply.rcode_mut() = code;
    reply
}

fn bytes(packet: &Packet<'_>) -> Option<Vec<u8>> {
    packet.build_bytes_vec_compressed().ok()
}
