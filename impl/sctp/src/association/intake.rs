//! What arrives: whether a packet is ours (RFC 9260 §8.5), and which room takes each chunk.

use base::{Ecn, Instant, Writer};

use super::{Association, setup::error_chunk, shutdown::Flaw, state::State, timing::Timer};
use crate::{
    DropReason, Event, Tsn,
    path::HeartbeatInfo,
    send::Acknowledged,
    wire::{
        Cause, Chunk, ChunkType, Chunks, HEADER_LENGTH, Heartbeat, OperationError, Packet, Sack,
        UnknownAction,
    },
};

/// What is known of the packet that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    tag: u32,
    ecn: Ecn,
    /// The lowest number of user data in it.
    lowest: Option<Tsn>,
    /// Whether an error about it has been queued: one is enough.
    is_reported: bool,
}

/// Whether to go on with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Association {
    /// A packet arrived, with the congestion mark that the network gave it.
    ///
    /// Bytes that are no packet of the peer's are counted and dropped.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8], ecn: Ecn) {
        self.advance(now);
        self.stats.packets_received += 1;
        self.stats.bytes_received += packet.len() as u64;
        if let Err(reason) = self.take_packet(packet, ecn) {
            self.drop_for(reason);
        }
        self.collect();
    }

    /// Several packets arrived together. One acknowledgement is made for all of them, so long as nothing is
    /// polled in between.
    pub fn handle_packets<'a>(
        &mut self,
        now: Instant,
        packets: impl IntoIterator<Item = (&'a [u8], Ecn)>,
    ) {
        for (packet, ecn) in packets {
            self.handle_packet(now, packet, ecn);
        }
    }

    fn take_packet(&mut self, bytes: &[u8], ecn: Ecn) -> Result<(), DropReason> {
        let packet = Packet::parse(bytes).map_err(|_| DropReason::MalformedPacket)?;
        let header = packet.header;
        if header.destination_port != self.config.local_port
            || header.source_port != self.config.remote_port
        {
            return Err(DropReason::WrongPort);
        }
        let tag = header.verification_tag;
        let is_own = self.state.local_tag() == Some(tag);
        let kind = bytes.get(HEADER_LENGTH).map(|&kind| ChunkType::new(kind));
        if !self.is_intact(&packet, is_own, kind) {
            return Err(DropReason::BadChecksum);
        }
        let mut arrival = Arrival { tag, ecn, lowest: None, is_reported: false };
        let mut chunks = packet.chunks();
        match kind {
            Some(ChunkType::INIT) if tag == 0 => return self.take_init(chunks),
            // RFC 9260 §6.10.
            Some(ChunkType::INIT_ACK) if { chunks }.nth(1).is_some() => {
                return Err(DropReason::NotAlone);
            }
            Some(ChunkType::COOKIE_ECHO) => {
                let Some(Ok(Chunk::CookieEcho(echo))) = chunks.next() else {
                    return Err(DropReason::MalformedChunk);
                };
                self.on_cookie_echo(tag, echo.cookie)?;
            }
            _ if is_own || tag != 0 && base::mutant::active("sctp-tag-unchecked") => {}
            _ => return self.take_strange(tag, chunks),
        }
        self.take_chunks(chunks, &mut arrival);
        Ok(())
    }

    /// RFC 9260 §6.8. Packets that begin an association always carry a checksum, and others do unless this
    /// end said that it takes them without (RFC 9653); a peer whose association has ended here may not know.
    fn is_intact(&self, packet: &Packet<'_>, is_own: bool, kind: Option<ChunkType>) -> bool {
        let begins = matches!(kind, Some(ChunkType::INIT | ChunkType::COOKIE_ECHO));
        let takes_zero = self.config.features.zero_checksum
            || base::mutant::active("sctp-zero-checksum-undeclared");
        let is_expected = is_own || self.state.link().is_none();
        let may_be_zero = takes_zero && is_expected && !begins;
        let is_gullible = base::mutant::active("sctp-checksum-unchecked");
        is_gullible || packet.checksum == 0 && may_be_zero || packet.has_right_checksum()
    }

    fn take_init(&mut self, mut chunks: Chunks<'_>) -> Result<(), DropReason> {
        let Some(Ok(Chunk::Init(init))) = chunks.next() else {
            return Err(DropReason::MalformedChunk);
        };
        // RFC 9260 §8.5.1 A.
        if chunks.next().is_some() {
            return Err(DropReason::NotAlone);
        }
        self.on_init(&init)
    }

    /// The chunks of a packet that carries our tag, or brought a good cookie.
    fn take_chunks(&mut self, chunks: Chunks<'_>, arrival: &mut Arrival) {
        for chunk in chunks {
            let Ok(chunk) = chunk else {
                // RFC 9260 §6.10: a partial chunk is dropped, and what follows it cannot be found.
                self.drop_for(DropReason::MalformedChunk);
                break;
            };
            match self.take_chunk(&chunk, arrival) {
                Ok(Next::Go) => {}
                Ok(Next::Stop) => break,
                Err(Flaw::Drop(reason)) => self.drop_for(reason),
                Err(Flaw::Misdeed(misdeed)) => {
                    self.abort_for(misdeed);
                    return;
                }
            }
        }
        if let Err(Flaw::Misdeed(misdeed)) = self.advance_resets() {
            self.abort_for(misdeed);
            return;
        }
        self.end_packet(arrival);
    }

    fn take_chunk(&mut self, chunk: &Chunk<'_>, arrival: &mut Arrival) -> Result<Next, Flaw> {
        match chunk {
            Chunk::Data(_) | Chunk::IData(_) => self.take_data(chunk, arrival)?,
            Chunk::Sack(sack) => self.take_sack(sack)?,
            Chunk::ForwardTsn(_) | Chunk::IForwardTsn(_) if !self.takes_forward_tsn() => {
                // RFC 3758 §3.3.1: as if the chunk were unknown.
                let mut bytes = Vec::new();
                chunk.write(&mut Writer::new(&mut bytes));
                return Ok(self.take_unknown(ChunkType::FORWARD_TSN, &bytes, arrival));
            }
            Chunk::ForwardTsn(_) | Chunk::IForwardTsn(_) => self.take_forward_tsn(chunk)?,
            Chunk::Reconfig(_) if self.is_overfull() => return Err(DropReason::Unread.into()),
            Chunk::Reconfig(reconfig) => self.take_reconfig(reconfig)?,
            Chunk::Heartbeat(_) => self.take_heartbeat(chunk)?,
            Chunk::HeartbeatAck(heartbeat) => self.take_heartbeat_ack(heartbeat)?,
            Chunk::Ecne(ecne) => self.take_ecne(ecne.lowest)?,
            Chunk::Cwr(cwr) => self.take_cwr(cwr.lowest)?,
            Chunk::Error(error) => self.take_error(error)?,
            Chunk::Abort(abort) => {
                // RFC 9260 §8.5.1 B: reflected means that the tag is the peer's, and this one is ours.
                if abort.is_reflected {
                    return Err(DropReason::WrongTag.into());
                }
                self.on_abort(abort);
                return Ok(Next::Stop);
            }
            Chunk::Shutdown(shutdown) => self.on_shutdown(shutdown.cumulative)?,
            Chunk::ShutdownAck(_) => self.on_shutdown_ack(arrival.tag)?,
            Chunk::ShutdownComplete(complete) if complete.is_reflected => {
                return Err(DropReason::WrongTag.into());
            }
            Chunk::ShutdownComplete(_) => self.on_shutdown_complete()?,
            Chunk::InitAck(init) => self.on_init_ack(init)?,
            Chunk::CookieAck(_) => self.on_cookie_ack()?,
            // One belongs alone under a tag of zero, the other first in its packet.
            Chunk::Init(_) | Chunk::CookieEcho(_) => return Err(DropReason::NotAlone.into()),
            // RFC 4820 §3.
            Chunk::Pad(_) => {}
            Chunk::Unknown(raw) => {
                return Ok(self.take_unknown(raw.kind, raw.bytes(), arrival));
            }
        }
        Ok(Next::Go)
    }

    fn take_data(&mut self, chunk: &Chunk<'_>, arrival: &mut Arrival) -> Result<(), Flaw> {
        let now = self.now;
        // RFC 9260 §6: where data is taken.
        let link = match &mut self.state {
            State::Established(link) | State::ShutdownPending(link) => link,
            State::ShutdownSent(closing) => &mut closing.link,
            State::ShutdownReceived(_) | State::ShutdownAckSent(_) => {
                return Err(DropReason::AfterShutdown.into());
            }
            State::Closed | State::CookieWait(_) | State::CookieEchoed(_) => {
                return Err(DropReason::UnexpectedChunk.into());
            }
        };
        let tsn = match chunk {
            Chunk::Data(data) => {
                link.receiver.handle_data(now, data)?;
                data.tsn
            }
            Chunk::IData(data) => {
                link.receiver.handle_i_data(now, data)?;
                data.tsn
            }
            _ => return Ok(()),
        };
        let lowest = arrival.lowest.filter(|lowest| tsn.is_newer_than(*lowest));
        arrival.lowest = Some(lowest.unwrap_or(tsn));
        Ok(())
    }

    fn take_sack(&mut self, sack: &Sack<'_>) -> Result<(), Flaw> {
        let now = self.now;
        // RFC 9260 §6: where acknowledgements are taken.
        let (State::Established(link)
        | State::ShutdownPending(link)
        | State::ShutdownReceived(link)) = &mut self.state
        else {
            return Err(DropReason::UnexpectedChunk.into());
        };
        match link.on_sack(now, sack)? {
            Acknowledged::Old => return Err(DropReason::OldSack.into()),
            Acknowledged::Nothing => {}
            Acknowledged::Progress => {
                // RFC 9260 §8.1.
                link.heartbeats.on_alive();
                if let Some(rtt) = link.rtt.smoothed() {
                    link.receiver.set_rtt(rtt);
                }
                let health = link.health();
                self.on_health(health);
            }
        }
        self.advance_shutdown();
        Ok(())
    }

    /// Whether messages may be given up; true where nothing was agreed on yet.
    fn takes_forward_tsn(&self) -> bool {
        self.state.link().is_none_or(|link| link.features.forward_tsn)
    }

    fn take_forward_tsn(&mut self, chunk: &Chunk<'_>) -> Result<(), Flaw> {
        let now = self.now;
        let link = match &mut self.state {
            State::Established(link) | State::ShutdownPending(link) => link,
            State::ShutdownSent(closing) => &mut closing.link,
            _ => return Err(DropReason::UnexpectedChunk.into()),
        };
        match chunk {
            Chunk::ForwardTsn(forward) => link.receiver.handle_forward_tsn(now, forward)?,
            Chunk::IForwardTsn(forward) => link.receiver.handle_i_forward_tsn(now, forward)?,
            _ => {}
        }
        Ok(())
    }

    fn take_heartbeat(&mut self, chunk: &Chunk<'_>) -> Result<(), Flaw> {
        let Chunk::Heartbeat(heartbeat) = chunk else { return Ok(()) };
        // RFC 9260 §8.3: from COOKIE-ECHOED on, until shutting down has got so far.
        let is_answered = matches!(
            self.state,
            State::CookieEchoed(_)
                | State::Established(_)
                | State::ShutdownPending(_)
                | State::ShutdownReceived(_)
        );
        if !is_answered {
            return Err(DropReason::UnexpectedChunk.into());
        }
        let mut bytes = Vec::new();
        let empty = Heartbeat { info: &[0; 4], rest: &[] };
        let forgets = base::mutant::active("sctp-heartbeat-info-lost");
        let heartbeat = if forgets { &empty } else { heartbeat };
        heartbeat.write(ChunkType::HEARTBEAT_ACK, &mut Writer::new(&mut bytes));
        self.answer_chunk(bytes);
        Ok(())
    }

    fn take_heartbeat_ack(&mut self, heartbeat: &Heartbeat<'_>) -> Result<(), Flaw> {
        let now = self.now;
        let stray = Flaw::Drop(DropReason::StrayHeartbeatAck);
        let Some(link) = self.state.standing() else { return Err(stray) };
        let Some(info) = HeartbeatInfo::from_bytes(heartbeat.info) else { return Err(stray) };
        if let Some((probe, size)) = link.probe
            && probe == info
        {
            link.probe = None;
            link.heartbeats.on_alive();
            link.discovery.on_probe_acked(now, size);
            link.fit();
        } else if let Some(rtt) = link.heartbeats.on_ack(now, info) {
            link.rtt.on_measured(now, rtt);
        } else {
            return Err(stray);
        }
        let health = link.health();
        self.on_health(health);
        Ok(())
    }

    fn take_ecne(&mut self, lowest: Tsn) -> Result<(), Flaw> {
        let now = self.now;
        let Some(link) = self.state.standing().filter(|link| link.features.ecn) else {
            return Err(DropReason::UnexpectedChunk.into());
        };
        link.control.on_mark(now, link.sender.in_flight());
        link.marks.on_echo(lowest);
        Ok(())
    }

    fn take_cwr(&mut self, lowest: Tsn) -> Result<(), Flaw> {
        let Some(link) = self.state.standing().filter(|link| link.features.ecn) else {
            return Err(DropReason::UnexpectedChunk.into());
        };
        link.marks.on_confirmed(lowest);
        Ok(())
    }

    fn take_error(&mut self, error: &OperationError<'_>) -> Result<(), Flaw> {
        for cause in error.causes.iter() {
            let Ok(cause) = cause else { return Err(DropReason::MalformedChunk.into()) };
            match cause {
                Cause::StaleCookie(_) => self.on_stale_cookie()?,
                other if self.state.link().is_some() => self.tell(Event::PeerError(other.code())),
                _ => return Err(DropReason::UnexpectedChunk.into()),
            }
        }
        Ok(())
    }

    /// RFC 9260 §3.2: the type itself says what to do.
    fn take_unknown(&mut self, kind: ChunkType, bytes: &[u8], arrival: &mut Arrival) -> Next {
        self.drop_for(DropReason::UnknownChunk);
        let action: UnknownAction = kind.unknown_action();
        let stands = self.state.standing().is_some()
            && !base::mutant::active("sctp-unknown-chunk-unreported");
        if action.reports() && stands && !std::mem::replace(&mut arrival.is_reported, true) {
            self.answer_chunk(error_chunk(&[Cause::UnrecognizedChunk(bytes)]));
        }
        let goes_on = base::mutant::active("sctp-unknown-chunk-goes-on");
        if action.stops() && !goes_on { Next::Stop } else { Next::Go }
    }

    /// All of the packet was read: what it adds up to.
    fn end_packet(&mut self, arrival: &Arrival) {
        let now = self.now;
        let has_data = arrival.lowest.is_some();
        if let Some(link) = self.state.standing() {
            if let Some(lowest) = arrival.lowest {
                if arrival.ecn == Ecn::Ce && link.features.ecn {
                    link.marks.on_marked(lowest);
                } else {
                    link.marks.on_acknowledging();
                }
            }
            link.receiver.end_of_packet(now);
            // RFC 9260 §6.5: told at once, and no more than once a packet.
            if let Some(stream) = link.receiver.take_invalid_stream() {
                self.answer_chunk(error_chunk(&[Cause::InvalidStream(stream)]));
            }
        }
        if let State::ShutdownSent(closing) = &mut self.state {
            // RFC 9260 §9.2: the peer is there, and data is answered with SHUTDOWN at once.
            closing.tries.repeats = 0;
            if has_data {
                closing.tries.due = true;
                self.timers.stop(Timer::Shutdown as usize);
            }
        }
    }
}
