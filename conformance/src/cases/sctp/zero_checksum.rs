//! Packets without a checksum: RFC 9653.

use super::script::*;

/// The parameter of a peer that finds errors by DTLS, or by something else.
fn acceptable(method: u32) -> Tlv {
    Tlv::new(parameter::ZERO_CHECKSUM, method.to_be_bytes())
}

case! {
    id: "sctp.zero-checksum.matrix",
    title: "Checksums are left out for a peer that said so, and never in set-up",
    reqs: [
        req::ZEROCSUM_PARAMETER_LAYOUT,
        req::ZEROCSUM_PARAMETER_ONCE,
        req::ZEROCSUM_DECLARED_BY_RECEIVER,
        req::ZEROCSUM_NOT_DECLARED_NOT_SENT,
        req::ZEROCSUM_OTHER_METHOD_NOT_SENT,
        req::ZEROCSUM_INIT_HAS_CRC,
        req::ZEROCSUM_COOKIE_ECHO_HAS_CRC,
        req::ZEROCSUM_DECLARED_MAY_SEND_ZERO,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpZeroChecksum],
    variants: product! {
        first: ["subject", "suite"],
        subject: ["without", "with"],
        suite: ["without", "with", "other-method"],
    },
    run: matrix,
}

fn matrix(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (first, suite) = (v.text("first"), v.text("suite"));
    let declares = v.text("subject") == "with";
    let mut s = SctpStage::with(t, |setup| {
        setup.config.zero_checksum = declares;
        match suite {
            "with" => setup.profile.parameters.push(acceptable(1)),
            "other-method" => setup.profile.parameters.push(acceptable(0x7fff_0001)),
            _ => {}
        }
    })?;
    if first == "subject" {
        s.connect(t);
        t.stimulus("it is told to connect");
    } else {
        let init = s.peer.init();
        s.send_stimulus(t, &init, "an INIT");
    }
    s.finish(t)?;
    let ready = s.data_passes(t);
    t.precondition(ready, "data in both directions")?;
    s.tell(t, SctpMessage::new(1, pattern(5_000)))?;
    s.serve(t, SECOND);
    let packets = s.peer.log.packets.clone();
    let inits = s.peer.log.inits();
    let declared: Vec<&Tlv> = inits
        .iter()
        .flat_map(|init| init.parameters.iter().filter(|tlv| tlv.kind == parameter::ZERO_CHECKSUM))
        .collect();
    let got = format!("{declared:?}");
    let said = !declared.is_empty();
    // Who is asked by a peer that says nothing may keep silent too.
    let expected = said == declares || (first == "suite" && suite != "with" && !said);
    t.must(req::ZEROCSUM_DECLARED_BY_RECEIVER, expected, declares, &got)?;
    t.must(req::ZEROCSUM_PARAMETER_ONCE, declared.len() <= inits.len(), "once", &got)?;
    let right = declared.iter().all(|tlv| tlv.value == 1_u32.to_be_bytes());
    t.must(req::ZEROCSUM_PARAMETER_LAYOUT, right, "DTLS in four bytes", &got)?;
    let zero: Vec<&Packet> = packets.iter().filter(|packet| packet.checksum == F::Set(0)).collect();
    let set_up = |kind: u8| zero.iter().filter(|packet| packet.has(kind)).count();
    let (init, echo) = (set_up(chunk::INIT), set_up(chunk::COOKIE_ECHO));
    t.must(req::ZEROCSUM_INIT_HAS_CRC, init == 0, "a checksum", init)?;
    t.must(req::ZEROCSUM_COOKIE_ECHO_HAS_CRC, echo == 0, "a checksum", echo)?;
    let got = format!("{} of {} packets without", zero.len(), packets.len());
    match suite {
        "without" => t.must(req::ZEROCSUM_NOT_DECLARED_NOT_SENT, zero.is_empty(), "none", got),
        "with" => {
            let used = zero.len() <= packets.len();
            t.must(req::ZEROCSUM_DECLARED_MAY_SEND_ZERO, used, "any number", got)
        }
        _ => t.must(req::ZEROCSUM_OTHER_METHOD_NOT_SENT, zero.is_empty(), "none", got),
    }
}

case! {
    id: "sctp.zero-checksum.received",
    title: "Packets without a checksum are taken by who said so, and packets with a wrong one by nobody",
    reqs: [
        req::ZEROCSUM_ZERO_ACCEPTED,
        req::ZEROCSUM_ZERO_REFUSED_UNDECLARED,
        req::ZEROCSUM_CRC_STILL_ACCEPTED,
        req::ZEROCSUM_WRONG_CRC_DISCARDED,
    ],
    kind: SubjectKind::Sctp,
    needs: [Cap::SctpZeroChecksum],
    variants: product! {
        subject: ["without", "with"],
        suite: ["without", "with"],
        checksum: ["zero", "right", "wrong", "one-bit"],
    },
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let declares = v.text("subject") == "with";
    let kind = v.text("checksum");
    let mut s = SctpStage::connected_with(t, |setup| {
        setup.config.zero_checksum = declares;
        if v.text("suite") == "with" {
            setup.profile.parameters.push(acceptable(1));
        }
    })?;
    let checksum = match kind {
        "zero" => F::Set(0),
        "wrong" => F::Set(0xdead_beef),
        "one-bit" => F::Xor(0x0100_0000),
        _ => F::Auto,
    };
    let data = s.peer.data(1, DATA);
    let packet = s.peer.one(data).checksum(checksum);
    s.send_stimulus(t, &packet, "data");
    s.serve(t, SOON);
    let taken = !s.delivered(t).is_empty();
    let got = if taken { "delivered" } else { "discarded" };
    match (kind, declares) {
        ("zero", true) => t.must(req::ZEROCSUM_ZERO_ACCEPTED, taken, "delivered", got),
        ("zero", false) => t.must(req::ZEROCSUM_ZERO_REFUSED_UNDECLARED, !taken, "discarded", got),
        ("right", _) => t.must(req::ZEROCSUM_CRC_STILL_ACCEPTED, taken, "delivered", got),
        _ => t.must(req::ZEROCSUM_WRONG_CRC_DISCARDED, !taken, "discarded", got),
    }
}
