//! Messages of multicast DNS, as far as addresses of names go: RFC 6762 §18.

use std::net::IpAddr;

use simple_dns::{
    CLASS, Name, PacketFlag, QCLASS, QTYPE, Question, ResourceRecord, TYPE,
    rdata::{A, AAAA, RData},
};

/// The longest message read in bytes: RFC 6762 §17.
const MAX_MESSAGE: usize = 9_000;
/// Most questions and answers read. A message with more is not about us, and the counts in its
/// header shall not decide how much memory is asked for.
const MAX_PARTS: u16 = 64;
const HEADER: usize = 12;

/// How long an address of a name is good, in seconds: RFC 6762 §10.
pub(super) const TTL: u32 = 120;
/// The same for those who do not follow updates: RFC 6762 §6.7.
const LEGACY_TTL: u32 = 10;

/// What a message says.
pub(super) enum Heard<'a> {
    Query(simple_dns::Packet<'a>),
    Response(simple_dns::Packet<'a>),
}

/// Reads a message, but for its authority and additional sections, which say nothing to us and may
/// hold records that cannot be read (RFC 6762 §6.1).
pub(super) fn read<'a>(bytes: &[u8], scratch: &'a mut Vec<u8>) -> Option<Heard<'a>> {
    if bytes.len() > MAX_MESSAGE {
        return None;
    }
    let (head, body) = bytes.split_first_chunk::<HEADER>()?;
    let [id1, id2, flags1, flags2, q1, q2, a1, a2, ..] = *head;
    let (questions, answers) = (u16::from_be_bytes([q1, q2]), u16::from_be_bytes([a1, a2]));
    let (opcode, rcode) = (flags1 & 0x78, flags2 & 0x0f);
    // RFC 6762 §18.3, §18.11.
    if opcode != 0 || rcode != 0 || questions > MAX_PARTS || answers > MAX_PARTS {
        return None;
    }
    scratch.clear();
    scratch.extend([id1, id2, flags1, flags2, q1, q2, a1, a2, 0, 0, 0, 0]);
    scratch.extend_from_slice(body);
    let packet = simple_dns::Packet::parse(scratch).ok()?;
    Some(match packet.has_flags(PacketFlag::RESPONSE) {
        true => Heard::Response(packet),
        false => Heard::Query(packet),
    })
}

/// The address that a record gives to its name, unless it is a goodbye.
pub(super) fn address(record: &ResourceRecord<'_>) -> Option<IpAddr> {
    let is_good = record.class == CLASS::IN && record.ttl > 0;
    match &record.rdata {
        RData::A(A { address }) if is_good => Some(IpAddr::V4((*address).into())),
        RData::AAAA(AAAA { address }) if is_good => Some(IpAddr::V6((*address).into())),
        _ => None,
    }
}

/// Whether the question asks for this address of its name.
pub(super) fn asks_for(question: &Question<'_>, ip: IpAddr) -> bool {
    let is_class = matches!(question.qclass, QCLASS::ANY | QCLASS::CLASS(CLASS::IN));
    let is_type = match question.qtype {
        QTYPE::ANY => true,
        QTYPE::TYPE(TYPE::A) => ip.is_ipv4(),
        QTYPE::TYPE(TYPE::AAAA) => ip.is_ipv6(),
        _ => false,
    };
    is_class && is_type
}

/// A message to be sent, before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) id: u16,
    pub(super) name: String,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Question { unicast: bool },
    Answer { ip: IpAddr, ttl: u32, repeats_question: bool },
}

impl Packet {
    /// Asks for both kinds of address.
    pub(super) fn question(id: u16, name: &str, unicast: bool) -> Self {
        Self { id, name: name.to_owned(), content: Content::Question { unicast } }
    }

    pub(super) fn answer(name: &str, ip: IpAddr) -> Self {
        let content = Content::Answer { ip, ttl: TTL, repeats_question: false };
        Self { id: 0, name: name.to_owned(), content }
    }

    pub(super) fn goodbye(name: &str, ip: IpAddr) -> Self {
        let content = Content::Answer { ip, ttl: 0, repeats_question: false };
        Self { id: 0, name: name.to_owned(), content }
    }

    /// RFC 6762 §6.7: as a unicast server would answer.
    pub(super) fn legacy_answer(id: u16, name: &str, ip: IpAddr) -> Self {
        let content = Content::Answer { ip, ttl: LEGACY_TTL, repeats_question: true };
        Self { id, name: name.to_owned(), content }
    }

    pub(super) fn write(&self, buffer: &mut Vec<u8>) {
        let name = Name::new_unchecked(&self.name);
        let question = |kind: TYPE, unicast| {
            Question::new(name.clone(), kind.into(), CLASS::IN.into(), unicast)
        };
        let packet = match self.content {
            Content::Question { unicast } => {
                let mut packet = simple_dns::Packet::new_query(self.id);
                packet.questions.push(question(TYPE::A, unicast));
                packet.questions.push(question(TYPE::AAAA, unicast));
                packet
            }
            Content::Answer { ip, ttl, repeats_question } => {
                let mut packet = simple_dns::Packet::new_reply(self.id);
                // RFC 6762 §18.4.
                packet.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
                let (kind, data) = match ip {
                    IpAddr::V4(ip) => (TYPE::A, RData::A(ip.into())),
                    IpAddr::V6(ip) => (TYPE::AAAA, RData::AAAA(ip.into())),
                };
                if repeats_question {
                    packet.questions.push(question(kind, false));
                }
                let record = ResourceRecord::new(name.clone(), CLASS::IN, ttl, data);
                packet.answers.push(record.with_cache_flush(!repeats_question));
                packet
            }
        };
        let written = packet.build_bytes_vec_compressed();
        debug_assert!(written.is_ok(), "two names of one label always fit");
        buffer.extend(written.unwrap_or_default());
    }
}
