//! Names: the server, DNS64, the stub, and the discovery of the prefix.

#![expect(clippy::unwrap_used, reason = "what a test sets up itself is there, or the test fails")]

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{Datagram, Ecn, Instant, Machine as _, Rng};
use lab::roles::dns::{
    Answer, AskError, Dns, Failure, Family, Server, Stub, StubConfig, discover_prefixes,
};
use rstest::rstest;
use simnet::{
    Driven, Host, Link, Loss, Network,
    laws::{self, Step},
    nat64::{Config, Nat64, Pref64},
};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE, rdata::RData};

const SECOND: Duration = Duration::from_secs(1);
const SERVER: &str = "11.0.0.53:53";
const CLIENT: &str = "11.0.0.7:4000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn zone() -> Dns {
    let mut zone = Dns::default()
        .record("v4.example", ip("11.0.0.3"))
        .record("both.example", ip("11.0.0.4"))
        .record("both.example", ip("2001:db8::4"))
        .record("V6.Example.", ip("2001:db8::6"))
        .record("mapped.example", ip("11.0.0.5"))
        .record("mapped.example", ip("::ffff:11.0.0.5"));
    zone.aliases.insert("www.example".to_owned(), "v4.example".to_owned());
    zone.aliases.insert("dangling.example".to_owned(), "nowhere.example".to_owned());
    zone.aliases.insert("loop.example".to_owned(), "loop.example".to_owned());
    zone
}

fn question(name: &str, kind: TYPE) -> Packet<'_> {
    let mut packet = Packet::new_query(77);
    let name = Name::new(name).unwrap();
    packet.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), false));
    packet
}

/// What the server says to these bytes.
fn say(server: &mut Server, bytes: &[u8]) -> Option<Vec<u8>> {
    let datagram =
        Datagram { source: at(CLIENT), destination: at(SERVER), ecn: Ecn::NotEct, payload: bytes };
    server.handle_datagram(Instant::ZERO, datagram);
    let mut answer = Vec::new();
    let transmit = server.poll_transmit(Instant::ZERO, &mut answer)?;
    assert_eq!((transmit.destination, transmit.source), (at(CLIENT), Some(at(SERVER))));
    Some(answer)
}

fn ask(zone: Dns, packet: &Packet<'_>) -> (RCODE, Vec<IpAddr>) {
    let answer = say(&mut Server::new(zone), &packet.build_bytes_vec().unwrap()).unwrap();
    let answer = Packet::parse(&answer).unwrap();
    assert_eq!(answer.id(), packet.id());
    let address = |data: &RData<'_>| match data {
        RData::A(a) => Some(IpAddr::V4(a.address.into())),
        RData::AAAA(a) => Some(IpAddr::V6(a.address.into())),
        _ => None,
    };
    let addresses = answer.answers.iter().filter_map(|record| address(&record.rdata)).collect();
    (answer.rcode(), addresses)
}

#[rstest]
#[case::ipv4("v4.example", TYPE::A, RCODE::NoError, &["11.0.0.3"])]
#[case::case_does_not_count("V4.EXAMPLE", TYPE::A, RCODE::NoError, &["11.0.0.3"])]
#[case::ipv6("v6.example", TYPE::AAAA, RCODE::NoError, &["2001:db8::6"])]
#[case::no_address_of_the_type("v4.example", TYPE::AAAA, RCODE::NoError, &[])]
#[case::another_type("v4.example", TYPE::TXT, RCODE::NoError, &[])]
#[case::alias("www.example", TYPE::A, RCODE::NoError, &["11.0.0.3"])]
#[case::alias_of_nothing("dangling.example", TYPE::A, RCODE::NoError, &[])]
#[case::alias_of_itself("loop.example", TYPE::A, RCODE::NoError, &[])]
#[case::unknown("nobody.example", TYPE::A, RCODE::NameError, &[])]
#[case::ipv4_only("ipv4only.arpa", TYPE::A, RCODE::NoError, &["192.0.0.170", "192.0.0.171"])]
fn answers_for_what_it_knows(
    #[case] name: &str,
    #[case] kind: TYPE,
    #[case] code: RCODE,
    #[case] addresses: &[&str],
) {
    let wanted = addresses.iter().map(|text| ip(text)).collect();
    assert_eq!(ask(zone(), &question(name, kind)), (code, wanted));
}

#[rstest]
#[case::only_ipv4("v4.example", &["64:ff9b::11.0.0.3"])]
#[case::through_an_alias("www.example", &["64:ff9b::11.0.0.3"])]
#[case::real_addresses_come_first("both.example", &["2001:db8::4"])]
#[case::mapped_addresses_count_as_none("mapped.example", &["64:ff9b::11.0.0.5"])]
#[case::discovery("ipv4only.arpa", &["64:ff9b::192.0.0.170", "64:ff9b::192.0.0.171"])]
fn dns64_invents_addresses_where_there_are_none(#[case] name: &str, #[case] addresses: &[&str]) {
    let zone = zone().dns64(Pref64::WELL_KNOWN);
    let wanted: Vec<_> = addresses.iter().map(|text| ip(text)).collect();
    assert_eq!(ask(zone.clone(), &question(name, TYPE::AAAA)), (RCODE::NoError, wanted.clone()));
    // RFC 6147 §5.5: not for those who check for themselves.
    let mut checking = question(name, TYPE::AAAA);
    checking.set_flags(PacketFlag::CHECKING_DISABLED);
    let (_, honest) = ask(zone, &checking);
    assert!(honest.iter().all(|ip| !wanted.contains(ip) || *ip == self::ip("2001:db8::4")));
}

#[test]
fn an_invented_address_lives_ten_minutes_at_most() {
    let zone = Dns { ttl: Duration::from_secs(86_400), ..zone() }.dns64(Pref64::WELL_KNOWN);
    let mut server = Server::new(zone);
    let mut ttl = |kind| {
        let bytes = question("v4.example", kind).build_bytes_vec().unwrap();
        let answer = say(&mut server, &bytes).unwrap();
        Packet::parse(&answer).unwrap().answers.first().unwrap().ttl
    };
    assert_eq!((ttl(TYPE::A), ttl(TYPE::AAAA)), (86_400, 600));
}

#[test]
fn a_long_answer_is_cut_off_unless_the_asker_takes_more() {
    let mut zone = Dns::default();
    for number in 1..=60 {
        zone = zone.record("many.example", ip(&format!("11.0.1.{number}")));
    }
    let mut packet = question("many.example", TYPE::A);
    let mut server = Server::new(zone.clone());
    let short = say(&mut server, &packet.build_bytes_vec().unwrap()).unwrap();
    let parsed = Packet::parse(&short).unwrap();
    assert!(parsed.has_flags(PacketFlag::TRUNCATION) && short.len() <= 512);
    assert!(parsed.answers.is_empty());
    *packet.opt_mut() =
        Some(simple_dns::rdata::OPT { opt_codes: Vec::new(), udp_packet_size: 4_096, version: 0 });
    assert_eq!(ask(zone, &packet).1.len(), 60);
}

#[test]
fn what_is_no_question_gets_no_answer_and_what_is_a_bad_one_is_refused() {
    let mut server = Server::new(zone());
    assert_eq!(say(&mut server, b""), None);
    assert_eq!(say(&mut server, b"short"), None);
    let response = Packet::new_reply(9).build_bytes_vec().unwrap();
    assert_eq!(say(&mut server, &response), None, "two servers would talk for ever");
    assert_eq!(server.stats().ignored, 3);
    // A header that promises a question which is not there.
    let broken = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let refused = say(&mut server, &broken).unwrap();
    let refused = Packet::parse(&refused).unwrap();
    assert_eq!((refused.id(), refused.rcode()), (0x1234, RCODE::FormatError));
    let two = {
        let mut packet = question("v4.example", TYPE::A);
        packet.questions.push(packet.questions.first().unwrap().clone());
        packet.build_bytes_vec().unwrap()
    };
    let refused = say(&mut server, &two).unwrap();
    assert_eq!(Packet::parse(&refused).unwrap().rcode(), RCODE::FormatError);
    assert_eq!(server.stats().refused, 2);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut stream = simnet::Stream::new(7, "dns");
    let good = question("www.example", TYPE::A).build_bytes_vec().unwrap();
    let mut server = Server::new(zone());
    let mut answers = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=stream.below(3) {
            let place = usize::try_from(stream.below(bytes.len() as u64)).unwrap();
            *bytes.get_mut(place).unwrap() = u8::try_from(stream.below(256)).unwrap();
        }
        bytes.truncate(usize::try_from(stream.below(40)).unwrap());
        answers += usize::from(say(&mut server, &bytes).is_some());
    }
    assert!(answers > 1_000, "{answers}: most of them are still questions");
}

/// A world with a name server that invents addresses, a NAT64 and a phone without IPv4.
fn phone_world(stub: StubConfig, loss: Loss) -> Network {
    let server = Driven::new(Server::new(zone().dns64(Pref64::WELL_KNOWN)))
        .bind(at("0.0.0.0:53"))
        .bind(at("[::]:53"));
    let stub = Driven::new(Stub::new(stub, Rng::from_seed([7; 32]))).bind(at("[::]:0"));
    Network::builder(7)
        .wan("wan", "11.0.0.0/8 2001:db8::/32")
        .lan("cell", "2001:db8:1::/64")
        .nat("plat", "cell", "wan", Nat64::new(Config::default()))
        .host(
            "names",
            Host::on("wan").address("11.0.0.53").address("2001:db8:53::53").endpoint(server),
        )
        .host("server", Host::on("wan").address("11.0.0.3"))
        .host("phone", Host::on("cell").endpoint(stub))
        .link("phone", "cell", Link::delayed(Duration::from_millis(20)).loss(loss))
        .build()
        .unwrap()
}

fn resolve(net: &mut Network, name: &str, family: Family) -> Answer {
    let phone = net.node("phone");
    let asked = net.command(phone, |stub: &mut Stub, now| stub.ask(now, name, family)).unwrap();
    net.run_for(40 * SECOND);
    let (_, answer) = net.machine_event::<Stub>(phone).expect("an answer of some kind");
    assert_eq!(asked, Ok(answer.query));
    answer
}

#[test]
fn a_phone_without_ipv4_finds_the_prefix_and_the_server() {
    let names = StubConfig::asking(at("[2001:db8:53::53]:53"));
    let mut net = phone_world(names, Loss::None);
    let probe = resolve(&mut net, "ipv4only.arpa", Family::Ipv6);
    assert_eq!(discover_prefixes(&probe.result.unwrap()), [Pref64::WELL_KNOWN]);
    let answer = resolve(&mut net, "v4.example", Family::Ipv6);
    assert_eq!(answer.result, Ok(vec![ip("64:ff9b::11.0.0.3")]));
    let unknown = resolve(&mut net, "nobody.example", Family::Ipv6);
    assert_eq!(unknown.result, Err(Failure::NoSuchName));
    let none = resolve(&mut net, "v6.example", Family::Ipv4);
    assert_eq!(none.result, Err(Failure::NoAddress));
    assert!(net.tally().is_conserved());
}

#[test]
fn the_stub_asks_again_and_then_gives_up() {
    let dead = StubConfig::asking(at("[2001:db8:53::54]:53"));
    let mut net = phone_world(dead, Loss::None);
    let answer = resolve(&mut net, "v4.example", Family::Ipv6);
    assert_eq!(answer.result, Err(Failure::TimedOut));
    // The second server is asked second.
    let both = StubConfig {
        servers: vec![at("[2001:db8:53::54]:53"), at("[2001:db8:53::53]:53")],
        ..StubConfig::asking(at(SERVER))
    };
    let mut net = phone_world(both, Loss::None);
    let answer = resolve(&mut net, "v4.example", Family::Ipv6);
    assert_eq!(answer.result, Ok(vec![ip("64:ff9b::11.0.0.3")]));
}

#[test]
fn lost_questions_and_answers_are_asked_again() {
    let config = StubConfig {
        attempts: 6,
        patience: SECOND / 2,
        ..StubConfig::asking(at("[2001:db8:53::53]:53"))
    };
    let mut net = phone_world(config, Loss::random(0.2));
    for _ in 0..10 {
        assert!(resolve(&mut net, "v4.example", Family::Ipv6).result.is_ok());
    }
    assert!(net.tally().dropped(simnet::DropReason::LinkLoss) > 0);
}

#[test]
fn the_stub_believes_only_whom_it_asked() {
    let config = StubConfig::asking(at(SERVER));
    let mut stub = Stub::new(config, Rng::from_seed([7; 32]));
    stub.ask(Instant::ZERO, "v4.example", Family::Ipv4).unwrap();
    let mut asked = Vec::new();
    stub.poll_transmit(Instant::ZERO, &mut asked).unwrap();
    let answer = say(&mut Server::new(zone()), &asked).unwrap();
    let hear = |stub: &mut Stub, source: &str, payload: &[u8]| {
        let datagram =
            Datagram { source: at(source), destination: at(CLIENT), ecn: Ecn::NotEct, payload };
        stub.handle_datagram(Instant::ZERO, datagram);
        stub.poll_event()
    };
    assert_eq!(hear(&mut stub, "11.0.0.66:53", &answer), None, "somebody else");
    let mut forged = answer.clone();
    *forged.first_mut().unwrap() ^= 1;
    assert_eq!(hear(&mut stub, SERVER, &forged), None, "another number");
    assert!(hear(&mut stub, SERVER, &answer).is_some());
    assert_eq!(hear(&mut stub, SERVER, &answer), None, "once");
}

#[test]
fn questions_that_cannot_be_asked_are_errors() {
    let mut stub = Stub::new(StubConfig::asking(at(SERVER)), Rng::from_seed([7; 32]));
    let long = "a".repeat(64);
    assert_eq!(stub.ask(Instant::ZERO, &long, Family::Ipv4), Err(AskError::BadName));
    assert_eq!(stub.ask(Instant::ZERO, "", Family::Ipv4), Err(AskError::BadName));
    for _ in 0..256 {
        stub.ask(Instant::ZERO, "v4.example", Family::Ipv4).unwrap();
    }
    assert_eq!(stub.ask(Instant::ZERO, "v4.example", Family::Ipv4), Err(AskError::TooMany));
    let nobody = StubConfig { servers: Vec::new(), ..StubConfig::asking(at(SERVER)) };
    let mut stub = Stub::new(nobody, Rng::from_seed([7; 32]));
    assert_eq!(stub.ask(Instant::ZERO, "v4.example", Family::Ipv4), Err(AskError::NoServer));
}

#[rstest]
#[case::bits_96("64:ff9b::/96")]
#[case::bits_64("2001:db8:122:344::/64")]
#[case::bits_56("2001:db8:122:300::/56")]
#[case::bits_48("2001:db8:122::/48")]
#[case::bits_40("2001:db8:100::/40")]
#[case::bits_32("2001:db8::/32")]
fn any_prefix_is_discovered(#[case] prefix: Pref64) {
    let (_, found) = ask(zone().dns64(prefix), &question("ipv4only.arpa", TYPE::AAAA));
    assert_eq!(discover_prefixes(&found), [prefix]);
    assert_eq!(discover_prefixes(&[ip("2001:db8::1"), ip("192.0.0.170")]), []);
}

#[test]
fn both_machines_keep_the_laws() {
    let names = ["v4.example", "nobody.example", "www.example"];
    for seed in 0..40 {
        let mut stream = simnet::Stream::new(seed, "laws");
        let datagram = |stream: &mut simnet::Stream| {
            let index = usize::try_from(stream.below(3)).unwrap();
            let name = names.get(index).unwrap();
            question(name, TYPE::A).build_bytes_vec().unwrap()
        };
        let steps: Vec<Step<()>> = (0..40)
            .map(|_| match stream.below(3) {
                0 => Step::Wait(Duration::from_millis(stream.below(400))),
                1 => Step::Reflect,
                _ => Step::Datagram {
                    source: at(CLIENT),
                    destination: at(SERVER),
                    payload: datagram(&mut stream),
                },
            })
            .collect();
        let slow = Dns { delay: Duration::from_millis(100), ..zone() };
        laws::check(|| Server::new(slow.clone()), |_, _, ()| {}, &steps).unwrap();
        let commands: Vec<Step<usize>> = (0..40)
            .map(|_| match stream.below(3) {
                0 => Step::Wait(Duration::from_millis(stream.below(4_000))),
                1 => Step::Reflect,
                _ => Step::Command(usize::try_from(stream.below(3)).unwrap()),
            })
            .collect();
        let stub = || Stub::new(StubConfig::asking(at(SERVER)), Rng::from_seed([7; 32]));
        let command = |stub: &mut Stub, now: Instant, index: &usize| {
            let _ = stub.ask(now, names.get(*index).unwrap(), Family::Ipv4);
        };
        laws::check(stub, command, &commands).unwrap();
    }
}
