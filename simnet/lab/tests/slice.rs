//! Scenarios from text to outcome.

use std::time::Duration;

use lab::{Figure, Scenario};

/// Two peers behind NATs of their own, and a STUN server.
const PUNCH: &str = r#"
version = 1
name = "punch"
seed = 7
duration = "10s"

[wan]
prefixes = ["11.0.0.0/8"]

[[lan]]
name = "lan-a"
prefixes = ["192.168.1.0/24"]

[[lan]]
name = "lan-b"
prefixes = ["192.168.1.0/24"]

[[nat]]
name = "home-a"
inside = "lan-a"
outside = "wan"
preset = "linux-masquerade"

[[nat]]
name = "home-b"
inside = "lan-b"
outside = "wan"
preset = "linux-masquerade"

[[host]]
name = "alice"
attach = "lan-a"
role = { peer = { with = "bob" } }

[[host]]
name = "bob"
attach = "lan-b"
role = "peer"

[[host]]
name = "stun"
attach = "wan"
addrs = ["11.0.0.3", "11.0.1.3"]
role = "stun"

[[link]]
between = ["home-a", "wan"]
delay = "12ms"

[[link]]
between = ["home-b", "wan"]
delay = "20ms"
"#;

fn run(text: &str) -> lab::Outcome {
    let scenario = Scenario::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.build(()).expect("it was checked").run()
}

#[test]
fn peers_behind_linux_punch_a_hole() {
    let text = format!(
        "{PUNCH}\n[expect]\nconnected-within = \"1s\"\nselected = [\"srflx\", \"srflx\"]\n\
         still-connected = true"
    );
    let outcome = run(&text);
    assert!(outcome.held(), "{outcome}");
    assert!(outcome.tally.is_conserved());
    let Some(Figure::Count(received)) = outcome.figure("bob.received") else { panic!("{outcome}") };
    assert!(*received >= 9, "{outcome}");
}

#[test]
fn peers_behind_symmetric_nats_do_not_meet() {
    let text = PUNCH.replace("linux-masquerade", "classic-symmetric");
    let outcome = run(&format!(
        "{text}\n[expect]\nnot-connected = true\ndrops = {{ \"nat.filtered\" = \">0\" }}"
    ));
    assert!(outcome.held(), "{outcome}");
}

#[test]
fn what_is_expected_and_does_not_come_is_told() {
    let outcome = run(&format!("{PUNCH}\n[expect]\nselected = [\"host\", \"host\"]"));
    assert!(!outcome.held());
    let verdict = outcome.verdicts.first().unwrap();
    assert_eq!(verdict.wanted, "host – host");
    assert_eq!(verdict.got, "alice srflx – srflx, bob srflx – srflx");
}

#[test]
fn the_same_file_and_seed_give_the_same_hash_and_another_seed_another() {
    let again = run(PUNCH);
    assert_eq!(run(PUNCH).hash, again.hash);
    assert_ne!(run(&PUNCH.replace("seed = 7", "seed = 8")).hash, again.hash);
}

#[test]
fn a_reboot_breaks_the_path_and_the_peers_find_another() {
    let text = format!(
        "{}\n[[at]]\nt = \"5s\"\ndo = {{ nat-reboot = \"home-a\" }}\n\n[expect]\nstill-connected = true",
        PUNCH.replace("duration = \"10s\"", "duration = \"60s\"")
    );
    let outcome = run(&text);
    assert!(outcome.held(), "{outcome}");
}

#[test]
fn a_scenario_can_be_put_together_in_rust() {
    use lab::roles::{Flow, Sink};
    let mut scenario = Scenario::new("flow");
    scenario.duration = Duration::from_secs(2);
    scenario.wans.push(lab::Segment::new("wan", "11.0.0.0/8"));
    scenario.hosts.push(lab::Host::new("alice", "wan", Flow::to("bob").rate(128_000)));
    scenario.hosts.push(lab::Host::new("bob", "wan", Sink::default()));
    scenario.links.push(lab::Link::between("alice", "wan").with("delay", "30ms"));
    let outcome = scenario.build(()).unwrap().run();
    assert_eq!(outcome.figure("bob.received"), Some(&Figure::Count(150)), "{outcome}");
    assert_eq!(
        outcome.figure("bob.delay-p95"),
        Some(&Figure::Time(Duration::from_millis(30))),
        "{outcome}"
    );
    assert_eq!(Scenario::parse(&scenario.to_toml()), Ok(scenario));
}

#[test]
fn what_is_written_reads_as_the_same() {
    let scenario = Scenario::parse(PUNCH).unwrap();
    assert_eq!(Scenario::parse(&scenario.to_toml()), Ok(scenario));
}

#[test]
fn the_last_address_given_to_a_nat_is_the_only_one() {
    let events = r#"
[[at]]
t = "2s"
do = { nat-address = { nat = "home-a", address = "11.0.0.77" } }

[[at]]
t = "4s"
do = { nat-address = { nat = "home-a", address = "11.0.0.78" } }
"#;
    let scenario = Scenario::parse(&format!("{PUNCH}{events}")).expect("it is right");
    let mut world = scenario.build(()).expect("it fits together");
    world.run();
    let net = world.network();
    let interfaces = net.interfaces(net.node("home-a"));
    let outside = interfaces.iter().find(|it| it.name == "outside").expect("it has one");
    let addresses: Vec<_> = outside.addresses.iter().map(|it| it.ip.to_string()).collect();
    assert_eq!(addresses, ["11.0.0.78"]);
}

#[test]
fn one_event_alone_may_change_a_link() {
    let event = r#"
[at]
t = "2s"
do = { link = { between = ["home-a", "wan"], delay = "99ms" } }
"#;
    Scenario::parse(&format!("{PUNCH}{event}")).expect("it is right");
}
