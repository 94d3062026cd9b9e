//! Windows that close and open again: RFC 9260 §6.1, §6.2.

use super::script::*;

case! {
    id: "sctp.window.receiver",
    title: "A reader that has fallen asleep closes the window; what comes then is not acknowledged, and when he wakes all goes on",
    reqs: [
        req::SCTP_ZERO_WINDOW_DROPS_NEW,
        req::SCTP_ZERO_WINDOW_SACKED_AT_ONCE,
        req::SCTP_DROPPED_NOT_ACKED,
        req::SCTP_WINDOW_UPDATE_SENT,
        req::SCTP_WINDOW_UPDATES_FEW,
        req::SCTP_WINDOW_CHANGE_TOLD,
        req::SCTP_SACK_WINDOW_CURRENT,
        req::SCTP_RECEIVER_AVOIDS_SILLY_WINDOW,
        req::SCTP_WINDOW_GROWS_WHEN_RELEASED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpReceiveWindow],
    variants: product! { fragments: [1, 4] },
    run: receiver,
}

fn receiver(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = SctpStage::connected_with(t, |setup| setup.config.receive_window = Some(20_000))?;
    let pieces = usize::try_from(v.number("fragments")).unwrap_or(1);
    s.command(t, |endpoint, now| endpoint.set_reading(now, false));
    let (mut dropped, mut windows) = (None, Vec::new());
    let mut sent = Vec::new();
    'fill: for _ in 0..100 {
        for data in s.peer.fragments(1, &pattern(1_000 * pieces), 1_000) {
            let tsn = data.tsn;
            sent.push(data.clone());
            let mark = s.mark();
            s.say(t, [data.and(data::I).into()], "DATA for a reader that sleeps");
            s.listen(t, SOON / 2);
            let sacks: Vec<Sack> = s.chunks_since(mark).iter().filter_map(Sack::read).collect();
            let Some(sack) = sacks.last() else { continue };
            windows.push(sack.a_rwnd);
            if sack.cumulative != tsn {
                dropped = Some((data_before(tsn), sack.clone()));
                break 'fill;
            }
        }
    }
    let falls = windows.iter().zip(windows.iter().skip(1)).all(|(one, next)| next <= one);
    t.should(req::SCTP_SACK_WINDOW_CURRENT, falls, "a window that closes", format!("{windows:?}"))?;
    let (wanted, sack) = t.expect(dropped, "DATA that is not acknowledged any more")?;
    t.must(req::SCTP_ZERO_WINDOW_SACKED_AT_ONCE, true, "a SACK", "one")?;
    let right = sack.cumulative == wanted && sack.gaps.is_empty();
    let got = format!("{} {:?} window {}", sack.cumulative, sack.gaps, sack.a_rwnd);
    t.must(req::SCTP_DROPPED_NOT_ACKED, right, wanted, &got)?;
    let small = sack.a_rwnd < 1_500;
    t.must(req::SCTP_ZERO_WINDOW_DROPS_NEW, small, "a closed window", &got)?;
    t.must(req::SCTP_RECEIVER_AVOIDS_SILLY_WINDOW, small, "a closed window", got)?;
    let mark = s.mark();
    s.command(t, |endpoint, now| endpoint.set_reading(now, true));
    s.listen(t, DELAYED);
    let updates: Vec<Sack> = s.chunks_since(mark).iter().filter_map(Sack::read).collect();
    let got = format!("{:?}", updates.iter().map(|sack| sack.a_rwnd).collect::<Vec<_>>());
    let open = updates.last().is_some_and(|sack| sack.a_rwnd >= 10_000);
    t.should(req::SCTP_WINDOW_UPDATE_SENT, open, "a SACK with an open window", &got)?;
    t.should(req::SCTP_WINDOW_CHANGE_TOLD, open, "a SACK with an open window", &got)?;
    t.should(req::SCTP_WINDOW_GROWS_WHEN_RELEASED, open, "a window that grows", &got)?;
    t.must(req::SCTP_WINDOW_UPDATES_FEW, updates.len() <= 4, "a few", &got)?;
    // What was dropped comes again.
    let missing: Vec<Data> =
        sent.iter().filter(|data| data.tsn.wrapping_sub(wanted) < 1 << 31).cloned().collect();
    for data in missing.into_iter().filter(|data| data.tsn != wanted) {
        let packet = s.peer.one(data);
        s.send(t, &packet);
    }
    s.serve(t, DELAYED);
    let delivered: usize = s.delivered(t).iter().map(|(_, data)| data.len()).sum();
    let whole = sent.len() / pieces * pieces * 1_000;
    t.must(req::SCTP_DROPPED_NOT_ACKED, delivered == whole, whole, delivered)
}

const fn data_before(tsn: u32) -> u32 {
    tsn.wrapping_sub(1)
}

case! {
    id: "sctp.window.sender",
    title: "With the peer's window closed one chunk at a time probes it, ever more slowly, and when it opens all goes on",
    reqs: [
        req::SCTP_WINDOW_RESPECTED,
        req::SCTP_ZERO_WINDOW_PROBED,
        req::SCTP_PROBE_WHEN_IDLE,
        req::SCTP_PROBE_BACKOFF,
        req::SCTP_PROBE_NO_ERROR_COUNT,
        req::SCTP_PROBE_WITHIN_CWND,
        req::SCTP_FULL_WINDOW_STOPS,
        req::SCTP_RWND_CALCULATION,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpTimeouts],
    variants: product! { closes: ["at once", "later"] },
    no_reference: "the two independent stacks probe with several chunks or count their probes",
    run: sender,
}

fn sender(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let later = v.text("closes") == "later";
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.rto = Some((SECOND, SECOND, 60 * SECOND));
        setup.config.max_retransmits = Some(4);
        setup.profile.a_rwnd = 2_400;
    })?;
    if !later {
        // One message shows the closed window.
        s.tell(t, SctpMessage::new(1, DATA))?;
        s.peer.profile.a_rwnd = 0;
        s.serve(t, SECOND);
    }
    let mark = s.mark();
    for _ in 0..10 {
        s.tell(t, SctpMessage::new(1, pattern(2_000)))?;
    }
    t.stimulus("ten messages for a closed window");
    if later {
        // Two packets fit: they are acknowledged with a closed window.
        s.listen(t, SOON);
        let sent: usize =
            s.chunks_since(mark).iter().filter_map(Data::read).map(|data| data.payload.len()).sum();
        t.should(req::SCTP_RWND_CALCULATION, sent <= 2_400 + 1_200, "2400 bytes or so", sent)?;
        t.must(req::SCTP_WINDOW_RESPECTED, sent <= 2_400 + 1_200, "2400 bytes or so", sent)?;
        s.peer.profile.a_rwnd = 0;
        let sack = s.peer.sack();
        let packet = s.peer.one(sack);
        s.send(t, &packet);
    }
    // Probes are dropped: each is answered with a SACK that acknowledges nothing new.
    s.peer.profile.answers.data = false;
    let cumulative = s.peer.received.cumulative();
    let mark = s.mark();
    let until = t.now() + 100 * SECOND;
    while s.hear(t, until - t.now()).is_some() {
        let sack = Sack { cumulative, a_rwnd: 0, ..Sack::default() };
        let packet = s.peer.one(sack);
        s.send(t, &packet);
    }
    let places: Vec<usize> = (mark..s.mark())
        .filter(|place| s.peer.log.packets.get(*place).is_some_and(|it| it.has(chunk::DATA)))
        .collect();
    let times: Vec<_> = places.iter().filter_map(|place| s.times.get(*place).copied()).collect();
    let gaps: Vec<Duration> =
        times.iter().zip(times.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    let numbers: Vec<u32> =
        s.chunks_since(mark).iter().filter_map(Data::read).map(|data| data.tsn).collect();
    let got = format!("{} probes {gaps:?}", times.len());
    t.must(req::SCTP_ZERO_WINDOW_PROBED, times.len() >= 4, "probes", &got)?;
    let mut different = numbers.clone();
    different.dedup();
    let one = different.len() == 1;
    t.must(req::SCTP_WINDOW_RESPECTED, one, "one number", format!("{numbers:?}"))?;
    t.must(req::SCTP_FULL_WINDOW_STOPS, one, "one number", format!("{numbers:?}"))?;
    t.must(req::SCTP_PROBE_WITHIN_CWND, one, "one number", format!("{numbers:?}"))?;
    t.should(req::SCTP_PROBE_WHEN_IDLE, one, "one number", format!("{numbers:?}"))?;
    let backs_off =
        gaps.iter().zip(gaps.iter().skip(1)).all(|(one, next)| next.mul_f64(1.05) >= *one)
            && gaps.last().is_some_and(|last| *last >= 8 * SECOND);
    t.should(req::SCTP_PROBE_BACKOFF, backs_off, "growing distances", &got)?;
    let over = s.is_over(t);
    t.should(req::SCTP_PROBE_NO_ERROR_COUNT, !over, "an association that stands", got)?;
    t.precondition(!over, "an association that stands")?;
    open_again(t, &mut s, cumulative)
}

/// The window opens, and everything arrives.
fn open_again(t: &mut Ctl<'_>, s: &mut SctpStage, cumulative: u32) -> Outcome {
    s.peer.profile.answers.data = true;
    s.peer.profile.a_rwnd = 1 << 20;
    let sack = Sack { cumulative, a_rwnd: 1 << 20, ..Sack::default() };
    let packet = s.peer.one(sack);
    s.send(t, &packet);
    s.serve(t, 70 * SECOND);
    let bytes: usize =
        s.peer.log.messages().iter().map(|(_, data)| data.len()).filter(|it| *it == 2_000).sum();
    t.must(req::SCTP_ZERO_WINDOW_PROBED, bytes == 20_000, "all ten messages", bytes)
}
