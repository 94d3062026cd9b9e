//! The examples of RFC 6724 §10, and what they leave out.

use rstest::rstest;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A candidate such as `2001:db8::1`, with words behind it for what is special about it.
fn candidate(text: &str) -> Candidate {
    let mut words = text.split(' ');
    let address = ip(words.next().unwrap());
    let mut candidate = Candidate::new(address, if address.is_ipv4() { 24 } else { 64 });
    for word in words {
        match word {
            "deprecated" => candidate.deprecated = true,
            "temporary" => candidate.temporary = true,
            "care-of" => candidate.home = false,
            "eth1" => candidate.interface = 1,
            other => panic!("unknown word {other}"),
        }
    }
    candidate
}

fn candidates(texts: &[&str]) -> Vec<Candidate> {
    texts.iter().map(|text| candidate(text)).collect()
}

fn source(destination: &str, texts: &[&str]) -> Option<IpAddr> {
    let candidates = candidates(texts);
    select_source(ip(destination), Some(0), &candidates, &Policy::default()).map(|found| found.ip)
}

// RFC 6724 §10.1, in the order given there; every pair is also tried the other way round.
#[rstest]
#[case::appropriate_scope("2001:db8:1::1", "2001:db8:3::1", "fe80::1")]
#[case::scope_of_a_group("ff05::1", "2001:db8:3::1", "fe80::1")]
#[case::same_address("2001:db8:1::1", "2001:db8:1::1 deprecated", "2001:db8:2::1")]
#[case::scope_before_deprecation("fe80::1", "fe80::2 deprecated", "2001:db8:1::1")]
#[case::longest_prefix("2001:db8:1::1", "2001:db8:1::2", "2001:db8:3::2")]
#[case::home("2001:db8:1::1", "2001:db8:3::2", "2001:db8:1::2 care-of")]
#[case::label(
    "2002:c633:6401::1",
    "2002:c633:6401::d5e3:7953:13eb:22e8 temporary",
    "2001:db8:1::2"
)]
#[case::temporary(
    "2001:db8:1::d5e3:0:0:1",
    "2001:db8:1::d5e3:7953:13eb:22e8 temporary",
    "2001:db8:1::2"
)]
fn sources_of_the_examples(#[case] destination: &str, #[case] best: &str, #[case] other: &str) {
    let wanted = Some(candidate(best).ip);
    assert_eq!(source(destination, &[best, other]), wanted);
    assert_eq!(source(destination, &[other, best]), wanted);
}

#[rstest]
#[case::deprecated("2001:db8:1::1", "2001:db8:9::2", "2001:db8:1::2 deprecated")]
#[case::interface("2001:db8:1::1", "2001:db8:9::2", "2001:db8:1::2 eth1")]
#[case::ipv4("10.0.0.9", "10.0.0.2", "192.168.1.2")]
#[case::ipv4_link_local("11.0.0.3", "10.0.0.2", "169.254.7.7")]
#[case::teredo_is_no_native("2400::1", "2400:9::1", "2001:0:1::1")]
#[case::site_local_is_too_small("2001:db8::1", "2001:db8:9::1", "fec0::1")]
fn sources_the_examples_leave_out(
    #[case] destination: &str,
    #[case] best: &str,
    #[case] other: &str,
) {
    let wanted = Some(candidate(best).ip);
    assert_eq!(source(destination, &[best, other]), wanted);
    assert_eq!(source(destination, &[other, best]), wanted);
}

#[test]
fn no_source_of_the_other_family_is_taken_and_equals_go_by_order() {
    assert_eq!(source("2001:db8::1", &["10.0.0.1"]), None);
    assert_eq!(source("11.0.0.3", &["10.0.0.1", "10.0.0.2"]), Some(ip("10.0.0.1")));
    assert_eq!(source("11.0.0.3", &["10.0.0.2", "10.0.0.1"]), Some(ip("10.0.0.2")));
}

fn ordered(sources: &[&str], destinations: &[&str]) -> Vec<IpAddr> {
    let candidates = candidates(sources);
    let destinations: Vec<_> = destinations.iter().map(|text| ip(text)).collect();
    let policy = Policy::default();
    let from = |destination| select_source(destination, None, &candidates, &policy).copied();
    order_destinations(&destinations, from, &policy)
}

// RFC 6724 §10.2, in the order given there.
#[rstest]
#[case::matching_scope(
    &["2001:db8:1::2", "fe80::1", "169.254.13.78"], "2001:db8:1::1", "198.51.100.121")]
#[case::matching_scope_of_ipv4(
    &["fe80::1", "198.51.100.117"], "198.51.100.121", "2001:db8:1::1")]
#[case::precedence(&["2001:db8:1::2", "fe80::1", "10.1.2.4"], "2001:db8:1::1", "10.1.2.3")]
#[case::smaller_scope(&["2001:db8:1::2", "fe80::2"], "fe80::1", "2001:db8:1::1")]
#[case::home(
    &["2001:db8:1::2 care-of", "2001:db8:3::1", "fe80::2 care-of"], "2001:db8:1::1", "fe80::1")]
#[case::deprecated(&["2001:db8:1::2", "fe80::2 deprecated"], "2001:db8:1::1", "fe80::1")]
#[case::longest_prefix(
    &["2001:db8:1::2", "2001:db8:3f44::2", "fe80::2"], "2001:db8:1::1", "2001:db8:3ffe::1")]
#[case::label(&["2002:c633:6401::2", "fe80::2"], "2002:c633:6401::1", "2001:db8:1::1")]
#[case::precedence_of_native(
    &["2002:c633:6401::2", "2001:db8:1::2", "fe80::2"], "2001:db8:1::1", "2002:c633:6401::1")]
fn destinations_of_the_examples(
    #[case] sources: &[&str],
    #[case] first: &str,
    #[case] second: &str,
) {
    let wanted = [ip(first), ip(second)];
    assert_eq!(ordered(sources, &[first, second]), wanted);
    assert_eq!(ordered(sources, &[second, first]), wanted);
}

#[test]
fn what_cannot_be_reached_comes_last_and_equals_stay() {
    let all = ["2001:db8::1", "11.0.0.9", "11.0.0.8"];
    assert_eq!(ordered(&["10.0.0.1"], &all), ["11.0.0.9", "11.0.0.8", "2001:db8::1"].map(ip));
}

#[test]
fn a_policy_can_prefer_ipv4() {
    let mut policy = Policy::default();
    let candidates = candidates(&["10.0.0.1", "2001:db8::1"]);
    let from = |destination| select_source(destination, None, &candidates, &policy).copied();
    let both = [ip("2001:db8:9::1"), ip("11.0.0.9")];
    assert_eq!(order_destinations(&both, from, &policy), both);
    policy.set("::ffff:0:0/96".parse().unwrap(), 100, 4);
    let from = |destination| select_source(destination, None, &candidates, &policy).copied();
    assert_eq!(order_destinations(&both, from, &policy), [both[1], both[0]]);
    assert_eq!(policy.precedence(ip("11.0.0.9")), 100);
    assert_eq!(policy.label(ip("fd00::1")), Some(13));
}
