//! Their socket as a machine of the suite.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use dcsctp::api::{
    DcSctpSocket, LifecycleId, Message, Options, PpId, SendOptions, SocketEvent, SocketTime,
    StreamId,
};

use crate::subjects::{
    sctp::{SctpConfig, SctpEndpoint, SctpEvent, SctpMessage, SctpReliability},
    stun::Refusal,
};

pub(super) struct Endpoint {
    socket: Box<dyn DcSctpSocket>,
    dice: Rng,
    local: SocketAddr,
    remote: SocketAddr,
    outbox: VecDeque<Vec<u8>>,
    events: VecDeque<SctpEvent>,
    latest: Instant,
    /// Messages whose end is worth a report get numbers.
    followed: u64,
    reads: bool,
    /// Nothing is asked of it any more after a panic.
    is_dead: bool,
}

impl Endpoint {
    pub(super) fn new(options: &Options, config: &SctpConfig, dice: Rng) -> Self {
        let (local, remote) = (config.local, config.remote);
        Self {
            socket: dcsctp::new_socket("subject", options),
            dice,
            local,
            remote,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            latest: Instant::ZERO,
            followed: 0,
            reads: true,
            is_dead: false,
        }
    }

    /// Tells them the time, lets them do something, and takes everything they have.
    fn turn<R>(
        &mut self,
        now: Instant,
        command: impl FnOnce(&mut dyn DcSctpSocket) -> R,
    ) -> Option<R> {
        if self.is_dead {
            return None;
        }
        self.latest = self.latest.max(now);
        fastrand::seed(self.dice.public_u64());
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            self.socket.advance_time(their_time(self.latest));
            let outcome = command(self.socket.as_mut());
            self.collect();
            outcome
        }));
        if outcome.is_err() {
            self.is_dead = true;
            self.events.push_back(SctpEvent::Failed("it panicked".to_owned()));
        }
        outcome.ok()
    }

    fn collect(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            self.report(event);
        }
        while self.reads
            && let Some(message) = self.socket.get_next_message()
        {
            let Message { stream_id, ppid, payload } = message;
            self.events.push_back(SctpEvent::Message {
                stream: stream_id.0,
                ppid: ppid.0,
                data: payload,
            });
        }
        // What was read may open the window, which they announce by themselves.
        while let Some(event) = self.socket.poll_event() {
            self.report(event);
        }
    }

    fn report(&mut self, event: SocketEvent) {
        let event = match event {
            SocketEvent::SendPacket(packet) => return self.outbox.push_back(packet),
            SocketEvent::OnConnected() => SctpEvent::Connected,
            SocketEvent::OnClosed() => SctpEvent::Closed,
            SocketEvent::OnConnectionRestarted() => SctpEvent::Restarted,
            SocketEvent::OnAborted(kind, text) => SctpEvent::Failed(format!("{kind:?}: {text}")),
            SocketEvent::OnStreamsResetFailed(streams) => SctpEvent::ResetDenied(plain(&streams)),
            SocketEvent::OnStreamsResetPerformed(streams) => SctpEvent::ResetDone(plain(&streams)),
            SocketEvent::OnIncomingStreamReset(streams) => {
                SctpEvent::IncomingReset(plain(&streams))
            }
            SocketEvent::OnLifecycleMessageExpired(_)
            | SocketEvent::OnLifecycleMessageMaybeExpired(_) => SctpEvent::Abandoned,
            other => SctpEvent::Other(format!("{other:?}")),
        };
        self.events.push_back(event);
    }
}

fn dead() -> Refusal {
    Refusal::because("it has panicked")
}

fn plain(streams: &[StreamId]) -> Vec<u16> {
    streams.iter().map(|stream| stream.0).collect()
}

fn their_time(at: Instant) -> SocketTime {
    SocketTime::zero() + Duration::from_nanos(at.as_nanos())
}

impl SctpEndpoint for Endpoint {
    fn connect(&mut self, now: Instant) {
        self.turn(now, |socket| socket.connect());
    }

    fn send(&mut self, now: Instant, message: SctpMessage) -> Result<(), Refusal> {
        let SctpMessage { stream, ppid, data, unordered, reliability } = message;
        let (lifetime, max_retransmissions) = match reliability {
            SctpReliability::Reliable => (None, None),
            SctpReliability::Lifetime(time) => (Some(time), None),
            SctpReliability::Retransmits(count) => (None, Some(count)),
            SctpReliability::Priority(_) => return Err(Refusal::Unsupported),
        };
        let lifecycle_id = (reliability != SctpReliability::Reliable)
            .then(|| {
                self.followed += 1;
                LifecycleId::new(self.followed)
            })
            .flatten();
        let options = SendOptions { unordered, lifetime, max_retransmissions, lifecycle_id };
        let message = Message::new(StreamId(stream), PpId(ppid), data);
        let taken = self.turn(now, |socket| socket.send(message, &options));
        taken.ok_or_else(dead)?.map_err(Refusal::because)
    }

    fn set_reading(&mut self, now: Instant, reads: bool) {
        self.reads = reads;
        self.turn(now, |_| ());
    }

    fn buffered(&mut self, stream: u16) -> usize {
        self.socket.buffered_amount(StreamId(stream))
    }

    fn reset_streams(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal> {
        let streams: Vec<StreamId> = streams.iter().copied().map(StreamId).collect();
        let taken = self.turn(now, |socket| socket.reset_streams(&streams));
        taken.ok_or_else(dead)?.map_err(Refusal::because)
    }

    fn shutdown(&mut self, now: Instant) {
        self.turn(now, |socket| socket.shutdown());
    }

    fn abort(&mut self, now: Instant) {
        self.turn(now, |socket| socket.close());
    }
}

impl Machine for Endpoint {
    type Event = SctpEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.turn(now, |socket| socket.handle_input(datagram.payload));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.turn(now, |_| ());
        }
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let bytes = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(self.remote, bytes.len()).from(self.local))
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.is_dead {
            return None;
        }
        let at = self.socket.poll_timeout();
        if at == SocketTime::infinite_future() {
            return None;
        }
        let at = Instant::ZERO + (at - SocketTime::zero());
        // Deadlines advance: what they want done at once was done in the last turn.
        Some(at.max(self.latest + Duration::from_nanos(1)))
    }
}
