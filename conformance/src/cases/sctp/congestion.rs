//! Congestion control as RFC 9260 §7.2 has it: the endpoint is told to use it, where it has others.

use super::{lossy::serve_losing, script::*};

/// The most payload of a packet of 1,200 bytes, rounded up.
const CHUNK: usize = 1_200;

fn classic(t: &mut Ctl<'_>) -> Result<SctpStage, Stop> {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.classic = true;
        setup.config.max_packet = Some(1_200);
        setup.profile.a_rwnd = 4 << 20;
    })?;
    s.peer.profile.answers.data = false;
    Ok(s)
}

/// The bytes of new data that come within a round trip.
fn round(s: &mut SctpStage, t: &mut Ctl<'_>) -> usize {
    let before = s.peer.log.data().len();
    s.listen(t, 40 * MILLISECOND);
    s.peer.log.data().iter().skip(before).map(|data| data.payload.len()).sum()
}

/// Acknowledges everything at once.
fn acknowledge(s: &mut SctpStage, t: &mut Ctl<'_>) {
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
}

case! {
    id: "sctp.congestion.slow-start",
    title: "The first flight is small, and each acknowledgement lets the window grow by a packet at most",
    reqs: [
        req::SCTP_INITIAL_CWND,
        req::SCTP_SLOW_START_GROWTH,
        req::SCTP_SLOW_START_WHEN_USED,
        req::SCTP_CONGESTION_CONTROLLED,
        req::SCTP_SSTHRESH_INITIAL,
        req::SCTP_CWND_ONE_PACKET_OVER,
    ],
    kind: SubjectKind::Sctp,
    run: slow_start,
}

fn slow_start(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = classic(t)?;
    t.stimulus("two megabytes, with one acknowledgement in each round trip");
    for _ in 0..20 {
        s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    }
    let first = round(&mut s, t);
    t.must(req::SCTP_INITIAL_CWND, first <= 4_404 + CHUNK, "4404 bytes and a packet", first)?;
    t.must(req::SCTP_CWND_ONE_PACKET_OVER, first <= 4_404 + CHUNK, "one packet over", first)?;
    let mut flights = vec![first];
    for _ in 0..8 {
        acknowledge(&mut s, t);
        flights.push(round(&mut s, t));
    }
    let got = format!("{flights:?}");
    let steps = flights.iter().zip(flights.iter().skip(1));
    let grows = steps.clone().all(|(one, next)| *next <= one + 2 * CHUNK);
    t.must(req::SCTP_SLOW_START_GROWTH, grows, "a packet at a time", &got)?;
    t.must(req::SCTP_CONGESTION_CONTROLLED, grows, "a packet at a time", &got)?;
    t.must(req::SCTP_SLOW_START_WHEN_USED, grows, "a packet at a time", &got)?;
    let last = flights.last().copied().unwrap_or_default();
    t.should(req::SCTP_SSTHRESH_INITIAL, last >= first + 5 * CHUNK, "growth to the end", got)
}

case! {
    id: "sctp.congestion.unused",
    title: "A window that is not used does not grow",
    reqs: [req::SCTP_SLOW_START_WHEN_USED, req::SCTP_CWND_RESPECTED],
    kind: SubjectKind::Sctp,
    run: unused,
}

fn unused(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = classic(t)?;
    t.stimulus("a hundred small messages, one in each round trip");
    for _ in 0..100 {
        s.tell(t, SctpMessage::new(1, *b"small"))?;
        round(&mut s, t);
        acknowledge(&mut s, t);
    }
    for _ in 0..3 {
        s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    }
    let flight = round(&mut s, t);
    let small = flight <= 4_404 + 2 * CHUNK;
    t.must(req::SCTP_SLOW_START_WHEN_USED, small, "no more than at first", flight)?;
    t.must(req::SCTP_CWND_RESPECTED, small, "no more than at first", flight)
}

case! {
    id: "sctp.congestion.timeout",
    title: "After a timeout one packet is in flight until something is acknowledged",
    reqs: [
        req::SCTP_CWND_AFTER_TIMEOUT,
        req::SCTP_TIMEOUT_SLOW_START,
        req::SCTP_T3_ONE_PACKET,
        req::SCTP_T3_BACKOFF,
        req::SCTP_T3_REST_MARKED,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { control: ["classic", "default"] },
    run: timeout,
}

fn timeout(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.classic = v.text("control") == "classic";
        setup.profile.a_rwnd = 4 << 20;
    })?;
    let passes = s.data_passes(t);
    t.precondition(passes, "data")?;
    s.peer.profile.answers.data = false;
    s.tell(t, SctpMessage::new(1, pattern(30_000)))?;
    t.stimulus("silence");
    serve_losing(&mut s, t, 4 * SOON, |_| false);
    let came = serve_losing(&mut s, t, 20 * SECOND, |_| false);
    let times: Vec<base::Instant> =
        came.iter().filter(|(_, packet)| packet.has(chunk::DATA)).map(|(at, _)| *at).collect();
    let got = format!("{times:?}");
    t.precondition(times.len() >= 3, &got)?;
    let waits: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let alone = waits.iter().all(|wait| *wait > SOON);
    t.must(req::SCTP_CWND_AFTER_TIMEOUT, alone, "a packet at a time", &got)?;
    t.must(req::SCTP_T3_ONE_PACKET, alone, "a packet at a time", &got)?;
    let last = waits.iter().rev().take(2).copied().collect::<Vec<_>>();
    let doubles = last.last().zip(last.first()).is_some_and(|(one, next)| *next >= *one * 3 / 2);
    t.must(req::SCTP_T3_BACKOFF, doubles, "waits that double", format!("{waits:?}"))?;
    s.peer.profile.answers.data = true;
    acknowledge(&mut s, t);
    s.serve(t, 2 * LONG);
    let whole = s.peer.log.messages().iter().any(|(_, data)| data.len() == 30_000);
    t.should(req::SCTP_TIMEOUT_SLOW_START, whole, "the message", whole)?;
    t.should(req::SCTP_T3_REST_MARKED, whole, "the message", whole)
}

case! {
    id: "sctp.congestion.loss",
    title: "A lost packet is repeated without a timeout, and the window halves once for all that was lost with it",
    reqs: [
        req::SCTP_FAST_RETRANSMIT,
        req::SCTP_FAST_RETRANSMIT_AT_ONCE,
        req::SCTP_LOSS_HALVES,
        req::SCTP_ONE_REDUCTION_PER_RECOVERY,
        req::SCTP_AVOIDANCE_GROWTH,
        req::SCTP_AVOIDANCE_GROWTH_BOUNDED,
        req::SCTP_MISSING_BELOW_HIGHEST,
    ],
    kind: SubjectKind::Sctp,
    variants: product! { lost: [1, 3] },
    run: loss,
}

fn loss(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let count = usize::try_from(v.number("lost")).unwrap_or(1);
    let mut s = classic(t)?;
    for _ in 0..40 {
        s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    }
    let mut flight = round(&mut s, t);
    for _ in 0..20 {
        acknowledge(&mut s, t);
        flight = round(&mut s, t);
    }
    // Of the next flight the first packets are lost; each of the others is acknowledged by itself.
    acknowledge(&mut s, t);
    s.peer.profile.answers.data = true;
    let (mut lost, mut tsns) = (0, Vec::new());
    t.stimulus(format_args!("{count} lost packets of a flight of {flight} bytes"));
    let came = serve_losing(&mut s, t, 45 * MILLISECOND, |packet| {
        let data: Vec<Data> = packet.chunks.iter().filter_map(Data::read).collect();
        let goes = lost < count && !data.is_empty();
        if goes {
            lost += 1;
            tsns.extend(data.iter().map(|data| data.tsn));
        }
        goes
    });
    t.precondition(lost == count, "a loss")?;
    let later = serve_losing(&mut s, t, 400 * MILLISECOND, |_| false);
    let all: Vec<u32> = came
        .iter()
        .chain(&later)
        .flat_map(|(_, packet)| packet.chunks.iter().filter_map(Data::read))
        .map(|data| data.tsn)
        .collect();
    let again = tsns.iter().filter(|tsn| all.iter().filter(|other| other == tsn).count() > 1);
    let again = again.count();
    let got = format!("{again} of {}", tsns.len());
    t.must(req::SCTP_FAST_RETRANSMIT, again == tsns.len(), tsns.len(), &got)?;
    t.must(req::SCTP_MISSING_BELOW_HIGHEST, again == tsns.len(), tsns.len(), &got)?;
    t.should(req::SCTP_FAST_RETRANSMIT_AT_ONCE, again > 0, "the first", &got)?;
    // What is in flight from now on, with one acknowledgement in each round trip.
    s.peer.profile.answers.data = false;
    s.listen(t, 60 * MILLISECOND);
    let mut after = Vec::new();
    for _ in 0..6 {
        acknowledge(&mut s, t);
        after.push(round(&mut s, t));
    }
    let got = format!("{flight} before, {after:?} after");
    let (first, last) = (after.first().copied().unwrap_or_default(), after.last().copied());
    t.should(req::SCTP_LOSS_HALVES, first <= flight * 7 / 10, "half", &got)?;
    t.should(req::SCTP_ONE_REDUCTION_PER_RECOVERY, first * 3 >= flight, "half, once", &got)?;
    let last = last.unwrap_or_default();
    t.must(
        req::SCTP_AVOIDANCE_GROWTH_BOUNDED,
        last <= first + 7 * CHUNK,
        "a packet a round trip",
        &got,
    )?;
    t.should(req::SCTP_AVOIDANCE_GROWTH, last >= first, "growth", got)
}

case! {
    id: "sctp.congestion.pause",
    title: "After a pause the window is no larger than it was, and nothing leaves in one great burst",
    reqs: [req::SCTP_CWND_IDLE_DECAY, req::SCTP_PARAMETERS_DECAY],
    kind: SubjectKind::Sctp,
    run: pause,
}

fn pause(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = classic(t)?;
    for _ in 0..4 {
        s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    }
    let mut flight = round(&mut s, t);
    for _ in 0..30 {
        acknowledge(&mut s, t);
        flight = flight.max(round(&mut s, t));
    }
    s.peer.profile.answers.data = true;
    acknowledge(&mut s, t);
    s.serve(t, LONG);
    t.stimulus(format_args!("a pause of a minute after flights of {flight} bytes"));
    s.serve(t, 6 * LONG);
    s.peer.profile.answers.data = false;
    for _ in 0..4 {
        s.tell(t, SctpMessage::new(1, pattern(100_000)))?;
    }
    let after = round(&mut s, t);
    let got = format!("{flight} before, {after} after");
    t.should(req::SCTP_CWND_IDLE_DECAY, after <= 6 * CHUNK, "four packets", &got)?;
    t.should(req::SCTP_PARAMETERS_DECAY, after < flight, "less than before", got)
}
