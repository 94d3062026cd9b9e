//! Bytes and commands that broke other agents: they do no harm.

use super::script::*;
use crate::registry::Req;

/// After whatever happened, the peers meet and data flows.
fn still_works(t: &mut Ctl<'_>, stage: &mut IceStage, req: Req) -> Outcome {
    stage.connect(t)?;
    let arrived = stage.data_arrives_in(t, DATA);
    t.must(req, arrived == Some(0), "data", format_args!("{arrived:?}"))
}

case! {
    id: "ice.robust.truncated",
    title: "Messages cut at every byte, and with attributes of every length, change nothing",
    reqs: [req::STUN_RECEIVE_CHECKS_LENGTH],
    kind: SubjectKind::IceAgent,
    variants: product! {
        message: ["check", "success", "error", "indication"],
        when: ["new", "checking", "connected"],
    },
    run: truncated,
}

fn truncated(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let when = v.text("when");
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.introduced = when != "new";
        setup.told = u8::from(setup.introduced);
    })?;
    if when == "connected" {
        stage.connect(t)?;
    }
    let source = stage.peer(0);
    let message = match v.text("message") {
        "check" => stage.check(t),
        "success" => {
            let bare = Message::success(IceStage::id(t));
            stage.me.protect(bare.with(Attribute::xor_mapped_address(stage.base())))
        }
        "error" => stage.me.protect(Message::error(IceStage::id(t), 487, "Role Conflict")),
        _ => Message::indication(IceStage::id(t)).with(Attribute::fingerprint()),
    };
    let bytes = message.encode();
    t.stimulus("bad bytes");
    for end in 0..bytes.len() {
        let cut = bytes.get(..end).unwrap_or_default();
        stage.hand(t, source, stage.base(), cut);
    }
    for kind in [
        attribute::XOR_MAPPED_ADDRESS,
        attribute::USERNAME,
        attribute::PRIORITY,
        attribute::ICE_CONTROLLING,
        attribute::ERROR_CODE,
        attribute::MESSAGE_INTEGRITY,
        attribute::FINGERPRINT,
        attribute::UNKNOWN_ATTRIBUTES,
    ] {
        for length in 0..24 {
            let mut odd = message.clone();
            odd.attributes.insert(0, Attribute::bytes(kind, &vec![1; length]));
            stage.hand(t, source, stage.base(), &odd.encode());
        }
    }
    if when == "new" {
        stage.introduce(t)?;
        stage.tell(t, 0)?;
    }
    still_works(t, &mut stage, req::STUN_RECEIVE_CHECKS_LENGTH)
}

case! {
    id: "ice.robust.classes",
    title: "Every class and method, before and after the peer is known, is survived",
    reqs: [req::STUN_RECEIVE_CHECKS_CLASS],
    kind: SubjectKind::IceAgent,
    variants: product! { when: ["new", "checking", "connected"] },
    run: classes,
}

fn classes(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let when = v.text("when");
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        setup.introduced = when != "new";
        setup.told = u8::from(setup.introduced);
    })?;
    if when == "connected" {
        stage.connect(t)?;
    }
    t.stimulus("odd messages");
    for class in Class::ALL {
        for method in [0_u16, 1, 2, 3, 4, 6, 7, 8, 9, 0xa, 0xfff] {
            let mut message = stage.bare_check(t);
            (message.class, message.method) = (class, method);
            for message in
                [message.clone(), stage.agent.protect(message.clone()), stage.me.protect(message)]
            {
                stage.hand(t, stage.peer(0), stage.base(), &message.encode());
            }
        }
    }
    if when == "new" {
        stage.introduce(t)?;
        stage.tell(t, 0)?;
    }
    still_works(t, &mut stage, req::STUN_RECEIVE_CHECKS_CLASS)
}

case! {
    id: "ice.robust.unknown-destination",
    title: "Datagrams for an address that the agent does not have are dropped",
    reqs: [req::ICE_REQUESTS_ON_EVERY_BASE],
    kind: SubjectKind::IceAgent,
    variants: product! { when: ["checking", "connected"] },
    run: unknown_destination,
}

fn unknown_destination(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::open(t, IceRole::Controlled)?;
    if v.text("when") == "connected" {
        stage.connect(t)?;
    }
    t.stimulus("datagrams for others");
    for port in [0_u16, 1, 40_001, 65_535] {
        let destination = SocketAddr::from(([203, 0, 113, 1], port));
        let check = stage.check(t);
        stage.hand(t, stage.peer(0), destination, &check.encode());
        stage.hand(t, stage.peer(0), destination, DATA);
        let odd = SocketAddr::from(([203, 0, 113, 9], port));
        stage.hand(t, odd, stage.base(), &check.encode());
    }
    still_works(t, &mut stage, req::ICE_REQUESTS_ON_EVERY_BASE)
}

case! {
    id: "ice.robust.attribute-order",
    title: "A request whose first attribute is the tag is survived, and has no effect",
    reqs: [req::STUN_AFTER_INTEGRITY_IGNORED],
    kind: SubjectKind::IceAgent,
    run: attribute_order,
}

fn attribute_order(t: &mut Ctl<'_>, _v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.peers, setup.told) = (2, 1);
    })?;
    let key = stage.agent.key();
    let mut message = stage.bare_check(t);
    message.attributes.insert(0, Attribute::integrity(&key));
    let heard = stage.ask(t, 1, &message.with(Attribute::fingerprint()));
    let success = heard.is_some_and(|heard| heard.message.class() == Class::Success);
    t.must(req::STUN_AFTER_INTEGRITY_IGNORED, !success, "no success", "a success response")?;
    still_works(t, &mut stage, req::STUN_AFTER_INTEGRITY_IGNORED)
}

case! {
    id: "ice.robust.removed",
    title: "An address that goes while checks are under way takes nothing else with it",
    reqs: [req::ICE_FOLLOWS_INTERFACES, req::ICE_DATA_ON_SELECTED_PAIR],
    kind: SubjectKind::IceAgent,
    variants: product! { role: ["controlling", "controlled"] },
    run: removed,
}

fn removed(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut stage = IceStage::with(t, role(v), |setup| {
        (setup.locals, setup.peers, setup.told) = (3, 3, 3);
    })?;
    let asked = stage.ignore(t, 300 * MILLISECOND);
    let gone = t.expect(stage.locals.pop(), "an address")?;
    needed(stage.command(t, |agent, now| agent.remove_local(now, gone)))?;
    t.stimulus("an address that has gone");
    for heard in &asked {
        stage.answer(t, heard);
    }
    let after = t.now();
    let more = stage.serve(t, 3 * SECOND);
    let stray = more.iter().filter(|heard| heard.from == gone && heard.at > after).count();
    t.should(req::ICE_FOLLOWS_INTERFACES, stray == 0, "nothing from there", stray)?;
    stage.connect(t)?;
    let selected = stage.selected(t).map(|(local, _)| local);
    let fine = selected.is_some_and(|local| local != gone);
    t.must(req::ICE_DATA_ON_SELECTED_PAIR, fine, "another base", format_args!("{selected:?}"))
}
