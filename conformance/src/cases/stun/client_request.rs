//! What a client sends: RFC 8489 §5, §6.1, §14.

use super::script::*;

case! {
    id: "stun.client.header",
    title: "The header of a request obeys the format, bit by bit",
    reqs: [
        req::STUN_HEADER_FOLLOWS_RULES,
        req::STUN_OUTGOING_CLASS,
        req::STUN_HEADER_ZERO_BITS,
        req::STUN_MESSAGE_TYPE_LAYOUT,
        req::STUN_MAGIC_COOKIE,
        req::STUN_LENGTH_EXCLUDES_HEADER,
        req::STUN_LENGTH_MULTIPLE_OF_FOUR,
        req::STUN_ATTRIBUTE_TLV,
        req::STUN_ATTRIBUTE_ALIGNMENT,
        req::STUN_PADDING_ZERO,
        req::STUN_ATTRIBUTE_LENGTH_UNPADDED,
        req::STUN_MESSAGE_WITHIN_DEFAULT_MTU,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::ShortTerm],
    variants: product! { auth: [false, true], software: ["Peer 1.0", "Peerlab 1.0"] },
    run: header,
}

fn header(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let stage = ClientStage::open(t, |config| {
        config.software = Some(v.text("software"));
        if v.flag("auth") {
            config.authentication = Authentication::ShortTerm(short_term());
        }
    })?;
    stage.start(t)?;
    let sent = stage.next_raw(t, SECOND);
    let bytes = t.expect(sent, "a request")?.payload;
    let parsed = Parsed::read(&bytes);
    let readable = parsed.is_ok();
    t.must(req::STUN_ATTRIBUTE_TLV, readable, "whole attributes", hex(&bytes))?;
    let message = t.expect(parsed.ok(), "a readable request")?;
    t.must(req::STUN_HEADER_ZERO_BITS, message.kind < 0x4000, "two zero bits", &message)?;
    t.must(req::STUN_MESSAGE_TYPE_LAYOUT, message.kind == 1, hex16(1), hex16(message.kind))?;
    t.must(req::STUN_OUTGOING_CLASS, message.class() == Class::Request, "a request", &message)?;
    t.must(req::STUN_MAGIC_COOKIE, message.cookie == COOKIE, "the cookie", &message)?;
    let counted = message.trailing.is_empty();
    t.must(req::STUN_LENGTH_EXCLUDES_HEADER, counted, bytes.len() - HEADER, message.length)?;
    let even = message.length.is_multiple_of(4);
    t.must(req::STUN_LENGTH_MULTIPLE_OF_FOUR, even, "a multiple of 4", message.length)?;
    let aligned = message.attributes.iter().all(|found| found.at % 4 == 0);
    t.must(req::STUN_ATTRIBUTE_ALIGNMENT, aligned, "32-bit steps", &message)?;
    let faults = message.faults();
    let shown = format!("{faults:?}");
    t.must(req::STUN_PADDING_ZERO, faults.is_empty(), "no fault", &shown)?;
    t.must(req::STUN_HEADER_FOLLOWS_RULES, faults.is_empty(), "no fault", &shown)?;
    if let Some(text) = message.text(attribute::SOFTWARE) {
        let wanted = v.text("software");
        t.must(req::STUN_ATTRIBUTE_LENGTH_UNPADDED, text == wanted, wanted, text)?;
    }
    let small = bytes.len() <= 548;
    t.should(req::STUN_MESSAGE_WITHIN_DEFAULT_MTU, small, "at most 548 bytes", bytes.len())
}

case! {
    id: "stun.client.transaction-ids",
    title: "Transaction ids are new each time, and evenly spread",
    reqs: [req::STUN_TRANSACTION_ID_RANDOM, req::STUN_TRANSACTION_ID_NEW_PER_TRANSACTION],
    kind: SubjectKind::StunClient,
    run: transaction_ids,
}

/// Of 512 fair bits, fewer than 160 or more than 352 ones come once in 10^17 tries.
fn transaction_ids(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    const ROUNDS: u32 = 512;
    let mut stage = ClientStage::open(t, |_| {})?;
    let mut ids: Vec<TransactionId> = Vec::new();
    for _ in 0..ROUNDS {
        stage.start(t)?;
        let sent = stage.expect(t, SECOND, "a request")?;
        stage.reply(t, &stage.success_for(&sent));
        ids.push(sent.message.transaction);
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let new = sorted.len() == ids.len();
    t.must(req::STUN_TRANSACTION_ID_NEW_PER_TRANSACTION, new, ids.len(), sorted.len())?;
    for bit in 0..96_usize {
        let is_set =
            |id: &TransactionId| id.0.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1);
        let ones = ids.iter().filter(|id| is_set(id)).count();
        let pairs = ids.iter().zip(ids.iter().skip(1));
        let flips = pairs.filter(|(one, next)| is_set(one) != is_set(next)).count();
        let fair = (160..=352).contains(&ones) && (160..=352).contains(&flips);
        let got = format!("bit {bit}: {ones} ones, {flips} changes of {ROUNDS}");
        t.must(req::STUN_TRANSACTION_ID_RANDOM, fair, "about half ones, about half changes", got)?;
    }
    Ok(())
}

case! {
    id: "stun.client.software",
    title: "A request names the software when the client is told to, and not otherwise",
    reqs: [
        req::STUN_REQUEST_SOFTWARE,
        req::STUN_SOFTWARE_CONFIGURABLE,
        req::STUN_SOFTWARE_LENGTH,
        req::STUN_SOFTWARE_CONTENT,
    ],
    kind: SubjectKind::StunClient,
    variants: product! { told: [false, true] },
    run: software,
}

fn software(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let told = v.flag("told").then_some("Peerlab 1.0");
    let mut stage = ClientStage::open(t, |config| config.software = told)?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?;
    let text = sent.message.text(attribute::SOFTWARE);
    if told.is_none() {
        let silent = text.is_none();
        return t.should(req::STUN_SOFTWARE_CONFIGURABLE, silent, "no SOFTWARE", &sent.message);
    }
    t.should(req::STUN_REQUEST_SOFTWARE, text.is_some(), "SOFTWARE", &sent.message)?;
    let named = text == told;
    t.should(req::STUN_SOFTWARE_CONTENT, named, "name and version", &sent.message)?;
    let short = text.is_none_or(|text| text.chars().count() < 128);
    t.must(req::STUN_SOFTWARE_LENGTH, short, "fewer than 128 characters", &sent.message)
}

case! {
    id: "stun.client.parallel",
    title: "Transactions run side by side, told apart by their ids, whatever the order of responses",
    reqs: [req::STUN_CLIENT_PARALLEL_TRANSACTIONS, req::STUN_CLIENT_TEN_OUTSTANDING],
    kind: SubjectKind::StunClient,
    variants: product! { order: ["same", "reversed"] },
    run: parallel,
}

fn parallel(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |_| {})?;
    for _ in 0..11 {
        let _ = stage.try_start(t)?;
    }
    stage.wait(t, 400 * MILLISECOND);
    let mut sent = Vec::new();
    while let Some(one) = stage.next(t, Duration::ZERO) {
        sent.push(one);
    }
    let several = sent.len() > 1;
    t.may(req::STUN_CLIENT_PARALLEL_TRANSACTIONS, several, "more than one at a time", sent.len())?;
    let bounded = sent.len() <= 10;
    t.should(req::STUN_CLIENT_TEN_OUTSTANDING, bounded, "at most 10 in progress", sent.len())?;
    if v.text("order") == "reversed" {
        sent.reverse();
    }
    for (port, one) in (1_000..).zip(&sent) {
        let mapped = SocketAddr::new(stage.client().ip(), port);
        let response =
            Message::success(one.message.transaction).with(Attribute::xor_mapped_address(mapped));
        stage.reply(t, &response);
        let told = stage.event(t, Duration::ZERO);
        let right =
            matches!(&told, Some(ClientEvent::Success { mapped: Some(got), .. }) if *got == mapped);
        t.may(req::STUN_CLIENT_PARALLEL_TRANSACTIONS, right, mapped, format_args!("{told:?}"))?;
    }
    Ok(())
}

case! {
    id: "stun.client.indication",
    title: "An indication goes out once, well-formed, and bare of long-term credentials",
    reqs: [
        req::STUN_INDICATION_NOT_RETRANSMITTED,
        req::STUN_INDICATION_SOFTWARE,
        req::STUN_OUTGOING_CLASS,
        req::STUN_LONG_TERM_INDICATIONS_BARE,
        req::STUN_FINGERPRINT_SENT_WHEN_USED,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::Fingerprint],
    variants: product! { auth: [false, true] },
    run: indication,
}

fn indication(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.software = Some("Peerlab 1.0");
        config.fingerprint = true;
        if v.flag("auth") {
            config.authentication = Authentication::LongTerm(long_term());
        }
    })?;
    stage.indicate(t)?;
    let sent = stage.expect(t, SECOND, "an indication")?.message;
    let kind = sent.kind == 0x0011 && sent.faults().is_empty();
    t.must(req::STUN_OUTGOING_CLASS, kind, "a Binding indication", &sent)?;
    let bare = [
        attribute::USERNAME,
        attribute::REALM,
        attribute::NONCE,
        attribute::MESSAGE_INTEGRITY,
        attribute::MESSAGE_INTEGRITY_SHA256,
    ];
    let bare = bare.iter().all(|kind| !sent.has(*kind));
    t.must(req::STUN_LONG_TERM_INDICATIONS_BARE, bare, "no credentials", &sent)?;
    let named = sent.has(attribute::SOFTWARE);
    t.may(req::STUN_INDICATION_SOFTWARE, named, "SOFTWARE", &sent)?;
    let check = sent.fingerprint();
    t.must(req::STUN_FINGERPRINT_SENT_WHEN_USED, check == Check::Good, "FINGERPRINT", &sent)?;
    let again = stage.next(t, 60 * SECOND).map(|sent| sent.message);
    t.must(
        req::STUN_INDICATION_NOT_RETRANSMITTED,
        again.is_none(),
        "silence",
        shown(again.as_ref()),
    )
}

case! {
    id: "stun.client.fingerprint",
    title: "Where the usage employs FINGERPRINT, requests carry a right one at the end",
    reqs: [
        req::STUN_FINGERPRINT_SENT_WHEN_USED,
        req::STUN_FINGERPRINT_CRC,
        req::STUN_FINGERPRINT_COVERS_LENGTH,
        req::STUN_FINGERPRINT_LAST,
        req::STUN_FINGERPRINT_ANY_MESSAGE,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::Fingerprint, Cap::ShortTerm],
    variants: product! { auth: [false, true] },
    run: fingerprint,
}

fn fingerprint(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = ClientStage::open(t, |config| {
        config.fingerprint = true;
        if v.flag("auth") {
            config.authentication = Authentication::ShortTerm(short_term());
        }
    })?;
    stage.start(t)?;
    let sent = stage.expect(t, SECOND, "a request")?.message;
    let there = sent.has(attribute::FINGERPRINT);
    t.must(req::STUN_FINGERPRINT_SENT_WHEN_USED, there, "FINGERPRINT", &sent)?;
    let good = sent.fingerprint() == Check::Good;
    t.must(req::STUN_FINGERPRINT_CRC, good, "the right CRC", &sent)?;
    let whole = good && sent.trailing.is_empty();
    t.must(req::STUN_FINGERPRINT_COVERS_LENGTH, whole, "a CRC over the final length", &sent)?;
    let last = sent.kinds().last() == Some(&attribute::FINGERPRINT);
    t.must(req::STUN_FINGERPRINT_LAST, last, "FINGERPRINT at the end", &sent)?;
    t.may(req::STUN_FINGERPRINT_ANY_MESSAGE, there, "FINGERPRINT in a request", &sent)
}
