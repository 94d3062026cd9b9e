//! A signalling server, or a peer, that tells more than there is.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use ice::{AddCandidateError, Address, Candidate, Foundation, Kind, Role, Transport};

use crate::support::{World, agent, elsewhere, our_address, outgoing};

fn told(n: u32, address: SocketAddr) -> Candidate {
    let foundation = Foundation::numbered(n);
    let priority = 2_130_706_431 - n;
    let address = Address::Ip(address);
    Candidate::new(foundation, 1, Transport::Udp, priority, address, Kind::Host)
}

#[test]
fn ten_thousand_candidates_leave_sixty_four_and_what_they_take_in_memory() {
    let mut agent = agent(Role::Controlling, our_address());
    let (mut taken, mut refused) = (0, 0);
    let info = allocation_counter::measure(|| {
        for n in 0..10_000 {
            match agent.add_remote_candidate(Instant::ZERO, told(n, elsewhere(n))) {
                Ok(()) => taken += 1,
                Err(AddCandidateError::TooMany) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    });
    assert_eq!((taken, refused), (64, 9_936));
    let stats = agent.stats();
    assert_eq!(stats.remote_candidates.len(), 64);
    assert!(stats.pairs.len() <= 100);
    println!("10,000 candidates: {} bytes kept, {} at most", info.bytes_current, info.bytes_max);
    assert!(info.bytes_max < 256 * 1_024, "{}", info.bytes_max);
}

#[test]
fn names_are_asked_for_once_each_and_no_more_than_candidates_are_taken() {
    let mut agent = agent(Role::Controlling, our_address());
    let mut names = 0;
    for n in 0..10_000_u32 {
        let name = format!("{n:08x}-ea17-4bcf-a596-105139dfd8bf.local");
        let mut candidate = told(n, elsewhere(n));
        candidate.address = Address::Name { name, port: 1_000 };
        for _ in 0..2 {
            let _ = agent.add_remote_candidate(Instant::ZERO, candidate.clone());
        }
        while let Some(event) = base::Machine::poll_event(&mut agent) {
            names += u32::from(matches!(event, ice::Event::Resolve { .. }));
        }
    }
    assert_eq!(names, 64);
}

#[test]
fn domain_names_are_looked_up_by_nobody() {
    let mut agent = agent(Role::Controlling, our_address());
    let mut candidate = told(1, elsewhere(1));
    candidate.address = Address::Name { name: "victim.example".to_owned(), port: 53 };
    let refused = agent.add_remote_candidate(Instant::ZERO, candidate);
    assert_eq!(refused, Err(AddCandidateError::DomainName));
}

/// RFC 8445 §19.5.1: whoever controls signalling can have us send checks somewhere. At most a
/// hundred pairs, one new check each 50 ms, and an end to it.
#[test]
fn a_victim_among_a_thousand_candidates_gets_little_and_not_for_ever() {
    let mut world = World::new();
    let victim = |n: u16| SocketAddr::from(([203, 0, 113, 66], n));
    for n in 1..=1_000_u16 {
        let _ = world.ours.add_remote_candidate(world.now, told(n.into(), victim(n)));
    }
    world.is_cut = true;
    world.run(Duration::from_secs(180));
    let shots: Vec<_> =
        world.log.iter().filter(|sent| sent.destination.ip() == victim(1).ip()).collect();
    let bytes: usize = shots.iter().map(|sent| sent.bytes.len()).sum();
    let first =
        |n: u16| shots.iter().find(|sent| sent.destination == victim(n)).map(|sent| sent.at);
    let mut begun: Vec<_> = (1..=1_000).filter_map(first).collect();
    begun.sort_unstable();
    assert!(begun.len() <= 64, "{}", begun.len());
    let gaps = begun.iter().zip(begun.iter().skip(1)).map(|(one, next)| *next - *one);
    assert!(gaps.min().unwrap() >= Duration::from_millis(50));
    let last = shots.iter().map(|sent| sent.at).max().unwrap();
    println!(
        "1,000 candidates at one victim: {} packets, {bytes} bytes, the last after {last}",
        shots.len()
    );
    assert!(shots.len() <= 64 * 7);
    assert!(bytes < 64 * 7 * 160);
    // RFC 8445 §14.3: 64 checks at 50 ms make an RTO of 3.2 s at most, and the seventh packet goes
    // out after 63 of them.
    assert!(last.elapsed() < Duration::from_millis(3_200 + 63 * 3_200 / 2), "{last}");
}

#[test]
fn addresses_of_groups_and_of_nobody_are_not_checked() {
    let mut agent = agent(Role::Controlling, our_address());
    for address in ["224.0.0.251:5353", "255.255.255.255:9", "0.0.0.0:9", "192.0.2.1:0"] {
        let refused = agent.add_remote_candidate(Instant::ZERO, told(1, address.parse().unwrap()));
        assert_eq!(refused, Err(AddCandidateError::NotUnicast), "{address}");
    }
    assert!(outgoing(&mut agent, Instant::ZERO).is_empty());
}
