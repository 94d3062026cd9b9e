//! The search for the size of packets: RFC 8899.

use base::Instant;

use super::{lossy::serve_losing, script::*};

/// The size of a packet that the path takes at least: the first size of an association here.
const BASE: usize = 1_200;

/// Whether a packet looks for a size: a HEARTBEAT with a PAD chunk, or one that is large without it.
fn is_probe(packet: &Packet) -> bool {
    packet.has(chunk::PAD)
}

/// An association over a path that takes packets of so many bytes from the beginning; what came meanwhile.
fn searching(t: &mut Ctl<'_>, limit: usize) -> Result<(SctpStage, Came), Stop> {
    let mut s = SctpStage::with(t, |setup| setup.config.discovery = true)?;
    let init = s.peer.init();
    s.send_stimulus(t, &init, "an INIT");
    let came = serve_losing(&mut s, t, SECOND, |packet| packet.encode().len() > limit);
    let up = s.is_up(t);
    t.precondition(up, "an association that stands")?;
    Ok((s, came))
}

/// Hands over many small messages at once, so that they share packets.
fn many(s: &SctpStage, t: &mut Ctl<'_>, count: usize) {
    s.command(t, |endpoint, now| {
        for _ in 0..count {
            // What is not taken is missed by the assertions.
            let _ = endpoint.send(now, SctpMessage::new(1, pattern(100)));
        }
    });
}

/// Packets and when they came.
type Came = Vec<(Instant, Packet)>;

/// Lets the endpoint search on a path that takes packets of so many bytes, with some data now and then;
/// gives all that came.
fn search(s: &mut SctpStage, t: &mut Ctl<'_>, limit: usize, rounds: u32) -> Vec<(Instant, Packet)> {
    let mut came = Vec::new();
    for _ in 0..rounds {
        // Small messages fill packets of any size; large ones are cut to one that passes everywhere.
        many(s, t, 40);
        came.extend(serve_losing(s, t, SECOND, |packet| packet.encode().len() > limit));
    }
    came
}

fn sizes(came: &[(Instant, Packet)], probes: bool) -> Vec<usize> {
    let wanted = came.iter().filter(|(_, packet)| is_probe(packet) == probes);
    wanted.map(|(_, packet)| packet.encode().len()).collect()
}

case! {
    id: "sctp.discovery.search",
    title: "Probes find what the path takes, and nothing else is larger than what they found",
    reqs: [
        req::PLPMTUD_NOTHING_ABOVE_PLPMTU,
        req::PLPMTUD_INTERFACE_LETS_PROBES_PASS,
        req::PLPMTUD_PROBE_FEEDBACK,
        req::PLPMTUD_PROBES_WITHOUT_DATA,
        req::PLPMTUD_PROBE_INTERVAL,
        req::PLPMTUD_PROBE_IDENTIFIED,
        req::PLPMTUD_BASE_1200,
        req::PLPMTUD_MAX_PROBES,
        req::PLPMTUD_NO_PROBES_WHEN_COMPLETE,
        req::PLPMTUD_NO_CONFIRMATION_TIMER,
        req::PLPMTUD_HEARTBEAT_AND_PAD,
        req::PLPMTUD_PROBE_LOSS_ROBUST,
        req::PLPMTUD_OVERHEAD_COUNTED,
        req::PLPMTUD_NO_ARBITRARY_LIMIT,
        req::PLPMTUD_SEARCH_STEPS,
        req::DC_PMTUD_WITHOUT_ICMP,
        req::DC_INITIAL_MTU,
        req::SCTP_PMTU_DISCOVERED,
        req::SCTP_AMDCS_USED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpDiscovery],
    variants: product! { path: [1_200, 1_300, 1_452, 9_000] },
    no_reference: "no other stack at hand searches",
    run: found,
}

fn found(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let path = usize::try_from(v.number("path")).unwrap_or(BASE);
    let (mut s, mut came) = searching(t, path)?;
    came.extend(search(&mut s, t, path, 90));
    let probes: Vec<&(Instant, Packet)> =
        came.iter().filter(|(_, packet)| is_probe(packet)).collect();
    t.must(req::PLPMTUD_INTERFACE_LETS_PROBES_PASS, !probes.is_empty(), "probes", probes.len())?;
    t.must(req::DC_PMTUD_WITHOUT_ICMP, !probes.is_empty(), "probes", probes.len())?;
    t.should(req::SCTP_PMTU_DISCOVERED, !probes.is_empty(), "probes", probes.len())?;
    let pure = probes.iter().all(|(_, packet)| packet.kinds() == [chunk::HEARTBEAT, chunk::PAD]);
    t.should(req::PLPMTUD_PROBES_WITHOUT_DATA, pure, "HEARTBEAT and PAD", "others")?;
    t.should(req::PLPMTUD_HEARTBEAT_AND_PAD, pure, "HEARTBEAT and PAD", "others")?;
    let close = probes.iter().zip(probes.iter().skip(1));
    let close = close.into_iter().filter(|(one, next)| next.0 - one.0 < 19 * MILLISECOND).count();
    t.must(req::PLPMTUD_PROBE_INTERVAL, close == 0, "a round trip between probes", close)?;
    let mut infos: Vec<&[u8]> = probes
        .iter()
        .filter_map(|(_, packet)| Some(&packet.find(chunk::HEARTBEAT)?.value[..]))
        .collect();
    let count = infos.len();
    infos.sort_unstable();
    infos.dedup();
    t.must(req::PLPMTUD_PROBE_IDENTIFIED, infos.len() == count, count, infos.len())?;
    let sizes_probed = sizes(&came, true);
    let often = sizes_probed.iter().filter(|size| **size > path);
    let often = often.map(|size| sizes_probed.iter().filter(|other| *other == size).count()).max();
    t.must(req::PLPMTUD_MAX_PROBES, often.unwrap_or(0) <= 4, "4 at most", format!("{often:?}"))?;
    let good = sizes_probed.len() <= 40;
    t.should(req::PLPMTUD_SEARCH_STEPS, good, "40 probes at most", sizes_probed.len())?;
    above_nothing(t, &came, path)?;
    let largest = sizes(&came, false).into_iter().max().unwrap_or_default();
    let got = format!("{largest} of {path}");
    t.must(req::PLPMTUD_PROBE_FEEDBACK, largest <= path, path, &got)?;
    t.must(req::PLPMTUD_OVERHEAD_COUNTED, largest <= path, path, &got)?;
    t.should(req::PLPMTUD_NO_ARBITRARY_LIMIT, largest + 100 >= path.min(1_400), path, &got)?;
    t.should(req::SCTP_AMDCS_USED, largest + 100 >= path.min(1_400), path, &got)?;
    let late = sizes(&search(&mut s, t, path, 60), true).len();
    t.should(req::PLPMTUD_NO_PROBES_WHEN_COMPLETE, late == 0, "no probes", late)?;
    t.must(req::PLPMTUD_NO_CONFIRMATION_TIMER, late == 0, "no probes", late)?;
    let passes = s.data_passes(t);
    t.must(req::PLPMTUD_PROBE_LOSS_ROBUST, passes, "data", passes)
}

/// Asserts that no packet but a probe was larger than what a probe had confirmed before.
fn above_nothing(t: &mut Ctl<'_>, came: &[(Instant, Packet)], path: usize) -> Outcome {
    let (mut confirmed, mut first) = (BASE, 0);
    for (_, packet) in came {
        let size = packet.encode().len();
        if is_probe(packet) {
            confirmed = if size <= path { confirmed.max(size) } else { confirmed };
            continue;
        }
        first = if confirmed == BASE { size.max(first) } else { first };
        let got = format!("{size} with {confirmed} confirmed");
        t.must(req::PLPMTUD_NOTHING_ABOVE_PLPMTU, size <= confirmed, confirmed, got)?;
    }
    t.should(req::PLPMTUD_BASE_1200, first <= BASE, BASE, first)?;
    t.should(req::DC_INITIAL_MTU, first <= BASE, BASE, first)
}

case! {
    id: "sctp.discovery.black-hole",
    title: "When the path takes less than before, data gets through again",
    reqs: [
        req::PLPMTUD_BLACK_HOLE_DETECTED,
        req::PLPMTUD_BLACK_HOLE_BASE,
        req::PLPMTUD_NOT_ONLY_BLACK_HOLE,
        req::PLPMTUD_PATH_CHANGE_ROBUST,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpDiscovery],
    no_reference: "no other stack at hand searches",
    run: black_hole,
}

fn black_hole(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let (mut s, _) = searching(t, 1_452)?;
    let came = search(&mut s, t, 1_452, 60);
    let largest = sizes(&came, false).into_iter().max().unwrap_or_default();
    t.must(req::PLPMTUD_NOT_ONLY_BLACK_HOLE, largest > BASE, "a larger size", largest)?;
    t.stimulus("a path that takes 1200 bytes from now on");
    let before = s.peer.log.messages().len();
    many(&s, t, 200);
    let came = serve_losing(&mut s, t, 120 * SECOND, |packet| packet.encode().len() > BASE);
    let after = s.peer.log.messages().len() - before;
    t.must(req::PLPMTUD_BLACK_HOLE_DETECTED, after >= 200, "two hundred messages", after)?;
    let last = sizes(&came, false).into_iter().next_back().unwrap_or_default();
    t.should(req::PLPMTUD_BLACK_HOLE_BASE, last <= BASE, BASE, last)?;
    let passes = s.data_passes(t);
    t.should(req::PLPMTUD_PATH_CHANGE_ROBUST, passes, "data", passes)
}

case! {
    id: "sctp.discovery.answered",
    title: "A probe of the peer's is answered, padding and all",
    reqs: [req::PLPMTUD_PADDING_DISTINGUISHED, req::PLPMTUD_RESPONSE_CHECKED],
    kind: SubjectKind::Sctp,
    variants: product! { padding: [4, 1_000] },
    run: answered,
}

fn answered(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let padding = usize::try_from(v.number("padding")).unwrap_or(4);
    let mut s = SctpStage::connected(t)?;
    let probe = s.peer.heartbeat(b"a probe").with(Chunk::new(chunk::PAD, vec![0; padding]));
    let mark = s.mark();
    s.send_stimulus(t, &probe, "HEARTBEAT and PAD");
    s.listen(t, SOON);
    let acks: Vec<Chunk> =
        s.chunks_since(mark).into_iter().filter(|one| one.kind == chunk::HEARTBEAT_ACK).collect();
    let right = acks.len() == 1;
    t.must(
        req::PLPMTUD_PADDING_DISTINGUISHED,
        right,
        "one HEARTBEAT ACK",
        s.since(mark).join("; "),
    )?;
    // An answer to a probe that was never sent changes nothing.
    let info = Tlv::new(parameter::HEARTBEAT_INFO, *b"nobody asked");
    s.say(t, [Chunk::new(chunk::HEARTBEAT_ACK, info.encode())], "an answer to nothing");
    let passes = s.data_passes(t);
    t.should(req::PLPMTUD_RESPONSE_CHECKED, passes, "data as before", passes)
}
