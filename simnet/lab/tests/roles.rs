//! What lives on hosts does what it says.

use std::time::Duration;

use lab::{
    Boxed, Expect, Figure, Host, Link, Outcome, Scenario, Segment, presets,
    roles::{
        Discovery, Echo, Flow, Ice, Keepalive, PmtuProbe, Role, ShortFlows, Sink, Stun, TcpSend,
        TcpSink, Turn,
    },
};
use rstest::rstest;
use simnet::nat::PortAssignment;

/// A host behind a box, and one outside.
fn behind(nat: Boxed, inside: impl Into<Role>, outside: impl Into<Role>) -> Scenario {
    let mut scenario = Scenario::new("behind");
    scenario.wans.push(Segment::new("wan", "11.0.0.0/8"));
    scenario.lans.push(Segment::new("home", "192.168.1.0/24"));
    scenario.nats.push(nat);
    scenario.hosts.push(Host::new("alice", "home", inside));
    scenario
        .hosts
        .push(Host::new("server", "wan", outside).address("11.0.0.3").address("11.0.1.3"));
    scenario.links.push(Link::between("box", "wan").with("delay", "10ms"));
    scenario
}

fn nat() -> Boxed {
    Boxed::new("box", "home", "wan")
}

fn run(scenario: &Scenario) -> Outcome {
    let mut world = scenario.build(()).unwrap_or_else(|problem| panic!("{problem}"));
    world.run()
}

#[test]
fn discovery_recovers_mapping_and_filtering_of_every_preset() {
    for preset in presets::all("nat") {
        // The behaviour of this one depends on when it is asked.
        if preset.name == "non-deterministic" {
            continue;
        }
        let mut scenario = behind(nat().preset(preset.name), Discovery::default(), Stun::default());
        scenario.duration = Duration::from_secs(120);
        let config = scenario.nat_config("box").unwrap_or_else(|| panic!("{}", preset.name));
        let mapping = config.mapping.to_string();
        let mut mapping = mapping.strip_suffix("-if-possible").unwrap_or(&mapping);
        // Mappings that depend on the destination, and share a preserved port, look like one.
        let preserves = matches!(
            config.ports.assignment,
            PortAssignment::Preserve | PortAssignment::PreserveInClass
        );
        if preserves && config.ports.overlap_by_destination {
            mapping = "endpoint-independent";
        }
        let mapping = mapping.to_owned();
        scenario.expects.push(Expect {
            mapping: Some(mapping),
            filtering: Some(config.filtering.to_string()),
            ..Expect::default()
        });
        let outcome = run(&scenario);
        assert!(outcome.held(), "{}: {outcome}", preset.name);
    }
}

#[rstest]
#[case::shorter_than_the_timer("25s", None, true)]
#[case::longer_than_the_timer("35s", None, false)]
#[case::longer_but_kept_alive("35s", Some(20), true)]
#[case::kept_alive_too_seldom("35s", Some(40), false)]
fn a_mapping_lives_as_long_as_its_timer(
    #[case] delay: &str,
    #[case] interval: Option<u64>,
    #[case] survives: bool,
) {
    let delay = simnet::units::parse_duration(delay).unwrap();
    let ask = Keepalive { interval: interval.map(Duration::from_secs), ..Keepalive::to("server") };
    let box30 = nat().with("timers.udp", "30s");
    let mut scenario = behind(box30, ask, Echo { delay, ..Echo::default() });
    scenario.duration = Duration::from_secs(300);
    let outcome = run(&scenario);
    assert_eq!(outcome.figure("alice.survived"), Some(&Figure::Truth(survives)), "{outcome}");
}

#[test]
fn the_path_mtu_is_told_and_found() {
    let mut scenario = behind(nat(), PmtuProbe::to("server"), Echo::default());
    scenario.links.push(Link::between("server", "wan").with("mtu", 1_400));
    let outcome = run(&scenario);
    assert_eq!(outcome.figure("alice.path-mtu"), Some(&Figure::Count(1_400)), "{outcome}");
    assert_eq!(outcome.figure("alice.black-hole"), Some(&Figure::Truth(false)), "{outcome}");
}

#[test]
fn a_black_hole_says_nothing() {
    let mut scenario = behind(nat(), PmtuProbe::to("server"), Echo::default());
    let mut hole = toml::Table::new();
    hole.insert("mtu".into(), 1_400.into());
    hole.insert("icmp".into(), false.into());
    scenario.links.push(Link::between("server", "wan").with("pmtu", hole));
    let outcome = run(&scenario);
    assert_eq!(outcome.figure("alice.path-mtu"), Some(&Figure::Count(1_400)), "{outcome}");
    assert_eq!(outcome.figure("alice.black-hole"), Some(&Figure::Truth(true)), "{outcome}");
}

#[test]
fn a_flow_measures_what_a_link_does_to_it() {
    let mut scenario = behind(nat(), Flow::to("server").rate(256_000), Sink::default());
    scenario.duration = Duration::from_secs(60);
    scenario.links.push(Link::between("alice", "home").up("loss", "5%"));
    scenario.expects.push(Expect {
        loss_at_most: Some(0.07),
        delay_p95_at_most: Some(Duration::from_millis(10)),
        goodput_at_least: Some(235_000),
        ..Expect::default()
    });
    let outcome = run(&scenario);
    assert!(outcome.held(), "{outcome}");
    scenario.expects = vec![Expect { loss_at_most: Some(0.03), ..Expect::default() }];
    assert!(!run(&scenario).held());
}

#[test]
fn tcp_fills_a_link_and_delays_others() {
    let mut scenario = behind(nat(), TcpSend::to("server"), TcpSink::default());
    scenario.duration = Duration::from_secs(20);
    scenario.links.clear();
    scenario.links.push(
        Link::between("box", "wan")
            .with("delay", "20ms")
            .with("rate", "5Mbps")
            .with("queue", "fq-codel"),
    );
    scenario.expects.push(Expect { goodput_at_least: Some(4_400_000), ..Expect::default() });
    let outcome = run(&scenario);
    assert!(outcome.held(), "{outcome}");
}

#[test]
fn small_objects_are_finished() {
    let browse: ShortFlows = toml::from_str("to = 'server'").unwrap();
    let mut scenario = behind(nat(), browse, TcpSink::default());
    scenario.duration = Duration::from_secs(60);
    let outcome = run(&scenario);
    let Some(Figure::Count(objects)) = outcome.figure("alice.objects") else { panic!("{outcome}") };
    assert!(*objects > 20, "{outcome}");
    assert_eq!(outcome.figure("alice.failed"), Some(&Figure::Count(0)), "{outcome}");
}

#[test]
fn a_phone_behind_464xlat_reaches_ipv4() {
    let text = r#"
version = 1
name = "464xlat"
duration = "10s"
wan = { prefixes = ["11.0.0.0/8"] }

[[lan]]
name = "phone"
prefixes = ["192.0.0.0/29"]

[[lan]]
name = "cell"
prefixes = ["2001:db8:1::/64"]

[[clat]]
name = "clat"
inside = "phone"
outside = "cell"

[[nat64]]
name = "plat"
inside = "cell"
outside = "wan"

[[host]]
name = "app"
attach = "phone"
addrs = ["192.0.0.2"]
role = { flow = { to = "server" } }

[[host]]
name = "server"
attach = "wan"
role = "sink"

[expect]
loss-at-most = "0%"
"#;
    let scenario = Scenario::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    let outcome = run(&scenario);
    assert!(outcome.held(), "{outcome}");
}

/// Alice behind a NAT and Bob outside, with a TURN server.
fn ice(nat: &str, tune: impl Fn(&mut Ice)) -> Scenario {
    let role = |with: &str| {
        let mut ice = Ice::with(with);
        tune(&mut ice);
        ice
    };
    let mut scenario =
        behind(Boxed::new("box", "home", "wan").preset(nat), role("bob"), Turn::default());
    scenario.duration = Duration::from_secs(15);
    scenario.hosts.push(Host::new("bob", "wan", role("alice")).address("11.0.0.9"));
    scenario
}

#[rstest]
#[case::as_it_comes(|_: &mut Ice| {}, "host", "host")]
#[case::relays_alone(|ice: &mut Ice| ice.relay_only = true, "relay", "relay")]
#[case::all_at_once(|ice: &mut Ice| ice.trickle = false, "host", "host")]
#[case::aggressively(|ice: &mut Ice| ice.aggressive = true, "host", "host")]
fn ice_connects_as_it_is_told(
    #[case] tune: fn(&mut Ice),
    #[case] local: &str,
    #[case] remote: &str,
) {
    // Without translation there are host candidates, as far as the STUN server can see.
    let outcome = run(&ice("classic-full-cone", tune));
    let text = |name: &str| outcome.figure(name).map(ToString::to_string).unwrap_or_default();
    assert_eq!(outcome.figure("alice.connected"), Some(&Figure::Truth(true)), "{outcome}");
    assert_eq!(outcome.figure("bob.connected"), Some(&Figure::Truth(true)), "{outcome}");
    let seen = if local == "host" { "srflx" } else { local };
    assert_eq!(
        (text("alice.selected-local").as_str(), text("alice.selected-remote").as_str()),
        (seen, remote)
    );
    let Some(Figure::Count(received)) = outcome.figure("bob.received") else { panic!("{outcome}") };
    assert!(*received > 8, "{outcome}");
}

#[test]
fn a_relay_counts_what_it_carries() {
    let outcome = run(&ice("classic-full-cone", |ice| ice.relay_only = true));
    assert_eq!(outcome.figure("server.allocations"), Some(&Figure::Count(2)), "{outcome}");
    let Some(Figure::Count(relayed)) = outcome.figure("server.relayed") else {
        panic!("{outcome}")
    };
    assert!(*relayed > 20, "{outcome}");
}
