//! Random worlds: whatever happens, after it has ended the agents come back.

use std::{cell::RefCell, rc::Rc};

use base::Instant;
use simnet::Stream;

use super::support::*;
use crate::{Event, State};

/// What the network does until it is healed.
#[derive(Clone, Copy, Debug)]
struct Weather {
    loss: u64,
    duplicates: u64,
    /// From when to when nothing passes, in ms.
    partition: (u64, u64),
    /// When the NAT before agent 0 maps anew, in ms.
    reboot: u64,
    healed: u64,
}

fn weather(stream: &mut Stream) -> Weather {
    let from = stream.below(15_000);
    Weather {
        loss: stream.below(31),
        duplicates: stream.below(10),
        partition: (from, from + stream.below(12_000)),
        reboot: stream.below(40_000),
        healed: 25_000 + stream.below(10_000),
    }
}

fn world(seed: u64) -> (World, Weather, Stream) {
    let mut stream = Stream::new(seed, "world");
    let weather = weather(&mut stream);
    let mut world = World::new();
    world.delay = ms(5 + stream.below(150));
    world.duplicates = weather.duplicates;
    world.add(0, A);
    world.add(1, B);
    if stream.below(2) == 0 {
        world.add(1, "192.0.2.3:3000");
    }
    let dice = Rc::new(RefCell::new(Stream::new(seed, "wire")));
    let with_nat = stream.below(2) == 0;
    world.route = Box::new(move |now, sent| {
        let mut dice = dice.borrow_mut();
        let (from, to) = weather.partition;
        let is_healed = now >= at(weather.healed);
        let is_lost = dice.below(100) < weather.loss || (at(from)..at(to)).contains(&now);
        if is_lost && !is_healed {
            return None;
        }
        if !with_nat {
            return Some((sent.source, sent.destination));
        }
        let port = if now < at(weather.reboot.min(weather.healed)) { 40_000 } else { 41_000 };
        let mapped = std::net::SocketAddr::new([203, 0, 113, 1].into(), port);
        match sent.by {
            0 => Some((mapped, sent.destination)),
            _ => (sent.destination == mapped).then_some((sent.source, addr(A))),
        }
    });
    (world, weather, stream)
}

#[test]
fn after_the_network_heals_data_flows_within_ten_seconds_or_a_restart_brings_it_back() {
    let mut restarted = 0;
    for seed in 0..150 {
        let (mut world, weather, mut stream) = world(seed);
        world.exchange();
        if stream.below(3) == 0 {
            world.run_until(at(stream.below(20_000)));
            world.agents[1].restart(world.now);
            world.signal_restart(1);
        }
        if stream.below(4) == 0 {
            let change = world.now + ms(stream.below(10_000));
            world.run_until(change);
            world.add(1, "192.0.2.4:4000");
            world.agents[1].remove_local(world.now, addr(B));
        }
        world.run_until(at(weather.healed));
        let healed = world.now;
        world.run_until(healed + ms(10_000));
        if !works(&mut world) {
            // Consent has ended, which only a restart gives again (RFC 7675 §5.1).
            let failed = |who: usize| {
                matches!(world.agents[who].state(), State::Failed | State::Disconnected)
            };
            assert!(failed(0) || failed(1), "{seed} {weather:?} {:?}", world.states());
            restarted += 1;
            world.agents[0].restart(world.now);
            world.signal_restart(0);
            world.run_for(ms(5_000));
            assert!(works(&mut world), "{seed} {weather:?} {:?}", world.events);
        }
        world.run_for(ms(60_000));
        assert_eq!(world.states(), [State::Completed; 2], "{seed}");
        assert!(world.log.len() < 2_000, "{seed}: {}", world.log.len());
        consistent(&world, seed);
    }
    assert!(restarted < 30, "{restarted}");
}

/// Whether data passes both ways.
fn works(world: &mut World) -> bool {
    let payload = world.now.as_nanos().to_be_bytes();
    let sent = world.send(0, &payload) && world.send(1, &payload);
    world.run_for(world.delay * 2);
    sent && world.has_data(0, &payload) && world.has_data(1, &payload)
}

fn consistent(world: &World, seed: u64) {
    for who in [0, 1] {
        let stats = world.agents[who].stats();
        assert!(stats.pairs.iter().filter(|pair| pair.selected).count() <= 1, "{seed}");
        let mut last = Instant::ZERO;
        for (when, _) in &world.events[who] {
            assert!(*when >= last);
            last = *when;
        }
        let reported = world.events[who].iter().rev().find_map(|(_, event)| match event {
            Event::Selected { path, .. } => Some(path.pair),
            _ => None,
        });
        assert_eq!(world.agents[who].path(1).map(|path| path.pair), reported, "{seed}");
    }
}

#[test]
fn thirty_percent_loss_alone_seldom_disturbs_a_session_with_data() {
    let mut disturbed = 0;
    for seed in 0..20 {
        let mut world = World::completed();
        let mut dice = Stream::new(seed, "loss");
        world.route = Box::new(move |_, sent| {
            (dice.below(100) >= 30).then_some((sent.source, sent.destination))
        });
        let end = world.now + ms(60_000);
        while world.now < end {
            world.send(0, b"data");
            world.send(1, b"data");
            world.run_for(ms(200));
        }
        disturbed += [0, 1]
            .into_iter()
            .filter(|&who| world.history(who).contains(&State::Disconnected))
            .count();
    }
    assert!(disturbed <= 12, "{disturbed} of 40");
}
