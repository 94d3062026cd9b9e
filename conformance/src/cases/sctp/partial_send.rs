//! Messages that the endpoint gives up: RFC 3758 §3.5, §4.1, RFC 7496 §3.

use super::{lossy::*, script::*};

/// Longer than every retransmission that a few repetitions take.
const REPETITIONS: Duration = Duration::from_secs(40);

fn limited(v: &Variant, size: usize, limit: u16) -> SctpMessage {
    let message =
        SctpMessage::new(1, pattern(size)).reliability(SctpReliability::Retransmits(limit));
    if v.text("order") == "unordered" { message.unordered() } else { message }
}

case! {
    id: "sctp.pr.retransmissions",
    title: "A message is sent as often as its limit allows and no more, and then the peer is moved past it",
    reqs: [
        req::PRPOLICY_NEEDS_PRSCTP,
        req::PRPOLICY_RETRANSMISSIONS_LIMITED,
        req::PRPOLICY_ZERO_RETRANSMISSIONS,
        req::PRSCTP_FORWARD_TSN_AFTER_SACK,
        req::PRSCTP_GIVEN_UP_MOVES_ON,
        req::PRSCTP_ORDERED_LISTED,
        req::PRSCTP_UNORDERED_NOT_LISTED,
        req::PRSCTP_ABANDONS_WHOLE_MESSAGE,
        req::PRSCTP_ABANDONED_COUNTS_AS_ACKED,
        req::PRSCTP_TIMED_EXPIRED_TOLD,
        req::DC_LIMITED_RETRANSMISSIONS,
        req::DC_PARTIAL_RELIABILITY_SUPPORTED,
        req::DC_PARTIAL_RELIABILITY_USED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { limit: [0, 1, 3], order: ["ordered", "unordered"], size: [20, 4000] },
    run: retransmissions,
}

fn retransmissions(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let limit = u16::try_from(v.number("limit")).unwrap_or_default();
    let size = usize::try_from(v.number("size")).unwrap_or_default();
    let mut s = SctpStage::connected(t)?;
    // One message before, so that sequence numbers are not all zero.
    let ready = s.data_passes_on(t, 1);
    t.precondition(ready, "data")?;
    t.stimulus("a message that is lost whenever it is sent");
    s.tell(t, limited(v, size, limit))?;
    let (mut lost, mut bytes) = (None, 0);
    let came = serve_losing(&mut s, t, REPETITIONS, |packet| {
        // Of a fragmented message, the first fragment alone is lost.
        let first = data_of(packet).iter().find(|data| data.stream == 1).map(|data| data.tsn);
        let lost = *lost.get_or_insert(first);
        bytes += 1;
        lost.is_some() && data_of(packet).iter().any(|data| Some(data.tsn) == lost)
    });
    let data = data_on(&came, 1);
    let often = most_often(&data);
    let most = usize::from(limit) + 1;
    t.must(req::PRPOLICY_RETRANSMISSIONS_LIMITED, often <= most, most, often)?;
    t.may(req::PRPOLICY_ZERO_RETRANSMISSIONS, limit > 0 || often == 1, "once", often)?;
    t.must(req::PRPOLICY_NEEDS_PRSCTP, often == most, "as often as the limit allows", often)?;
    let skips = forwards(&came);
    let got = format!("{skips:?}");
    t.must(req::PRSCTP_GIVEN_UP_MOVES_ON, !skips.is_empty(), "FORWARD TSN", &got)?;
    t.must(req::PRSCTP_FORWARD_TSN_AFTER_SACK, !skips.is_empty(), "FORWARD TSN", &got)?;
    t.must(req::DC_PARTIAL_RELIABILITY_SUPPORTED, !skips.is_empty(), "FORWARD TSN", &got)?;
    t.must(req::DC_LIMITED_RETRANSMISSIONS, often <= most, most, often)?;
    let first = data.first().map_or(0, |data| data.tsn);
    let last = data.iter().map(|data| data.tsn).max_by_key(|tsn| tsn.wrapping_sub(first));
    let skip = skips.last().cloned().unwrap_or_default();
    let whole = Some(skip.cumulative) == last;
    t.must(req::PRSCTP_ABANDONS_WHOLE_MESSAGE, whole, format!("{last:?}"), &got)?;
    let listed = skip.streams.iter().any(|(stream, _)| *stream == 1);
    if v.text("order") == "unordered" {
        t.must(req::PRSCTP_UNORDERED_NOT_LISTED, !listed, "no stream", &got)?;
    } else {
        let right = skip.streams == [(1, data.first().map_or(0, |data| data.ssn))];
        t.must(req::PRSCTP_ORDERED_LISTED, right, "stream 1 with its number", &got)?;
    }
    let passes = s.data_passes_on(t, 1);
    let got = s.state(t);
    t.must(req::PRSCTP_ABANDONED_COUNTS_AS_ACKED, passes, "data after it", got)?;
    let got = s.state(t);
    t.must(req::DC_PARTIAL_RELIABILITY_USED, passes, "data after it", got)?;
    let told = s.count(t, |event| *event == SctpEvent::Abandoned);
    t.should(req::PRSCTP_TIMED_EXPIRED_TOLD, told == 1, "one report", told)
}

case! {
    id: "sctp.pr.lifetime.queued",
    title: "A message that expires while it waits is never sent",
    reqs: [
        req::PRSCTP_TIMED_CHECKED_BEFORE_TSN,
        req::PRSCTP_TIMED_EXPIRED_GETS_NO_TSN,
        req::PRSCTP_FORWARD_TSN_ONLY_PURPOSE,
        req::PRSCTP_TSN_ASSIGNED_LATE,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { lifetime: [1, 100] },
    run: queued,
}

fn queued(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lifetime = Duration::from_millis(v.number("lifetime"));
    let mut s = SctpStage::connected(t)?;
    s.peer.profile.answers.data = false;
    // More than any first window, so that the next message has to wait.
    s.tell(t, SctpMessage::new(2, pattern(100_000)))?;
    s.tell(t, SctpMessage::new(1, DATA).reliability(SctpReliability::Lifetime(lifetime)))?;
    t.stimulus("silence until the message in the queue has expired");
    let came = serve_losing(&mut s, t, lifetime + 300 * MILLISECOND, |_| false);
    t.precondition(data_on(&came, 1).is_empty(), "a message that waits")?;
    s.peer.profile.answers.data = true;
    let sack = s.peer.sack();
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.serve(t, LONG);
    let sent = s.peer.log.data().iter().filter(|data| data.stream == 1).count();
    t.must(req::PRSCTP_TIMED_CHECKED_BEFORE_TSN, sent == 0, "nothing of it", sent)?;
    t.must(req::PRSCTP_TIMED_EXPIRED_GETS_NO_TSN, sent == 0, "nothing of it", sent)?;
    t.should(req::PRSCTP_TSN_ASSIGNED_LATE, sent == 0, "no number for it", sent)?;
    let skips = s.peer.log.count(chunk::FORWARD_TSN);
    t.must(req::PRSCTP_FORWARD_TSN_ONLY_PURPOSE, skips == 0, "no FORWARD TSN", skips)
}

case! {
    id: "sctp.pr.lifetime.sent",
    title: "A message with a lifetime is repeated until it expires and not after that",
    reqs: [
        req::PRSCTP_TIMED_RELIABLE_UNTIL_EXPIRY,
        req::PRSCTP_TIMED_CHECKED_BEFORE_SENDING,
        req::PRSCTP_TIMED_EXPIRED_ABANDONED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { lifetime: [200, 4500, 60_000] },
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lifetime = Duration::from_millis(v.number("lifetime"));
    let mut s = SctpStage::connected(t)?;
    let begun = t.now();
    t.stimulus("a message with a lifetime that is lost whenever it is sent");
    s.tell(t, SctpMessage::new(1, DATA).reliability(SctpReliability::Lifetime(lifetime)))?;
    let came = serve_losing(&mut s, t, lifetime.min(LONG), |packet| packet.has(chunk::DATA));
    let repeated = data_on(&came, 1).len();
    if lifetime > SECOND {
        t.must(req::PRSCTP_TIMED_RELIABLE_UNTIL_EXPIRY, repeated > 1, "repetitions", repeated)?;
    }
    if lifetime > LONG {
        s.serve(t, 4 * LONG);
        let skips = s.peer.log.count(chunk::FORWARD_TSN);
        let here = s.peer.log.messages().contains(&(1, DATA.to_vec()));
        let got = format!("arrived: {here}, {skips} FORWARD TSN");
        return t.must(req::PRSCTP_TIMED_RELIABLE_UNTIL_EXPIRY, here && skips == 0, "it", got);
    }
    let came = serve_losing(&mut s, t, REPETITIONS, |packet| packet.has(chunk::DATA));
    // What was under way at the last moment had already been sent.
    let end = begun + lifetime + SOON;
    let late = came.iter().filter(|(at, packet)| has_data_on(packet, 1) && *at > end).count();
    t.must(req::PRSCTP_TIMED_CHECKED_BEFORE_SENDING, late == 0, "nothing after its end", late)?;
    let skips = forwards(&came);
    let got = format!("{skips:?}");
    t.must(req::PRSCTP_TIMED_EXPIRED_ABANDONED, !skips.is_empty(), "FORWARD TSN", got)
}

case! {
    id: "sctp.pr.forward-tsn.sent",
    title: "A FORWARD TSN lists each stream once, fits a packet, comes in time and is repeated until it is heard",
    reqs: [
        req::PRSCTP_STREAM_LISTED_ONCE,
        req::PRSCTP_FORWARD_TSN_FITS_PACKET,
        req::PRSCTP_FORWARD_TSN_TIMER,
        req::PRSCTP_FORWARD_TSN_AT_MOST_500,
        req::PRSCTP_FORWARD_TSN_AT_MOST_200,
        req::PRSCTP_TIMER_ADVANCES_POINT,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    variants: product! { streams: [1, 200] },
    run: forward_sent,
}

case! {
    id: "sctp.pr.forward-tsn.large",
    title: "A FORWARD TSN that lists more streams than fit a packet moves less far at a time",
    reqs: [
        req::PRSCTP_STREAM_LISTED_ONCE,
        req::PRSCTP_FORWARD_TSN_FITS_PACKET,
        req::PRSCTP_FORWARD_TSN_TIMER,
        req::PRSCTP_FORWARD_TSN_AT_MOST_500,
        req::PRSCTP_FORWARD_TSN_AT_MOST_200,
        req::PRSCTP_TIMER_ADVANCES_POINT,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability, Cap::SctpDiscovery],
    variants: product! { streams: [400, 2000] },
    no_reference: "no other stack at hand has so many streams to list",
    run: forward_sent,
}

fn forward_sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let streams = u16::try_from(v.number("streams")).unwrap_or(1);
    let mut s = SctpStage::connected(t)?;
    t.stimulus("many messages that are sent once and lost");
    for round in 0..3_u8 {
        for stream in 0..streams {
            let message = SctpMessage::new(stream, [round; 8]);
            s.tell(t, message.reliability(SctpReliability::Retransmits(0)))?;
        }
    }
    // Every FORWARD TSN is lost as well, for a while.
    let lost = |packet: &Packet| packet.has(chunk::DATA) || packet.has(chunk::FORWARD_TSN);
    let came = serve_losing(&mut s, t, REPETITIONS, lost);
    let skips = forwards(&came);
    t.must(req::PRSCTP_FORWARD_TSN_TIMER, skips.len() >= 2, "repetitions", skips.len())?;
    t.should(req::PRSCTP_TIMER_ADVANCES_POINT, !skips.is_empty(), "FORWARD TSN", skips.len())?;
    let size = came.iter().map(|(_, packet)| packet.encode().len()).max().unwrap_or_default();
    t.should(req::PRSCTP_FORWARD_TSN_FITS_PACKET, size <= 1_280, "1280 bytes at most", size)?;
    let once = skips.iter().all(|skip| {
        let mut seen: Vec<u16> = skip.streams.iter().map(|(stream, _)| *stream).collect();
        seen.sort_unstable();
        seen.iter().zip(seen.iter().skip(1)).all(|(first, second)| *first != *second)
    });
    t.should(req::PRSCTP_STREAM_LISTED_ONCE, once, "each stream once", format!("{skips:?}"))?;
    // Now it is heard: what is left comes as fast as the answers.
    let came = serve_losing(&mut s, t, REPETITIONS, |packet| packet.has(chunk::DATA));
    let first = came.iter().find(|(_, packet)| packet.has(chunk::FORWARD_TSN));
    t.precondition(first.is_some() || streams == 1, "another FORWARD TSN")?;
    let longest = follow_ups(&came).into_iter().max().unwrap_or_default();
    let (short, shorter) = (longest <= DELAYED, longest <= 220 * MILLISECOND);
    t.must(req::PRSCTP_FORWARD_TSN_AT_MOST_500, short, "500 ms", format!("{longest:?}"))?;
    t.should(req::PRSCTP_FORWARD_TSN_AT_MOST_200, shorter, "200 ms", format!("{longest:?}"))
}

/// How long the next FORWARD TSN is waited for after one that had no room for more, when all are answered.
fn follow_ups(came: &[(base::Instant, Packet)]) -> Vec<Duration> {
    let all: Vec<(base::Instant, ForwardTsn)> = came
        .iter()
        .filter_map(|(at, packet)| {
            let skip = packet.chunks.iter().find_map(ForwardTsn::read)?;
            Some((*at, skip))
        })
        .collect();
    let pairs = all.iter().zip(all.iter().skip(1));
    let full = pairs.filter(|(first, second)| {
        first.1.streams.len() > 250 && first.1.cumulative != second.1.cumulative
    });
    full.map(|(first, second)| second.0 - first.0).collect()
}

case! {
    id: "sctp.pr.sack-before-forward",
    title: "A SACK that is behind what was abandoned is still processed",
    reqs: [req::PRSCTP_OLD_SACK_CRITERION, req::PRSCTP_SACK_PROCESSED_FIRST],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPartialReliability],
    run: sack_before_forward,
}

fn sack_before_forward(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    s.tell(t, SctpMessage::new(1, DATA).reliability(SctpReliability::Retransmits(0)))?;
    let came = serve_deaf(&mut s, t, REPETITIONS);
    t.precondition(!forwards(&came).is_empty(), "a FORWARD TSN")?;
    // Now more, and SACKs that know nothing of the FORWARD TSN.
    for _ in 0..3 {
        s.tell(t, SctpMessage::new(2, DATA))?;
        serve_deaf(&mut s, t, SOON);
    }
    t.stimulus("SACKs with gap blocks that are behind the abandoned message");
    // Before any timeout, after which a sender may repeat whatever was not passed.
    let came = serve_deaf(&mut s, t, 3 * SOON);
    let repeated = data_on(&came, 2).len();
    t.must(req::PRSCTP_OLD_SACK_CRITERION, repeated == 0, "nothing repeated", repeated)?;
    t.must(req::PRSCTP_SACK_PROCESSED_FIRST, repeated == 0, "nothing repeated", repeated)
}

/// Answers everything for `duration` as if neither stream 1 nor any FORWARD TSN had arrived.
fn serve_deaf(
    s: &mut SctpStage,
    t: &mut Ctl<'_>,
    duration: Duration,
) -> Vec<(base::Instant, Packet)> {
    let until = t.now() + duration;
    let mut all = Vec::new();
    while let Some(packet) = s.lose(t, until - t.now()) {
        let mut heard = packet.clone();
        heard.chunks.retain(|one| {
            one.kind != chunk::FORWARD_TSN && Data::read(one).is_none_or(|data| data.stream != 1)
        });
        for answer in s.peer.receive(&heard.encode()) {
            s.send(t, &answer);
        }
        all.push((t.now(), packet));
    }
    all
}

case! {
    id: "sctp.pr.priority",
    title: "With its buffer full an endpoint gives up a message of lower priority for one of higher",
    reqs: [req::PRPOLICY_PRIORITY_ABANDONS],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpPriorityPolicy],
    no_reference: "no other stack at hand has the policy",
    run: priority,
}

fn priority(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut s = SctpStage::connected(t)?;
    s.peer.profile.answers.data = false;
    t.stimulus("messages of low priority until the buffer is full, and one of high priority");
    let message = |stream: u16, priority: u32| {
        let reliability = SctpReliability::Priority(priority);
        SctpMessage::new(stream, pattern(100_000)).reliability(reliability)
    };
    let mut taken = 0;
    for _ in 0..2_000 {
        let low = message(1, 200);
        if s.command(t, |endpoint, now| endpoint.send(now, low)).is_err() {
            break;
        }
        taken += 1;
    }
    t.precondition(taken < 2_000, "a buffer with an end")?;
    let high = message(2, 1);
    let outcome = s.command(t, |endpoint, now| endpoint.send(now, high));
    let got = format!("{outcome:?} after {taken} messages");
    t.may(req::PRPOLICY_PRIORITY_ABANDONS, outcome.is_ok(), "room for it", got)
}
