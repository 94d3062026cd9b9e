//! Subjects and cases that end in every way there is.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base::{Datagram, Instant, Machine, Rng, Transmit};
use conformance::{
    Cap, Case, Ctl, Outcome, Stop, Subject, SubjectKind, Support, Tier, Variant, product,
    registry::{Registry, Req},
    subjects::stun::{StunServer, StunServerConfig},
    suite::Suite,
};
use simnet::{Host, Link};

const ECHO: Req = Req::new("sample-echo");
const POLITE: Req = Req::new("sample-polite");
const SILENT: Req = Req::new("sample-silent");

/// The sample spec and every case below, against an echo server that works and one that shouts.
pub(crate) fn suite() -> Suite {
    let spec = include_str!("../spec/sample.toml");
    let mut cases: Vec<&'static Case> = CASES.iter().collect();
    cases.sort_by_key(|case| case.id);
    Suite {
        registry: Registry::from_texts([("sample.toml", spec)]).unwrap(),
        cases,
        subjects: vec![&Fake { name: "ours", shouts: false }, &Fake { name: "loud", shouts: true }],
        baseline_dir: None,
    }
}

/// The same suite with only some of its cases.
pub(crate) fn suite_of(ids: &[&str]) -> Suite {
    let mut suite = suite();
    suite.cases.retain(|case| ids.contains(&case.id));
    suite
}

pub(crate) struct Fake {
    pub(crate) name: &'static str,
    pub(crate) shouts: bool,
}

impl Subject for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> String {
        "1.0".to_owned()
    }

    fn is_deterministic(&self) -> bool {
        self.name != "moody"
    }

    fn kinds(&self) -> &'static [SubjectKind] {
        &[SubjectKind::StunServer]
    }

    fn supports(&self, capability: Cap) -> Support {
        match capability {
            Cap::Stream | Cap::Ipv6 => Support::No,
            Cap::Fingerprint => Support::Yes,
            _ => Support::Unknown,
        }
    }

    fn stun_server(&self, config: &StunServerConfig, _: Rng) -> Option<Box<dyn StunServer>> {
        let local = *config.addresses.first()?;
        Some(Box::new(Echo { local, shouts: self.shouts, queue: VecDeque::new() }))
    }
}

/// Sends back what it gets, in capitals if it shouts.
struct Echo {
    local: SocketAddr,
    shouts: bool,
    queue: VecDeque<(SocketAddr, Vec<u8>)>,
}

impl StunServer for Echo {}

impl Machine for Echo {
    type Event = ();

    fn handle_datagram(&mut self, _: Instant, datagram: Datagram<'_>) {
        let mut payload = datagram.payload.to_vec();
        if self.shouts || base::mutant::active("fake-shouts") {
            payload.make_ascii_uppercase();
        }
        self.queue.push_back((datagram.source, payload));
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let (destination, payload) = self.queue.pop_front()?;
        buffer.extend_from_slice(&payload);
        Some(Transmit::new(destination, payload.len()).from(self.local))
    }

    fn poll_event(&mut self) -> Option<()> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

const fn case(id: &'static str, run: fn(&mut Ctl<'_>, &Variant) -> Outcome) -> Case {
    Case {
        id,
        title: "A case that ends in its own way",
        reqs: &[ECHO, POLITE],
        kind: SubjectKind::StunServer,
        needs: &[],
        tier: Tier::Fast,
        variants: || vec![Variant::none()],
        no_reference: None,
        run,
    }
}

static CASES: &[Case] = &[
    Case {
        variants: || product! { rtt: [0, 40], word: ["hello", "bye"] },
        ..case("net.echo", echo)
    },
    case("net.lost", lost),
    case("net.unready", |t, _| {
        t.run_for(Duration::ZERO);
        Ok(())
    }),
    case("end.pass", |t, _| {
        t.stimulus("a call");
        t.must(ECHO, true, "an echo", "an echo")
    }),
    case("end.fail", |t, _| {
        t.stimulus("a call");
        t.must(ECHO, 1 + 1 == 3, "three", "two")
    }),
    case("end.note", |t, _| {
        t.stimulus("a call");
        t.should(POLITE, false, "please", "now")?;
        t.must(ECHO, true, "an echo", "an echo")
    }),
    case("end.no-assertion", |t, _| {
        t.stimulus("a call");
        Ok(())
    }),
    case("end.no-stimulus", |t, _| t.must(ECHO, true, "an echo", "an echo")),
    case("end.panic", |_, _| panic!("the case is broken")),
    case("end.inconclusive", |t, _| t.precondition(false, "the server never came up")),
    case("end.cannot", |_, _| Err(Stop::Unsupported("no such knob".to_owned()))),
    case("end.undeclared", |t, _| {
        t.stimulus("a call");
        t.must(SILENT, true, "silence", "silence")
    }),
    case("end.level", |t, _| {
        t.stimulus("a call");
        t.must(POLITE, true, "please", "please")
    }),
    Case { needs: &[Cap::Stream], ..case("end.unsupported", |t, _| lost(t, &Variant::none())) },
    Case { needs: &[Cap::Ipv6], ..case("end.missing", |t, _| lost(t, &Variant::none())) },
    Case {
        tier: Tier::Slow,
        ..case("end.slow", |t, _| {
            t.stimulus("a call");
            t.sometimes("the moon is full", false);
            t.must(ECHO, true, "an echo", "an echo")
        })
    },
    case("end.capricious", |t, _| {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        t.stimulus("a call");
        t.must(ECHO, false, "an echo", CALLS.fetch_add(1, Ordering::Relaxed))
    }),
    case("end.lucky", |t, _| {
        t.stimulus("a call");
        let lucky = t.rng().public_below(2) == 0;
        t.must(ECHO, lucky, "an echo", "silence")
    }),
];

fn echo(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let delay = Duration::from_millis(v.number("rtt") / 2);
    let network = t
        .network()
        .wan("wan", "11.0.0.0/8")
        .host("client", Host::on("wan").address("11.0.0.2"))
        .host("server", Host::on("wan").address("11.0.0.3"))
        .link("server", "wan", Link::delayed(delay));
    t.build(network)?;
    let address: SocketAddr = "11.0.0.3:3478".parse().unwrap();
    let config = StunServerConfig { addresses: vec![address], ..StunServerConfig::default() };
    t.start_server("server", &config)?;
    let socket = t.bind("client", "11.0.0.2:4000".parse().unwrap())?;
    t.send_stimulus(socket, address, v.text("word").as_bytes(), "a word");
    let answer = t.receive_within(socket, Duration::from_secs(1));
    let answer = t.expect(answer, "an answer within a second")?;
    t.note("the answer is here");
    let got = String::from_utf8_lossy(&answer.payload).into_owned();
    t.must(ECHO, got == v.text("word"), v.text("word"), &got)?;
    let on_time = t.now() == Instant::ZERO + 2 * delay;
    t.should(POLITE, on_time, "an answer after one round trip", t.now())
}

/// Sends its stimulus where nobody listens, and asserts something all the same.
fn lost(t: &mut Ctl<'_>, _: &Variant) -> Outcome {
    let network =
        t.network().wan("wan", "11.0.0.0/8").host("client", Host::on("wan").address("11.0.0.2"));
    t.build(network)?;
    let socket = t.bind("client", "11.0.0.2:4000".parse().unwrap())?;
    t.send_stimulus(socket, "11.0.0.9:1".parse().unwrap(), b"x", "a word to nobody");
    t.run_for(Duration::from_secs(1));
    t.must(ECHO, true, "nothing", "nothing")
}
