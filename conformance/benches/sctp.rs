//! What SCTP of this crate costs beside dcsctp and sctp-proto: two associations in memory on one thread.
//!
//! The work is made equal:
//!
//! * no delay, no loss: what one end has to send is told to the other at once, packet by packet, until it
//!   has no more; then the other way round; when neither has anything, time goes on to the next deadline;
//! * packets of at most 1,200 bytes, DATA chunks (no interleaving), one stream, reliable and ordered;
//! * each message is copied from a common source into what the stack takes messages as, no more is
//!   unacknowledged than [`QUEUED`] bytes, and each message that arrives is read and looked at;
//! * an allocator that gives nothing back to the system meanwhile (glibc; elsewhere as it is);
//! * everything else as each has it by default.
//!
//! Rates are bytes of user data for a second of the thread's CPU time, for both ends together: medians of
//! rounds in which the stacks take turns, so that a busy machine slows all of them alike. dcsctp is built
//! with its own defaults, the log calls on its way included; no logger is installed.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{hint::black_box, net::SocketAddr, process::Command, sync::Arc, time::Duration};

use base::{Ecn, Instant, Rng};
use bytes::Bytes;
use conformance::clock::{ForeignClock, Stopwatch};
use dcsctp::api::{
    DcSctpSocket, Options, SocketEvent, SocketTime,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS as OVER_DTLS,
};
use sctp::{Association, Config, Event, Ppid, SendOptions, StreamId};

/// The longest SCTP packet.
const PACKET: usize = 1_200;
/// Bytes of messages that are given and have not arrived, at most one message more.
const QUEUED: usize = 256 << 10;
/// CPU time of one turn of a stack, in seconds, and as much again in which it gets warm.
const TURN: f64 = 0.15;
/// Bytes of user data between two looks at the clock.
const STEP: usize = 4 << 20;
const ROUNDS: usize = 5;
const SIZES: [usize; 4] = [1 << 10, 16 << 10, 64 << 10, 256 << 10];

/// Two connected ends of one stack.
trait Pair {
    fn name(&self) -> &'static str;

    /// Sends copies of `message` from the first end to the second until `total` bytes have arrived.
    fn carry(&mut self, message: &[u8], total: usize);
}

/// Counts what is under way.
#[derive(Default)]
struct Count {
    sent: usize,
    arrived: usize,
}

impl Count {
    const fn has_room(&self, total: usize) -> bool {
        self.sent < total && self.sent - self.arrived < QUEUED
    }

    fn arrive(&mut self, sent: &[u8], arrived: &[u8]) {
        let (first, last) = (black_box(arrived).first(), arrived.last());
        assert_eq!((first, last, arrived.len()), (sent.first(), sent.last(), sent.len()));
        self.arrived += arrived.len();
    }
}

/// This crate.
struct Ours {
    ends: [Association; 2],
    now: Instant,
    packet: Vec<u8>,
}

impl Ours {
    fn new(zero_checksum: bool) -> Self {
        let mut config = Config::default();
        (config.max_packet, config.max_probe) = (PACKET, PACKET);
        config.features.zero_checksum = zero_checksum;
        config.features.interleaving = false;
        let rng = Rng::from_seed([5; 32]);
        let ends = ["a", "b"]
            .map(|label| Association::new(config.clone(), rng.fork(label), Instant::ZERO));
        let mut pair = Self { ends, now: Instant::ZERO, packet: Vec::with_capacity(2 * PACKET) };
        pair.ends[0].connect(pair.now).unwrap();
        while pair.pass(0) + pair.pass(1) > 0 {}
        for end in &mut pair.ends {
            assert!(std::iter::from_fn(|| end.poll_event()).any(|event| event == Event::Connected));
        }
        pair
    }

    /// Tells one end all that the other has to send.
    fn pass(&mut self, from: usize) -> usize {
        let [one, other] = &mut self.ends;
        let (from, to) = if from == 0 { (one, other) } else { (other, one) };
        let mut packets = 0;
        self.packet.clear();
        while from.poll_packet(self.now, &mut self.packet).is_some() {
            to.handle_packet(self.now, &self.packet, Ecn::NotEct);
            self.packet.clear();
            packets += 1;
        }
        packets
    }
}

impl Pair for Ours {
    fn name(&self) -> &'static str {
        "peerlab"
    }

    fn carry(&mut self, message: &[u8], total: usize) {
        let mut count = Count::default();
        while count.arrived < total {
            while count.has_room(total) {
                let (payload, options) = (Bytes::copy_from_slice(message), SendOptions::default());
                let (stream, ppid) = (StreamId::new(1), Ppid::new(53));
                self.ends[0].send(self.now, stream, ppid, payload, &options).unwrap();
                count.sent += message.len();
            }
            let mut moved = self.pass(0);
            while let Some(arrived) = self.ends[1].poll_message() {
                count.arrive(message, &arrived.payload);
            }
            moved += self.pass(1);
            while let Some(event) = self.ends[0].poll_event() {
                black_box(event);
            }
            if moved == 0 {
                let deadlines = self.ends.iter().filter_map(Association::poll_timeout);
                self.now = self.now.max(deadlines.min().unwrap());
                let now = self.now;
                self.ends.iter_mut().for_each(|end| end.handle_timeout(now));
            }
        }
    }
}

/// The package `dcsctp`.
struct Dcsctp {
    ends: [Box<dyn DcSctpSocket>; 2],
}

impl Dcsctp {
    fn new(zero_checksum: bool) -> Self {
        let mut options = Options { mtu: PACKET, ..Options::default() };
        if zero_checksum {
            options.zero_checksum_alternate_error_detection_method = OVER_DTLS;
        }
        fastrand::seed(5);
        let mut pair = Self { ends: ["a", "b"].map(|name| dcsctp::new_socket(name, &options)) };
        pair.ends.iter_mut().for_each(|end| end.advance_time(SocketTime::zero()));
        pair.ends[0].connect();
        while pair.pass(0) + pair.pass(1) > 0 {}
        pair
    }

    fn pass(&mut self, from: usize) -> usize {
        let [one, other] = &mut self.ends;
        let (from, to) = if from == 0 { (one, other) } else { (other, one) };
        let mut packets = 0;
        while let Some(event) = from.poll_event() {
            if let SocketEvent::SendPacket(packet) = event {
                to.handle_input(&packet);
                packets += 1;
            }
        }
        packets
    }
}

impl Pair for Dcsctp {
    fn name(&self) -> &'static str {
        "dcsctp"
    }

    fn carry(&mut self, message: &[u8], total: usize) {
        let mut count = Count::default();
        let options = dcsctp::api::SendOptions::default();
        while count.arrived < total {
            while count.has_room(total) {
                let (stream, ppid) = (dcsctp::api::StreamId(1), dcsctp::api::PpId(53));
                let sent = dcsctp::api::Message::new(stream, ppid, message.to_vec());
                self.ends[0].send(sent, &options).unwrap();
                count.sent += message.len();
            }
            let mut moved = self.pass(0);
            while let Some(arrived) = self.ends[1].get_next_message() {
                count.arrive(message, &arrived.payload);
            }
            moved += self.pass(1);
            if moved == 0 {
                let now = self.ends.iter().map(|end| end.poll_timeout()).min().unwrap();
                self.ends.iter_mut().for_each(|end| end.advance_time(now));
            }
        }
    }
}

/// The package `sctp-proto`.
struct SctpProto {
    endpoints: [sctp_proto::Endpoint; 2],
    associations: [Option<(sctp_proto::AssociationHandle, sctp_proto::Association)>; 2],
    clock: ForeignClock,
    now: Instant,
    buffer: Vec<u8>,
}

impl SctpProto {
    fn new() -> Self {
        let transport = sctp_proto::TransportConfig::default()
            .with_max_send_message_size(256 << 10)
            .with_max_receive_message_size(256 << 10);
        let transport = Arc::new(transport);
        let mut server = sctp_proto::ServerConfig::new();
        server.transport = Arc::clone(&transport);
        let server = Arc::new(server);
        let mut packets = sctp_proto::EndpointConfig::new();
        // Their limit does not count the common header and the header of a DATA chunk.
        packets.max_payload_size(u32::try_from(PACKET - 28).unwrap());
        let packets = Arc::new(packets);
        let endpoints = [(), ()]
            .map(|()| sctp_proto::Endpoint::new(Arc::clone(&packets), Some(Arc::clone(&server))));
        let (clock, now) = (ForeignClock::start(), Instant::ZERO);
        let mut pair =
            Self { endpoints, associations: [None, None], clock, now, buffer: vec![0; 1 << 20] };
        let mut client = sctp_proto::ClientConfig::default();
        client.transport = transport;
        pair.associations[0] = Some(pair.endpoints[0].connect(client, address(1)).unwrap());
        while pair.pass(0) + pair.pass(1) > 0 {}
        let (_, association) = pair.associations[0].as_mut().unwrap();
        let ppi = sctp_proto::PayloadProtocolIdentifier::Binary;
        association.open_stream(1, ppi).unwrap();
        pair
    }

    fn pass(&mut self, from: usize) -> usize {
        let mut packets = 0;
        let now = self.clock.at(self.now);
        loop {
            let Some(transmit) = self.transmit(from, now) else { break };
            let sctp_proto::Payload::RawEncode(payloads) = transmit.payload else { continue };
            for payload in payloads {
                packets += 1;
                self.hear(1 - from, now, address(from), payload);
            }
        }
        packets
    }

    #[expect(clippy::disallowed_types, reason = "they take no other time")]
    fn transmit(&mut self, from: usize, now: std::time::Instant) -> Option<sctp_proto::Transmit> {
        let endpoint = self.endpoints.get_mut(from)?;
        if let Some(transmit) = endpoint.poll_transmit() {
            return Some(transmit);
        }
        let (_, association) = self.associations.get_mut(from)?.as_mut()?;
        while let Some(event) = association.poll() {
            black_box(event);
        }
        association.poll_transmit(now)
    }

    #[expect(clippy::disallowed_types, reason = "they take no other time")]
    fn hear(&mut self, to: usize, now: std::time::Instant, source: SocketAddr, packet: Bytes) {
        let endpoint = self.endpoints.get_mut(to).unwrap();
        let association = self.associations.get_mut(to).unwrap();
        match endpoint.handle(now, source, None, None, packet) {
            Some((_, sctp_proto::DatagramEvent::AssociationEvent(event))) => {
                association.as_mut().unwrap().1.handle_event(event);
            }
            Some((handle, sctp_proto::DatagramEvent::NewAssociation(new))) => {
                *association = Some((handle, new));
            }
            None => {}
        }
    }

    fn read(&mut self, message: &[u8], count: &mut Count) {
        let (_, association) = self.associations[1].as_mut().unwrap();
        let Ok(mut stream) = association.stream(1) else { return };
        while let Ok(Some(chunks)) = stream.read_sctp() {
            let length = chunks.read(&mut self.buffer).unwrap();
            count.arrive(message, self.buffer.get(..length).unwrap());
        }
    }
}

/// The address of one end.
fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, u8::try_from(end).unwrap()], 5_000))
}

impl Pair for SctpProto {
    fn name(&self) -> &'static str {
        "sctp-proto"
    }

    fn carry(&mut self, message: &[u8], total: usize) {
        let mut count = Count::default();
        let ppi = sctp_proto::PayloadProtocolIdentifier::Binary;
        while count.arrived < total {
            while count.has_room(total) {
                let (_, association) = self.associations[0].as_mut().unwrap();
                let payload = Bytes::copy_from_slice(message);
                let written = association.stream(1).unwrap().write_sctp(&payload, ppi).unwrap();
                assert_eq!(written, message.len());
                count.sent += message.len();
            }
            let mut moved = self.pass(0);
            self.read(message, &mut count);
            moved += self.pass(1);
            if moved == 0 {
                let ends = self.associations.iter_mut().flatten();
                let deadlines = ends.filter_map(|(_, association)| association.poll_timeout());
                let next = self.clock.from(deadlines.min().unwrap());
                self.now = next.max(self.now + Duration::from_micros(1));
                let now = self.clock.at(self.now);
                for (_, association) in self.associations.iter_mut().flatten() {
                    association.handle_timeout(now);
                }
            }
        }
    }
}

/// Nanoseconds of CPU time of this thread, if the system tells.
fn cpu_nanos() -> Option<u64> {
    // The count is brought up to date when the thread could be switched, so it is given the occasion.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Seconds that `work` takes: CPU time where it is known, real time elsewhere.
fn seconds(work: impl FnOnce()) -> f64 {
    let (watch, before) = (Stopwatch::start(), cpu_nanos());
    work();
    let spent = before.zip(cpu_nanos()).map(|(before, after)| after - before);
    spent.map_or_else(|| watch.elapsed(), Duration::from_nanos).as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes of user data per second over at least `turn` seconds.
fn rate(pair: &mut dyn Pair, message: &[u8], turn: f64) -> f64 {
    let (mut steps, mut spent) = (0, 0.0);
    let step = STEP.next_multiple_of(message.len());
    while spent < turn || steps == 0 {
        spent += seconds(|| pair.carry(message, step));
        steps += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let bytes = (steps * step) as f64;
    bytes / spent
}

fn table(title: &str, mut pairs: Vec<Box<dyn Pair>>, turn: f64) {
    println!("\n{title}: MB of user data per CPU second, both ends together");
    print!("{:>10}", "message");
    pairs.iter().for_each(|pair| print!("{:>12}", pair.name()));
    println!("{:>14}", "ours : best");
    for size in SIZES {
        let message: Vec<u8> = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
        let mut rates = vec![Vec::new(); pairs.len()];
        for _ in 0..ROUNDS {
            for (pair, rates) in pairs.iter_mut().zip(&mut rates) {
                // What another left in the caches and in the heap goes first.
                rate(pair.as_mut(), &message, turn);
                rates.push(rate(pair.as_mut(), &message, turn) / 1e6);
            }
        }
        let rates: Vec<f64> = rates.into_iter().map(median).collect();
        let (ours, theirs) = rates.split_first().unwrap();
        let best = theirs.iter().copied().fold(f64::NAN, f64::max);
        print!("{:>6} KiB", size >> 10);
        rates.iter().for_each(|rate| print!("{rate:>12.1}"));
        println!("{:>14.2}", ours / best);
    }
}

/// Runs this again with an allocator that keeps what it once got, for all stacks alike. Otherwise the one
/// whose buffers happen to lie at the end of the heap pays the system for them again and again.
fn run_with_steady_heap() -> bool {
    const KEEPS: &str = "1073741824";
    let name = "MALLOC_TRIM_THRESHOLD_";
    let Ok(program) = std::env::current_exe() else { return false };
    if std::env::var_os(name).is_some() {
        return false;
    }
    let status = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(name, KEEPS)
        .env("MALLOC_MMAP_THRESHOLD_", KEEPS)
        .status();
    match status {
        Ok(status) => {
            assert!(status.success(), "the run with a steady heap fails");
            true
        }
        Err(_) => false,
    }
}

fn main() {
    if run_with_steady_heap() {
        return;
    }
    // `--quick`, and what `cargo test` passes, carry little: enough to see that all of them run.
    let is_quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let turn = if is_quick { 0.0 } else { TURN };
    println!("dcsctp {}, sctp-proto 0.10.8; packets of {PACKET} bytes", dcsctp::version());
    let with_crc: Vec<Box<dyn Pair>> =
        vec![Box::new(Ours::new(false)), Box::new(Dcsctp::new(false)), Box::new(SctpProto::new())];
    table("CRC32c on", with_crc, turn);
    let without: Vec<Box<dyn Pair>> = vec![Box::new(Ours::new(true)), Box::new(Dcsctp::new(true))];
    table("zero checksum", without, turn);
}
