//! What an application asks for: RFC 9260 §11.1.

use base::Instant;
use bytes::Bytes;

use super::{Association, state::State};
use crate::{MIN_MAX_PACKET, Ppid, Scheduler, SendError, SendOptions, StreamId};

impl Association {
    /// Takes a message, to be sent when it is its turn.
    ///
    /// It may be given as soon as set-up has begun.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the message is not taken then.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        payload: Bytes,
        options: &SendOptions,
    ) -> Result<(), SendError> {
        let now = self.advance(now);
        let sender = match &mut self.state {
            State::Closed => return Err(SendError::NotConnected),
            State::CookieWait(opening) if !opening.then_shutdown => &mut opening.sender,
            State::CookieEchoed(echoing) if !echoing.then_shutdown => &mut echoing.link.sender,
            State::Established(link) if link.resets.is_resetting(stream) => {
                return Err(SendError::StreamResetting);
            }
            State::Established(link) => &mut link.sender,
            // RFC 9260 §9.2: from the wish to shut down on.
            _ => return Err(SendError::Closed),
        };
        sender.enqueue(now, stream, ppid, payload, options)?;
        self.stats.messages_sent += 1;
        // Others may have had to make room.
        self.collect();
        Ok(())
    }

    /// Bytes of the messages of `stream` that wait to be sent for the first time.
    #[must_use]
    pub fn buffered_amount(&self, stream: StreamId) -> usize {
        self.state.sender().map_or(0, |sender| sender.buffered(stream))
    }

    /// The same of all streams.
    #[must_use]
    pub fn total_buffered(&self) -> usize {
        self.state.sender().map_or(0, |sender| sender.total_buffered())
    }

    /// Wants [`Event::BufferedLow`](crate::Event::BufferedLow) when no more than `bytes` of `stream` wait
    /// any more.
    pub fn set_buffered_low(&mut self, stream: StreamId, bytes: usize) {
        if let Some(sender) = self.state.sender_mut() {
            sender.set_low_threshold(stream, bytes);
        }
    }

    /// Sets the weight of `stream` in fair queueing and its rank among priorities: more is more urgent
    /// (RFC 8260 §3).
    pub fn set_priority(&mut self, stream: StreamId, priority: u16) {
        if let Some(sender) = self.state.sender_mut() {
            sender.set_priority(stream, priority);
        }
    }

    /// Chooses which stream's turn it is (RFC 8260 §3).
    pub fn set_scheduler(&mut self, scheduler: Scheduler) {
        if let Some(sender) = self.state.sender_mut() {
            sender.set_scheduler(scheduler);
        }
    }

    /// The layer below carries packets of at most `bytes`: what it knows of the path, or was told
    /// (RFC 8899 §4.6), but never below 256. No packet is planned to be longer from now on.
    pub fn set_max_packet(&mut self, now: Instant, bytes: usize) {
        let now = self.advance(now);
        // A shorter one would not hold an acknowledgement.
        let bytes = bytes.max(MIN_MAX_PACKET);
        self.limit = bytes;
        if let Some(link) = self.state.link_mut() {
            link.discovery.set_limit(now, bytes);
            link.fit();
        }
    }

    /// Asks the path for a sign of life now (RFC 9260 §11.1.10).
    pub fn request_heartbeat(&mut self, now: Instant) {
        self.advance(now);
        if let Some(link) = self.state.standing() {
            link.heartbeats.request();
        }
    }

    /// Whether nothing waits to be sent or acknowledged.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state.sender().is_none_or(|sender| sender.is_idle())
    }

    /// Streams that the peer can send on.
    #[must_use]
    pub fn incoming_streams(&self) -> u16 {
        self.state.link().map_or(self.config.incoming_streams, |link| link.receiver.streams())
    }

    /// Streams that messages can be sent on.
    #[must_use]
    pub fn outgoing_streams(&self) -> u16 {
        self.state.sender().map_or(self.config.outgoing_streams, |sender| sender.outgoing_streams())
    }
}
