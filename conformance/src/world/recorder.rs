//! Watches the network for the case: which stimuli arrived, and the recording.

use base::Instant;
use simnet::{
    Body, Event, Observer, Packet, Topology,
    observe::{Capture, JsonLines, Ladder},
};
use wire::stun::Parsed;
use wire::turn::ChannelData;

use crate::{ctl::Record, execute::Files};

/// A stimulus on its way.
#[derive(Clone, Debug)]
struct Awaited {
    what: String,
    payload: Vec<u8>,
    arrived: Option<Instant>,
}

/// Watches a network.
#[derive(Default)]
pub struct Recorder {
    awaited: Vec<Awaited>,
    recording: Option<Box<Recording>>,
}

/// A full recording.
struct Recording {
    ladder: Ladder,
    log: JsonLines,
    capture: Capture,
}

impl Recorder {
    pub(crate) fn new(record: Record) -> Self {
        let recording = (record == Record::Everything).then(|| {
            let ladder = Ladder::with_summary(summary);
            Box::new(Recording { ladder, log: JsonLines::new(), capture: Capture::new() })
        });
        Self { awaited: Vec::new(), recording }
    }

    /// Waits for a datagram with this payload to be delivered to anyone.
    pub(crate) fn await_stimulus(&mut self, what: String, payload: &[u8]) {
        self.awaited.push(Awaited { what, payload: payload.to_vec(), arrived: None });
    }

    /// The stimuli that arrived, with their times, and those that did not.
    pub(crate) fn stimuli(&self) -> (Vec<(Instant, String)>, Vec<String>) {
        let arrived = self.awaited.iter().filter_map(|a| Some((a.arrived?, a.what.clone())));
        let lost = self.awaited.iter().filter(|a| a.arrived.is_none()).map(|a| a.what.clone());
        (arrived.collect(), lost.collect())
    }

    /// Adds a line of the case to the ladder.
    pub(crate) fn remark(&mut self, at: Instant, text: &str) {
        if let Some(recording) = &mut self.recording {
            recording.ladder.remark(at, text);
        }
    }

    /// The files of a full recording; empty if none was asked for.
    pub(crate) fn into_files(self) -> Files {
        let Some(recording) = self.recording else { return Files::default() };
        Files {
            ladder: recording.ladder.render(),
            log: String::from_utf8_lossy(recording.log.as_bytes()).into_owned(),
            capture: recording.capture.finish().unwrap_or_default(),
        }
    }

    fn arrived(&mut self, at: Instant, packet: &Packet) {
        let Body::Udp(udp) = &packet.body else { return };
        let waits = |awaited: &&mut Awaited| {
            awaited.arrived.is_none() && awaited.payload == udp.payload[..]
        };
        let Some(awaited) = self.awaited.iter_mut().find(waits) else { return };
        awaited.arrived = Some(at);
        let line = format!("→ stimulus: {}", awaited.what);
        self.remark(at, &line);
    }
}

impl Observer for Recorder {
    fn start(&mut self, topology: &Topology) {
        if let Some(recording) = &mut self.recording {
            recording.ladder.start(topology);
            recording.log.start(topology);
            recording.capture.start(topology);
        }
    }

    fn on(&mut self, at: Instant, event: &Event<'_>) {
        if let Some(recording) = &mut self.recording {
            recording.ladder.on(at, event);
            recording.log.on(at, event);
            recording.capture.on(at, event);
        }
        if let Event::Delivered { packet, .. } = event {
            self.arrived(at, packet);
        }
    }
}

/// A payload in the words of the suite's own codec.
fn summary(payload: &[u8]) -> Option<String> {
    let stun = Parsed::read(payload).ok().map(|read| read.to_string());
    stun.or_else(|| wire::dtls::summary(payload))
        .or_else(|| wire::sctp::summary(payload))
        .or_else(|| ChannelData::read(payload).map(|read| read.to_string()))
}
