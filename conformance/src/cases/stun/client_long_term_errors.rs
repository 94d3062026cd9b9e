//! The long-term mechanism at the client, when something is wrong: RFC 8489 §9.2.5.

use super::{
    client_long_term::{challenge, challenged, client, nonce},
    script::*,
};

case! {
    id: "stun.client.long-term.stripped",
    title: "A challenge whose nonce promises algorithms that are not there is not answered",
    reqs: [req::STUN_CLIENT_DETECTS_STRIPPED_ALGORITHMS],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { features: ["gAAA", "wAAA", "//////"], code: [401, 438] },
    run: stripped,
}

fn stripped(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let features = v.text("features").get(..4).unwrap_or_default();
    let mut stage = client(t)?;
    let req = req::STUN_CLIENT_DETECTS_STRIPPED_ALGORITHMS;
    let first = if v.number("code") == 401 {
        challenged(t, &mut stage, &nonce(features), &[])?
    } else {
        let _ = challenged(t, &mut stage, &nonce("gAAA"), &[2, 1])?;
        let second = stage.expect(t, SECOND, "a retry")?;
        stage.reply(t, &challenge(&second, 438, &nonce(features), &[]));
        second
    };
    stage.wait(t, 60 * SECOND);
    let others = stage.take_sent(t);
    let retried = others.iter().any(|one| {
        Parsed::read(&one.payload)
            .is_ok_and(|read| read.transaction != first.message.transaction && one.at > first.at)
    });
    t.must(req, !retried, "no new transaction", show(&others))
}

case! {
    id: "stun.client.long-term.no-common-algorithm",
    title: "A challenge without an algorithm that the client has is not answered",
    reqs: [req::STUN_CLIENT_NO_COMMON_ALGORITHM],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { algorithms: ["9", "3 77"] },
    run: no_common_algorithm,
}

fn no_common_algorithm(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let list: Vec<u16> =
        v.text("algorithms").split(' ').filter_map(|word| word.parse().ok()).collect();
    let mut stage = client(t)?;
    let first = challenged(t, &mut stage, &nonce("gAAA"), &list)?;
    stage.wait(t, 60 * SECOND);
    let others = stage.take_sent(t);
    let retried = others.iter().any(|one| one.at > first.at);
    t.must(req::STUN_CLIENT_NO_COMMON_ALGORITHM, !retried, "no retry", show(&others))
}

case! {
    id: "stun.client.long-term.second-401",
    title: "A second challenge is not answered with the same credentials",
    reqs: [req::STUN_CLIENT_NO_IDENTICAL_RETRY],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { nonce: ["same", "new"] },
    run: second_401,
}

fn second_401(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let _ = challenged(t, &mut stage, &nonce("gAAA"), &[2, 1])?;
    let retry = stage.expect(t, SECOND, "a retry")?;
    let suffix = if v.text("nonce") == "same" { "" } else { "x" };
    stage.reply(t, &challenge(&retry, 401, &format!("{}{suffix}", nonce("gAAA")), &[2, 1]));
    stage.wait(t, 60 * SECOND);
    let others = stage.take_sent(t);
    let retried = others.iter().any(|one| one.at > retry.at);
    t.must(req::STUN_CLIENT_NO_IDENTICAL_RETRY, !retried, "no third request", show(&others))
}

case! {
    id: "stun.client.long-term.bad-responses",
    title: "Responses with no tag, a wrong one, or a stripped list are passed over",
    reqs: [
        req::STUN_LONG_TERM_BAD_RESPONSE_IGNORED,
        req::STUN_CLIENT_STRIPPED_RESPONSE_IGNORED,
        req::STUN_CLIENT_BARE_400_DISCARDED,
    ],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! {
        fault: ["no tag", "wrong tag", "bare 400", "bare 420", "stripped success", "stripped error"],
    },
    run: bad_responses,
}

fn bad_responses(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let _ = challenged(t, &mut stage, &nonce("gAAA"), &[2, 1])?;
    let sent = stage.expect(t, SECOND, "a retry")?;
    let key = long_term_key_sha256();
    let tag = Attribute::integrity_sha256(&key);
    let wrong =
        Message::success(sent.message.transaction).with(Attribute::xor_mapped_address(OTHER));
    let error = |code| Message::error(sent.message.transaction, code, "No");
    let cookie = Attribute::nonce(nonce("gAAA").as_bytes());
    let (response, req) = match v.text("fault") {
        "no tag" => (wrong, req::STUN_LONG_TERM_BAD_RESPONSE_IGNORED),
        "wrong tag" => {
            (wrong.with(tag.with_octets(F::Xor(vec![1]))), req::STUN_LONG_TERM_BAD_RESPONSE_IGNORED)
        }
        "bare 400" => (error(400), req::STUN_CLIENT_BARE_400_DISCARDED),
        "bare 420" => (error(420), req::STUN_LONG_TERM_BAD_RESPONSE_IGNORED),
        "stripped success" => {
            (wrong.with(cookie).with(tag), req::STUN_CLIENT_STRIPPED_RESPONSE_IGNORED)
        }
        _ => (error(500).with(cookie).with(tag), req::STUN_CLIENT_STRIPPED_RESPONSE_IGNORED),
    };
    let good = stage.success_bare(&sent).with(Attribute::integrity_sha256(&key));
    stage.ignores_before(t, req, &response.encode(), &good)
}

case! {
    id: "stun.client.long-term.violation",
    title: "An authenticated transaction that got nothing but forgeries reports a violation",
    reqs: [req::STUN_LONG_TERM_TIMEOUT_REPORTS_VIOLATION],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms, Cap::Retransmission],
    variants: product! { forged: ["no tag", "wrong tag"] },
    no_reference: "no other stack at hand passes yet",
    run: violation,
}

fn violation(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = client(t)?;
    let _ = challenged(t, &mut stage, &nonce("gAAA"), &[2, 1])?;
    while let Some(sent) = stage.next(t, 20 * SECOND) {
        let forged =
            Message::success(sent.message.transaction).with(Attribute::xor_mapped_address(OTHER));
        let forged = match v.text("forged") {
            "no tag" => forged,
            _ => forged.with(Attribute::integrity_sha256(&Key::short_term("guess"))),
        };
        stage.reply(t, &forged);
    }
    let told = stage.event(t, 60 * SECOND);
    let named = matches!(told, Some(ClientEvent::IntegrityViolated { .. }));
    let text = "integrity violated";
    t.must(req::STUN_LONG_TERM_TIMEOUT_REPORTS_VIOLATION, named, text, format_args!("{told:?}"))
}

case! {
    id: "stun.client.long-term.algorithm-padding",
    title: "Padding of algorithm parameters has no effect",
    reqs: [req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED],
    kind: SubjectKind::StunClient,
    needs: [Cap::LongTerm, Cap::PasswordAlgorithms],
    variants: product! { padding: [0, 0xff] },
    no_reference: "no other stack at hand passes yet",
    run: algorithm_padding,
}

/// An unknown algorithm with one byte of parameters, padded by three, stands before SHA-256.
fn algorithm_padding(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let padding = u8::try_from(v.number("padding")).unwrap_or(0);
    let list = [0, 9, 0, 1, 7, padding, padding, padding, 0, 2, 0, 0];
    let mut stage = client(t)?;
    stage.start(t)?;
    let first = stage.expect(t, SECOND, "a first request")?;
    let challenge = challenge(&first, 401, &nonce("gAAA"), &[])
        .with(Attribute::bytes(attribute::PASSWORD_ALGORITHMS, &list));
    stage.reply(t, &challenge);
    let retry = stage.next(t, SECOND).map(|sent| sent.message);
    let chosen = retry
        .as_ref()
        .and_then(|retry| retry.algorithms(attribute::PASSWORD_ALGORITHM))
        .is_some_and(|choice| choice == [2]);
    let req = req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED;
    t.must(req, chosen, "SHA-256 chosen", shown(retry.as_ref()))
}
