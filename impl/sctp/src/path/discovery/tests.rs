//! Claims about the search for the packet size.

use rstest::rstest;

use super::*;

const RTO: Duration = Duration::from_millis(400);

fn discovery(max: usize) -> Discovery {
    Discovery::new(DiscoveryConfig { min: 512, base: 1_200, max })
}

/// Runs a search over a path that carries packets of up to `path` bytes; the probes it took.
fn run(discovery: &mut Discovery, now: &mut Instant, path: usize) -> Vec<(usize, bool)> {
    let mut probes = Vec::new();
    while let Some(Probe { size }) = discovery.poll_probe(*now, RTO) {
        let fits = size <= path;
        probes.push((size, fits));
        if fits {
            discovery.on_probe_acked(*now, size);
        } else {
            *now = discovery.deadline().unwrap();
            discovery.handle_timeout(*now);
        }
        if discovery.phase() != Phase::Base {
            assert!(discovery.packet_size() <= path.max(512));
        }
    }
    probes
}

#[test]
fn a_search_goes_up_in_doubling_steps_and_closes_in_by_halves() {
    let mut text = String::new();
    for (max, path) in [
        (1_400, 1_400),
        (1_400, 1_300),
        (1_400, 1_200),
        (9_000, 9_000),
        (9_000, 1_430),
        (1_200, 1_500),
    ] {
        let mut discovery = discovery(max);
        let mut now = Instant::ZERO;
        discovery.start(now);
        let probes = run(&mut discovery, &mut now, path);
        text += &format!("max {max} path {path}: {} after {probes:?}\n", discovery.packet_size());
        assert_eq!(discovery.phase(), Phase::Complete);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_path_that_shrinks_is_found_out_and_never_a_black_hole() {
    let mut discovery = discovery(1_400);
    let mut now = Instant::ZERO;
    discovery.start(now);
    run(&mut discovery, &mut now, 1_500);
    assert_eq!(discovery.packet_size(), 1_400);
    assert_eq!(discovery.chunk_packet_size(), 1_200);
    assert!(!discovery.on_timeout(1_400));
    assert!(discovery.on_timeout(1_400));
    assert_eq!((discovery.phase(), discovery.packet_size()), (Phase::Base, 1_200));
    run(&mut discovery, &mut now, 1_300);
    assert_eq!(discovery.phase(), Phase::Complete);
    assert!((1_284..=1_300).contains(&discovery.packet_size()), "{}", discovery.packet_size());
    let raise = discovery.deadline().unwrap();
    discovery.handle_timeout(raise);
    now = raise;
    run(&mut discovery, &mut now, 1_500);
    assert_eq!(discovery.packet_size(), 1_400, "the raise timer finds the larger size again");
}

#[test]
fn a_path_below_the_base_size_falls_to_the_smallest_and_comes_back() {
    let mut discovery = discovery(1_200);
    let mut now = Instant::ZERO;
    discovery.start(now);
    assert_eq!(discovery.phase(), Phase::Complete);
    discovery.on_timeout(1_200);
    discovery.on_timeout(1_200);
    let probes = run(&mut discovery, &mut now, 600);
    assert_eq!(probes, [(1_200, false); 3]);
    assert_eq!((discovery.phase(), discovery.packet_size()), (Phase::Error, 512));
    assert_eq!(discovery.chunk_packet_size(), 512);
    now = discovery.deadline().unwrap();
    discovery.handle_timeout(now);
    run(&mut discovery, &mut now, 600);
    assert_eq!(discovery.packet_size(), 512, "still too small");
    now = discovery.deadline().unwrap();
    discovery.handle_timeout(now);
    run(&mut discovery, &mut now, 1_500);
    assert_eq!((discovery.phase(), discovery.packet_size()), (Phase::Complete, 1_200));
}

#[test]
fn what_arrives_clears_the_suspicion_of_a_black_hole() {
    let mut discovery = discovery(1_400);
    discovery.start(Instant::ZERO);
    for _ in 0..10 {
        assert!(!discovery.on_timeout(1_200));
        discovery.on_packet_acked(1_200);
    }
    for _ in 0..10 {
        assert!(!discovery.on_timeout(300), "small packets prove nothing");
    }
}

#[test]
fn the_layer_below_may_lower_and_raise_the_limit() {
    let mut discovery = discovery(1_400);
    let mut now = Instant::ZERO;
    discovery.start(now);
    run(&mut discovery, &mut now, 1_500);
    discovery.set_limit(now, 1_100);
    assert_eq!((discovery.packet_size(), discovery.chunk_packet_size()), (1_100, 1_100));
    discovery.set_limit(now, 1_350);
    run(&mut discovery, &mut now, 1_500);
    assert_eq!(discovery.packet_size(), 1_348);
}

#[test]
fn answers_to_nothing_change_nothing() {
    let mut discovery = discovery(9_000);
    discovery.on_probe_acked(Instant::ZERO, 9_000);
    discovery.on_probe_lost(Instant::ZERO);
    discovery.start(Instant::ZERO);
    discovery.on_probe_acked(Instant::ZERO, 9_000);
    assert_eq!(discovery.packet_size(), 1_200);
    discovery.stop();
    assert_eq!((discovery.deadline(), discovery.poll_probe(Instant::ZERO, RTO)), (None, None));
}

#[rstest]
fn every_search_ends(
    #[values(0, 1, 280, 1_200, 9_000)] base: usize,
    #[values(0, 280, 9_000, usize::MAX)] max: usize,
) {
    let mut discovery = Discovery::new(DiscoveryConfig { min: 512, base, max });
    let mut now = Instant::ZERO;
    discovery.start(now);
    let probes = run(&mut discovery, &mut now, 1_450.max(base));
    assert!(probes.len() < 100);
    assert!(discovery.packet_size() >= 1);
}
