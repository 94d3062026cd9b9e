//! Queue disciplines hold the delays that their RFCs promise, in the loads that these name; a drop-tail
//! queue of 300 ms does not.

use lab::plots::{self, Curve, Plot};

/// The curve, and its figures for people who run the test with `--nocapture`.
fn curve<'a>(plot: &'a Plot, name: &str) -> &'a Curve {
    let curve = plot.curve(name).expect("the plot has the curve");
    println!(
        "{}, {name}: {} packets, {} dropped, {:.2} Mbit/s, mean {:.2} ms, p50 {:.2}, p95 {:.2}, p99 {:.2}",
        plot.name,
        curve.packets,
        curve.dropped,
        curve.rate / 1e6,
        curve.mean,
        curve.p50,
        curve.p95,
        curve.p99
    );
    curve
}

/// The share of intervals in which at least one packet waited no longer than `millis`.
fn share_below(curve: &Curve, millis: f64) -> f64 {
    curve.floor.iter().filter(|floor| **floor <= millis).count() as f64 / curve.floor.len() as f64
}

/// RFC 8289 §3.2: on a congested link with long TCP flows the median tends to the target; §3.1: what is
/// controlled is the shortest waiting in an interval.
#[test]
fn codel_holds_its_target_under_long_tcp_flows() {
    let plot = plots::codel();
    let (tail, codel) = (curve(&plot, "drop-tail"), curve(&plot, "CoDel"));
    assert!((2.5..=7.5).contains(&codel.p50), "the median tends to 5 ms: {}", codel.p50);
    assert!(codel.p95 < 15.0, "{}", codel.p95);
    // A queue that stands for an interval is met by a drop then, and goes a round trip later.
    let share = share_below(codel, 5.0);
    assert!(share > 0.65, "{share}");
    assert!(codel.rate > 9_000_000.0, "RFC 8289 §3.2: close to all of the link: {}", codel.rate);
    assert!(tail.p50 > 100.0 && share_below(tail, 5.0) < 0.3, "{}", tail.p50);
}

/// RFC 8290 §5.2.2: each queue is held at the target; §1.3: sparse flows hardly wait.
#[test]
fn fq_codel_holds_its_target_and_lets_a_call_pass() {
    let plot = plots::fq_codel();
    let [tail, tail_call, fair, call] =
        ["drop-tail, TCP", "drop-tail, call", "FQ-CoDel, TCP", "FQ-CoDel, call"]
            .map(|name| curve(&plot, name));
    assert!(fair.p50 <= 7.5, "{}", fair.p50);
    assert!(share_below(fair, 5.0) > 0.9, "{}", share_below(fair, 5.0));
    assert!(fair.rate + call.rate > 9_500_000.0, "{}", fair.rate);
    // The call waits for the packet being sent, 1.2 ms, and at times for a turn of the others.
    assert!(call.mean < 2.0 && call.p99 < 6.0 && call.dropped == 0, "{} {}", call.mean, call.p99);
    assert!(tail.p50 > 100.0 && tail_call.p50 > 100.0);
}

/// RFC 8033 §7: waiting is at the target on average.
#[test]
fn pie_holds_its_target_on_average() {
    let plot = plots::pie();
    let (tail, pie) = (curve(&plot, "drop-tail"), curve(&plot, "PIE"));
    assert!((11.0..=19.0).contains(&pie.mean), "15 ms on average: {}", pie.mean);
    assert!(pie.rate > 9_000_000.0, "{}", pie.rate);
    assert!(tail.mean > 100.0, "{}", tail.mean);
}

/// RFC 9332 §A.1: the classic queue is held at its target; §1.4: low-latency packets wait for less than a
/// millisecond on average, for more than two in one of a hundred at most, and none is lost.
#[test]
fn dualpi2_holds_both_targets() {
    let plot = plots::dualpi2();
    let [tail, tail_low, classic, low] =
        ["drop-tail, classic", "drop-tail, L4S", "DualPI2, classic", "DualPI2, L4S"]
            .map(|name| curve(&plot, name));
    assert!((12.0..=18.0).contains(&classic.mean), "15 ms on average: {}", classic.mean);
    assert!(low.mean < 1.0 && low.p99 < 2.0, "{} {}", low.mean, low.p99);
    assert_eq!(low.dropped, 0);
    assert!(classic.rate + low.rate > 38_000_000.0, "{} {}", classic.rate, low.rate);
    // RFC 9332 §C.1: rates depend on the round trips, here 25 and 10 ms, and on nothing worse.
    assert!(low.rate / classic.rate < 4.0, "{} {}", classic.rate, low.rate);
    assert!(tail.mean > 100.0 && tail_low.mean > 100.0);
}

#[test]
fn drawings_show_every_curve_and_target() {
    for (name, draw) in plots::ALL.iter().take(1) {
        let plot = draw();
        assert_eq!(plot.name, *name);
        assert!(plot.svg.starts_with("<svg") && plot.svg.trim_end().ends_with("</svg>"));
        for words in [plot.title.as_str(), "drop-tail: mean", "CoDel: mean", "RFC 8289 §4.3"] {
            assert!(plot.svg.contains(words), "{words}");
        }
        assert_eq!(draw().svg, plot.svg, "the same every time");
    }
}
