//! Connection ids (RFC 9146, RFC 9147 §9) and the limit of the record size (RFC 8449).

use super::script::*;

/// The connection id of the suite's choice with this many bytes.
fn cid(length: u64) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index).unwrap_or(0) ^ 0xc1).collect()
}

case! {
    id: "dtls.cid.used",
    title: "Connection ids of any two lengths are agreed on, and stand in every protected record",
    reqs: [
        req::CID_DIFFERENT_LENGTHS,
        req::CID_RECORD_FORM,
        req::CID_NOT_NEGOTIATED_PLAIN,
        req::CID_INNER_PLAINTEXT,
        req::DTLS13_CID_IN_ALL_DATAGRAMS,
    ],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsConnectionId],
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        own: [0, 8],
        suite: [0, 1, 20],
    },
    no_reference: "the other stack in process has no connection ids",
    run: used,
}

fn used(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let version = version(v);
    let own = usize::try_from(v.number("own")).unwrap_or(0);
    let wanted = cid(v.number("suite"));
    let mut s = DtlsStage::with(t, role(v), version, |setup| {
        setup.config.connection_id = Some(own);
        setup.profile.connection_id = Some(wanted.clone());
    })?;
    t.stimulus("a peer with a connection id");
    s.begin(t);
    let done = s.completes(t, LONG) && s.data_passes(t);
    let got = s.state(t);
    t.must(req::CID_DIFFERENT_LENGTHS, done, "a handshake that ends well", &got)?;
    let theirs = s.peer.records.write_cid.clone().unwrap_or_default();
    t.must(req::CID_DIFFERENT_LENGTHS, theirs.len() == own, own, theirs.len())?;
    let shown: Vec<Option<Vec<u8>>> = s
        .peer
        .log
        .records
        .iter()
        .filter(|record| record.epoch > 0)
        .map(|record| match &record.raw.header {
            wire::dtls::Header::Plain { content: content::TLS12_CID, cid, .. } => Some(cid.clone()),
            wire::dtls::Header::Plain { .. } => None,
            wire::dtls::Header::Unified { cid, .. } => cid.clone(),
        })
        .collect();
    let expected = (!wanted.is_empty()).then(|| wanted.clone());
    let all = shown.iter().all(|cid| *cid == expected);
    let got = format!("{shown:x?}");
    let requirement = match (version, wanted.is_empty()) {
        (Version::Dtls13, _) => req::DTLS13_CID_IN_ALL_DATAGRAMS,
        (Version::Dtls12, true) => req::CID_NOT_NEGOTIATED_PLAIN,
        (Version::Dtls12, false) => req::CID_RECORD_FORM,
    };
    t.must(requirement, all && !shown.is_empty(), format!("{expected:x?}"), &got)?;
    let data = s.peer.log.data.iter().any(|(_, data)| data == DATA);
    t.must(req::CID_INNER_PLAINTEXT, data, "data", "none")
}

case! {
    id: "dtls.cid.missing",
    title: "A protected record with another connection id than agreed on, or none, is dropped in silence",
    reqs: [req::CID_MISSING_INVALID, req::CID_INVALID_SILENT],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsConnectionId],
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        what: ["none", "other"],
    },
    no_reference: "the other stack in process has no connection ids",
    run: missing,
}

fn missing(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, role(v), version(v), |setup| {
        setup.config.connection_id = Some(8);
        setup.profile.connection_id = Some(cid(4));
    })?;
    s.connect(t)?;
    let (heard, before) = (s.heard.len(), s.delivered(t).len());
    let right = s.peer.records.write_cid.clone();
    s.peer.records.write_cid = (v.text("what") == "other").then(|| vec![0x11; 8]);
    let record = s.peer.data(b"forged");
    s.peer.records.write_cid = right;
    s.send_stimulus(t, &record, "a record with a wrong connection id");
    s.listen(t, SECOND);
    let fresh = s.delivered(t).len() - before;
    t.must(req::CID_MISSING_INVALID, fresh == 0, "nothing delivered", fresh)?;
    let silent = s.heard.len() == heard;
    let lives = s.data_passes(t);
    let got = format!("silent: {silent}, lives: {lives}");
    t.must(req::CID_INVALID_SILENT, silent && lives, "silence, and life", got)
}

case! {
    id: "dtls.13.cid.changed",
    title: "A connection id given as cid_immediate is used at once, and a request for spare ones is answered",
    reqs: [
        req::DTLS13_CID_IMMEDIATE,
        req::DTLS13_CID_REQUEST_ANSWERED,
        req::DTLS13_ACK_POST_HANDSHAKE,
    ],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsConnectionId],
    variants: product! { role: ["client", "server"], what: ["new", "request"] },
    no_reference: "the other stack in process has no connection ids",
    run: changed,
}

fn changed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::with(t, role(v), Version::Dtls13, |setup| {
        setup.config.connection_id = Some(8);
        setup.profile.connection_id = Some(cid(4));
    })?;
    s.connect(t)?;
    let fresh = vec![9, 9, 9, 9];
    let is_new = v.text("what") == "new";
    let flight = if is_new {
        let body = [wire::dtls::vec16(&wire::dtls::vec8(&fresh)), vec![0]].concat();
        s.peer.post_handshake(handshake::NEW_CONNECTION_ID, body)
    } else {
        s.peer.post_handshake(handshake::REQUEST_CONNECTION_ID, vec![2])
    };
    let before = s.heard.len();
    for datagram in s.peer.pack(&flight) {
        s.send_stimulus(t, &datagram, "connection ids");
    }
    if is_new {
        s.peer.records.read_cid = Some(fresh.clone());
        needed(s.command(t, |endpoint, now| endpoint.send(now, DATA)))?;
        s.serve(t, SECOND);
        let with_it = s
            .heard
            .iter()
            .skip(before)
            .filter(|(_, datagram)| datagram.get(1..5) == Some(&fresh))
            .count();
        let all = with_it > 0 && with_it == s.heard.len() - before;
        t.must(req::DTLS13_CID_IMMEDIATE, all, "the new id in every record", with_it)?;
    } else {
        s.serve(t, SECOND);
        let given = s.peer.log.last(handshake::NEW_CONNECTION_ID).is_some();
        t.should(req::DTLS13_CID_REQUEST_ANSWERED, given, "NewConnectionId", "none")?;
    }
    let sent = s.peer.log.sent_of(flight.messages().next().map_or(0, |message| message.kind));
    let named = s.peer.log.acknowledged();
    let all = sent.iter().all(|sent| named.contains(&(sent.epoch, sent.sequence)));
    t.should(req::DTLS13_ACK_POST_HANDSHAKE, all, "an ACK", format!("{named:?}"))
}

case! {
    id: "dtls.limit.kept",
    title: "No record of an endpoint has more content than the peer's record_size_limit",
    reqs: [req::RSL_KEPT, req::RSL_COUNTS_INNER_TYPE],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsRecordSizeLimit],
    variants: product! {
        role: ["client", "server"],
        version: ["1.2", "1.3"],
        limit: [64, 200],
    },
    no_reference: "the other stack in process has no limit",
    run: limit_kept,
}

fn limit_kept(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let limit = u16::try_from(v.number("limit")).unwrap_or(64);
    let version = version(v);
    let mut s = DtlsStage::with(t, role(v), version, |setup| {
        setup.config.record_size_limit = Some(16_384);
        setup.profile.record_size_limit = Some(limit);
    })?;
    t.stimulus("a peer with a limit");
    s.connect(t)?;
    let long = vec![5; usize::from(limit) + 10];
    let taken = s.command(t, |endpoint, now| endpoint.send(now, &long)).is_ok();
    let passes = s.data_passes(t);
    // In 1.3 the byte of the type counts.
    let more = usize::from(version == Version::Dtls13);
    let sizes = s.peer.log.records.iter().filter(|record| record.epoch > 0);
    let longest = sizes.map(|record| record.payload.len() + record.padding + more).max();
    let longest = longest.unwrap_or(0);
    let got = format!("{longest}, too much taken: {taken}, data passes: {passes}");
    t.must(req::RSL_KEPT, longest <= usize::from(limit) && passes, format!("≤ {limit}"), &got)?;
    if version == Version::Dtls13 {
        let kept = longest <= usize::from(limit);
        t.must(req::RSL_COUNTS_INNER_TYPE, kept, format!("≤ {limit}"), got)?;
    }
    Ok(())
}
