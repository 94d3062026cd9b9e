//! Triggered checks: RFC 8445 §6.1.4.2, §7.3.1.4.

use super::script::*;

case! {
    id: "ice.triggered.first",
    title: "A pair whose peer asks is checked before the others",
    reqs: [
        req::ICE_TRIGGERED_CHECKS_FIRST,
        req::ICE_TRIGGERED_CHECK_WAITING_FROZEN_FAILED,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: first,
}

fn first(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| (setup.peers, setup.told) = (10, 10))?;
    let _ = stage.expect_request(t, 2 * SECOND)?;
    // The last and least of ten, with eight still to come before it.
    let check = stage.check(t);
    stage.send(t, 9, &check);
    let arrived = t.now();
    let mut before = 0;
    let until = arrived + SECOND;
    let found = loop {
        match stage.hear_request(t, until - t.now()) {
            Some(heard) if heard.socket == 9 => break Some(heard.at),
            Some(heard) if heard.at > arrived => before += 1,
            Some(_) => {}
            None => break None,
        }
    };
    let text = format!("{found:?} after {before} others, asked at {arrived}");
    let req = req::ICE_TRIGGERED_CHECK_WAITING_FROZEN_FAILED;
    t.must(req, found.is_some(), "a check back", &text)?;
    t.must(req::ICE_TRIGGERED_CHECKS_FIRST, before == 0, "before all others", text)
}

case! {
    id: "ice.triggered.in-progress",
    title: "A pair in progress whose peer asks is checked with a new transaction, and the old one is not repeated",
    reqs: [req::ICE_TRIGGERED_CHECK_IN_PROGRESS],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    no_reference: "no other stack at hand passes yet",
    run: in_progress,
}

fn in_progress(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let old = stage.expect_request(t, 2 * SECOND)?;
    let check = stage.check(t);
    stage.send(t, 0, &check);
    let arrived = t.now();
    let asked = stage.ignore(t, 4 * SECOND);
    let req = req::ICE_TRIGGERED_CHECK_IN_PROGRESS;
    let renewed = asked.iter().find(|heard| heard.id() != old.id()).map(|heard| heard.at);
    let soon = renewed.is_some_and(|at| at <= arrived + SOON);
    t.must(req, soon, "a new transaction within 500 ms", format_args!("{renewed:?}"))?;
    let repeated = asked.iter().filter(|heard| heard.id() == old.id() && heard.at > arrived);
    let count = repeated.count();
    t.must(req, count == 0, "the old one not repeated", format_args!("{count} repetitions"))
}

case! {
    id: "ice.triggered.failed",
    title: "A pair that failed is checked again when its peer asks",
    reqs: [req::ICE_TRIGGERED_CHECK_WAITING_FROZEN_FAILED],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: failed,
}

fn failed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    let until = t.now() + 3 * SECOND;
    while let Some(heard) = stage.hear_request(t, until - t.now()) {
        let refusal = stage.me.error(&heard.message, 400, "Bad Request");
        stage.reply(t, &heard, &refusal);
    }
    let check = stage.check(t);
    stage.send(t, 0, &check);
    let arrived = t.now();
    let asked = stage.serve(t, SECOND);
    let back = asked.first().map(|heard| heard.at);
    let soon = back.is_some_and(|at| at <= arrived + SOON);
    let req = req::ICE_TRIGGERED_CHECK_WAITING_FROZEN_FAILED;
    t.must(req, soon, "a check within 500 ms", format_args!("{back:?}, asked at {arrived}"))
}

case! {
    id: "ice.triggered.succeeded",
    title: "A check for a pair that works is answered and triggers nothing",
    reqs: [req::ICE_TRIGGERED_CHECK_NONE_FOR_SUCCEEDED, req::ICE_ANSWERS_AFTER_NOMINATION],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: succeeded,
}

/// Six times, so that a check that is due anyway is not taken for a triggered one every time.
fn succeeded(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, role(v))?;
    stage.connect(t)?;
    let _ = stage.serve(t, 2 * SECOND);
    let mut triggered = 0;
    for _ in 0..6 {
        let check = stage.check(t);
        stage.send(t, 0, &check);
        let heard = stage.serve_with_responses(t, 200 * MILLISECOND);
        let answered = heard.iter().any(|heard| {
            heard.id() == check.transaction && heard.message.class() == Class::Success
        });
        t.must(req::ICE_ANSWERS_AFTER_NOMINATION, answered, "a success response", "none")?;
        triggered += usize::from(heard.iter().any(|heard| heard.message.is_request()));
    }
    let req = req::ICE_TRIGGERED_CHECK_NONE_FOR_SUCCEEDED;
    t.must(req, triggered < 3, "no checks back", format_args!("{triggered} of 6"))
}
