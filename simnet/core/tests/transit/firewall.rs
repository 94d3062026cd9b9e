//! What passes a firewall, and what its sender hears.

use std::time::Duration;

use rstest::rstest;
use simnet::{
    DropReason, IcmpError, Side, TcpFlags,
    firewall::{
        Action, Admission, Captive, Config, Filtering, Firewall, Fragments, IcmpErrors, Limits,
        Rule, Timers,
    },
};

use crate::bench::{Bench, Fate, at, error, flags, fragments, kind, ping, pong, side, tcp, udp};

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "10.0.0.7:4000";
const SERVER: &str = "11.0.0.3:3478";
const STRANGER: &str = "11.0.0.9:9";

pub(crate) fn guarded(config: Config) -> Bench<Firewall> {
    let sides = [side(&["10.0.0.1", "fd00::1"]), side(&["11.0.0.1", "2001:db8::1"])];
    Bench::new(Firewall::new(config), sides, Firewall::audit)
}

#[test]
fn answers_come_back_and_strangers_stay_out() {
    let mut bench = guarded(Config::stateful());
    assert!(!bench.udp_in(SERVER, HOST), "nobody asked");
    assert!(bench.udp_out(HOST, SERVER));
    assert!(bench.udp_in(SERVER, HOST));
    assert!(!bench.udp_in("11.0.0.3:3479", HOST), "another port");
    assert!(!bench.udp_in(STRANGER, HOST), "another address");
    assert!(!bench.udp_in(SERVER, "10.0.0.7:4001"), "another socket");
    assert!(bench.sent.is_empty(), "drops are silent");
}

#[test]
fn a_flow_ends_when_its_silence_has_lasted() {
    let mut bench = guarded(Config::stateful());
    bench.udp_out(HOST, SERVER);
    for _ in 0..3 {
        bench.wait(299 * SECOND);
        assert!(bench.udp_in(SERVER, HOST), "each packet starts the timer again");
    }
    bench.wait(300 * SECOND);
    assert!(!bench.udp_in(SERVER, HOST));
}

#[test]
fn an_unanswered_flow_may_end_earlier() {
    let mut bench = guarded(Config::stateful().linux_timers());
    bench.udp_out(HOST, SERVER);
    bench.wait(30 * SECOND);
    assert!(!bench.udp_in(SERVER, HOST), "30 s without an answer");
    bench.udp_out(HOST, SERVER);
    assert!(bench.udp_in(SERVER, HOST));
    bench.wait(119 * SECOND);
    assert!(bench.udp_in(SERVER, HOST), "120 s once answered");
}

#[test]
fn a_life_that_becomes_shorter_ends_when_it_says() {
    let timers =
        Timers { udp_unanswered: Some(100 * SECOND), udp: 10 * SECOND, ..Timers::default() };
    let mut bench = guarded(Config { timers, ..Config::default() });
    bench.udp_out(HOST, SERVER);
    assert!(bench.udp_in(SERVER, HOST));
    bench.wait(10 * SECOND);
    assert!(!bench.udp_in(SERVER, HOST));
}

#[rstest]
#[case::udp_blocked(Config::udp_blocked(), [false, false, false, true, true, true])]
#[case::udp_53_443(Config::udp_53_443_only(), [true, true, false, true, true, true])]
#[case::tcp_443(Config::tcp_443_only(), [true, false, false, true, true, false])]
#[case::tls(Config::tls_only(), [true, false, false, false, true, false])]
#[case::stateful(Config::stateful(), [true; 6])]
#[case::simple_security(Config::simple_security(), [true; 6])]
fn named_policies_let_out_what_they_say(#[case] config: Config, #[case] wanted: [bool; 6]) {
    let mut bench = guarded(config);
    let to = |port: u16| format!("11.0.0.3:{port}");
    let udp_out = [53, 443, 3_478].map(|port| bench.udp_out(HOST, &to(port)));
    let tcp_out =
        [80, 443, 22].map(|port| bench.passes(Side::INSIDE, tcp(HOST, &to(port), TcpFlags::SYN)));
    assert_eq!([udp_out, tcp_out].concat(), wanted);
}

#[rstest]
#[case::drop(Action::Drop, None, None)]
#[case::reject(Action::Reject, Some(IcmpError::PortUnreachable), None)]
#[case::prohibit(Action::Prohibit, Some(IcmpError::Prohibited), Some(IcmpError::Prohibited))]
fn refused_senders_hear_what_the_action_says(
    #[case] action: Action,
    #[case] for_udp: Option<IcmpError>,
    #[case] for_tcp: Option<IcmpError>,
) {
    let mut bench = guarded(Config { outbound: action, ..Config::default() });
    assert_eq!(bench.refusal(Side::INSIDE, udp(HOST, SERVER)), DropReason::Firewall);
    let said = bench.said();
    assert_eq!(said.first().and_then(|(_, packet)| kind(packet)), for_udp);
    for (side, packet) in &said {
        assert_eq!((*side, packet.source_ip), (Side::INSIDE, at("10.0.0.1:0").ip()));
    }
    bench.refusal(Side::INSIDE, tcp(HOST, SERVER, TcpFlags::SYN));
    let said = bench.said();
    assert_eq!(said.first().and_then(|(_, packet)| kind(packet)), for_tcp);
    let reset = said.first().and_then(|(_, packet)| flags(packet));
    let wanted = (action == Action::Reject).then_some(TcpFlags::RST | TcpFlags::ACK);
    assert_eq!(reset, wanted);
}

#[rstest]
#[case::anyone(Admission::EndpointIndependent, true, true)]
#[case::same_address(Admission::AddressDependent, true, false)]
#[case::same_port(Admission::AddressAndPortDependent, false, false)]
fn filters_admit_strangers_to_known_endpoints(
    #[case] admission: Admission,
    #[case] other_port: bool,
    #[case] other_address: bool,
    #[values(false, true)] over_tcp: bool,
) {
    let filtering = Filtering { udp: admission, tcp: admission };
    let mut bench = guarded(Config { filtering, ..Config::default() });
    let packet = |source: &str, destination: &str| match over_tcp {
        true => tcp(source, destination, TcpFlags::SYN),
        false => udp(source, destination),
    };
    assert!(!bench.passes(Side::OUTSIDE, packet("11.0.0.3:1", HOST)));
    assert!(bench.passes(Side::INSIDE, packet(HOST, SERVER)));
    assert_eq!(bench.passes(Side::OUTSIDE, packet("11.0.0.3:1", HOST)), other_port);
    assert_eq!(bench.passes(Side::OUTSIDE, packet(STRANGER, HOST)), other_address);
    assert!(!bench.passes(Side::OUTSIDE, packet(STRANGER, "10.0.0.7:4001")));
}

#[test]
fn the_first_rule_that_matches_counts() {
    let rules: Vec<Rule> = vec![
        Rule { source: Some("10.0.0.7/32".parse().unwrap()), ..Rule::new(Action::Accept) },
        Rule { ports: vec!["3000-4000".parse().unwrap()], ..Rule::new(Action::Prohibit) },
    ];
    let mut bench = guarded(Config { rules, ..Config::default() });
    assert!(bench.udp_out(HOST, SERVER), "rule 1 before rule 2");
    match bench.put(Side::INSIDE, udp("10.0.0.8:1", SERVER)) {
        Fate::Dropped(DropReason::Firewall, note) => assert!(note.contains("rule 2"), "{note}"),
        other => panic!("{other:?}"),
    }
    assert!(bench.udp_out("10.0.0.8:1", "11.0.0.3:2999"));
    assert!(bench.passes(Side::INSIDE, ping("10.0.0.8", "11.0.0.3")), "ICMP has no ports");
}

#[test]
fn without_state_answers_need_a_rule() {
    let rules = vec![Rule {
        source_ports: vec!["53".parse().unwrap()],
        direction: Some(simnet::firewall::Direction::Inbound),
        ..Rule::new(Action::Accept)
    }];
    let mut bench = guarded(Config { stateful: false, rules, ..Config::default() });
    assert!(bench.udp_out(HOST, SERVER));
    assert!(!bench.udp_in(SERVER, HOST));
    assert!(bench.udp_in("11.0.0.53:53", HOST));
}

#[test]
fn pings_go_out_and_pongs_come_back() {
    let mut bench = guarded(Config::stateful());
    assert_eq!(bench.refusal(Side::OUTSIDE, pong("11.0.0.3", "10.0.0.7")), DropReason::Firewall);
    assert!(bench.passes(Side::INSIDE, ping("10.0.0.7", "11.0.0.3")));
    assert!(bench.passes(Side::OUTSIDE, pong("11.0.0.3", "10.0.0.7")));
    assert!(!bench.passes(Side::OUTSIDE, ping("11.0.0.3", "10.0.0.8")));
    bench.wait(60 * SECOND);
    assert!(!bench.passes(Side::OUTSIDE, pong("11.0.0.3", "10.0.0.7")));
}

#[rstest]
#[case::related(IcmpErrors::Related, true, false)]
#[case::all(IcmpErrors::All, true, true)]
#[case::none(IcmpErrors::None, false, false)]
fn icmp_errors_pass_as_configured(
    #[case] icmp_errors: IcmpErrors,
    #[case] about_a_flow: bool,
    #[case] about_another: bool,
) {
    let mut bench = guarded(Config { icmp_errors, ..Config::default() });
    let sent = udp(HOST, SERVER);
    assert!(bench.passes(Side::INSIDE, sent.clone()));
    let too_big = IcmpError::TooBig { mtu: 1_400 };
    let on_the_way = error("11.0.7.7", too_big, &sent);
    assert_eq!(bench.passes(Side::OUTSIDE, on_the_way), about_a_flow);
    let stray = error("11.0.7.7", too_big, &udp("10.0.0.7:4001", SERVER));
    assert_eq!(bench.passes(Side::OUTSIDE, stray), about_another);
    // The host complains about an answer it does not want.
    let closed = error("10.0.0.7", IcmpError::PortUnreachable, &udp(SERVER, HOST));
    assert_eq!(bench.passes(Side::INSIDE, closed), about_a_flow);
}

#[test]
fn an_icmp_error_does_not_refresh_a_flow() {
    let mut bench = guarded(Config::stateful());
    let sent = udp(HOST, SERVER);
    bench.put(Side::INSIDE, sent.clone());
    bench.wait(299 * SECOND);
    assert!(bench.passes(Side::OUTSIDE, error("11.0.7.7", IcmpError::HostUnreachable, &sent)));
    bench.wait(SECOND);
    assert!(!bench.udp_in(SERVER, HOST));
}

#[test]
fn fragments_go_where_the_first_one_goes() {
    let mut bench = guarded(Config::stateful());
    let [first, second, third] = fragments(HOST, SERVER, 9);
    assert_eq!(bench.put(Side::INSIDE, third), Fate::Held);
    assert!(bench.passes(Side::INSIDE, first));
    assert_eq!(bench.released.len(), 1, "the one that waited");
    assert!(bench.passes(Side::INSIDE, second));
    assert_eq!(bench.inside, 0);
    let [_, stray, _] = fragments(STRANGER, HOST, 9);
    assert_eq!(bench.put(Side::OUTSIDE, stray), Fate::Held);
    bench.wait(2 * SECOND);
    assert_eq!(bench.inside, 0, "it waited long enough");
}

#[rstest]
#[case::in_order(Fragments::InOrder, true)]
#[case::none(Fragments::Drop, false)]
fn stricter_firewalls_drop_fragments(#[case] policy: Fragments, #[case] after_the_first: bool) {
    let mut bench = guarded(Config { fragments: policy, ..Config::default() });
    let [first, second, third] = fragments(HOST, SERVER, 9);
    assert_eq!(bench.refusal(Side::INSIDE, third), DropReason::FirewallFragment);
    assert_eq!(bench.passes(Side::INSIDE, first), after_the_first);
    assert_eq!(bench.passes(Side::INSIDE, second), after_the_first);
}

#[test]
fn state_is_bounded() {
    let limits = Limits { flows: 3, flows_per_host: 2, fragmented: 1, ..Limits::default() };
    let mut bench = guarded(Config { limits, ..Config::default() });
    for port in 1..=2 {
        assert!(bench.udp_out(&format!("10.0.0.7:{port}"), SERVER));
    }
    let reason = bench.refusal(Side::INSIDE, udp("10.0.0.7:3", SERVER));
    assert_eq!(reason, DropReason::FirewallLimit, "the host's share");
    assert!(bench.udp_out("10.0.0.8:1", SERVER));
    assert_eq!(bench.refusal(Side::INSIDE, udp("10.0.0.9:1", SERVER)), DropReason::FirewallLimit);
    let strays = [1, 2].map(|number| fragments(HOST, SERVER, number)[1].clone());
    assert_eq!(bench.put(Side::INSIDE, strays[0].clone()), Fate::Held);
    assert_eq!(bench.refusal(Side::INSIDE, strays[1].clone()), DropReason::FirewallFragment);
    bench.wait(300 * SECOND);
    assert!(bench.udp_out("10.0.0.9:1", SERVER), "flows that ended make room");
}

#[test]
fn captives_reach_nothing_but_the_names_until_they_are_released() {
    let mut bench = guarded(Config::captive_portal());
    assert_eq!(bench.refusal(Side::INSIDE, udp(HOST, SERVER)), DropReason::FirewallCaptive);
    assert_eq!(bench.said().len(), 1, "port unreachable");
    assert!(bench.udp_out(HOST, "11.0.0.53:53"));
    assert!(bench.udp_in("11.0.0.53:53", HOST));
    bench.middlebox.release(at(HOST).ip());
    assert!(bench.udp_out(HOST, SERVER));
    assert!(!bench.udp_out("10.0.0.8:1", SERVER), "the others stay");
}

#[test]
fn a_portal_may_let_everybody_go_in_time() {
    let captive = Captive { until: Some(60 * SECOND), ..Captive::default() };
    let mut bench = guarded(Config { captive: Some(captive), ..Config::default() });
    bench.wait(59 * SECOND);
    assert!(!bench.udp_out(HOST, SERVER));
    bench.wait(SECOND);
    assert!(bench.udp_out(HOST, SERVER));
}

#[test]
fn it_is_a_router_too() {
    let mut bench = guarded(Config::stateful());
    let mut old = udp(HOST, SERVER);
    old.hop_limit = 1;
    assert_eq!(bench.refusal(Side::INSIDE, old), DropReason::HopLimit);
    assert_eq!(kind(&bench.said()[0].1), Some(IcmpError::TimeExceeded));

    bench.set_mtu(Side::OUTSIDE, 1_280);
    let mut big = simnet::Packet::udp(at(HOST), at(SERVER), vec![0; 1_400]);
    assert!(bench.passes(Side::INSIDE, big.clone()), "the network fragments it");
    big.dont_fragment = true;
    assert_eq!(bench.refusal(Side::INSIDE, big), DropReason::TooBig);
    assert_eq!(kind(&bench.said()[0].1), Some(IcmpError::TooBig { mtu: 1_280 }));

    let to_itself = udp(HOST, "10.0.0.1:80");
    assert_eq!(bench.refusal(Side::INSIDE, to_itself), DropReason::NotForUs);
    let to_a_group = udp(HOST, "224.0.0.251:5353");
    assert_eq!(bench.refusal(Side::INSIDE, to_a_group), DropReason::NotForwarded);
    match bench.put(Side::INSIDE, udp(HOST, SERVER)) {
        Fate::Forwarded(Side::OUTSIDE, packet) => assert_eq!(packet.hop_limit, 63),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reboot_forgets_everything() {
    let mut bench = guarded(Config::captive_portal());
    bench.middlebox.release(at(HOST).ip());
    assert!(bench.udp_out(HOST, SERVER));
    bench.middlebox.reboot();
    assert!(!bench.udp_in(SERVER, HOST));
    assert!(!bench.udp_out(HOST, SERVER), "captive again");
}

#[test]
fn it_speaks_ipv6_as_well() {
    let mut bench = guarded(Config::simple_security());
    let (host, server) = ("[fd00::7]:4000", "[2001:db8:9::3]:3478");
    assert!(!bench.udp_in(server, host));
    assert!(bench.udp_out(host, server));
    assert!(bench.udp_in("[2001:db8:9::4]:1", host), "RFC 6092 §3.2.2: endpoint-independent");
    bench.wait(299 * SECOND);
    assert!(bench.udp_in(server, host));
}

#[test]
fn configurations_survive_a_file() {
    let all = [
        Config::stateful(),
        Config::tls_only(),
        Config::captive_portal(),
        Config::simple_security_strict().linux_timers(),
    ];
    for config in all {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config, "{text}");
    }
    let text = "
        inbound = 'prohibit-later'
        filtering = { udp = 'endpoint-independent' }
        timers = { udp = '2min' }
        rules = [{ action = 'accept', protocol = 'tcp', ports = [443, '5000-5100'], destination = '11.0.0.0/8' }]
    ";
    let config: Config = toml::from_str(text).unwrap();
    assert_eq!(config.timers.udp, 120 * SECOND);
    assert_eq!(config.rules[0].ports.len(), 2);
    for wrong in ["inbund = 'drop'", "inbound = 'maybe'", "timers = { udp = '-5s' }"] {
        assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
    }
}
