//! What leaves: which packet is next, and the order of chunks in it (RFC 9260 §6.10).

use std::time::Duration;

use base::{Ecn, Instant, Writer};

use super::{
    Association,
    introduction::{self, Extra},
    link::Link,
    state::State,
    timing::Timer,
};
use crate::{
    path::HeartbeatInfo,
    wire::{
        self, ChunkType, CookieAck, CookieEcho, Cwr, Ecne, HEADER_LENGTH, Header, Heartbeat, Pad,
        Shutdown, ShutdownAck,
    },
};

/// A packet that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its bytes at the end of the buffer.
    pub size: usize,
    /// The congestion mark to send it with.
    pub ecn: Ecn,
    /// Whether it finds out if the path carries packets of its size. The layer below must not cut it to
    /// pieces; what happens to it says nothing about congestion.
    pub is_probe: bool,
}

/// How a packet is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Finish {
    tag: u32,
    ecn: Ecn,
    is_probe: bool,
    has_checksum: bool,
}

impl Association {
    /// Appends the next packet to `buffer`, if there is one to send now.
    pub fn poll_packet(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Outgoing> {
        let now = self.advance(now);
        let mut writer = Writer::new(buffer);
        let header = Header {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag: 0,
        };
        header.write(&mut writer);
        let finish = self.write_chunks(now, &mut writer);
        if self.state.sender().is_some_and(|sender| sender.has_events())
            && self.timers.get(Timer::News as usize).is_none()
        {
            self.timers.set(Timer::News as usize, now + Duration::from_nanos(1));
        }
        let Some(finish) = finish else {
            writer.truncate(0);
            return None;
        };
        if let Some(tag) = writer.written_mut().get_mut(4..8) {
            tag.copy_from_slice(&finish.tag.to_be_bytes());
        }
        if finish.has_checksum {
            wire::seal(writer.written_mut());
        }
        let size = writer.len();
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += size as u64;
        Some(Outgoing { size, ecn: finish.ecn, is_probe: finish.is_probe })
    }

    fn write_chunks(&mut self, now: Instant, writer: &mut Writer<'_>) -> Option<Finish> {
        if let Some(answer) = self.answers.pop_packet() {
            writer.bytes(&answer.chunks);
            return Some(Finish::plain(answer.tag));
        }
        match self.state {
            State::Closed => None,
            State::CookieWait(_) => self.write_init(now, writer),
            State::CookieEchoed(_) => self.write_cookie_echo(now, writer),
            State::Established(_) | State::ShutdownPending(_) | State::ShutdownReceived(_) => {
                self.write_packet(now, writer)
            }
            State::ShutdownSent(_) | State::ShutdownAckSent(_) => self.write_closing(now, writer),
        }
    }

    fn write_init(&mut self, now: Instant, writer: &mut Writer<'_>) -> Option<Finish> {
        let State::CookieWait(opening) = &mut self.state else { return None };
        if !std::mem::take(&mut opening.tries.due) {
            return None;
        }
        if opening.tries.repeats == 0 {
            opening.tries.first = now;
        }
        let extra = Extra { longer: opening.longer, ..Extra::default() };
        introduction::write(ChunkType::INIT, &self.config, opening.local, extra, writer);
        self.timers.set(Timer::Setup as usize, now + opening.rtt.rto());
        Some(Finish::plain(0))
    }

    /// RFC 9260 §5.1 C: the cookie first, then what waits; nothing else before its answer.
    fn write_cookie_echo(&mut self, now: Instant, writer: &mut Writer<'_>) -> Option<Finish> {
        let State::CookieEchoed(echoing) = &mut self.state else { return None };
        // RFC 9260 §8.3: a heartbeat is answered from now on. Its peer has taken the cookie, since it stands;
        // the answer goes with the cookie all the same, so that a lost COOKIE ACK is made good for at once.
        if self.answers.has_chunks() {
            echoing.tries.due = true;
            echoing.tries.repeats = echoing.tries.repeats.max(1);
        }
        if !std::mem::take(&mut echoing.tries.due) {
            return None;
        }
        if echoing.tries.repeats == 0 {
            echoing.tries.first = now;
        }
        let link = &mut echoing.link;
        CookieEcho { cookie: &echoing.cookie }.write(writer);
        let most = HEADER_LENGTH + link.room();
        if writer.len() + echoing.report.len() <= most {
            writer.bytes(&echoing.report);
        }
        self.answers.write_chunks(most, writer);
        if link.sender.deadline().is_some_and(|at| at <= now) {
            // The timeout has been doubled for the cookie already.
            link.sender.handle_timeout(now, &mut link.control, &mut link.rtt.clone());
        }
        let room = most.saturating_sub(writer.len());
        link.sender.fill(now, room, writer, &mut link.control, &link.rtt);
        self.timers.set(Timer::Setup as usize, now + link.rtt.rto());
        if base::mutant::active("sctp-cookie-echo-without-checksum") {
            return Some(Finish::of(link));
        }
        Some(Finish::plain(link.peer_tag))
    }

    fn write_packet(&mut self, now: Instant, writer: &mut Writer<'_>) -> Option<Finish> {
        let (State::Established(link)
        | State::ShutdownPending(link)
        | State::ShutdownReceived(link)) = &mut self.state
        else {
            return None;
        };
        let mut finish = Finish::of(link);
        finish.has_checksum &= !base::mutant::active("sctp-zero-checksum-always");
        let most = HEADER_LENGTH + link.room();
        if std::mem::take(&mut link.is_cookie_ack_due) {
            CookieAck.write(writer);
        }
        let has_data = link.sender.has_data_ready(now, &link.control);
        write_acknowledgement(link, most, has_data, writer);
        if link.sender.forward_tsn_due() {
            let room = most.saturating_sub(writer.len());
            link.sender.write_forward_tsn(now, room, writer, &link.rtt);
        }
        if link.resets.has_work() {
            link.resets.write(now, most, link.rtt.rto(), writer, &mut link.sender);
        }
        self.answers.write_chunks(most, writer);
        let link = self.state.link_mut()?;
        if link.heartbeats.is_due()
            && writer.len() + HEARTBEAT_LENGTH <= most
            && let Some(info) = link.heartbeats.poll(now, &link.rtt)
        {
            write_heartbeat(info, writer);
        }
        // Also where nothing may leave now: it is then that the sender sets the timer for when it may.
        let room = most.saturating_sub(writer.len());
        let first = link.sender.next_tsn();
        if link.sender.fill(now, room, writer, &mut link.control, &link.rtt) > 0 {
            link.heartbeats.on_activity(now, &link.rtt);
            link.on_packet_sent(writer.len(), first);
            finish.ecn = if link.features.ecn { Ecn::Ect0 } else { Ecn::NotEct };
        }
        // What was too old to be sent may have been the last of it.
        if writer.len() == HEADER_LENGTH && link.sender.forward_tsn_due() {
            link.sender.write_forward_tsn(now, room, writer, &link.rtt);
        }
        if writer.len() > HEADER_LENGTH {
            return Some(finish);
        }
        write_probe(link, now, writer).then_some(Finish { is_probe: true, ..finish })
    }

    /// SHUTDOWN or SHUTDOWN ACK, with what belongs to it.
    fn write_closing(&mut self, now: Instant, writer: &mut Writer<'_>) -> Option<Finish> {
        let is_first = matches!(self.state, State::ShutdownSent(_));
        let (State::ShutdownSent(closing) | State::ShutdownAckSent(closing)) = &mut self.state
        else {
            return None;
        };
        let link = &mut closing.link;
        let finish = Finish::of(link);
        let most = HEADER_LENGTH + link.room();
        if std::mem::take(&mut link.is_cookie_ack_due) {
            CookieAck.write(writer);
        }
        // RFC 9260 §9.2: SHUTDOWN says less than SACK where something is missing.
        if is_first && (link.receiver.sack_due() || closing.tries.due && link.receiver.has_gap()) {
            link.receiver.write_sack(most.saturating_sub(writer.len()), writer);
        }
        if std::mem::take(&mut closing.tries.due) {
            if is_first {
                Shutdown { cumulative: link.receiver.cumulative_tsn() }.write(writer);
            } else {
                ShutdownAck.write(writer);
            }
            self.timers.set(Timer::Shutdown as usize, now + link.rtt.rto());
        }
        self.answers.write_chunks(most, writer);
        (writer.len() > HEADER_LENGTH).then_some(finish)
    }
}

/// Bytes of a HEARTBEAT of ours.
const HEARTBEAT_LENGTH: usize = 8 + HeartbeatInfo::SIZE;

/// What says that something arrived: the SACK, and marks.
fn write_acknowledgement(link: &mut Link, most: usize, has_data: bool, writer: &mut Writer<'_>) {
    // RFC 9260 §6.1: what leaves anyhow takes an acknowledgement along.
    if link.receiver.sack_due() || has_data && link.receiver.sack_pending() {
        link.receiver.write_sack(most.saturating_sub(writer.len()), writer);
    }
    if !link.marks.is_due() {
        return;
    }
    if let Some(lowest) = link.marks.take_echo() {
        Ecne { lowest }.write(writer);
    }
    if let Some(lowest) = link.marks.take_confirmation() {
        Cwr { lowest }.write(writer);
    }
}

fn write_heartbeat(info: HeartbeatInfo, writer: &mut Writer<'_>) {
    let heartbeat = Heartbeat { info: &info.to_bytes(), rest: &[] };
    heartbeat.write(ChunkType::HEARTBEAT, writer);
}

/// A probe of the path: a heartbeat and padding, nothing that would be missed (RFC 8899 §6.2.1).
fn write_probe(link: &mut Link, now: Instant, writer: &mut Writer<'_>) -> bool {
    if !link.discovery.is_probe_due() {
        return false;
    }
    let Some(probe) = link.discovery.poll_probe(now, link.rtt.rto()) else { return false };
    let info = link.new_probe(now, probe.size);
    write_heartbeat(info, writer);
    let left = probe.size.saturating_sub(writer.len() + 4);
    Pad { length: u16::try_from(left).unwrap_or(u16::MAX) }.write(writer);
    true
}

impl Finish {
    /// A packet that begins or ends an association: with a checksum, whatever was agreed on (RFC 9653).
    const fn plain(tag: u32) -> Self {
        Self { tag, ecn: Ecn::NotEct, is_probe: false, has_checksum: true }
    }

    const fn of(link: &Link) -> Self {
        Self {
            tag: link.peer_tag,
            ecn: Ecn::NotEct,
            is_probe: false,
            has_checksum: !link.features.zero_checksum,
        }
    }
}
