//! An endpoint that sends all it can, or counts what comes.

use base::{Datagram, Instant, Machine, SocketError, Transmit};

use super::MESSAGE;
use crate::subjects::sctp::{SctpEndpoint, SctpEvent, SctpMessage};

/// The stream of the messages.
const STREAM: u16 = 1;
/// The application gives no more while its stack says that so much waits: twice the bandwidth-delay product
/// of the longest path, and some more, so that the stack is never what it waits for.
const FULL: usize = 8 << 20;

/// An endpoint and its application.
pub(super) struct Bulk {
    endpoint: Box<dyn SctpEndpoint>,
    sends: bool,
    message: SctpMessage,
    connected: Option<Instant>,
    delivered: u64,
    ended: Option<String>,
}

impl Bulk {
    /// An application that sends, or one that reads.
    pub(super) fn new(endpoint: Box<dyn SctpEndpoint>, sends: bool) -> Self {
        Self {
            endpoint,
            sends,
            message: SctpMessage::new(STREAM, vec![0xa5; MESSAGE]),
            connected: None,
            delivered: 0,
            ended: None,
        }
    }

    pub(super) fn connect(&mut self, now: Instant) {
        self.endpoint.connect(now);
    }

    /// When the association stood.
    pub(super) const fn connected(&self) -> Option<Instant> {
        self.connected
    }

    /// Bytes of messages that came whole.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Why the association ended.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// Reads what there is and sends what finds room.
    fn act(&mut self, now: Instant) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                SctpEvent::Connected => self.connected = self.connected.or(Some(now)),
                SctpEvent::Message { data, .. } => {
                    self.delivered += u64::try_from(data.len()).unwrap_or(0);
                }
                SctpEvent::Failed(reason) => self.ended = Some(reason),
                SctpEvent::Closed => self.ended = Some("closed".to_owned()),
                _ => {}
            }
        }
        if self.sends && self.connected.is_some() && self.ended.is_none() {
            while self.endpoint.buffered(STREAM) < FULL
                && self.endpoint.send(now, self.message.clone()).is_ok()
            {}
        }
    }
}

impl Machine for Bulk {
    type Event = ();

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.endpoint.handle_datagram(now, datagram);
        self.act(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.endpoint.handle_socket_error(now, error);
        self.act(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.act(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.endpoint.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }
}
