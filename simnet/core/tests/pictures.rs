//! The pictures of a run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

use std::{net::SocketAddr, time::Duration};

use rstest::rstest;
use simnet::{
    Attach, Host, Link, Network, Observer, SocketId, Topology,
    nat::{Config, Nat},
    observe::{Bindings, Capture, JsonLines, Ladder, Page},
};

type Watchers = (Ladder, Bindings);

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn words(payload: &[u8]) -> Option<String> {
    Some(std::str::from_utf8(payload).ok()?.to_owned())
}

fn socket(net: &mut Network<Watchers>, host: &str, local: &str) -> SocketId {
    let node = net.node(host);
    net.bind(node, at(local)).unwrap()
}

/// Two hosts behind a NAT each, and a server that tells addresses.
fn world(config: &Config) -> Network<Watchers> {
    let observer = (Ladder::with_summary(words), Bindings::new());
    Network::builder(11)
        .wan("wan", "11.0.0.0/8")
        .lan("lan-a", "192.168.1.0/24")
        .lan("lan-b", "192.168.1.0/24")
        .middlebox(
            "home-a",
            Attach::to("lan-a").and_to("wan").address("11.0.0.5"),
            Nat::new(config.clone()),
        )
        .middlebox(
            "home-b",
            Attach::to("lan-b").and_to("wan").address("11.0.0.6"),
            Nat::new(config.clone()),
        )
        .host("alice", Host::on("lan-a").address("192.168.1.2"))
        .host("bob", Host::on("lan-b").address("192.168.1.2"))
        .host("stun", Host::on("wan").address("11.0.0.9"))
        .link("home-a", "wan", Link::delayed(Duration::from_millis(10)))
        .link("home-b", "wan", Link::delayed(Duration::from_millis(25)))
        .build_observed(observer)
        .unwrap()
}

/// Both ask for their addresses, then punch; afterwards they talk for a while and fall silent.
fn punch(config: &Config) -> Network<Watchers> {
    let mut net = world(config);
    let alice = socket(&mut net, "alice", "192.168.1.2:5000");
    let bob = socket(&mut net, "bob", "192.168.1.2:6000");
    let stun = socket(&mut net, "stun", "11.0.0.9:3478");
    net.send(alice, at("11.0.0.9:3478"), b"who am I?");
    net.send(bob, at("11.0.0.9:3478"), b"who am I?");
    net.run_for(Duration::from_millis(40));
    let mut seen = Vec::new();
    while let Some(question) = net.receive(stun) {
        net.send(stun, question.source, format!("you are {}", question.source).as_bytes());
        seen.push(question.source);
    }
    net.run_for(Duration::from_millis(60));
    net.send(alice, seen[1], b"check 1");
    net.run_for(Duration::from_millis(50));
    net.send(bob, seen[0], b"check 2");
    net.run_for(Duration::from_millis(50));
    for number in 0..20 {
        net.send(alice, seen[1], format!("frame {number}").as_bytes());
        net.run_for(Duration::from_millis(20));
    }
    net.run_for(Duration::from_secs(60));
    net
}

fn picture(config: &Config) -> String {
    punch(config).observer().0.svg("Hole punching")
}

#[test]
fn a_level_arrow_stands_for_no_delay_and_a_slope_for_one() {
    let svg = picture(&Config::port_restricted_cone());
    let arrows: Vec<_> = svg.lines().filter(|line| line.contains("class=\"wire")).collect();
    let level = |line: &&&str| {
        let path = line.split('"').nth(1).unwrap();
        let ends: Vec<&str> = path.split(['M', 'L', ' ']).collect();
        ends[2] == ends[4]
    };
    assert!(arrows.iter().filter(level).count() >= 4, "{}", arrows.join("\n"));
    assert!(arrows.iter().filter(|line| !level(line)).count() >= 6, "{}", arrows.join("\n"));
}

#[test]
fn the_picture_shows_rewritten_addresses_tables_and_reasons() {
    let svg = picture(&Config::port_restricted_cone());
    for wanted in [
        "class=\"mono halo changed\" text-anchor=\"end\">11.0.0.5:5000</text>",
        ">+ 192.168.1.2:5000 ⇄ 11.0.0.5:5000</text>",
        ">+ lets in 11.0.0.6:6000</text>",
        ">nat.filtered</text>",
        "RFC 4787 §5",
        "more like this: frame",
        "class=\"mono gone\"",
    ] {
        assert!(svg.contains(wanted), "{wanted} is not in\n{svg}");
    }
}

#[test]
fn repeated_packets_are_left_out_of_the_picture_but_not_of_the_text() {
    let net = punch(&Config::port_restricted_cone());
    let ladder = &net.observer().0;
    assert!(ladder.render().contains("frame 10"));
    let svg = ladder.svg("x");
    assert!(svg.contains(">frame 1<") && svg.contains(">frame 19<") && !svg.contains(">frame 10<"));
    assert!(svg.contains("17 more like this"));
}

#[test]
fn the_mermaid_drawing_is_the_same_story() {
    insta::assert_snapshot!(punch(&Config::port_restricted_cone()).observer().0.mermaid());
}

#[test]
fn the_table_tells_the_life_of_every_mapping() {
    insta::assert_snapshot!(punch(&Config::symmetric()).observer().1.table());
}

#[test]
fn the_chart_has_a_bar_for_every_mapping() {
    let net = punch(&Config::symmetric());
    let bindings = &net.observer().1;
    assert_eq!(bindings.gantt().matches("<g class=\"b\"").count(), bindings.all().len());
    assert_eq!(bindings.all().len(), 4);
    assert!(Bindings::new().gantt().is_empty());
}

#[rstest]
#[case::cone(Config::port_restricted_cone())]
#[case::symmetric(Config::symmetric())]
#[case::bare(Config::linux_masquerade_bare())]
fn pages_are_the_same_every_time(#[case] config: Config) {
    let page = || {
        let net = punch(&config);
        let (ladder, bindings) = net.observer();
        let mut page = Page::new("Hole punching");
        page.verdict(true, "packets are conserved", &net.tally().to_string());
        page.ladder("The conversation", ladder).bindings("What the NATs remembered", bindings);
        page.render()
    };
    let html = page();
    assert_eq!(html, page());
    // Every element that opens closes.
    for element in ["g", "svg", "section", "details", "table", "text"] {
        let opened = html.matches(&format!("<{element} ")).count()
            + html.matches(&format!("<{element}>")).count();
        assert_eq!(opened, html.matches(&format!("</{element}>")).count(), "{element}");
    }
    if let Ok(folder) = std::env::var("PICTURES") {
        std::fs::write(format!("{folder}/{:?}.html", config.mapping), html).unwrap();
    }
}

#[test]
fn a_key_log_stands_in_the_capture() {
    use pcap_file::pcapng::PcapNgReader;
    let mut capture = Capture::new();
    capture.key_log(b"too early");
    capture.start(&Topology::default());
    capture.key_log(b"CLIENT_RANDOM 00 11\n");
    let bytes = capture.finish().unwrap();
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let block = reader.next_raw_block().unwrap().unwrap();
    assert_eq!(block.type_, 0x0a);
    assert_eq!(&block.body[..4], b"TLSK");
    assert_eq!(&block.body[4..8], 20_u32.to_be_bytes());
    assert_eq!(&block.body[8..], b"CLIENT_RANDOM 00 11\n");
    assert!(reader.next_raw_block().is_none());
}

#[test]
fn a_trace_names_its_scenario() {
    let mut lines = JsonLines::of("punch");
    lines.start(&Topology::default());
    let text = String::from_utf8(lines.into_bytes()).unwrap();
    assert!(text.contains("\"scenario\":\"punch\",\"seed\":0"), "{text}");
}
