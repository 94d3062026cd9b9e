//! The stage the cases of data channels play on.

use std::net::SocketAddr;

pub(in crate::cases) use std::time::Duration;

use simnet::{Host, Link, SocketId};

pub(in crate::cases) use crate::subjects::sctp::SctpReliability;
pub(in crate::cases) use crate::{
    Ctl, Outcome, Stop, SubjectKind, Variant, case, product, req,
    subjects::datachannel::{ChannelData, ChannelSpec, DataChannelConfig, DataChannelEvent},
    world::Seat,
};
pub(in crate::cases) use wire::sctp::{
    Change, Chunk, Data, Packet, Peer, Profile, Standing,
    code::{chunk, data},
};

/// A second.
pub(in crate::cases) const SECOND: Duration = Duration::from_secs(1);
/// Long enough for everything that is due at once to be said and heard.
pub(in crate::cases) const SOON: Duration = Duration::from_millis(100);
/// Longer than anything takes in which nothing is lost.
pub(in crate::cases) const LONG: Duration = Duration::from_secs(10);

/// Why no other stack vouches for the cases.
pub(in crate::cases) const NO_OTHER: &str =
    "no other stack at hand has data channels without the layers above";

/// Payload protocol identifiers.
pub(in crate::cases) mod ppid {
    /// DCEP.
    pub(in crate::cases) const DCEP: u32 = 50;
    /// Text.
    pub(in crate::cases) const STRING: u32 = 51;
    /// A part of bytes, deprecated.
    pub(in crate::cases) const BINARY_PARTIAL: u32 = 52;
    /// Bytes.
    pub(in crate::cases) const BINARY: u32 = 53;
    /// A part of text, deprecated.
    pub(in crate::cases) const STRING_PARTIAL: u32 = 54;
    /// Empty text.
    pub(in crate::cases) const STRING_EMPTY: u32 = 56;
    /// No bytes.
    pub(in crate::cases) const BINARY_EMPTY: u32 = 57;
}

/// `DATA_CHANNEL_ACK` (RFC 8832 §5.2).
pub(in crate::cases) const ACK: &[u8] = &[2];

/// `DATA_CHANNEL_OPEN` (RFC 8832 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cases) struct Open {
    pub(in crate::cases) kind: u8,
    pub(in crate::cases) priority: u16,
    pub(in crate::cases) reliability: u32,
    pub(in crate::cases) label: Vec<u8>,
    pub(in crate::cases) protocol: Vec<u8>,
}

impl Open {
    /// A reliable, ordered channel.
    pub(in crate::cases) fn new(label: &str) -> Self {
        Self {
            kind: 0,
            priority: 256,
            reliability: 0,
            label: label.as_bytes().to_vec(),
            protocol: Vec::new(),
        }
    }

    /// Its bytes.
    pub(in crate::cases) fn encode(&self) -> Vec<u8> {
        let length = |text: &[u8]| u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut bytes = vec![3, self.kind];
        bytes.extend(self.priority.to_be_bytes());
        bytes.extend(self.reliability.to_be_bytes());
        bytes.extend(length(&self.label));
        bytes.extend(length(&self.protocol));
        bytes.extend(&self.label);
        bytes.extend(&self.protocol);
        bytes
    }

    /// What bytes say, if they are exactly one.
    pub(in crate::cases) fn read(bytes: &[u8]) -> Option<Self> {
        let (head, texts) = bytes.split_first_chunk::<12>()?;
        let [3, kind, p1, p0, r3, r2, r1, r0, l1, l0, q1, q0] = *head else { return None };
        let (label, protocol) =
            texts.split_at_checked(usize::from(u16::from_be_bytes([l1, l0])))?;
        let right = protocol.len() == usize::from(u16::from_be_bytes([q1, q0]));
        right.then(|| Self {
            kind,
            priority: u16::from_be_bytes([p1, p0]),
            reliability: u32::from_be_bytes([r3, r2, r1, r0]),
            label: label.to_vec(),
            protocol: protocol.to_vec(),
        })
    }
}

/// The subject's data channels, and the suite's peer.
pub(in crate::cases) struct ChannelStage {
    /// The endpoint's place.
    pub(in crate::cases) seat: Seat,
    /// The suite's peer.
    pub(in crate::cases) peer: Peer,
    /// What the endpoint has reported so far.
    pub(in crate::cases) events: Vec<DataChannelEvent>,
    /// Whether the endpoint counts as the DTLS client.
    pub(in crate::cases) client: bool,
    socket: SocketId,
    subject: SocketAddr,
}

impl ChannelStage {
    /// An association that stands, which the endpoint began if it is the client.
    pub(in crate::cases) fn connected(t: &mut Ctl<'_>, client: bool) -> Result<Self, Stop> {
        Self::connected_with(t, client, |_, _| {})
    }

    /// The same, set up as `change` says.
    pub(in crate::cases) fn connected_with(
        t: &mut Ctl<'_>,
        client: bool,
        change: impl FnOnce(&mut DataChannelConfig, &mut Profile),
    ) -> Result<Self, Stop> {
        let mut stage = Self::with(t, client, change)?;
        if client {
            t.channels(stage.seat, |channels, now| channels.connect(now));
        } else {
            let init = stage.peer.init();
            stage.send(t, &init);
        }
        let until = t.now() + LONG;
        while !stage.is_up(t) && t.now() < until {
            stage.serve(t, Duration::from_millis(20));
        }
        let up = stage.is_up(t);
        t.precondition(up, "an association that stands")?;
        Ok(stage)
    }

    /// The same before anything was said.
    pub(in crate::cases) fn with(
        t: &mut Ctl<'_>,
        client: bool,
        change: impl FnOnce(&mut DataChannelConfig, &mut Profile),
    ) -> Result<Self, Stop> {
        let subject = SocketAddr::from(([192, 0, 2, 20], 9899));
        let suite = SocketAddr::from(([192, 0, 2, 100], 9899));
        let mut config = DataChannelConfig::new(subject, suite, client);
        let mut dice = t.fork("suite");
        let tag = u32::try_from(dice.public_u64() >> 33).unwrap_or(1) | 1;
        let mut profile = Profile::new(tag, 0xffff_fff0);
        change(&mut config, &mut profile);
        let host = |address: SocketAddr| Host::on("net").address(&address.ip().to_string());
        let network = t
            .network()
            .wan("net", "192.0.2.0/24")
            .host("endpoint", host(subject))
            .host("suite", host(suite))
            .link("endpoint", "net", Link::delayed(Duration::from_millis(5)));
        t.build(network)?;
        let socket = t.bind("suite", suite)?;
        let seat = t.start_channels("subject", "endpoint", &config)?;
        Ok(Self { seat, peer: Peer::new(profile), events: Vec::new(), client, socket, subject })
    }

    /// The lowest number of a channel that the peer may open.
    pub(in crate::cases) const fn theirs(&self) -> u16 {
        if self.client { 1 } else { 0 }
    }

    /// The lowest number of a channel that the endpoint may open.
    pub(in crate::cases) const fn own(&self) -> u16 {
        if self.client { 0 } else { 1 }
    }

    /// Sends a packet to the endpoint.
    pub(in crate::cases) fn send(&self, t: &mut Ctl<'_>, packet: &Packet) {
        t.send(self.socket, self.subject, &packet.encode());
    }

    /// The next packet of the endpoint's, which the peer has not heard.
    pub(in crate::cases) fn take(&self, t: &mut Ctl<'_>, limit: Duration) -> Option<Packet> {
        let received = t.receive_within(self.socket, limit)?;
        Packet::read(&received.payload)
    }

    /// Answers everything for `duration`, as SCTP does: DCEP is left to the case.
    pub(in crate::cases) fn serve(&mut self, t: &mut Ctl<'_>, duration: Duration) {
        let until = t.now() + duration;
        while let Some(packet) = self.take(t, until - t.now()) {
            for answer in self.peer.receive(&packet.encode()) {
                self.send(t, &answer);
            }
        }
        self.events.extend(t.channel_events(self.seat).into_iter().map(|(_, event)| event));
    }

    fn is_up(&mut self, t: &mut Ctl<'_>) -> bool {
        self.events.extend(t.channel_events(self.seat).into_iter().map(|(_, event)| event));
        self.peer.standing == Standing::Established
            && self.events.contains(&DataChannelEvent::Connected)
    }

    /// Sends one ordered message on a stream.
    pub(in crate::cases) fn say(&mut self, t: &mut Ctl<'_>, stream: u16, ppid: u32, bytes: &[u8]) {
        let data = Data { ppid, ..self.peer.data(stream, bytes) };
        let packet = self.peer.one(data);
        t.stimulus(format_args!("a message with the identifier {ppid} on stream {stream}"));
        self.send(t, &packet);
        self.serve(t, SOON);
    }

    /// Opens a channel on a stream, and waits until that has been heard.
    pub(in crate::cases) fn open(&mut self, t: &mut Ctl<'_>, stream: u16, open: &Open) {
        self.say(t, stream, ppid::DCEP, &open.encode());
    }

    /// Lets the endpoint open a channel.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not.
    pub(in crate::cases) fn opens(
        &mut self,
        t: &mut Ctl<'_>,
        spec: &ChannelSpec,
    ) -> Result<u16, Stop> {
        t.stimulus(format_args!("a channel called {}", spec.label));
        let opened = t.channels(self.seat, |channels, now| channels.open(now, spec));
        let id = opened.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
        self.serve(t, SOON);
        Ok(id)
    }

    /// A channel that the endpoint opened and the peer acknowledged.
    ///
    /// # Errors
    ///
    /// Inconclusive if it is not opened.
    pub(in crate::cases) fn opens_wholly(
        &mut self,
        t: &mut Ctl<'_>,
        spec: &ChannelSpec,
    ) -> Result<u16, Stop> {
        let id = self.opens(t, spec)?;
        self.say(t, id, ppid::DCEP, ACK);
        Ok(id)
    }

    /// Lets the endpoint send a message.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not take it.
    pub(in crate::cases) fn tell(
        &mut self,
        t: &mut Ctl<'_>,
        id: u16,
        data: ChannelData,
    ) -> Outcome {
        let taken = t.channels(self.seat, |channels, now| channels.send(now, id, data));
        taken.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
        self.serve(t, SOON);
        Ok(())
    }

    /// Lets the endpoint close a channel.
    ///
    /// # Errors
    ///
    /// Inconclusive if it does not.
    pub(in crate::cases) fn closes(&mut self, t: &mut Ctl<'_>, id: u16) -> Outcome {
        t.stimulus(format_args!("channel {id} is to be closed"));
        let closed = t.channels(self.seat, |channels, now| channels.close(now, id));
        closed.map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
        self.serve(t, SOON);
        Ok(())
    }

    /// Resets a stream of the peer's.
    pub(in crate::cases) fn reset(&mut self, t: &mut Ctl<'_>, stream: u16) {
        let reset = self.peer.reset(&[stream]);
        let packet = self.peer.one(Change::chunk(&[reset]));
        t.stimulus(format_args!("a reset of stream {stream}"));
        self.send(t, &packet);
        self.peer.forget_sequences(&[stream]);
        self.serve(t, SOON);
    }

    /// The DATA chunks that the endpoint sent on a stream with an identifier.
    pub(in crate::cases) fn heard(&self, stream: u16, ppid: u32) -> Vec<Data> {
        let all = self.peer.log.data().into_iter();
        all.filter(|data| data.stream == stream && data.ppid == ppid).collect()
    }

    /// How many ACKs the endpoint sent on a stream.
    pub(in crate::cases) fn acks(&self, stream: u16) -> usize {
        self.heard(stream, ppid::DCEP).iter().filter(|data| data.payload == ACK).count()
    }

    /// How often the endpoint has asked for the reset of its stream.
    pub(in crate::cases) fn resets(&self, stream: u16) -> usize {
        let lists = self.peer.log.changes();
        let mut seen: Vec<u32> = lists
            .iter()
            .filter_map(|change| match change {
                Change::Outgoing { request, streams, .. } if streams.contains(&stream) => {
                    Some(*request)
                }
                _ => None,
            })
            .collect();
        seen.dedup();
        seen.len()
    }

    /// How often the endpoint has reported something like this.
    pub(in crate::cases) fn count(&self, wanted: impl Fn(&DataChannelEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    /// What the endpoint said of a channel that the peer opened.
    pub(in crate::cases) fn opened(&self, channel: u16) -> Option<ChannelSpec> {
        self.events.iter().find_map(|event| match event {
            DataChannelEvent::Opened { id, spec } if *id == channel => Some(spec.clone()),
            _ => None,
        })
    }

    /// The messages that the endpoint has delivered on a channel.
    pub(in crate::cases) fn delivered(&self, channel: u16) -> Vec<ChannelData> {
        let read = |event: &DataChannelEvent| match event {
            DataChannelEvent::Message { id, data } if *id == channel => Some(data.clone()),
            _ => None,
        };
        self.events.iter().filter_map(read).collect()
    }

    /// What was reported, in words.
    pub(in crate::cases) fn state(&self) -> String {
        let kinds: Vec<u32> = self.peer.log.data().iter().map(|data| data.ppid).collect();
        format!("{:?}, identifiers heard: {kinds:?}", self.events)
    }
}

/// Text as a message.
pub(in crate::cases) fn text(text: &str) -> ChannelData {
    ChannelData::Text(text.to_owned())
}
