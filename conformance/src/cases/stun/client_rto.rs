//! How a client learns its RTO: RFC 8489 §6.2.1.

use super::script::*;

case! {
    id: "stun.client.rto.measured",
    title: "The RTO follows the measured round-trip times, to the millisecond",
    reqs: [
        req::STUN_RTO_COMPUTED_FROM_RTT,
        req::STUN_RTO_MILLISECOND_ACCURACY,
        req::STUN_RTO_NOT_ROUNDED_TO_SECONDS,
        req::STUN_RTO_CACHED_PER_ADDRESS,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { rtt: [20, 87, 333, 470], samples: [1, 2, 5] },
    run: measured,
}

fn measured(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let rtt = Duration::from_millis(v.number("rtt"));
    let mut stage = ClientStage::with_rtt(t, rtt, |_| {})?;
    let mut estimate = Estimate::default();
    for _ in 0..v.number("samples") {
        exchange(t, &mut stage)?;
        estimate.sample(rtt);
    }
    let rto = next_rto(t, &mut stage)?;
    let got = format!("{rto:?}");
    // A clock granularity of up to 10 ms may stand in for a vanishing deviation (RFC 6298 §2), and the
    // least initial RTO of 500 ms for a shorter estimate (RFC 8489 §6.2.1).
    let (low, high) = (estimate.rto(Duration::ZERO), estimate.rto(10 * MILLISECOND));
    let near = low.saturating_sub(MILLISECOND)..=high.max(500 * MILLISECOND) + MILLISECOND;
    let fine = near.contains(&rto) && (rto <= high + MILLISECOND || rto == 500 * MILLISECOND);
    let wanted = format!("{low:?} to {high:?}, or 500 ms if that is more");
    t.must(req::STUN_RTO_COMPUTED_FROM_RTT, fine, &wanted, &got)?;
    t.should(req::STUN_RTO_MILLISECOND_ACCURACY, fine, &wanted, &got)?;
    let rounded = rto.subsec_nanos() == 0;
    t.should(req::STUN_RTO_NOT_ROUNDED_TO_SECONDS, !rounded, "no whole seconds", &got)?;
    t.should(req::STUN_RTO_CACHED_PER_ADDRESS, fine, wanted, got)
}

case! {
    id: "stun.client.rto.karn",
    title: "A repeated request gives no sample",
    reqs: [req::STUN_RTO_KARN],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { answered: [2, 3] },
    run: karn,
}

/// The first transaction measures 40 ms. The second is answered late, after a repetition: taken as a
/// sample, its hundreds of milliseconds would show in the third.
fn karn(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::with_rtt(t, 40 * MILLISECOND, |_| {})?;
    exchange(t, &mut stage)?;
    let learnt = next_rto(t, &mut stage)?;
    stage.start(t)?;
    let mut sent = stage.expect(t, 5 * SECOND, "a request")?;
    for _ in 1..v.number("answered") {
        sent = stage.expect(t, 20 * SECOND, "a repetition")?;
    }
    stage.reply(t, &stage.success_for(&sent));
    let _ = stage.event(t, SECOND);
    let after = next_rto(t, &mut stage)?;
    // The backed-off value may serve as the next start; a value from the late answer must not.
    let backed_off = after == learnt * 2 || after == learnt * 4;
    let fine = after == learnt || backed_off;
    t.should(req::STUN_RTO_KARN, fine, format_args!("{learnt:?}"), format_args!("{after:?}"))
}

case! {
    id: "stun.client.rto.expires",
    title: "After ten idle minutes the RTO starts afresh",
    reqs: [req::STUN_RTO_CACHE_EXPIRES],
    kind: SubjectKind::StunClient,
    needs: [Cap::Retransmission],
    variants: product! { idle: [500, 700] },
    run: expires,
}

fn expires(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::with_rtt(t, 333 * MILLISECOND, |_| {})?;
    exchange(t, &mut stage)?;
    stage.wait(t, Duration::from_secs(v.number("idle")));
    let rto = next_rto(t, &mut stage)?;
    let (wanted, fine) = if v.number("idle") > 600 {
        ("500 ms", rto == 500 * MILLISECOND)
    } else {
        ("the measured value", rto > 900 * MILLISECOND)
    };
    t.should(req::STUN_RTO_CACHE_EXPIRES, fine, wanted, format_args!("{rto:?}"))
}

/// One transaction that succeeds at once.
fn exchange(t: &mut Ctl<'_>, stage: &mut ClientStage) -> Outcome {
    stage.start(t)?;
    let sent = stage.expect(t, 5 * SECOND, "a request")?;
    stage.reply(t, &stage.success_for(&sent));
    let told = stage.event(t, 5 * SECOND);
    t.precondition(matches!(told, Some(ClientEvent::Success { .. })), "a transaction that succeeds")
}

/// The RTO in force: the time to the first repetition of a request that goes unanswered. The
/// transaction ends with an answer that gives no sample.
fn next_rto(t: &mut Ctl<'_>, stage: &mut ClientStage) -> Result<Duration, Stop> {
    stage.start(t)?;
    let first = stage.expect(t, 5 * SECOND, "a request")?;
    let again = stage.expect(t, 20 * SECOND, "a repetition")?;
    let rto = again.sent_at() - first.sent_at();
    stage.reply(t, &stage.success_for(&again));
    let _ = stage.event(t, 5 * SECOND);
    let _ = stage.take_sent(t);
    Ok(rto)
}

/// The estimator of RFC 6298 §2, without its floor of one second.
#[derive(Default)]
struct Estimate {
    smoothed: Option<(Duration, Duration)>,
}

impl Estimate {
    fn sample(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => (rtt, rtt / 2),
            Some((smoothed, deviation)) => {
                let error = smoothed.abs_diff(rtt);
                ((smoothed * 7 + rtt) / 8, (deviation * 3 + error) / 4)
            }
        });
    }

    fn rto(&self, granularity: Duration) -> Duration {
        self.smoothed.map_or(500 * MILLISECOND, |(smoothed, deviation)| {
            smoothed + (4 * deviation).max(granularity)
        })
    }
}
