//! Two associations and a path between them that does as it is told, in virtual time.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use base::{Instant, Rng, WallTime};
use crypto::{CertificateParams, EcdsaCurve, HashAlgorithm, Provider};
use dtls::{Association, Config, Credential, Event, Fingerprint, PeerCheck, Side, Version};

/// One way through the path.
pub(crate) const DELAY: Duration = Duration::from_millis(20);

/// A packet on its way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) from: Side,
    pub(crate) due: Instant,
    pub(crate) bytes: Vec<u8>,
}

/// What the path does to a packet: where it arrives instead, possibly nowhere, possibly twice.
pub(crate) type Path = Box<dyn FnMut(usize, &Packet) -> Vec<Packet>>;

/// Two ends and the path between them.
pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) client: Association,
    pub(crate) server: Association,
    pub(crate) path: Path,
    pub(crate) under_way: VecDeque<Packet>,
    /// Everything that was sent, whether it arrived or not.
    pub(crate) sent: Vec<Packet>,
    pub(crate) events: Vec<(Side, Event)>,
    pub(crate) data: Vec<(Side, Vec<u8>)>,
}

pub(crate) fn credential(provider: Provider, seed: u8) -> Credential {
    let params = CertificateParams {
        common_name: "peer",
        curve: EcdsaCurve::P256,
        not_before: WallTime::from_unix(Duration::ZERO),
        not_after: WallTime::from_unix(Duration::from_secs(2_000_000_000)),
    };
    let mut rng = Rng::from_seed([seed; 32]);
    Credential::new(provider.self_signed(&params, &mut rng).unwrap())
}

/// The configurations of a client and a server that trust each other, and speak `version` alone.
pub(crate) fn configs(version: Version) -> [Config; 2] {
    let provider = crypto::rust_crypto();
    let [ours, theirs] = [credential(provider, 1), credential(provider, 2)];
    let trust = |credential: &Credential| {
        let fingerprint = credential.fingerprint(provider, HashAlgorithm::Sha256).unwrap();
        PeerCheck::Fingerprints(vec![fingerprint])
    };
    let checks = [trust(&theirs), trust(&ours)];
    let mut checks = checks.into_iter();
    [ours, theirs].map(|credential| {
        let mut config = Config::new(provider, credential);
        config.min_version = version;
        config.max_version = version;
        config.peer_check = checks.next().unwrap();
        config
    })
}

pub(crate) fn fingerprint(config: &Config) -> Fingerprint {
    let credential = config.credential.as_ref().unwrap();
    credential.fingerprint(config.provider, HashAlgorithm::Sha256).unwrap()
}

impl Pair {
    /// Two ends with these configurations on a path that delivers everything.
    pub(crate) fn new(configs: [Config; 2]) -> Self {
        Self::seeded(configs, 0)
    }

    /// The same, with dice of another seed.
    pub(crate) fn seeded([client, server]: [Config; 2], seed: u8) -> Self {
        let rng = Rng::from_seed([seed; 32]);
        let now = Instant::ZERO;
        Self {
            now,
            client: Association::client(Arc::new(client), rng.fork("client"), now),
            server: Association::server(Arc::new(server), rng.fork("server"), now),
            path: Box::new(|_, packet| vec![packet.clone()]),
            under_way: VecDeque::new(),
            sent: Vec::new(),
            events: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Two ends that have finished their handshake of `version`.
    pub(crate) fn connected(version: Version) -> Self {
        let mut pair = Self::new(configs(version));
        pair.run_until_connected();
        pair
    }

    /// The same pair on another path.
    pub(crate) fn on(mut self, path: impl FnMut(usize, &Packet) -> Vec<Packet> + 'static) -> Self {
        self.path = Box::new(path);
        self
    }

    pub(crate) fn end(&mut self, side: Side) -> &mut Association {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Puts what both ends want to send on the path, and takes what they tell.
    pub(crate) fn flush(&mut self) {
        for side in [Side::Client, Side::Server] {
            let now = self.now;
            let mut packets = Vec::new();
            let mut events = Vec::new();
            let end = self.end(side);
            let mut bytes = Vec::new();
            while end.poll_packet(now, &mut bytes).is_some() {
                packets.push(std::mem::take(&mut bytes));
                assert!(packets.len() < 1_000, "an end that never stops sending");
            }
            while let Some(event) = end.poll_event() {
                events.push((side, event));
            }
            let mut data = Vec::new();
            while let Some(payload) = end.poll_data() {
                data.push((side, payload.to_vec()));
            }
            self.events.extend(events);
            self.data.extend(data);
            for bytes in packets {
                self.launch(side, bytes);
            }
        }
    }

    /// Puts one packet on the path.
    pub(crate) fn launch(&mut self, from: Side, bytes: Vec<u8>) {
        let packet = Packet { from, due: self.now + DELAY, bytes };
        let index = self.sent.len();
        self.sent.push(packet.clone());
        self.under_way.extend((self.path)(index, &packet));
        self.under_way.make_contiguous().sort_by_key(|packet| packet.due);
    }

    /// Goes on to the next thing that happens. `false` if nothing ever does.
    pub(crate) fn step(&mut self) -> bool {
        self.flush();
        let arrival = self.under_way.front().map(|packet| packet.due);
        let timers = [self.client.poll_timeout(), self.server.poll_timeout()];
        let timer = timers.into_iter().flatten().min();
        let Some(next) = [arrival, timer].into_iter().flatten().min() else { return false };
        self.now = self.now.max(next);
        let now = self.now;
        while self.under_way.front().is_some_and(|packet| packet.due <= now) {
            let packet = self.under_way.pop_front().unwrap();
            self.end(packet.from.peer()).receive(now, &packet.bytes);
            self.flush();
        }
        for side in [Side::Client, Side::Server] {
            let end = self.end(side);
            if end.poll_timeout().is_some_and(|deadline| deadline <= now) {
                end.handle_timeout(now);
                let later = end.poll_timeout();
                assert!(later.is_none_or(|later| later > now), "a deadline that does not advance");
            }
        }
        self.flush();
        true
    }

    /// Goes on until both ends are connected.
    pub(crate) fn run_until_connected(&mut self) {
        while !(self.client.is_connected() && self.server.is_connected()) {
            assert!(self.step(), "stuck at {}: {:?}", self.now, self.events);
            let closed = self.client.is_closed() || self.server.is_closed();
            assert!(!closed, "ended at {}: {:?}", self.now, self.events);
        }
        self.settle();
    }

    /// Goes on until nothing is under way and no timer runs.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("never quiet");
    }

    /// Sends `data` from `side`, and delivers it unless the path says otherwise.
    pub(crate) fn say(&mut self, side: Side, data: &[u8]) {
        let now = self.now;
        let mut bytes = Vec::new();
        self.end(side).send(now, data, &mut bytes).unwrap();
        self.launch(side, bytes);
        self.settle();
    }

    /// Asserts that data flows both ways, byte for byte.
    pub(crate) fn assert_alive(&mut self) {
        self.data.clear();
        self.say(Side::Client, b"from the client");
        self.say(Side::Server, b"from the server");
        let wanted = [
            (Side::Server, b"from the client".to_vec()),
            (Side::Client, b"from the server".to_vec()),
        ];
        assert_eq!(self.data, wanted);
    }

    pub(crate) fn closed(&self, side: Side) -> Option<dtls::CloseReason> {
        self.events.iter().find_map(|(of, event)| match event {
            Event::Closed(reason) if *of == side => Some(*reason),
            _ => None,
        })
    }
}
