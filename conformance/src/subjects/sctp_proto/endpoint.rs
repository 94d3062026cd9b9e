//! Their endpoint with its associations as a machine of the suite.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use base::{Datagram, Instant, Machine, Transmit};
use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, TransportConfig,
    generate_snap_token,
};

use crate::{
    clock::ForeignClock,
    subjects::{
        sctp::{SctpConfig, SctpEndpoint, SctpEvent, SctpMessage, SctpReliability},
        stun::Refusal,
    },
};

pub(super) struct Endpoint {
    endpoint: sctp_proto::Endpoint,
    transport: Arc<TransportConfig>,
    clock: ForeignClock,
    associations: BTreeMap<usize, Association>,
    /// The association that messages go over.
    current: Option<usize>,
    /// Our INIT, if it was carried by other means.
    token: Option<Bytes>,
    local: SocketAddr,
    remote: SocketAddr,
    outbox: VecDeque<Vec<u8>>,
    events: VecDeque<SctpEvent>,
    latest: Instant,
    reads: bool,
}

impl Endpoint {
    pub(super) fn new(
        packets: EndpointConfig,
        transport: Arc<TransportConfig>,
        config: &SctpConfig,
    ) -> Self {
        let mut server = ServerConfig::new();
        server.transport = Arc::clone(&transport);
        Self {
            endpoint: sctp_proto::Endpoint::new(Arc::new(packets), Some(Arc::new(server))),
            transport,
            clock: ForeignClock::start(),
            associations: BTreeMap::new(),
            current: None,
            token: None,
            local: config.local,
            remote: config.remote,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            latest: Instant::ZERO,
            reads: true,
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::default();
        client.transport = Arc::clone(&self.transport);
        client
    }

    fn begin(&mut self, now: Instant, client: ClientConfig) -> Result<(), Refusal> {
        self.latest = self.latest.max(now);
        if self.associations.is_empty() {
            // Their first timer starts at the present of the machine, whatever the time is here.
            self.clock = ForeignClock::start_at(self.latest);
        }
        let begun = self.endpoint.connect(client, self.remote);
        let (handle, association) = begun.map_err(Refusal::because)?;
        self.associations.insert(handle.0, association);
        self.current = Some(handle.0);
        self.collect();
        Ok(())
    }

    /// Lets the association that is spoken over do something, and takes everything there is.
    fn turn<R>(
        &mut self,
        now: Instant,
        command: impl FnOnce(&mut Association) -> Result<R, sctp_proto::Error>,
    ) -> Result<R, Refusal> {
        self.latest = self.latest.max(now);
        let current = self.current.and_then(|handle| self.associations.get_mut(&handle));
        let association = current.ok_or_else(|| Refusal::because("there is no association"))?;
        let outcome = command(association).map_err(Refusal::because);
        self.collect();
        outcome
    }

    fn collect(&mut self) {
        let now = self.clock.at(self.latest);
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.outbox.extend(packets(transmit.payload));
        }
        let handles: Vec<usize> = self.associations.keys().copied().collect();
        for handle in handles {
            let Some(association) = self.associations.get_mut(&handle) else { continue };
            loop {
                let mut quiet = true;
                if self.reads {
                    quiet &= !read(association, &mut self.events);
                }
                while let Some(event) = association.poll() {
                    quiet = false;
                    if matches!(event, Event::Connected) {
                        self.current = Some(handle);
                    }
                    self.events.extend(report(event));
                }
                while let Some(transmit) = association.poll_transmit(now) {
                    quiet = false;
                    self.outbox.extend(packets(transmit.payload));
                }
                if quiet {
                    break;
                }
            }
            // They let go of an association as soon as it is asked to shut down, although the peer's
            // answers are still to come: it is kept until it is closed.
            if association.is_closed() {
                while let Some(event) = association.poll_endpoint_event() {
                    if event.is_drained() {
                        let _ = self.endpoint.handle_event(AssociationHandle(handle), event);
                        self.associations.remove(&handle);
                        break;
                    }
                }
            }
        }
    }
}

fn packets(payload: Payload) -> Vec<Vec<u8>> {
    match payload {
        Payload::RawEncode(packets) => packets.iter().map(|packet| packet.to_vec()).collect(),
        Payload::PartialDecode(_) => Vec::new(),
    }
}

/// Takes every message that is whole; says whether there were any.
fn read(association: &mut Association, events: &mut VecDeque<SctpEvent>) -> bool {
    let before = events.len();
    let mut ids = association.stream_ids();
    ids.sort_unstable();
    for id in ids {
        let Ok(mut stream) = association.stream(id) else { continue };
        while let Ok(Some(chunks)) = stream.read_sctp() {
            let mut data = vec![0; chunks.len()];
            if chunks.read(&mut data).is_ok() {
                let ppid = number(chunks.ppi);
                events.push_back(SctpEvent::Message { stream: id, ppid, data });
            }
        }
    }
    events.len() > before
}

const fn number(ppi: PayloadProtocolIdentifier) -> u32 {
    match ppi {
        PayloadProtocolIdentifier::Dcep => 50,
        PayloadProtocolIdentifier::String => 51,
        PayloadProtocolIdentifier::Binary => 53,
        PayloadProtocolIdentifier::StringEmpty => 56,
        PayloadProtocolIdentifier::BinaryEmpty => 57,
        PayloadProtocolIdentifier::Unknown => 0,
    }
}

fn report(event: Event) -> Option<SctpEvent> {
    Some(match event {
        Event::Connected => SctpEvent::Connected,
        Event::HandshakeFailed { reason } | Event::AssociationLost { reason } => {
            match reason {
                // What they call both the end by ABORT and the end by SHUTDOWN.
                sctp_proto::AssociationError::AssociationClosed
                | sctp_proto::AssociationError::ApplicationClosed => SctpEvent::Closed,
                reason => SctpEvent::Failed(reason.to_string()),
            }
        }
        Event::Stream(StreamEvent::Finished { id }) => SctpEvent::IncomingReset(vec![id]),
        Event::Stream(StreamEvent::ResetComplete { id }) => SctpEvent::ResetDone(vec![id]),
        Event::Stream(StreamEvent::ResetFailed { id, .. }) => SctpEvent::ResetDenied(vec![id]),
        Event::DatagramReceived => return None,
        other => SctpEvent::Other(format!("{other:?}")),
    })
}

impl SctpEndpoint for Endpoint {
    fn connect(&mut self, now: Instant) {
        let client = self.client();
        if let Err(refusal) = self.begin(now, client) {
            self.events.push_back(SctpEvent::Failed(refusal.to_string()));
        }
    }

    fn send(&mut self, now: Instant, message: SctpMessage) -> Result<(), Refusal> {
        let SctpMessage { stream: id, ppid, data, unordered, reliability } = message;
        let (kind, value) = match reliability {
            SctpReliability::Reliable => (ReliabilityType::Reliable, 0),
            SctpReliability::Lifetime(time) => {
                (ReliabilityType::Timed, u32::try_from(time.as_millis()).unwrap_or(u32::MAX))
            }
            SctpReliability::Retransmits(count) => (ReliabilityType::Rexmit, u32::from(count)),
            SctpReliability::Priority(_) => return Err(Refusal::Unsupported),
        };
        let ppi = PayloadProtocolIdentifier::from(ppid);
        self.turn(now, |association| {
            if association.stream(id).is_err() {
                association.open_stream(id, ppi)?;
            }
            let mut stream = association.stream(id)?;
            stream.set_reliability_params(unordered, kind, value)?;
            stream.write_sctp(&Bytes::from(data), ppi).map(|_| ())
        })
    }

    fn set_reading(&mut self, now: Instant, reads: bool) {
        self.latest = self.latest.max(now);
        self.reads = reads;
        self.collect();
    }

    fn buffered(&mut self, stream: u16) -> usize {
        let current = self.current.and_then(|handle| self.associations.get_mut(&handle));
        let Some(association) = current else { return 0 };
        association.stream(stream).and_then(|stream| stream.buffered_amount()).unwrap_or(0)
    }

    fn reset_streams(&mut self, now: Instant, streams: &[u16]) -> Result<(), Refusal> {
        self.turn(now, |association| {
            streams.iter().try_for_each(|id| association.stream(*id)?.close())
        })
    }

    fn init_chunk(&mut self, _now: Instant) -> Result<Vec<u8>, Refusal> {
        let token = generate_snap_token(&self.transport).map_err(Refusal::because)?;
        self.token = Some(token.clone());
        Ok(token.to_vec())
    }

    fn connect_with(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), Refusal> {
        let token = self.token.clone().ok_or_else(|| Refusal::because("no INIT was asked for"))?;
        let client = self.client();
        self.begin(now, client.with_snap(token, Bytes::copy_from_slice(peer_init)))
    }

    fn shutdown(&mut self, now: Instant) {
        // Before the association stands there is nothing that they can shut down.
        let _ = self.turn(now, Association::shutdown);
    }

    fn abort(&mut self, now: Instant) {
        let _ = self.turn(now, Association::close);
    }
}

impl Machine for Endpoint {
    type Event = SctpEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.latest = self.latest.max(now);
        let (time, payload) =
            (self.clock.at(self.latest), Bytes::copy_from_slice(datagram.payload));
        match self.endpoint.handle(time, datagram.source, None, None, payload) {
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some(association) = self.associations.get_mut(&handle.0) {
                    association.handle_event(event);
                }
            }
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.associations.insert(handle.0, association);
                self.current = self.current.or(Some(handle.0));
            }
            None => {}
        }
        self.collect();
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|deadline| deadline > now) {
            return;
        }
        self.latest = self.latest.max(now);
        let time = self.clock.at(self.latest);
        for association in self.associations.values_mut() {
            association.handle_timeout(time);
        }
        self.collect();
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
        let earliest = self.associations.values().filter_map(Association::poll_timeout).min()?;
        // Deadlines advance: what they want done at once was done in the last turn.
        let next = self.latest + std::time::Duration::from_micros(1);
        // Some of its timers begin at the time of this process: what that adds is rounded away, so that results
        // are those of the seed.
        let earliest = self.clock.from(earliest).as_nanos().next_multiple_of(GRAIN);
        Some(Instant::from_nanos(earliest).max(next))
    }
}

/// Nanoseconds to which deadlines are rounded up.
const GRAIN: u64 = 10_000_000;
