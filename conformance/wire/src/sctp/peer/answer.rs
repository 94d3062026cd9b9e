//! Hearing packets, and what would answer them.

use super::{Peer, Received, Standing, Theirs};
use crate::{
    F,
    sctp::{
        Change, Chunk, Data, ForwardTsn, IData, IForwardTsn, Init, Packet, Sack, Tlv,
        code::{chunk, parameter, result},
        heartbeat_info,
    },
};

impl Peer {
    /// Hears a packet; gives the packets that would answer it.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Packet> {
        let Some(packet) = Packet::read(bytes) else {
            self.log.faults.push(format!("{} bytes are no packet", bytes.len()));
            return Vec::new();
        };
        self.check(&packet);
        self.log.bytes.push(bytes.to_vec());
        self.log.packets.push(packet.clone());
        let mut answers = Vec::new();
        let mut has_data = false;
        for chunk in &packet.chunks {
            match chunk.kind {
                chunk::DATA | chunk::I_DATA => has_data |= self.hear_data(chunk),
                chunk::FORWARD_TSN | chunk::I_FORWARD_TSN => {
                    has_data = true;
                    self.hear_skip(chunk);
                }
                _ => answers.extend(self.hear(chunk)),
            }
        }
        if has_data && self.profile.answers.data {
            let sack = self.sack();
            answers.push(self.one(sack));
        }
        answers
    }

    /// What every packet has to keep to, whatever it says.
    fn check(&mut self, packet: &Packet) {
        let mut fault = |text: String| self.log.faults.push(text);
        let (own, other) = self.profile.ports;
        if (packet.source, packet.destination) != (other, own) {
            fault(format!("ports {} to {}", packet.source, packet.destination));
        }
        if packet.chunks.is_empty() || !packet.trailing.is_empty() {
            fault(format!("{} chunks, {} bytes", packet.chunks.len(), packet.trailing.len()));
        }
        if !matches!(packet.checksum, F::Auto | F::Set(0)) {
            fault("a wrong checksum".to_owned());
        }
        if packet.chunks.iter().any(|chunk| chunk.padding != F::Auto) {
            fault("padding that is not zero".to_owned());
        }
        let is_init = packet.has(chunk::INIT);
        let reflected = packet.chunks.iter().any(|chunk| {
            matches!(chunk.kind, chunk::ABORT | chunk::SHUTDOWN_COMPLETE) && chunk.flags & 1 == 1
        });
        let wanted = if is_init { 0 } else { self.profile.tag };
        if packet.tag != wanted && !reflected {
            fault(format!("tag {:08x} in place of {wanted:08x}", packet.tag));
        }
        let alone = [chunk::INIT, chunk::INIT_ACK, chunk::SHUTDOWN_COMPLETE];
        if packet.chunks.len() > 1 && packet.chunks.iter().any(|one| alone.contains(&one.kind)) {
            fault(format!("chunks {:?} in one packet", packet.kinds()));
        }
    }

    fn hear_data(&mut self, chunk: &Chunk) -> bool {
        let tsn = Data::read(chunk).map(|data| data.tsn);
        let Some(tsn) = tsn.or_else(|| IData::read(chunk).map(|data| data.tsn)) else {
            return false;
        };
        self.received.take(tsn);
        true
    }

    fn hear_skip(&mut self, chunk: &Chunk) {
        let cumulative = ForwardTsn::read(chunk).map(|read| read.cumulative);
        let cumulative =
            cumulative.or_else(|| IForwardTsn::read(chunk).map(|read| read.cumulative));
        if let Some(cumulative) = cumulative {
            self.received.skip_to(cumulative);
        }
    }

    /// Hears a chunk that is not of data.
    fn hear(&mut self, chunk: &Chunk) -> Option<Packet> {
        let answers = self.profile.answers;
        match chunk.kind {
            chunk::INIT | chunk::INIT_ACK => {
                let answer = self.hear_init(&Init::read(chunk)?);
                answer.filter(|_| answers.set_up)
            }
            chunk::COOKIE_ECHO => {
                self.establish();
                answers.set_up.then(|| self.one(Chunk::new(chunk::COOKIE_ACK, [])))
            }
            chunk::COOKIE_ACK => {
                self.establish();
                None
            }
            chunk::SACK => {
                let sack = Sack::read(chunk)?;
                let theirs = self.theirs.as_mut()?;
                theirs.a_rwnd = sack.a_rwnd;
                theirs.acknowledged = Some(sack.cumulative);
                None
            }
            chunk::HEARTBEAT => {
                let info = Tlv::new(parameter::HEARTBEAT_INFO, heartbeat_info(chunk)?);
                let ack = Chunk::new(chunk::HEARTBEAT_ACK, info.encode());
                answers.heartbeats.then(|| self.one(ack))
            }
            chunk::SHUTDOWN => answers.shutdown.then(|| {
                self.standing = Standing::Ending;
                self.one(Chunk::new(chunk::SHUTDOWN_ACK, []))
            }),
            chunk::SHUTDOWN_ACK => answers.shutdown.then(|| {
                self.standing = Standing::Closed;
                self.one(Chunk::new(chunk::SHUTDOWN_COMPLETE, []))
            }),
            chunk::ABORT | chunk::SHUTDOWN_COMPLETE => {
                self.standing = Standing::Closed;
                None
            }
            chunk::RECONFIG => self.hear_change(&Change::read_all(chunk)?),
            _ => None,
        }
    }

    fn establish(&mut self) {
        if matches!(self.standing, Standing::Closed | Standing::Waiting | Standing::Echoed) {
            self.standing = Standing::Established;
        }
    }

    /// Meets the other end, unless it is known already, and says what answers it.
    fn hear_init(&mut self, init: &Init) -> Option<Packet> {
        // RFC 9260 §5.2.3: in a standing association it is nothing.
        if init.is_ack && matches!(self.standing, Standing::Established | Standing::Ending) {
            return None;
        }
        let is_new = self.theirs.as_ref().is_none_or(|theirs| theirs.init.tag != init.tag);
        if is_new || self.standing != Standing::Established {
            if is_new {
                self.received = Received::new(init.tsn);
            }
            self.theirs =
                Some(Theirs { init: init.clone(), a_rwnd: init.a_rwnd, acknowledged: None });
        }
        if init.is_ack {
            self.standing = Standing::Echoed;
            return Some(self.cookie_echo());
        }
        Some(self.init_ack())
    }

    /// Agrees to every request.
    fn hear_change(&mut self, changes: &[Change]) -> Option<Packet> {
        let mut answers = Vec::new();
        for change in changes.iter().filter(|change| change.is_request()) {
            let Some(request) = change.number() else { continue };
            let is_new = self.log.last_request != Some(request);
            self.log.last_request = Some(request);
            match change {
                Change::Incoming { streams, .. } if is_new => {
                    self.forget_sequences(streams);
                    let mut reset = self.reset(streams);
                    if let Change::Outgoing { response, .. } = &mut reset {
                        *response = request;
                    }
                    answers.push(reset);
                }
                _ => {
                    let next = matches!(change, Change::Tsn { .. })
                        .then(|| (self.next_tsn, self.received.cumulative().wrapping_add(1)));
                    answers.push(Change::Response { request, result: result::PERFORMED, next });
                }
            }
        }
        let says = !answers.is_empty() && self.profile.answers.reconfig;
        says.then(|| self.one(Change::chunk(&answers)))
    }
}
