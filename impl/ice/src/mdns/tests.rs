//! Machines on one link, told as dialogues.

use base::Ecn;
use rstest::rstest;
use simnet::{
    Stream,
    laws::{self, Step},
};
use simple_dns::{
    CLASS, Name, Packet as Dns, PacketFlag, QTYPE, Question, ResourceRecord, TYPE, rdata::RData,
};

use super::*;

const NAME: &str = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
const OTHER: &str = "2f4712db-ea17-4bcf-a596-105139dfd8bf.local";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn after(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn here() -> SocketAddr {
    at("192.168.1.2:5353")
}

fn there() -> SocketAddr {
    at("192.168.1.3:5353")
}

fn link(local: SocketAddr) -> MdnsLink {
    MdnsLink { local, prefix: 24, interface: 1 }
}

fn machine(local: SocketAddr) -> Mdns {
    let mut mdns = Mdns::new(MdnsConfig::default(), Rng::from_seed([1; 32]), Instant::ZERO);
    mdns.add_link(Instant::ZERO, link(local));
    mdns
}

/// A machine that answers for `NAME`, with its announcements long past.
fn owner() -> Mdns {
    let mut mdns = machine(there());
    mdns.register(Instant::ZERO, NAME, there().ip()).unwrap();
    mdns.handle_timeout(after(1_000));
    says(&mut mdns);
    mdns.advance(after(5_000));
    mdns
}

/// Everything it has to send.
fn says(mdns: &mut Mdns) -> Vec<(SocketAddr, Vec<u8>)> {
    std::iter::from_fn(|| {
        let mut bytes = Vec::new();
        let sent = mdns.poll_transmit(mdns.now, &mut bytes)?;
        assert_eq!(sent.size, bytes.len());
        Some((sent.destination, bytes))
    })
    .collect()
}

fn events(mdns: &mut Mdns) -> Vec<MdnsEvent> {
    std::iter::from_fn(|| mdns.poll_event()).collect()
}

fn tell(mdns: &mut Mdns, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
    let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
    mdns.handle_datagram(mdns.now, datagram);
}

fn query(name: &str, kind: impl Into<QTYPE>, unicast: bool) -> Vec<u8> {
    let mut packet = Dns::new_query(7);
    let name = Name::new_unchecked(name);
    packet.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), unicast));
    packet.build_bytes_vec().unwrap()
}

fn response(name: &str, ips: &[&str]) -> Vec<u8> {
    let mut packet = Dns::new_reply(0);
    for ip in ips {
        let data = match ip.parse().unwrap() {
            IpAddr::V4(ip) => RData::A(ip.into()),
            IpAddr::V6(ip) => RData::AAAA(ip.into()),
        };
        let name = Name::new_unchecked(name);
        packet.answers.push(ResourceRecord::new(name, CLASS::IN, 120, data));
    }
    packet.build_bytes_vec().unwrap()
}

fn resolved(ip: Option<&str>) -> Vec<MdnsEvent> {
    vec![MdnsEvent::Resolved { name: NAME.to_owned(), ip: ip.map(|ip| ip.parse().unwrap()) }]
}

/// A machine that has asked for `NAME`.
fn asker() -> Mdns {
    let mut mdns = machine(here());
    mdns.resolve(Instant::ZERO, NAME).unwrap();
    assert_eq!(says(&mut mdns).len(), 1);
    mdns
}

#[test]
fn names_are_announced_twice_a_second_apart_and_said_goodbye_to() {
    let mut mdns = machine(there());
    mdns.register(Instant::ZERO, NAME, there().ip()).unwrap();
    let first = says(&mut mdns);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].0, GROUP_V4);
    let packet = Dns::parse(&first[0].1).unwrap();
    assert!(packet.has_flags(PacketFlag::RESPONSE | PacketFlag::AUTHORITATIVE_ANSWER));
    assert_eq!((packet.id(), packet.questions.len()), (0, 0));
    assert!(packet.answers[0].cache_flush);
    assert_eq!(packet.answers[0].ttl, 120);
    assert_eq!(mdns.poll_timeout(), Some(after(1_000)));
    mdns.handle_timeout(after(1_000));
    assert_eq!(says(&mut mdns), first);
    assert_eq!(mdns.poll_timeout(), None);
    mdns.unregister(after(2_000), NAME);
    let goodbye = says(&mut mdns);
    assert_eq!(Dns::parse(&goodbye[0].1).unwrap().answers[0].ttl, 0);
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    assert_eq!(says(&mut mdns), []);
}

#[test]
fn addresses_are_told_on_links_of_their_own_interface_alone() {
    let mut mdns = machine(there());
    let vpn = MdnsLink { local: at("10.8.0.1:5353"), prefix: 24, interface: 2 };
    mdns.add_link(Instant::ZERO, vpn);
    mdns.register(Instant::ZERO, NAME, "10.8.0.1".parse().unwrap()).unwrap();
    mdns.register(Instant::ZERO, OTHER, "172.16.0.1".parse().unwrap()).unwrap();
    let sources: Vec<_> = std::iter::from_fn(|| mdns.poll_transmit(mdns.now, &mut Vec::new()))
        .map(|sent| sent.source)
        .collect();
    assert_eq!(sources, [Some(vpn.local)]);
    mdns.advance(after(5_000));
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    assert_eq!(says(&mut mdns), []);
}

#[rstest]
#[case::same(NAME, TYPE::A, 1)]
#[case::capitals("1F4712DB-EA17-4BCF-A596-105139DFD8BF.LOCAL", TYPE::A, 1)]
#[case::any(NAME, QTYPE::ANY, 1)]
#[case::other_type(NAME, TYPE::AAAA, 0)]
#[case::text(NAME, TYPE::TXT, 0)]
#[case::other_name(OTHER, TYPE::A, 0)]
#[case::longer_name("x.1f4712db-ea17-4bcf-a596-105139dfd8bf.local", TYPE::A, 0)]
#[case::all("local", TYPE::A, 0)]
fn answers_come_for_registered_names_alone(
    #[case] name: &str,
    #[case] kind: impl Into<QTYPE>,
    #[case] expected: usize,
) {
    let mut mdns = owner();
    tell(&mut mdns, here(), GROUP_V4, &query(name, kind, false));
    assert_eq!(says(&mut mdns).len(), expected);
}

#[test]
fn a_record_is_multicast_once_a_second_at_most() {
    let mut mdns = owner();
    for _ in 0..100 {
        tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    }
    assert_eq!(says(&mut mdns).len(), 1);
    mdns.advance(after(5_999));
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    assert_eq!(says(&mut mdns), []);
    mdns.advance(after(6_000));
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    assert_eq!(says(&mut mdns).len(), 1);
}

#[rstest]
#[case::fresh_by_unicast(5_000, here())]
#[case::stale_by_multicast(31_001, GROUP_V4)]
fn one_who_wants_unicast_gets_it_unless_the_others_should_hear_too(
    #[case] now: u64,
    #[case] expected: SocketAddr,
) {
    let mut mdns = owner();
    mdns.advance(after(now));
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, true));
    let said = says(&mut mdns);
    assert_eq!(said.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [expected]);
}

#[test]
fn simple_resolvers_are_answered_as_a_unicast_server_would() {
    let mut mdns = owner();
    let resolver = at("192.168.1.9:40000");
    tell(&mut mdns, resolver, GROUP_V4, &query(NAME, TYPE::A, false));
    let said = says(&mut mdns);
    let [(to, bytes)] = &said[..] else { panic!("{said:?}") };
    let packet = Dns::parse(bytes).unwrap();
    assert_eq!((*to, packet.id(), packet.questions.len()), (resolver, 7, 1));
    assert_eq!((packet.answers[0].ttl, packet.answers[0].cache_flush), (10, false));
}

#[rstest]
#[case::legacy(at("203.0.113.1:40000"), GROUP_V4)]
#[case::direct(at("203.0.113.1:5353"), there())]
fn strangers_beyond_the_link_get_no_answer(
    #[case] source: SocketAddr,
    #[case] destination: SocketAddr,
) {
    let mut mdns = owner();
    tell(&mut mdns, source, destination, &query(NAME, TYPE::A, true));
    assert_eq!(says(&mut mdns), []);
    assert_eq!(mdns.stats().strange, 1);
}

#[test]
fn a_flood_of_questions_is_answered_within_the_limit_and_less_than_twice_as_loudly() {
    let mut mdns = owner();
    let question = query(NAME, TYPE::A, false);
    let (mut answers, mut bytes) = (0, 0);
    for _ in 0..10_000 {
        tell(&mut mdns, at("192.168.1.9:40000"), GROUP_V4, &question);
        for (_, answer) in says(&mut mdns) {
            assert!(answer.len() < 2 * question.len());
            answers += 1;
            bytes += answer.len();
        }
    }
    assert_eq!(answers, 100);
    assert!(bytes < 10_000);
    assert_eq!(mdns.stats().limited, 9_900);
}

#[test]
fn one_that_knows_the_answer_is_not_told() {
    let mut mdns = owner();
    for (ttl, expected) in [(120, 0), (60, 0), (59, 1)] {
        let mut packet = Dns::new_query(0);
        let name = || Name::new_unchecked(NAME);
        packet.questions.push(Question::new(name(), TYPE::A.into(), CLASS::IN.into(), false));
        let data = RData::A("192.168.1.3".parse::<Ipv4Addr>().unwrap().into());
        packet.answers.push(ResourceRecord::new(name(), CLASS::IN, ttl, data));
        tell(&mut mdns, here(), GROUP_V4, &packet.build_bytes_vec().unwrap());
        assert_eq!(says(&mut mdns).len(), expected, "{ttl}");
    }
}

#[test]
fn questions_go_out_three_times_the_first_for_unicast() {
    let mut mdns = machine(here());
    mdns.resolve(Instant::ZERO, NAME).unwrap();
    mdns.resolve(Instant::ZERO, NAME).unwrap();
    let mut asked = Vec::new();
    loop {
        for (to, bytes) in says(&mut mdns) {
            let packet = Dns::parse(&bytes).unwrap();
            let kinds: Vec<_> = packet.questions.iter().map(|one| one.qtype).collect();
            assert_eq!((to, kinds), (GROUP_V4, vec![TYPE::A.into(), TYPE::AAAA.into()]));
            asked.push((mdns.now.elapsed().as_millis(), packet.questions[0].unicast_response));
        }
        let Some(next) = mdns.poll_timeout() else { break };
        mdns.handle_timeout(next);
    }
    assert_eq!(asked, [(0, true), (1_000, false), (3_000, false)]);
    assert_eq!(mdns.now, after(5_000));
    assert_eq!(events(&mut mdns), resolved(None));
}

#[rstest]
#[case::v4(&["192.168.1.3"], Some("192.168.1.3"))]
#[case::v6(&["fe80::3"], Some("fe80::3"))]
#[case::twice_the_same(&["192.168.1.3", "192.168.1.3"], Some("192.168.1.3"))]
#[case::two(&["192.168.1.3", "fe80::3"], None)]
#[case::group(&["224.0.0.1"], None)]
#[case::ourselves(&["127.0.0.1"], None)]
fn a_name_has_one_address_that_can_be_sent_to(
    #[case] ips: &[&str],
    #[case] expected: Option<&str>,
) {
    let mut mdns = asker();
    tell(&mut mdns, there(), GROUP_V4, &response(NAME, ips));
    assert_eq!(events(&mut mdns), resolved(expected));
    assert_eq!(mdns.poll_timeout(), None);
}

#[rstest]
#[case::unicast(there(), here(), 1_999, true)]
#[case::unicast_too_late(there(), here(), 2_001, false)]
#[case::multicast_any_time(there(), GROUP_V4, 4_999, true)]
#[case::multicast_from_another_subnet(at("10.0.0.1:5353"), GROUP_V4, 0, true)]
#[case::wrong_port(at("192.168.1.3:5354"), GROUP_V4, 0, false)]
#[case::from_beyond_the_link(at("203.0.113.1:5353"), here(), 0, false)]
#[case::to_an_address_that_is_not_ours(there(), at("192.168.1.4:5353"), 0, false)]
fn answers_are_taken_from_the_link_alone(
    #[case] source: SocketAddr,
    #[case] destination: SocketAddr,
    #[case] now: u64,
    #[case] expected: bool,
) {
    let mut mdns = asker();
    mdns.advance(after(now));
    tell(&mut mdns, source, destination, &response(NAME, &["192.168.1.3"]));
    assert_eq!(!events(&mut mdns).is_empty(), expected);
    assert_eq!(mdns.stats().strange, u64::from(!expected));
}

#[test]
fn answers_for_other_names_say_nothing() {
    let mut mdns = asker();
    tell(&mut mdns, there(), GROUP_V4, &response(OTHER, &["192.168.1.3"]));
    let mut goodbye = Dns::new_reply(0);
    let data = RData::A("192.168.1.3".parse::<Ipv4Addr>().unwrap().into());
    let name = Name::new_unchecked(NAME);
    goodbye.answers.push(ResourceRecord::new(name, CLASS::IN, 0, data));
    tell(&mut mdns, there(), GROUP_V4, &goodbye.build_bytes_vec().unwrap());
    assert_eq!(events(&mut mdns), []);
}

#[test]
fn a_socket_on_another_port_asks_and_does_not_answer() {
    let mut mdns = machine(at("192.168.1.2:40000"));
    mdns.register(Instant::ZERO, OTHER, here().ip()).unwrap();
    mdns.resolve(Instant::ZERO, NAME).unwrap();
    let said = says(&mut mdns);
    assert_eq!(said.len(), 1);
    let id = Dns::parse(&said[0].1).unwrap().id();
    tell(&mut mdns, there(), at("192.168.1.2:40000"), &query(OTHER, TYPE::A, false));
    assert_eq!(says(&mut mdns), []);

    let mut owner = owner();
    tell(&mut owner, at("192.168.1.2:40000"), GROUP_V4, &said[0].1);
    let answer = says(&mut owner).remove(0).1;
    let mut forged = answer.clone();
    forged[1] ^= 1;
    tell(&mut mdns, there(), at("192.168.1.2:40000"), &forged);
    assert_eq!(events(&mut mdns), []);
    assert_eq!(Dns::parse(&answer).unwrap().id(), id);
    tell(&mut mdns, there(), at("192.168.1.2:40000"), &answer);
    assert_eq!(events(&mut mdns), resolved(Some("192.168.1.3")));
}

#[test]
fn names_of_our_own_need_no_network() {
    let mut mdns = owner();
    mdns.resolve(mdns.now, NAME).unwrap();
    assert_eq!(events(&mut mdns), resolved(Some("192.168.1.3")));
    assert_eq!(says(&mut mdns), []);
}

#[test]
fn well_known_names_are_neither_asked_for_nor_claimed() {
    let mut mdns = machine(here());
    assert_eq!(mdns.resolve(Instant::ZERO, "printer.local"), Err(MdnsError::NotAllowed));
    let ip = here().ip();
    assert_eq!(mdns.register(Instant::ZERO, "printer.local", ip), Err(MdnsError::NotAllowed));
    mdns.config.resolves_any_name = true;
    assert_eq!(mdns.resolve(Instant::ZERO, "printer.local"), Ok(()));
    assert_eq!(mdns.resolve(Instant::ZERO, "example.com"), Err(MdnsError::NotAllowed));
}

#[test]
fn names_and_questions_are_bounded() {
    let mut rng = Rng::from_seed([9; 32]);
    let mut mdns = machine(here());
    for n in 0..MAX_QUERIES + 5 {
        let asked = mdns.resolve(Instant::ZERO, &mdns_name(&mut rng));
        assert_eq!(asked.is_ok(), n < MAX_QUERIES);
    }
    for n in 0..MAX_NAMES + 5 {
        let claimed = mdns.register(Instant::ZERO, &mdns_name(&mut rng), here().ip());
        assert_eq!(claimed.is_ok(), n < MAX_NAMES);
    }
    assert!(mdns.packets.len() <= MAX_PACKETS);
    for n in 0..100 {
        mdns.add_link(Instant::ZERO, link(SocketAddr::from(([192, 168, 1, n], 5353))));
    }
    assert_eq!(mdns.links.len(), MAX_LINKS);
    assert!(mdns.packets.len() <= MAX_PACKETS);
}

#[test]
fn a_second_claim_of_our_name_is_counted_and_changes_nothing() {
    let mut mdns = owner();
    tell(&mut mdns, here(), GROUP_V4, &response(NAME, &["192.168.1.66"]));
    assert_eq!(mdns.stats().conflicts, 1);
    tell(&mut mdns, here(), GROUP_V4, &query(NAME, TYPE::A, false));
    let said = says(&mut mdns);
    let answers = Dns::parse(&said[0].1).unwrap().answers.clone();
    assert_eq!(wire::address(&answers[0]), Some(there().ip()));
}

/// A header with these counts and a body.
fn raw(counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let counts = counts.iter().flat_map(|count| count.to_be_bytes());
    [0, 0, 0x84, 0].into_iter().chain(counts).chain(body.iter().copied()).collect()
}

#[rstest]
#[case::points_to_itself(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 192, 168, 1, 3])]
#[case::points_forward(&[0xc0, 14, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 192, 168, 1, 3])]
#[case::label_and_back(&[1, b'a', 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 192, 168, 1, 3])]
#[case::beyond_the_end(&[0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 120, 0, 4, 192, 168, 1, 3])]
#[case::reserved_label(&[0x80, 12, 0, 1, 0, 1])]
fn names_that_lead_in_circles_are_harmless(#[case] body: &[u8]) {
    let mut mdns = asker();
    tell(&mut mdns, there(), GROUP_V4, &raw([0, 1, 0, 0], body));
    assert_eq!(mdns.stats().malformed, 1);
    assert_eq!(events(&mut mdns), []);
}

#[test]
fn counts_of_a_header_ask_for_no_memory() {
    let mut mdns = asker();
    let big = raw([0xffff; 4], &[]);
    let info = allocation_counter::measure(|| tell(&mut mdns, there(), GROUP_V4, &big));
    assert_eq!(mdns.stats().malformed, 1);
    assert!(info.bytes_max < 1_000, "{}", info.bytes_max);
    let long = vec![0; 9_001];
    tell(&mut mdns, there(), GROUP_V4, &long);
    assert_eq!(mdns.stats().malformed, 2);
}

#[test]
fn sections_that_say_nothing_to_us_are_not_read() {
    let mut mdns = asker();
    let mut bytes = response(NAME, &["192.168.1.3"]);
    // A hundred additional records, of which none is there.
    bytes[11] = 100;
    tell(&mut mdns, there(), GROUP_V4, &bytes);
    assert_eq!(events(&mut mdns), resolved(Some("192.168.1.3")));
}

#[rstest]
#[case::opcode(2, 0x84 | 0x08)]
#[case::rcode(3, 3)]
fn other_operations_and_errors_are_ignored(#[case] place: usize, #[case] value: u8) {
    let mut mdns = asker();
    let mut bytes = response(NAME, &["192.168.1.3"]);
    bytes[place] = value;
    tell(&mut mdns, there(), GROUP_V4, &bytes);
    assert_eq!((events(&mut mdns), mdns.stats().malformed), (vec![], 1));
}

#[test]
fn no_cut_or_changed_message_panics() {
    let mut mdns = owner();
    mdns.resolve(mdns.now, OTHER).unwrap();
    for good in [query(NAME, TYPE::A, true), response(OTHER, &["192.168.1.3", "fe80::3"])] {
        for at in 0..good.len() {
            tell(&mut mdns, here(), GROUP_V4, &good[..at]);
            for value in [0, 1, 0x3f, 0x40, 0xc0, 0xff] {
                let mut changed = good.clone();
                changed[at] = value;
                tell(&mut mdns, here(), GROUP_V4, &changed);
            }
        }
        says(&mut mdns);
    }
}

#[derive(Clone, Debug)]
enum Command {
    Register(bool),
    Unregister(bool),
    Resolve(bool),
    Cancel(bool),
    Add(u8),
    Remove(u8),
}

#[test]
fn keeps_the_laws() {
    let name = |first: &bool| if *first { NAME } else { OTHER };
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "mdns");
        let datagram = |stream: &mut Stream| {
            let source = if stream.below(2) == 0 { here() } else { at("192.168.1.9:40000") };
            let payload = match stream.below(3) {
                0 => response(NAME, &["192.168.1.66"]),
                1 => query(NAME, TYPE::A, stream.below(2) == 0),
                _ => query(OTHER, TYPE::A, false),
            };
            (source, GROUP_V4, payload)
        };
        let command = |stream: &mut Stream| {
            let first = stream.below(2) == 0;
            let n = u8::try_from(stream.below(3)).unwrap();
            Some(match stream.below(6) {
                0 => Command::Register(first),
                1 => Command::Unregister(first),
                2 => Command::Resolve(first),
                3 => Command::Cancel(first),
                4 => Command::Add(n),
                _ => Command::Remove(n),
            })
        };
        let mut script = laws::script(&mut stream, 80, datagram, command);
        script.insert(0, Step::Command(Command::Register(true)));
        script.insert(1, Step::Command(Command::Resolve(false)));
        let local = |n: &u8| SocketAddr::from(([192, 168, 1, 3 + n], 5353));
        let obey = |mdns: &mut Mdns, now, command: &Command| match command {
            Command::Register(first) => mdns.register(now, name(first), there().ip()).unwrap(),
            Command::Unregister(first) => mdns.unregister(now, name(first)),
            Command::Resolve(first) => mdns.resolve(now, name(first)).unwrap_or(()),
            Command::Cancel(first) => mdns.cancel(now, name(first)),
            Command::Add(n) => mdns.add_link(now, link(local(n))),
            Command::Remove(n) => mdns.remove_link(now, local(n)),
        };
        laws::check(|| machine(there()), obey, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}
