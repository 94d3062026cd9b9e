//! Our association as a machine of the suite.

use std::net::SocketAddr;

use base::{Datagram, Instant, Machine, Rng, Transmit};
use bytes::Bytes;
use crypto::Provider;
use sctp::{
    Algorithm, Association, CloseReason, Config, Event, Features, Message, Ppid, Reliability,
    Scheduler, SendOptions, StreamId,
};

use crate::subjects::{
    sctp::{SctpConfig, SctpEndpoint, SctpEvent, SctpMessage, SctpReliability},
    stun::Refusal,
};

pub(super) fn endpoint(provider: Provider, config: &SctpConfig, rng: Rng) -> Box<dyn SctpEndpoint> {
    let settings = settings(provider, config);
    Box::new(Endpoint {
        association: Association::new(settings, rng, Instant::ZERO),
        local: config.local,
        remote: config.remote,
        reads: true,
    })
}

fn settings(provider: Provider, config: &SctpConfig) -> Config {
    let mut settings = Config::default();
    settings.provider = provider;
    (settings.local_port, settings.remote_port) = config.ports;
    (settings.outgoing_streams, settings.incoming_streams) = config.streams;
    settings.features = Features {
        forward_tsn: config.partial_reliability,
        interleaving: config.interleaving,
        reconfig: true,
        zero_checksum: config.zero_checksum,
        ecn: config.ecn,
    };
    if config.classic {
        settings.algorithm = Algorithm::Rfc9260;
    }
    settings.max_packet = config.max_packet.unwrap_or(settings.max_packet);
    if !config.discovery {
        settings.max_probe = settings.max_packet;
    }
    settings.max_receive_window = config.receive_window.unwrap_or(settings.max_receive_window);
    settings.max_message = config.max_message.unwrap_or(settings.max_message);
    if let Some((initial, least, most)) = config.rto {
        (settings.rto_initial, settings.rto_min, settings.rto_max) = (initial, least, most);
    }
    settings.max_init_retransmits =
        config.max_init_retransmits.unwrap_or(settings.max_init_retransmits);
    settings.max_retransmits = config.max_retransmits.unwrap_or(settings.max_retransmits);
    settings.heartbeat_interval = config.heartbeat.or(settings.heartbeat_interval);
    settings
}

struct Endpoint {
    association: Association,
    local: SocketAddr,
    remote: SocketAddr,
    reads: bool,
}

impl SctpEndpoint for Endpoint {
    fn connect(&mut self, now: Instant) {
        // What stands already need not be begun.
        let _ = self.association.connect(now);
    }

    fn send(&mut self, now: Instant, message: SctpMessage) -> Result<(), Refusal> {
        let SctpMessage { stream, ppid, data, unordered, reliability } = message;
        let reliability = match reliability {
            SctpReliability::Reliable => Reliability::Reliable,
            SctpReliability::Lifetime(time) => Reliability::Lifetime(time),
            SctpReliability::Retransmits(count) => Reliability::Retransmits(count),
            SctpReliability::Priority(priority) => Reliability::Priority(priority),
        };
        let options = SendOptions { unordered, reliability, immediate: false };
        let (stream, ppid) = (StreamId::new(stream), Ppid::new(ppid));
        let taken = self.association.send(now, stream, ppid, Bytes::from(data), &options);
        taken.map_err(Refusal::because)
    }

    fn set_reading(&mut self, _now: Instant, reads: bool) {
        self.reads = reads;
    }

    fn buffered(&mut self, stream: u16) -> usize {
        self.association.buffered_amount(StreamId::new(stream))
    }

    fn reset_streams(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal> {
        self.association.reset_streams(now, &ids(streams)).map_err(Refusal::because)
    }

    fn request_reset(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal> {
        self.association.request_reset(now, &ids(streams)).map_err(Refusal::because)
    }

    fn reset_association(&mut self, now: Instant) -> Result<(), Refusal> {
        self.association.reset_association(now).map_err(Refusal::because)
    }

    fn add_streams(&mut self, now: Instant, outgoing: u16, incoming: u16) -> Result<(), Refusal> {
        self.association.add_streams(now, outgoing, incoming).map_err(Refusal::because)
    }

    fn init_chunk(&mut self, _now: Instant) -> Result<Vec<u8>, Refusal> {
        Ok(self.association.init_chunk())
    }

    fn connect_with(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), Refusal> {
        self.association.connect_with(now, peer_init).map_err(Refusal::because)
    }

    fn set_scheduler(&mut self, _now: Instant, name: &str) -> Result<(), Refusal> {
        let scheduler = match name {
            "first-come" => Scheduler::FirstComeFirstServed,
            "round-robin" => Scheduler::RoundRobin,
            "round-robin-per-packet" => Scheduler::RoundRobinPerPacket,
            "priority" => Scheduler::Priority,
            "fair-capacity" => Scheduler::FairCapacity,
            "weighted-fair" => Scheduler::WeightedFair,
            _ => return Err(Refusal::Unsupported),
        };
        self.association.set_scheduler(scheduler);
        Ok(())
    }

    fn set_priority(&mut self, _now: Instant, stream: u16, priority: u16) -> Result<(), Refusal> {
        self.association.set_priority(StreamId::new(stream), priority);
        Ok(())
    }

    fn shutdown(&mut self, now: Instant) {
        self.association.shutdown(now);
    }

    fn abort(&mut self, now: Instant) {
        self.association.abort(now, b"");
    }
}

impl Machine for Endpoint {
    type Event = SctpEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.association.handle_packet(now, datagram.payload, datagram.ecn);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let outgoing = self.association.poll_packet(now, buffer)?;
        let mut transmit = Transmit::new(self.remote, outgoing.size).from(self.local);
        transmit.ecn = outgoing.ecn;
        Some(transmit)
    }

    fn poll_event(&mut self) -> Option<SctpEvent> {
        if self.reads
            && let Some(message) = self.association.poll_message()
        {
            return Some(delivered(message));
        }
        self.association.poll_event().map(report)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }
}

fn ids(streams: &[u16]) -> Vec<StreamId> {
    streams.iter().copied().map(StreamId::new).collect()
}

fn delivered(message: Message) -> SctpEvent {
    SctpEvent::Message {
        stream: message.stream.get(),
        ppid: message.ppid.get(),
        data: message.payload.to_vec(),
    }
}

fn report(event: Event) -> SctpEvent {
    let plain = |streams: Vec<StreamId>| streams.into_iter().map(StreamId::get).collect();
    match event {
        Event::Connected => SctpEvent::Connected,
        Event::Restarted => SctpEvent::Restarted,
        Event::Message(message) => delivered(message),
        Event::Abandoned { .. } => SctpEvent::Abandoned,
        Event::StreamsReset { incoming } => SctpEvent::IncomingReset(plain(incoming)),
        Event::ResetDone { outgoing } => SctpEvent::ResetDone(plain(outgoing)),
        Event::ResetDenied { outgoing } => SctpEvent::ResetDenied(plain(outgoing)),
        Event::StreamsAdded { .. } => SctpEvent::StreamsAdded,
        Event::Closed(CloseReason::Shutdown) => SctpEvent::Closed,
        Event::Closed(CloseReason::AbortedByPeer { cause, reason }) => {
            let reason = String::from_utf8_lossy(&reason);
            SctpEvent::Failed(format!("aborted by the peer: {cause:?} {reason}"))
        }
        Event::Closed(reason) => SctpEvent::Failed(reason.to_string()),
        other => SctpEvent::Other(format!("{other:?}")),
    }
}
