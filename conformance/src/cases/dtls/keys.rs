//! KeyUpdate: RFC 9147 §8, RFC 8446 §4.6.3; and other messages after the handshake.

use super::script::*;

case! {
    id: "dtls.13.key-update.received",
    title: "A KeyUpdate is acknowledged, answered if it asks for that, and data goes on under the new keys",
    reqs: [
        req::DTLS13_KEY_UPDATE_ACKNOWLEDGED,
        req::DTLS13_KEY_UPDATE_ANSWERED,
        req::DTLS13_ACK_HIGHEST_EPOCH_AFTER,
        req::DTLS13_PRE_UPDATE_KEYS_KEPT,
        req::DTLS13_OLD_EPOCH_AFTER_UPDATE,
        req::DTLS13_EPOCH_VALUES,
        req::TLS13_KEY_UPDATE_RECEIVER,
        req::TLS13_KEY_UPDATE_REQUESTED,
        req::DTLS13_MESSAGE_SEQ_NOT_RESET,
    ],
    kind: SubjectKind::Dtls,
    variants: product! { role: ["client", "server"], asks: [false, true], times: [1, 6] },
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (asks, times) = (v.flag("asks"), v.number("times"));
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    for time in 1..=times {
        let update = s.peer.key_update(asks);
        for datagram in s.peer.pack(&update) {
            s.send_stimulus(t, &datagram, "KeyUpdate");
        }
        let late = s.peer.data(b"late");
        s.serve(t, SOON);
        let acknowledged = !s.peer.is_updating();
        let got = s.state(t);
        t.must(req::DTLS13_KEY_UPDATE_ACKNOWLEDGED, acknowledged, "an ACK", &got)?;
        let before = s.delivered(t).len();
        s.send_stimulus(t, &late, "data under the former keys");
        let kept = s.delivered(t).len() == before + 1;
        t.must(req::DTLS13_PRE_UPDATE_KEYS_KEPT, kept, "delivered", "not")?;
        let passes = s.data_passes(t);
        let got = s.state(t);
        t.must(req::TLS13_KEY_UPDATE_RECEIVER, passes, "data under the new keys", &got)?;
        let epochs = (s.peer.records.write_epoch(), s.peer.records.read_epoch());
        let expected = (3 + time, if asks { 3 + time } else { 3 });
        let got = format!("{epochs:?}");
        t.must(req::DTLS13_EPOCH_VALUES, epochs == expected, format!("{expected:?}"), &got)?;
        let answered = (epochs.1 == 3 + time) == asks;
        t.must(req::DTLS13_KEY_UPDATE_ANSWERED, answered, "an answer if asked", &got)?;
        t.must(req::TLS13_KEY_UPDATE_REQUESTED, answered, "an answer if asked", got)?;
    }
    let bodies = s.peer.log.of(handshake::KEY_UPDATE).all(|message| message.body == [0]);
    t.must(req::TLS13_KEY_UPDATE_REQUESTED, bodies, "answers that ask for none", "others")?;
    let faults = s.peer.log.faults.clone();
    t.must(
        req::DTLS13_MESSAGE_SEQ_NOT_RESET,
        faults.is_empty(),
        "messages in order",
        faults.join("; "),
    )?;
    let last = s.peer.log.acks.iter().rev().find(|(epoch, _)| *epoch >= 3).map(|(epoch, _)| *epoch);
    let high = last.is_some_and(|epoch| epoch + 1 >= s.peer.records.read_epoch());
    t.must(req::DTLS13_ACK_HIGHEST_EPOCH_AFTER, high, "the highest epoch", format!("{last:?}"))?;
    let old = s.peer.log.data.len();
    t.should(req::DTLS13_OLD_EPOCH_AFTER_UPDATE, old > 0, "late records read", old)
}

case! {
    id: "dtls.13.key-update.sent",
    title: "An endpoint keeps its keys until its KeyUpdate is acknowledged, repeats it, and then changes them",
    reqs: [
        req::DTLS13_KEY_UPDATE_WAITS_FOR_ACK,
        req::DTLS13_KEY_UPDATE_NEW_KEYS,
        req::DTLS13_ONE_OUTSTANDING_PER_TYPE,
        req::DTLS13_RETRANSMISSION_ON_TIMEOUT,
        req::TLS13_KEY_UPDATE_OLD_KEYS,
    ],
    kind: SubjectKind::Dtls,
    needs: [Cap::DtlsKeyUpdate],
    variants: product! { role: ["client", "server"], asks: [false, true] },
    no_reference: "no other stack in process takes the command",
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let asks = v.flag("asks");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let before = s.peer.log.records.len();
    let bytes = s.heard.len();
    needed(s.command(t, |endpoint, now| endpoint.update_keys(now, asks)))?;
    t.stimulus("the command to change keys");
    // Nothing is answered: the first KeyUpdate and its repetitions are heard alone.
    let flights = s.listen(t, 3 * SECOND);
    let _ = s.command(t, |endpoint, now| endpoint.update_keys(now, asks));
    let _ = s.command(t, |endpoint, now| endpoint.send(now, DATA));
    s.listen(t, SOON);
    let records = s.peer.log.records.get(before..).unwrap_or_default();
    let epochs: Vec<u64> = records.iter().map(|record| record.epoch).collect();
    let old = epochs.iter().all(|epoch| *epoch == 3) && !epochs.is_empty();
    let got = format!("{epochs:?}");
    t.must(req::DTLS13_KEY_UPDATE_WAITS_FOR_ACK, old, "epoch 3 alone", &got)?;
    t.must(req::TLS13_KEY_UPDATE_OLD_KEYS, old, "epoch 3", &got)?;
    let again = records.iter().filter(|record| record.content == content::HANDSHAKE).count();
    t.must(req::DTLS13_RETRANSMISSION_ON_TIMEOUT, again > 1, "KeyUpdate again", again)?;
    let seqs: Vec<u16> = s.peer.log.of(handshake::KEY_UPDATE).map(|m| m.seq).collect();
    let one = seqs.len() == 1;
    t.must(req::DTLS13_ONE_OUTSTANDING_PER_TYPE, one, "one KeyUpdate", format!("{seqs:?}"))?;
    for flight in flights {
        s.say(t, &flight);
    }
    s.serve(t, SECOND);
    let data = s.data_passes(t);
    let (epoch, heard) = (s.peer.log.data.last().map(|(epoch, _)| *epoch), s.heard.len() - bytes);
    let got = format!("data: {data}, epoch {epoch:?}, {heard} datagrams");
    t.must(req::DTLS13_KEY_UPDATE_NEW_KEYS, data && epoch >= Some(4), "epoch 4", got)
}

case! {
    id: "dtls.13.after.refused",
    title: "A message after the handshake that may not be there ends the connection",
    reqs: [
        req::TLS13_KEY_UPDATE_VALUE,
        req::TLS13_DECODE_ERROR,
        req::TLS13_UNEXPECTED_MESSAGE,
        req::TLS13_NO_RENEGOTIATION,
        req::TLS13_POST_HANDSHAKE_REFUSED,
        req::DTLS13_CID_MESSAGES_REFUSED,
    ],
    kind: SubjectKind::Dtls,
    variants: product! {
        role: ["client", "server"],
        what: [
            "key-update-value", "key-update-long", "finished", "hello", "certificate-request",
            "new-connection-id", "request-connection-id",
        ],
    },
    run: after_refused,
}

fn after_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let what = v.text("what");
    let mut s = DtlsStage::open(t, role(v), Version::Dtls13)?;
    s.connect(t)?;
    let unexpected: &[u8] = &[alert::UNEXPECTED_MESSAGE];
    let (kind, body, requirement, alerts): (u8, Vec<u8>, Req, &[u8]) = match what {
        "key-update-value" => {
            let alerts: &[u8] = &[alert::ILLEGAL_PARAMETER];
            (handshake::KEY_UPDATE, vec![2], req::TLS13_KEY_UPDATE_VALUE, alerts)
        }
        "key-update-long" => {
            (handshake::KEY_UPDATE, vec![0, 0], req::TLS13_DECODE_ERROR, &[alert::DECODE_ERROR])
        }
        "finished" => (handshake::FINISHED, vec![0; 32], req::TLS13_UNEXPECTED_MESSAGE, unexpected),
        "hello" => {
            let hello = s.peer.log.client_hellos().first().map(ClientHello::write);
            let body = hello.unwrap_or_else(|| vec![0; 40]);
            (handshake::CLIENT_HELLO, body, req::TLS13_NO_RENEGOTIATION, unexpected)
        }
        "certificate-request" => {
            let body = body::certificate_request13(&[1], &Default::default());
            let kind = handshake::CERTIFICATE_REQUEST;
            (kind, body, req::TLS13_POST_HANDSHAKE_REFUSED, unexpected)
        }
        "new-connection-id" => {
            let body = vec![0, 2, 1, 9, 0];
            (handshake::NEW_CONNECTION_ID, body, req::DTLS13_CID_MESSAGES_REFUSED, unexpected)
        }
        _ => {
            let kind = handshake::REQUEST_CONNECTION_ID;
            (kind, vec![1], req::DTLS13_CID_MESSAGES_REFUSED, unexpected)
        }
    };
    let flight = s.peer.post_handshake(kind, body);
    for datagram in s.peer.pack(&flight) {
        s.send_stimulus(t, &datagram, what);
    }
    s.listen(t, SECOND);
    let (fatal, over) = (s.peer.log.fatal(), s.is_over(t));
    let right = over && fatal.is_some_and(|alert| alerts.contains(&alert));
    let got = format!("alert {fatal:?}, over: {over}");
    t.must(requirement, right, format_args!("one of the alerts {alerts:?}, and an end"), got)
}

case! {
    id: "dtls.13.ticket.tolerated",
    title: "A ticket that a client of 1.3 has no use for is acknowledged and changes nothing",
    reqs: [req::TLS13_TICKET_TOLERATED, req::DTLS13_ACK_POST_HANDSHAKE],
    kind: SubjectKind::Dtls,
    variants: product! { count: [1, 4] },
    run: ticket,
}

fn ticket(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut s = DtlsStage::open(t, DtlsRole::Client, Version::Dtls13)?;
    s.connect(t)?;
    for index in 0..v.number("count") {
        let nonce = u8::try_from(index).unwrap_or(0);
        let unknown = [&[0x3a, 0x3a][..], &wire::dtls::vec16(&[1])].concat();
        let body = [
            &[0, 0, 1, 0, 0, 0, 0, 0][..],
            &wire::dtls::vec8(&[nonce]),
            &wire::dtls::vec16(&[9; 32]),
            &wire::dtls::vec16(&unknown),
        ]
        .concat();
        let flight = s.peer.post_handshake(handshake::NEW_SESSION_TICKET, body);
        for datagram in s.peer.pack(&flight) {
            s.send_stimulus(t, &datagram, "a ticket");
        }
    }
    s.listen(t, SECOND);
    let sent = s.peer.log.sent_of(handshake::NEW_SESSION_TICKET);
    let named = s.peer.log.acknowledged();
    let all = sent.iter().all(|sent| named.contains(&(sent.epoch, sent.sequence)));
    t.should(req::DTLS13_ACK_POST_HANDSHAKE, all, "an ACK of each", format!("{named:?}"))?;
    let lives = s.data_passes(t);
    t.must(req::TLS13_TICKET_TOLERATED, lives, "life", "none")
}
