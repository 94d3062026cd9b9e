//! One end of an association, which does as a case says.
//!
//! The peer hands over packets that would answer what it hears; whether they are sent, and in which shape,
//! is up to the case. It repeats nothing by itself.

use std::collections::BTreeMap;

use super::{
    Change, Chunk, Data, IData, Init, Packet, Tlv,
    code::{chunk, data, parameter},
};
use crate::F;

mod answer;
mod log;
mod received;

pub use self::{log::Log, received::Received};

/// How the peer is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its port and the port of the other end.
    pub ports: (u16, u16),
    /// Its tag.
    pub tag: u32,
    /// The number of its first chunk of data, from which the numbers of its requests follow.
    pub tsn: u32,
    /// The receive window it tells.
    pub a_rwnd: u32,
    /// Its outgoing streams and the most incoming ones.
    pub streams: (u16, u16),
    /// The parameters of its INIT and INIT ACK.
    pub parameters: Vec<Tlv>,
    /// Its cookie.
    pub cookie: Vec<u8>,
    /// What it answers by itself.
    pub answers: Answers,
}

impl Profile {
    /// A peer with partial reliability and stream reconfiguration, that answers everything.
    #[must_use]
    pub fn new(tag: u32, tsn: u32) -> Self {
        let extensions = vec![chunk::RECONFIG, chunk::FORWARD_TSN];
        Self {
            ports: (5000, 5000),
            tag,
            tsn,
            a_rwnd: 1 << 20,
            streams: (u16::MAX, u16::MAX),
            parameters: vec![
                Tlv::new(parameter::FORWARD_TSN, []),
                Tlv::new(parameter::SUPPORTED_EXTENSIONS, extensions),
            ],
            cookie: b"a cookie of the suite's own".to_vec(),
            answers: Answers::default(),
        }
    }

    /// The same that interleaves (RFC 8260 §2.2.1).
    #[must_use]
    pub fn interleaving(mut self) -> Self {
        for parameter in &mut self.parameters {
            if parameter.kind == parameter::SUPPORTED_EXTENSIONS {
                parameter.value.extend([chunk::I_DATA, chunk::I_FORWARD_TSN]);
            }
        }
        self
    }
}

/// What the peer answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// INIT, INIT ACK and COOKIE ECHO.
    pub set_up: bool,
    /// Data, with a SACK for each packet.
    pub data: bool,
    /// HEARTBEAT.
    pub heartbeats: bool,
    /// SHUTDOWN and SHUTDOWN ACK.
    pub shutdown: bool,
    /// Requests to change streams, which are agreed to.
    pub reconfig: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self { set_up: true, data: true, heartbeats: true, shutdown: true, reconfig: true }
    }
}

/// Where the peer stands (RFC 9260 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was said, or it is over.
    #[default]
    Closed,
    /// An INIT was made.
    Waiting,
    /// An INIT was answered, or a cookie given back.
    Echoed,
    /// The association stands.
    Established,
    /// A SHUTDOWN or SHUTDOWN ACK was made.
    Ending,
}

/// What the other end has said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theirs {
    /// Its INIT or INIT ACK.
    pub init: Init,
    /// The receive window it told last.
    pub a_rwnd: u32,
    /// Its highest acknowledgement.
    pub acknowledged: Option<u32>,
}

/// One end of an association.
#[derive(Clone, Debug)]
pub struct Peer {
    /// How it is set up; changes take effect with the next packet.
    pub profile: Profile,
    /// Where it stands.
    pub standing: Standing,
    /// The other end, once it has spoken.
    pub theirs: Option<Theirs>,
    /// What has come.
    pub log: Log,
    /// The numbers of the data that has come.
    pub received: Received,
    /// The number of its next chunk of data.
    pub next_tsn: u32,
    /// The number of its next request to change streams.
    pub next_request: u32,
    sequences: BTreeMap<u16, u16>,
    messages: BTreeMap<(u16, bool), u32>,
}

impl Peer {
    /// A peer that has not spoken yet.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            standing: Standing::Closed,
            theirs: None,
            log: Log::default(),
            received: Received::default(),
            next_tsn: profile.tsn,
            next_request: profile.tsn,
            sequences: BTreeMap::new(),
            messages: BTreeMap::new(),
            profile,
        }
    }

    /// The tag of the other end; zero while it is unknown.
    #[must_use]
    pub fn tag(&self) -> u32 {
        self.theirs.as_ref().map_or(0, |theirs| theirs.init.tag)
    }

    /// A packet with these chunks.
    #[must_use]
    pub fn packet(&self, chunks: impl IntoIterator<Item = Chunk>) -> Packet {
        Packet {
            source: self.profile.ports.0,
            destination: self.profile.ports.1,
            tag: self.tag(),
            checksum: F::Auto,
            chunks: chunks.into_iter().collect(),
            trailing: Vec::new(),
        }
    }

    /// A packet with one chunk.
    #[must_use]
    pub fn one(&self, chunk: impl Into<Chunk>) -> Packet {
        self.packet([chunk.into()])
    }

    /// What its INIT says.
    #[must_use]
    pub fn init_body(&self) -> Init {
        let Profile { tag, tsn, a_rwnd, streams, parameters, .. } = &self.profile;
        Init {
            is_ack: false,
            tag: *tag,
            a_rwnd: *a_rwnd,
            outgoing: streams.0,
            incoming: streams.1,
            tsn: *tsn,
            parameters: parameters.clone(),
        }
    }

    /// Its INIT. The association is being set up.
    pub fn init(&mut self) -> Packet {
        if self.standing == Standing::Closed {
            self.standing = Standing::Waiting;
        }
        self.one(self.init_body()).tag(0)
    }

    /// Its INIT ACK.
    #[must_use]
    pub fn init_ack(&self) -> Packet {
        let mut body = self.init_body();
        body.is_ack = true;
        body.parameters.insert(0, Tlv::new(parameter::STATE_COOKIE, self.profile.cookie.clone()));
        self.one(body)
    }

    /// The cookie of the other end, given back.
    #[must_use]
    pub fn cookie_echo(&self) -> Packet {
        let cookie = self
            .theirs
            .as_ref()
            .and_then(|theirs| theirs.init.find(parameter::STATE_COOKIE).map(<[u8]>::to_vec));
        self.one(Chunk::new(chunk::COOKIE_ECHO, cookie.unwrap_or_default()))
    }

    /// Begins the association with what the other end has said by other means.
    pub fn meet(&mut self, init: Init) {
        self.received = Received::new(init.tsn);
        self.theirs = Some(Theirs { a_rwnd: init.a_rwnd, init, acknowledged: None });
        self.standing = Standing::Established;
    }

    /// Forgets the other end and begins anew with another tag and number, as after a crash.
    pub fn restart(&mut self, tag: u32, tsn: u32) {
        let profile = Profile { tag, tsn, ..self.profile.clone() };
        let log = std::mem::take(&mut self.log);
        *self = Self { log, ..Self::new(profile) };
    }

    /// The next message on a stream, whole in one chunk. Its number and sequence number count as used.
    pub fn data(&mut self, stream: u16, payload: &[u8]) -> Data {
        let ssn = self.sequences.entry(stream).or_default();
        let data = Data {
            flags: data::B | data::E,
            tsn: self.next_tsn,
            stream,
            ssn: *ssn,
            ppid: 53,
            payload: payload.to_vec(),
        };
        *ssn = ssn.wrapping_add(1);
        self.next_tsn = self.next_tsn.wrapping_add(1);
        data
    }

    /// The next message on a stream, whole in one chunk and without order.
    pub fn unordered(&mut self, stream: u16, payload: &[u8]) -> Data {
        let data = Data {
            flags: data::B | data::E | data::U,
            tsn: self.next_tsn,
            stream,
            ssn: 0,
            ppid: 53,
            payload: payload.to_vec(),
        };
        self.next_tsn = self.next_tsn.wrapping_add(1);
        data
    }

    /// The next message on a stream, in chunks of at most `size` bytes.
    pub fn fragments(&mut self, stream: u16, payload: &[u8], size: usize) -> Vec<Data> {
        let pieces: Vec<&[u8]> = payload.chunks(size.max(1)).collect();
        let ssn = self.sequences.entry(stream).or_default();
        let mut fragments = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let first = if index == 0 { data::B } else { 0 };
            let last = if index + 1 == pieces.len() { data::E } else { 0 };
            fragments.push(Data {
                flags: first | last,
                tsn: self.next_tsn,
                stream,
                ssn: *ssn,
                ppid: 53,
                payload: piece.to_vec(),
            });
            self.next_tsn = self.next_tsn.wrapping_add(1);
        }
        *ssn = ssn.wrapping_add(1);
        fragments
    }

    /// The next message on a stream in interleaved chunks of at most `size` bytes, without numbers: they
    /// are given by [`number`](Peer::number) in the order in which the chunks are sent.
    pub fn interleaved(
        &mut self,
        stream: u16,
        payload: &[u8],
        size: usize,
        is_unordered: bool,
    ) -> Vec<IData> {
        let pieces: Vec<&[u8]> = payload.chunks(size.max(1)).collect();
        let mid = self.messages.entry((stream, is_unordered)).or_default();
        let mut fragments = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let first = if index == 0 { data::B } else { 0 };
            let last = if index + 1 == pieces.len() { data::E } else { 0 };
            let unordered = if is_unordered { data::U } else { 0 };
            let fsn = u32::try_from(index).unwrap_or(u32::MAX);
            fragments.push(IData {
                flags: first | last | unordered,
                tsn: 0,
                stream,
                reserved: 0,
                mid: *mid,
                ppid_or_fsn: if index == 0 { 53 } else { fsn },
                payload: piece.to_vec(),
            });
        }
        *mid = mid.wrapping_add(1);
        fragments
    }

    /// The same chunk with the next number.
    pub fn number(&mut self, mut fragment: IData) -> IData {
        fragment.tsn = self.next_tsn;
        self.next_tsn = self.next_tsn.wrapping_add(1);
        fragment
    }

    /// Begins the sequence numbers of these streams anew; of all if there are none.
    pub fn forget_sequences(&mut self, streams: &[u16]) {
        let keeps = |stream: u16| !streams.is_empty() && !streams.contains(&stream);
        self.sequences.retain(|stream, _| keeps(*stream));
        self.messages.retain(|(stream, _), _| keeps(*stream));
    }

    /// A request to reset outgoing streams of its own after everything it has sent.
    pub fn reset(&mut self, streams: &[u16]) -> Change {
        let request = self.next_request;
        self.next_request = request.wrapping_add(1);
        let seen = self.log.last_request;
        let first = self.theirs.as_ref().map_or(0, |theirs| theirs.init.tsn);
        Change::Outgoing {
            request,
            response: seen.unwrap_or_else(|| first.wrapping_sub(1)),
            last_tsn: self.next_tsn.wrapping_sub(1),
            streams: streams.to_vec(),
        }
    }

    /// What has arrived, as a SACK says it. Duplicates are reported once.
    pub fn sack(&mut self) -> Chunk {
        self.received.sack(self.profile.a_rwnd).into()
    }

    /// A SHUTDOWN that acknowledges everything up to the first gap.
    #[must_use]
    pub fn shutdown(&mut self) -> Packet {
        self.standing = Standing::Ending;
        let cumulative = self.received.cumulative();
        self.one(Chunk::new(chunk::SHUTDOWN, cumulative.to_be_bytes()))
    }

    /// A HEARTBEAT with this information.
    #[must_use]
    pub fn heartbeat(&self, info: &[u8]) -> Packet {
        let info = Tlv::new(parameter::HEARTBEAT_INFO, info);
        self.one(Chunk::new(chunk::HEARTBEAT, info.encode()))
    }

    /// An ABORT with these causes.
    #[must_use]
    pub fn abort(&self, causes: &[Tlv]) -> Packet {
        self.one(Chunk::new(chunk::ABORT, Tlv::encode_all(causes)))
    }
}
