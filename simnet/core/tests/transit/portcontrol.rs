//! PCP and NAT-PMP: what hosts ask of their NAT, and get.

use std::{net::SocketAddr, time::Duration};

use rstest::rstest;
use simnet::{
    DropReason, Packet, Side,
    nat::{self, Nat},
    portcontrol::{
        Config, TCP, UDP,
        natpmp::{self, Mapping},
        pcp::{ANY, Filter, Map, Operation, PcpOption, Request, Response, ResultCode},
    },
};

use crate::bench::{Bench, Fate, at, side, udp};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "10.0.0.7:4000";
const SERVER: &str = "11.0.0.3:3478";
const CONTROL: &str = "10.0.0.1:5351";

fn controlled(config: Config) -> Bench<Nat> {
    let nat = nat::Config {
        port_control: Some(config),
        filtering: nat::Filtering::AddressAndPortDependent,
        ..nat::Config::default()
    };
    let sides = [side(&["10.0.0.1"]), side(&["11.0.0.1"])];
    Bench::new(Nat::new(nat), sides, Nat::audit)
}

/// What the server says to these bytes, from this endpoint.
fn say(bench: &mut Bench<Nat>, from: &str, bytes: &[u8]) -> Vec<u8> {
    bench.said();
    let fate = bench.put(Side::INSIDE, Packet::udp(at(from), at(CONTROL), bytes.to_vec()));
    assert_eq!((fate, bench.inside), (Fate::Held, 0), "it was meant for the box");
    let (side, answer) = bench.said().pop().expect("an answer");
    assert_eq!(
        (side, answer.source(), answer.destination()),
        (Side::INSIDE, at(CONTROL), at(from))
    );
    answer.payload().to_vec()
}

const fn map(port: u16) -> Map {
    Map { nonce: [1; 12], protocol: UDP, internal_port: port, external: ANY }
}

fn request(operation: Operation, lifetime: u32) -> Request {
    Request { lifetime, client: at(HOST).ip(), operation, options: Vec::new() }
}

fn ask(bench: &mut Bench<Nat>, request: &Request) -> Response {
    let client = SocketAddr::new(request.client, 5_000).to_string();
    let answer = Response::parse(&say(bench, &client, &request.to_bytes())).unwrap();
    assert_eq!(answer.opcode, request.operation.opcode());
    answer
}

/// The external endpoint that was granted.
fn granted(response: &Response) -> SocketAddr {
    assert_eq!(response.result, ResultCode::SUCCESS, "{response:?}");
    match response.operation {
        Some(Operation::Map(map) | Operation::Peer(map, _)) => map.external,
        _ => panic!("{response:?}"),
    }
}

fn asked_map(bench: &mut Bench<Nat>, map: Map, lifetime: u32) -> Response {
    ask(bench, &request(Operation::Map(map), lifetime))
}

#[test]
fn a_mapping_lets_strangers_in_and_fixes_the_outgoing_port() {
    let mut bench = controlled(Config::default());
    let response = asked_map(&mut bench, map(4_000), 7_200);
    assert_eq!(response.lifetime, 7_200);
    let external = granted(&response);
    assert_eq!(external.ip(), at("11.0.0.1:0").ip());
    match bench.put(Side::OUTSIDE, udp("11.0.0.9:9", &external.to_string())) {
        Fate::Forwarded(Side::INSIDE, packet) => assert_eq!(packet.destination(), at(HOST)),
        other => panic!("{other:?}"),
    }
    match bench.put(Side::INSIDE, udp(HOST, SERVER)) {
        Fate::Forwarded(Side::OUTSIDE, packet) => assert_eq!(packet.source(), external),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mapping_lives_as_long_as_it_is_renewed() {
    let mut bench = controlled(Config::default());
    let external = granted(&asked_map(&mut bench, map(4_000), 200)).to_string();
    bench.wait(150 * SECOND);
    let again = asked_map(&mut bench, map(4_000), 200);
    assert_eq!(granted(&again).to_string(), external);
    bench.wait(199 * SECOND);
    assert!(bench.udp_in("11.0.0.9:9", &external));
    bench.wait(SECOND);
    assert!(!bench.udp_in("11.0.0.9:9", &external));
}

#[rstest]
#[case::too_short(1, 120)]
#[case::fine(3_600, 3_600)]
#[case::too_long(u32::MAX, 86_400)]
fn lifetimes_are_granted_within_bounds(#[case] asked: u32, #[case] lifetime: u32) {
    let mut bench = controlled(Config::default());
    assert_eq!(asked_map(&mut bench, map(4_000), asked).lifetime, lifetime);
}

#[test]
fn a_request_never_makes_a_mapping_end_sooner() {
    let mut bench = controlled(Config::default());
    asked_map(&mut bench, map(4_000), 7_200);
    bench.wait(100 * SECOND);
    assert_eq!(asked_map(&mut bench, map(4_000), 120).lifetime, 7_100);
}

#[test]
fn a_wish_is_granted_if_it_can_be() {
    let mut bench = controlled(Config::default());
    let wish = |external: &str| Map { external: at(external), ..map(4_000) };
    let first = asked_map(&mut bench, wish("11.0.0.1:7777"), 600);
    assert_eq!(granted(&first), at("11.0.0.1:7777"));
    let mut other = request(Operation::Map(wish("11.0.0.1:7777")), 600);
    other.client = at("10.0.0.8:0").ip();
    let second = ask(&mut bench, &other);
    assert_ne!(granted(&second), at("11.0.0.1:7777"), "taken: another one");
    let mut insisting = Request { client: at("10.0.0.9:0").ip(), ..other };
    insisting.options.push(PcpOption::PreferFailure);
    assert_eq!(ask(&mut bench, &insisting).result, ResultCode::CANNOT_PROVIDE_EXTERNAL);
    insisting.operation = Operation::Map(wish("11.0.0.1:7778"));
    assert_eq!(granted(&ask(&mut bench, &insisting)), at("11.0.0.1:7778"));
}

#[rstest]
#[case(5_350)]
#[case(5_351)]
fn the_ports_of_port_control_itself_are_not_given_away(#[case] port: u16) {
    let mut bench = controlled(Config::default());
    let external = SocketAddr::new(at("11.0.0.1:0").ip(), port);
    let wish = Map { external, ..map(4_000) };
    assert_ne!(granted(&asked_map(&mut bench, wish, 600)), external);
    let over_tcp = Map { protocol: TCP, ..wish };
    assert_eq!(granted(&asked_map(&mut bench, over_tcp, 600)), external, "TCP has no such ports");
}

#[test]
fn only_who_knows_the_nonce_may_change_a_mapping() {
    let mut bench = controlled(Config::default());
    let external = granted(&asked_map(&mut bench, map(4_000), 600)).to_string();
    bench.wait(100 * SECOND);
    let stranger = Map { nonce: [2; 12], ..map(4_000) };
    for lifetime in [0, 600] {
        let refused = asked_map(&mut bench, stranger, lifetime);
        assert_eq!((refused.result, refused.lifetime), (ResultCode::NOT_AUTHORIZED, 500));
    }
    assert!(bench.udp_in("11.0.0.9:9", &external));
    let ended = asked_map(&mut bench, map(4_000), 0);
    assert_eq!((ended.result, ended.lifetime), (ResultCode::SUCCESS, 0));
    assert!(!bench.udp_in("11.0.0.9:9", &external));
    assert_eq!(asked_map(&mut bench, map(4_000), 0).result, ResultCode::SUCCESS, "again");
}

#[test]
fn requests_through_another_nat_are_noticed() {
    let mut bench = controlled(Config::default());
    let foreign =
        Request { client: at("192.168.1.1:0").ip(), ..request(Operation::Map(map(1)), 9) };
    let answer = Response::parse(&say(&mut bench, HOST, &foreign.to_bytes())).unwrap();
    assert_eq!(answer.result, ResultCode::ADDRESS_MISMATCH);
}

#[rstest]
#[case::all_ports(Map { internal_port: 0, ..map(0) }, ResultCode::UNSUPP_PROTOCOL)]
#[case::everything(Map { protocol: 0, ..map(0) }, ResultCode::UNSUPP_PROTOCOL)]
#[case::port_without_protocol(Map { protocol: 0, ..map(80) }, ResultCode::MALFORMED_REQUEST)]
#[case::sctp(Map { protocol: 132, ..map(80) }, ResultCode::UNSUPP_PROTOCOL)]
fn what_cannot_be_mapped_is_named(#[case] map: Map, #[case] result: ResultCode) {
    let mut bench = controlled(Config::default());
    let refused = asked_map(&mut bench, map, 600);
    assert_eq!((refused.result, refused.lifetime), (result, 1_800));
    assert_eq!(refused.operation, Some(Operation::Map(map)), "the request comes back");
    assert!(bench.middlebox.mappings().is_empty());
}

#[rstest]
#[case::prohibited(Config::default(), "10.0.0.8", ResultCode::UNSUPP_OPTION)]
#[case::allowed(Config { third_party: true, ..Config::default() }, "10.0.0.8", ResultCode::SUCCESS)]
#[case::oneself(Config { third_party: true, ..Config::default() }, "10.0.0.7", ResultCode::MALFORMED_REQUEST)]
fn third_parties_are_served_if_allowed(
    #[case] config: Config,
    #[case] third: &str,
    #[case] result: ResultCode,
) {
    let mut bench = controlled(config);
    let mut asked = request(Operation::Map(map(4_000)), 600);
    asked.options.push(PcpOption::ThirdParty(third.parse().unwrap()));
    let response = ask(&mut bench, &asked);
    assert_eq!(response.result, result);
    if result == ResultCode::SUCCESS {
        let mapping = bench.middlebox.mappings().remove(0);
        assert_eq!(mapping.internal, at("10.0.0.8:4000"));
        assert_eq!(response.options, asked.options, "repeated: RFC 6887 §13.1");
    }
}

#[rstest]
#[case::mandatory(100, ResultCode::UNSUPP_OPTION)]
#[case::optional(200, ResultCode::SUCCESS)]
fn unknown_options_count_if_they_are_mandatory(#[case] code: u8, #[case] result: ResultCode) {
    let mut bench = controlled(Config::default());
    let mut asked = request(Operation::Map(map(4_000)), 600);
    asked.options.push(PcpOption::Unknown(code, vec![1, 2, 3, 4]));
    assert_eq!(ask(&mut bench, &asked).result, result);
}

#[test]
fn filters_keep_out_whom_the_host_does_not_want() {
    let mut bench = controlled(Config { filters: 2, ..Config::default() });
    let filter = |length, remote: &str| PcpOption::Filter(Filter { length, remote: at(remote) });
    let mut asked = request(Operation::Map(map(4_000)), 600);
    asked.options = vec![filter(128, "11.0.0.3:0"), filter(120, "11.0.5.0:53")];
    let external = granted(&ask(&mut bench, &asked)).to_string();
    let admitted = ["11.0.0.3:1", "11.0.5.77:53", "11.0.5.77:54", "11.0.0.4:1"]
        .map(|remote| bench.udp_in(remote, &external));
    assert_eq!(admitted, [true, true, false, false]);
    asked.options = vec![filter(128, "11.0.0.5:0")];
    assert_eq!(ask(&mut bench, &asked).result, ResultCode::EXCESSIVE_REMOTE_PEERS);
    asked.options = vec![filter(0, "0.0.0.0:0"), filter(128, "11.0.0.4:1")];
    ask(&mut bench, &asked);
    assert!(!bench.udp_in("11.0.0.3:1", &external), "the old ones are gone");
    assert!(bench.udp_in("11.0.0.4:1", &external));
    asked.lifetime = 0;
    assert_eq!(ask(&mut bench, &asked).result, ResultCode::MALFORMED_OPTION);
}

#[test]
fn a_host_has_its_share_and_no_more() {
    let mut bench = controlled(Config { mappings_per_host: 2, ..Config::default() });
    for port in [1, 2] {
        granted(&asked_map(&mut bench, map(port), 600));
    }
    let refused = asked_map(&mut bench, map(3), 600);
    assert_eq!((refused.result, refused.lifetime), (ResultCode::USER_EX_QUOTA, 30));
    granted(&asked_map(&mut bench, map(2), 600));
    bench.wait(600 * SECOND);
    granted(&asked_map(&mut bench, map(3), 600));
}

#[test]
fn a_peer_request_tells_and_prolongs_an_outbound_mapping() {
    let mut bench = controlled(Config::default());
    let Fate::Forwarded(_, seen) = bench.put(Side::INSIDE, udp(HOST, SERVER)) else { panic!() };
    let peer = |remote: &str| Operation::Peer(map(4_000), at(remote));
    let told = ask(&mut bench, &request(peer(SERVER), 7_200));
    assert_eq!((granted(&told), told.lifetime), (seen.source(), 7_200));
    bench.wait(7_199 * SECOND);
    assert!(bench.udp_in(SERVER, &seen.source().to_string()), "hours without a packet");
    assert!(!bench.udp_in("11.0.0.9:9", &seen.source().to_string()), "for that peer alone");
}

#[test]
fn a_peer_request_may_come_before_the_first_packet() {
    let mut bench = controlled(Config::default());
    let asked = request(Operation::Peer(map(4_000), at(SERVER)), 600);
    let external = granted(&ask(&mut bench, &asked));
    assert!(bench.udp_in(SERVER, &external.to_string()));
    let Fate::Forwarded(_, seen) = bench.put(Side::INSIDE, udp(HOST, SERVER)) else { panic!() };
    assert_eq!(seen.source(), external);
    let stranger = Map { nonce: [2; 12], ..map(4_000) };
    let stolen = ask(&mut bench, &request(Operation::Peer(stranger, at(SERVER)), 600));
    assert_eq!(stolen.result, ResultCode::NOT_AUTHORIZED);
    let nobody = ask(&mut bench, &request(Operation::Peer(map(4_000), at("0.0.0.0:0")), 600));
    assert_eq!(nobody.result, ResultCode::MALFORMED_REQUEST);
    let wish = Map { external: at("11.0.0.1:9999"), ..map(4_001) };
    let impossible = ask(&mut bench, &request(Operation::Peer(wish, at(SERVER)), 600));
    assert_eq!(impossible.result, ResultCode::CANNOT_PROVIDE_EXTERNAL);
}

#[test]
fn the_epoch_tells_of_a_reboot_and_the_box_announces_it() {
    let mut bench = controlled(Config { announcements: 3, ..Config::default() });
    bench.wait(100 * SECOND);
    let announce = request(Operation::Announce, 0);
    assert_eq!(ask(&mut bench, &announce).epoch, 100);
    let external = granted(&asked_map(&mut bench, map(4_000), 7_200)).to_string();
    bench.middlebox.reboot();
    assert!(!bench.udp_in("11.0.0.9:9", &external));
    let messages = bench.said();
    assert_eq!(messages.len(), 2, "one in each protocol: {messages:?}");
    for (side, packet) in &messages {
        assert_eq!((*side, packet.destination()), (Side::INSIDE, at("224.0.0.1:5350")));
        assert_eq!(packet.source(), at(CONTROL));
    }
    assert_eq!(Response::parse(messages[0].1.payload()).unwrap().epoch, 0);
    bench.wait(Duration::from_millis(249));
    assert!(bench.said().is_empty());
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.said().len(), 2);
    bench.wait(Duration::from_millis(500));
    assert_eq!(bench.said().len(), 2);
    bench.wait(100 * SECOND);
    assert!(bench.said().is_empty(), "three times and no more");
    assert_eq!(ask(&mut bench, &announce).epoch, 100);
    assert_eq!(granted(&asked_map(&mut bench, map(4_000), 60)).ip(), at("11.0.0.1:0").ip());
}

fn pmp(bench: &mut Bench<Nat>, request: natpmp::Request) -> natpmp::Response {
    natpmp::Response::parse(&say(bench, HOST, &request.to_bytes())).unwrap()
}

const fn mapping(internal: u16, external: u16, lifetime: u32) -> natpmp::Request {
    natpmp::Request::Map(Mapping { tcp: false, internal, external, lifetime })
}

#[test]
fn nat_pmp_tells_the_address_and_maps() {
    let mut bench = controlled(Config::default());
    bench.wait(7 * SECOND);
    let ip = "11.0.0.1".parse().unwrap();
    let result = natpmp::ResultCode::SUCCESS;
    let address = natpmp::Response::Address { result, epoch: 7, ip };
    assert_eq!(pmp(&mut bench, natpmp::Request::Address), address);
    let natpmp::Response::Map { result, mapping: got, .. } =
        pmp(&mut bench, mapping(4_000, 7_777, 60))
    else {
        panic!()
    };
    assert_eq!((result, got.external, got.lifetime), (natpmp::ResultCode::SUCCESS, 7_777, 60));
    assert!(bench.udp_in("11.0.0.9:9", "11.0.0.1:7777"));
    // RFC 6886 §3.3: TCP port 7777 is kept for the same host.
    let other =
        natpmp::Request::Map(Mapping { tcp: true, internal: 1, external: 7_777, lifetime: 60 });
    let answer = say(&mut bench, "10.0.0.8:1", &other.to_bytes());
    let natpmp::Response::Map { mapping: companion, .. } =
        natpmp::Response::parse(&answer).unwrap()
    else {
        panic!()
    };
    assert_ne!(companion.external, 7_777);
    bench.wait(60 * SECOND);
    assert!(!bench.udp_in("11.0.0.9:9", "11.0.0.1:7777"));
}

#[test]
fn nat_pmp_ends_one_mapping_or_all() {
    let mut bench = controlled(Config::default());
    for port in [1, 2, 3] {
        pmp(&mut bench, mapping(port, 7_000 + port, 600));
    }
    let natpmp::Response::Map { result, mapping: gone, .. } = pmp(&mut bench, mapping(1, 9, 0))
    else {
        panic!()
    };
    assert_eq!((result, gone.external, gone.lifetime), (natpmp::ResultCode::SUCCESS, 0, 0));
    assert_eq!(bench.middlebox.mappings().len(), 2);
    pmp(&mut bench, mapping(0, 0, 0));
    assert!(bench.middlebox.mappings().is_empty());
    // What was asked for by PCP has a nonce, which NAT-PMP cannot show.
    granted(&asked_map(&mut bench, map(4_000), 600));
    let natpmp::Response::Map { result, .. } = pmp(&mut bench, mapping(4_000, 0, 0)) else {
        panic!()
    };
    assert_eq!(result, natpmp::ResultCode::NOT_AUTHORIZED);
}

#[test]
fn versions_are_negotiated() {
    let mut bench = controlled(Config::default());
    let mut newer = request(Operation::Announce, 0).to_bytes();
    newer[0] = 3;
    let answer = say(&mut bench, HOST, &newer);
    assert_eq!(answer[0], 2, "the highest version that is spoken");
    assert_eq!(Response::parse(&answer).unwrap().result, ResultCode::UNSUPP_VERSION);
    let mut old = controlled(Config { pcp: false, ..Config::default() });
    let answer = say(&mut old, HOST, &request(Operation::Announce, 0).to_bytes());
    let wanted = natpmp::Response::Other {
        opcode: 0,
        result: natpmp::ResultCode::UNSUPPORTED_VERSION,
        epoch: 0,
    };
    assert_eq!(natpmp::Response::parse(&answer), Ok(wanted));
    let mut young = controlled(Config { nat_pmp: false, ..Config::default() });
    let answer = say(&mut young, HOST, &natpmp::Request::Address.to_bytes());
    assert_eq!(Response::parse(&answer).unwrap().result, ResultCode::UNSUPP_VERSION);
    let unknown = say(&mut bench, HOST, &[0, 77]);
    assert_eq!(unknown, [0, 77 | 128, 0, 5]);
}

#[test]
fn a_box_without_port_control_takes_no_packets() {
    let sides = [side(&["10.0.0.1"]), side(&["11.0.0.1"])];
    let mut bench = Bench::new(Nat::new(nat::Config::default()), sides, Nat::audit);
    assert_eq!(bench.refusal(Side::INSIDE, udp(HOST, CONTROL)), DropReason::NotForUs);
}

#[test]
fn nobody_outside_controls_ports() {
    let mut bench = controlled(Config::default());
    let bytes = request(Operation::Map(map(1)), 600).to_bytes();
    bench.said();
    let packet = Packet::udp(at(SERVER), at("11.0.0.1:5351"), bytes);
    assert!(matches!(bench.put(Side::OUTSIDE, packet), Fate::Dropped(..)));
    assert!(bench.said().is_empty() && bench.middlebox.mappings().is_empty());
}

#[test]
fn hostile_bytes_change_nothing() {
    let mut bench = controlled(Config::default());
    let mut stream = simnet::Stream::new(7, "hostile");
    let good = [
        request(Operation::Map(map(4_000)), 600).to_bytes(),
        request(Operation::Peer(map(4_000), at(SERVER)), 600).to_bytes(),
        natpmp::Request::Address.to_bytes(),
        mapping(1, 2, 3).to_bytes(),
    ];
    let mut ignored = 0;
    for _ in 0..10_000 {
        let index = usize::try_from(stream.below(4)).unwrap();
        let mut bytes = good[index].clone();
        for _ in 0..=stream.below(6) {
            let place = usize::try_from(stream.below(bytes.len() as u64)).unwrap();
            bytes[place] = u8::try_from(stream.below(256)).unwrap();
        }
        bytes.truncate(usize::try_from(stream.below(90)).unwrap());
        match bench.put(Side::INSIDE, Packet::udp(at(HOST), at(CONTROL), bytes)) {
            Fate::Held => {}
            Fate::Dropped(DropReason::PortControlIgnored, note) => {
                assert!(!note.is_empty());
                ignored += 1;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(bench.inside, 0);
    }
    assert!(ignored > 100, "{ignored}");
    assert!(bench.middlebox.mappings().len() <= 130, "the host's share, inbound and outbound");
}

#[test]
fn the_configuration_survives_a_file() {
    let text = "port-control = { nat-pmp = false, longest = '1h' }";
    let config: nat::Config = toml::from_str(text).unwrap();
    let control = config.port_control.as_ref().unwrap();
    assert_eq!((control.pcp, control.nat_pmp), (true, false));
    let again: nat::Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);
    assert!(toml::from_str::<nat::Config>("port-control = { upnp = true }").is_err());
}
