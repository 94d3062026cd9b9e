//! Worlds of SCTP, drawn from seeds.

use std::time::Duration;

use sctp::{Algorithm, Features, Scheduler};
use simnet::Stream;

use super::plan::{
    AROUND, Deed, Flow, Longer, Loss, Mtu, Plan, Queue, Reading, Reliability, Setup, Side, Sizes,
    Style, Way,
};

/// Bytes of messages that a world carries, about: one in ten carries more, so that a few long messages are
/// among them and most worlds are over soon.
const BYTES: [u64; 2] = [60_000, 600_000];

/// The world of a seed.
pub(crate) fn draw(seed: u64) -> Plan {
    let mut dice = Stream::new(seed, "sctp world");
    let dice = &mut dice;
    let style = if dice.chance(0.6) { Style::Channels } else { Style::Bare };
    let setup = match dice.below(6) {
        0 => Setup::Snap,
        1 | 2 => Setup::Both,
        _ => Setup::One(usize::from(dice.chance(0.5))),
    };
    let mut ways = [way(dice), way(dice)];
    let mut mtu = mtu(dice);
    let mut sides = [side(dice, mtu), side(dice, mtu)];
    if style == Style::Channels {
        // Channels are closed by resetting streams, and give messages up.
        for side in &mut sides {
            side.features.reconfig = true;
            side.features.forward_tsn = true;
        }
    }
    if sides.iter().all(|side| side.features.zero_checksum) {
        // Something below vouches for every packet then, and none arrives altered.
        for way in &mut ways {
            (way.corrupt, way.truncate) = (0, 0);
        }
    }
    let deed = deed(dice);
    if matches!(deed, Some((_, Deed::Shutdown(_) | Deed::ShutdownBoth(_)))) {
        // An end that takes longer than five of the longest timeouts is cut off (RFC 9260 §9.2).
        sides.iter_mut().for_each(|side| side.rto_max = Duration::from_secs(10));
        // Hosts that have no room for more fragments may take longer than that.
        mtu = Mtu::PLAIN;
    }
    let mut flows = flows(dice, style, &sides);
    if matches!(deed, Some((_, Deed::Restart(_)))) {
        // A side that begins anew cannot wait until the other opens such channels again.
        flows.iter_mut().for_each(|flow| flow.negotiated = false);
    }
    let partitions = if dice.chance(0.2) { partitions(dice) } else { Vec::new() };
    let storm = millis(dice, 500, 8_000);
    Plan { seed, style, setup, sides, ways, mtu, partitions, flows, deed, storm }
}

fn way(dice: &mut Stream) -> Way {
    let loss = match dice.below(12) {
        0..=3 => Loss::None,
        4 => Loss::Single(60),
        5..=8 => Loss::Single(1 + number(dice, 60)),
        _ => Loss::Bursts(1 + number(dice, 40), 2 + number(dice, 7)),
    };
    let mut percent = |p: f64, most: u64| {
        let drawn = 1 + number(dice, most);
        if dice.chance(p) { drawn } else { 0 }
    };
    let (reorder, duplicate) = (percent(0.4, 40), percent(0.3, 30));
    let (corrupt, truncate) = (percent(0.25, 10), percent(0.2, 10));
    let jitter = percent(0.4, 60);
    let delay = match dice.below(4) {
        0 => number(dice, 10),
        1 | 2 => number(dice, 100),
        _ => number(dice, 301),
    };
    let rate = match dice.below(5) {
        0..=2 => 0,
        3 => 300 + number(dice, 2_000),
        _ => 2_000 + number(dice, 50_000),
    };
    let queue = match dice.below(8) {
        0..=3 => Queue::DropTail(20 + number(dice, 300)),
        4 => Queue::FqCodel,
        5 => Queue::Pie,
        6 => Queue::DualPi2,
        _ => Queue::Codel,
    };
    Way { loss, reorder, duplicate, corrupt, truncate, delay, jitter, rate, queue }
}

/// What the path carries. A path that swallows packets of 1,228 bytes in silence is not for data channels:
/// no shorter packet may be assumed too long (RFC 8831 §5).
fn mtu(dice: &mut Stream) -> Mtu {
    let longer = match dice.below(4) {
        0 | 1 => Longer::Fragmented,
        2 => Longer::Vanish,
        _ => Longer::Told,
    };
    let least = if longer == Longer::Fragmented { 600 } else { 1_228 };
    let mut bytes = || match dice.below(3) {
        0 => 1_500,
        _ => least + number(dice, u64::from(1_501 - least)),
    };
    let (now, other) = (bytes(), bytes());
    // What was cut for a longer packet cannot be cut again, so only what is fragmented may shrink.
    let later = if longer == Longer::Fragmented { other } else { other.max(now) };
    let changes = dice.chance(0.3) && later != now;
    Mtu { bytes: now, longer, later: changes.then(|| (millis(dice, 500, 6_000), later)) }
}

fn side(dice: &mut Stream, mtu: Mtu) -> Side {
    let window = match dice.below(8) {
        0 => 4_096 + number(dice, 12_000),
        1 => 16_384 + number(dice, 100_000),
        _ => sctp::DEFAULT_MAX_RECEIVE_WINDOW,
    };
    let send_buffer = match dice.below(6) {
        0 => 300_000,
        _ => sctp::DEFAULT_SEND_BUFFER,
    };
    let features = Features {
        forward_tsn: dice.chance(0.9),
        interleaving: dice.chance(0.7),
        reconfig: dice.chance(0.9),
        zero_checksum: dice.chance(0.7),
        ecn: dice.chance(0.6),
    };
    let algorithm = *pick(dice, &[Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased]);
    let scheduler = *pick(
        dice,
        &[
            Scheduler::FirstComeFirstServed,
            Scheduler::RoundRobin,
            Scheduler::RoundRobinPerPacket,
            Scheduler::WeightedFair,
            Scheduler::Priority,
            Scheduler::FairCapacity,
        ],
    );
    let reading = match dice.below(6) {
        0 => {
            Reading::Slowly(millis(dice, 5, 100), usize::try_from(1 + dice.below(40)).unwrap_or(1))
        }
        1 => {
            let from = millis(dice, 100, 4_000);
            Reading::Pausing(from, from + millis(dice, 100, 6_000))
        }
        _ => Reading::AtOnce,
    };
    // Row S14 of the reliability study: half of all worlds begin near a wrap.
    let initial_tsn = match dice.below(4) {
        0 => Some(0xffff_ff00 + number(dice, 256)),
        1 => Some(0x7fff_fff0 + number(dice, 16)),
        _ => None,
    };
    let known = usize::try_from(mtu.bytes - AROUND).unwrap_or(usize::MAX);
    let max_packet = if dice.chance(0.3) { known.min(1_200) } else { 1_200 };
    let max_probe = *pick(dice, &[1_200, 1_400, 1_472]);
    Side {
        start: millis(dice, 0, 600),
        window,
        send_buffer,
        features,
        algorithm,
        scheduler,
        reading,
        initial_tsn,
        rto_max: *pick(
            dice,
            &[Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)],
        ),
        max_packet,
        max_probe,
    }
}

fn deed(dice: &mut Stream) -> Option<(Duration, Deed)> {
    let side = usize::from(dice.chance(0.5));
    let deed = match dice.below(20) {
        0 | 1 => Deed::Restart(side),
        2 | 3 => Deed::Shutdown(side),
        4 => Deed::ShutdownBoth(millis(dice, 0, 500)),
        5 => Deed::Abort(side),
        _ => return None,
    };
    Some((millis(dice, 200, 6_000), deed))
}

fn flows(dice: &mut Stream, style: Style, sides: &[Side; 2]) -> Vec<Flow> {
    let count = match dice.below(10) {
        0 => 8 + dice.below(12),
        _ => 1 + dice.below(4),
    };
    let [usual, most] = BYTES;
    let budget = if dice.chance(0.1) { most } else { usual };
    (0..count).map(|index| flow(dice, style, sides, index, budget / count)).collect()
}

fn flow(dice: &mut Stream, style: Style, sides: &[Side; 2], index: u64, bytes: u64) -> Flow {
    let side = usize::from(dice.chance(0.5));
    let both = |of: &dyn Fn(&Features) -> bool| sides.iter().all(|side| of(&side.features));
    let reliability = match dice.below(10) {
        0 | 1 => Reliability::Retransmits(u16::try_from(dice.below(5)).unwrap_or(0)),
        2 | 3 => Reliability::Lifetime(10 + number(dice, 2_000)),
        4 if style == Style::Bare => Reliability::Priority(number(dice, 4)),
        _ => Reliability::Reliable,
    };
    let reliability = if both(&|it| it.forward_tsn) { reliability } else { Reliability::Reliable };
    let sizes = sizes(dice, sides, bytes);
    let mean = match sizes {
        Sizes::UpTo(most) => u64::from(most / 2).max(1),
        Sizes::Exactly(length) => u64::from(length).max(1),
    };
    let negotiated = style == Style::Channels && dice.chance(0.25);
    let rounds = match dice.below(4) {
        // What both open without telling each other, neither can open again as long as the other has not
        // seen it closed.
        0 if both(&|it| it.reconfig) && !negotiated => 2 + number(dice, 3),
        _ => 1,
    };
    let most = (bytes / mean / u64::from(rounds)).clamp(1, 120);
    let forth = 1 + number(dice, most);
    let back = if dice.chance(0.5) { number(dice, most.min(30)) } else { 0 };
    let counts = [forth, back];
    // Streams far apart, so that tables of streams show what they hold.
    let stream = u16::try_from(index).unwrap_or(0);
    let stream = if dice.chance(0.2) { 65_000 + stream } else { 200 + stream };
    Flow {
        side,
        ordered: dice.chance(0.6),
        reliability,
        priority: *pick(dice, &[0, 1, 128, 256, 512, 1_024, 65_535]),
        negotiated,
        stream,
        start: millis(dice, 0, 2_000),
        pace: if dice.chance(0.5) { Duration::ZERO } else { millis(dice, 1, 60) },
        counts,
        sizes,
        rounds,
    }
}

/// Lengths of messages that fit the buffers of both sides. A message longer than the window of its reader
/// arrives all the same, as it is read in parts of the window.
fn sizes(dice: &mut Stream, sides: &[Side; 2], bytes: u64) -> Sizes {
    let window = sides.iter().map(|side| u64::from(side.window)).min().unwrap_or(0);
    let most = bytes.min(window / 2).min(256 << 10);
    match dice.below(6) {
        0 => Sizes::UpTo(number(dice, 12)),
        1 => Sizes::Exactly(0),
        2 | 3 => Sizes::UpTo(1 + number(dice, most.min(2_400))),
        4 => Sizes::UpTo(1 + number(dice, most)),
        _ => Sizes::Exactly(1 + number(dice, most)),
    }
}

fn partitions(dice: &mut Stream) -> Vec<(Duration, Duration)> {
    let count = 1 + dice.below(3);
    let mut at = Duration::ZERO;
    let mut next = || {
        let from = at + millis(dice, 100, 3_000);
        at = from + millis(dice, 50, 5_000);
        (from, at)
    };
    (0..count).map(|_| next()).collect()
}

fn number(dice: &mut Stream, below: u64) -> u32 {
    u32::try_from(dice.below(below)).unwrap_or(0)
}

fn millis(dice: &mut Stream, least: u64, most: u64) -> Duration {
    Duration::from_millis(least + dice.below(most - least + 1))
}

fn pick<'a, T>(dice: &mut Stream, all: &'a [T]) -> &'a T {
    let at = usize::try_from(dice.below(all.len() as u64)).unwrap_or(0);
    all.get(at).or_else(|| all.first()).expect("there is something to choose from")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_world() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_worlds_have_everything_in_them() {
        let plans: Vec<_> = (0..400).map(draw).collect();
        let some = |of: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| of(plan)).count();
        let flow = |of: &dyn Fn(&Flow) -> bool| some(&|plan| plan.flows.iter().any(of));
        assert!(some(&|plan| plan.ways.iter().all(|way| way.loss == Loss::Single(60))) > 0);
        assert!(some(&|plan| plan.mtu.later.is_some()) > 20);
        assert!(some(&|plan| plan.setup == Setup::Snap) > 20);
        assert!(some(&|plan| plan.sides.iter().any(|side| side.window < 16_384)) > 20);
        assert!(some(&|plan| plan.both(|it| it.interleaving)) > 50);
        assert!(some(&|plan| plan.both(|it| it.zero_checksum)) > 50);
        assert!(some(&|plan| matches!(plan.deed, Some((_, Deed::Restart(_))))) > 10);
        assert!(some(&|plan| matches!(plan.deed, Some((_, Deed::ShutdownBoth(_))))) > 5);
        assert!(flow(&|flow| flow.rounds > 1) > 50);
        assert!(flow(&|flow| matches!(flow.sizes, Sizes::UpTo(most) if most > 100_000)) > 3);
        assert!(flow(&|flow| matches!(flow.reliability, Reliability::Priority(_))) > 5);
    }

    #[test]
    fn whatever_is_left_out_changes_the_world() {
        for seed in 0..100 {
            let plan = draw(seed);
            for cut in plan.cuts() {
                assert_ne!(plan.clone().without(cut), plan, "seed {seed}: {cut}");
            }
        }
    }
}
