//! Ours, with any of its congestion controllers.

use base::{Datagram, Instant, Machine, Rng, Transmit};
use bytes::Bytes;
use sctp::{Algorithm, Config, Event, Ppid, SendOptions, StreamId};

use crate::subjects::{
    sctp::{SctpConfig, SctpEndpoint, SctpEvent, SctpMessage},
    stun::Refusal,
};

/// Our endpoint over UDP, as far as bulk data needs it.
pub(super) struct Endpoint {
    endpoint: sctp::Endpoint,
}

impl Endpoint {
    pub(super) fn new(algorithm: Algorithm, config: &SctpConfig, rng: Rng) -> Self {
        let mut settings = Config::default();
        settings.algorithm = algorithm;
        settings.max_packet = config.max_packet.unwrap_or(settings.max_packet);
        if !config.discovery {
            settings.max_probe = settings.max_packet;
        }
        settings.max_receive_window = config.receive_window.unwrap_or(settings.max_receive_window);
        let endpoint = sctp::Endpoint::new(settings, config.remote, rng, Instant::ZERO);
        Self { endpoint }
    }
}

impl SctpEndpoint for Endpoint {
    fn connect(&mut self, now: Instant) {
        // What stands already need not be begun.
        let _ = self.endpoint.association().connect(now);
    }

    fn send(&mut self, now: Instant, message: SctpMessage) -> Result<(), Refusal> {
        let (stream, ppid) = (StreamId::new(message.stream), Ppid::new(message.ppid));
        let payload = Bytes::from(message.data);
        let association = self.endpoint.association();
        let taken = association.send(now, stream, ppid, payload, &SendOptions::default());
        taken.map_err(Refusal::because)
    }

    fn set_reading(&mut self, _now: Instant, _reads: bool) {}

    fn buffered(&mut self, stream: u16) -> usize {
        self.endpoint.state().buffered_amount(StreamId::new(stream))
    }

    fn reset_streams(&mut self, _now: Instant, _streams: &[u16]) -> Result<(), Refusal> {
        Err(Refusal::Unsupported)
    }

    fn shutdown(&mut self, now: Instant) {
        self.endpoint.association().shutdown(now);
    }

    fn abort(&mut self, now: Instant) {
        self.endpoint.association().abort(now, b"");
    }
}

impl Machine for Endpoint {
    type Event = SctpEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.endpoint.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.endpoint.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        Some(match self.endpoint.poll_event()? {
            Event::Connected => SctpEvent::Connected,
            Event::Message(message) => SctpEvent::Message {
                stream: message.stream.get(),
                ppid: message.ppid.get(),
                data: message.payload.to_vec(),
            },
            Event::Closed(reason) => SctpEvent::Failed(reason.to_string()),
            other => SctpEvent::Other(format!("{other:?}")),
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }
}
