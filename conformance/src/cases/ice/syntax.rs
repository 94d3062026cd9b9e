//! Candidates as text: RFC 8839 §5.1, RFC 6544 §4.5.

use super::script::*;

case! {
    id: "ice.syntax.good",
    title: "Lines of the grammar are read for what they say, and written again",
    reqs: [
        req::ICE_CANDIDATE_GRAMMAR,
        req::ICE_CANDIDATE_UNKNOWN_EXTENSION_IGNORED,
        req::ICE_CANDIDATE_TRANSPORT_CASE,
        req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT,
        req::ICE_CANDIDATE_RELATED_ADDRESS_HIDDEN,
    ],
    kind: SubjectKind::IceCodec,
    variants: product! {
        line: [
            "host", "srflx", "prflx", "relay", "ipv6", "hidden", "hidden6", "extensions", "upper case",
            "component 256", "priority 1", "priority max", "foundation 32", "port 1", "port 65535",
            "tcp active", "tcp passive", "tcp so",
        ],
    },
    run: good,
}

fn text_of(name: &str) -> (String, Line) {
    let ip = std::net::IpAddr::from([192, 0, 2, 1]);
    let line = Line::new("a+/1", 2_130_706_431, ip, 4000, "host");
    let related = |line: Line, ip: &str, port: &str| line.with("raddr", ip).with("rport", port);
    let kind = |kind: &str, priority: u32| {
        related(Line::new("2", priority, ip, 4000, kind), "10.0.0.1", "5000")
    };
    let six = std::net::IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
    let line = match name {
        "srflx" => kind("srflx", 1_694_498_815),
        "prflx" => kind("prflx", 1_862_270_975),
        "relay" => kind("relay", 16_777_215),
        "ipv6" => Line { address: six.to_string(), ..line },
        "hidden" => related(Line::new("2", 1_694_498_815, ip, 4000, "srflx"), "0.0.0.0", "9"),
        "hidden6" => related(Line::new("2", 1_694_498_815, six, 4000, "srflx"), "::", "9"),
        "extensions" => line.with("generation", "0").with("ufrag", "abcd").with("new-thing", "x=1"),
        "component 256" => Line { component: "256".to_owned(), ..line },
        "priority 1" => Line { priority: "1".to_owned(), ..line },
        "priority max" => Line { priority: "2147483647".to_owned(), ..line },
        "foundation 32" => {
            Line { foundation: "abcdefghijklmnopqrstuvwxyz012345".to_owned(), ..line }
        }
        "port 1" => Line { port: "1".to_owned(), ..line },
        "port 65535" => Line { port: "65535".to_owned(), ..line },
        "tcp active" => Line { transport: "tcp".to_owned(), port: "9".to_owned(), ..line }
            .with("tcptype", "active"),
        "tcp passive" => Line { transport: "tcp".to_owned(), ..line }.with("tcptype", "passive"),
        "tcp so" => Line { transport: "tcp".to_owned(), ..line }.with("tcptype", "so"),
        _ => line,
    };
    let text = line.to_string();
    match name {
        "upper case" => (text.replace("udp", "UDP"), line),
        _ => (text, line),
    }
}

fn good(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = t.ice_codec()?;
    let name = v.text("line");
    let (text, line) = text_of(name);
    let read = codec.read(&text);
    t.stimulus(&text);
    let req = match name {
        "extensions" => req::ICE_CANDIDATE_UNKNOWN_EXTENSION_IGNORED,
        "upper case" => req::ICE_CANDIDATE_TRANSPORT_CASE,
        "hidden" | "hidden6" => req::ICE_CANDIDATE_RELATED_ADDRESS_HIDDEN,
        "srflx" | "prflx" | "relay" => req::ICE_CANDIDATE_RELATED_ADDRESS_PRESENT,
        _ => req::ICE_CANDIDATE_GRAMMAR,
    };
    let found = format!("{read:?}");
    let Ok(fields) = read else { return t.must(req, false, &text, found) };
    let same = fields.component.to_string() == line.component
        && fields.transport.eq_ignore_ascii_case(&line.transport)
        && fields.priority.to_string() == line.priority
        && fields.address == line.address
        && fields.port.to_string() == line.port
        && fields.kind == line.kind
        && fields.foundation == line.foundation
        && fields.tcp_type.as_deref() == line.value("tcptype");
    t.must(req, same, &text, &found)?;
    let related = line.value("raddr").is_some_and(|ip| ip != "0.0.0.0" && ip != "::");
    if related {
        let found = fields.related.map(|(ip, port)| (ip, port.to_string()));
        let fine = found.as_ref().map(|(ip, port)| (ip.as_str(), port.as_str()))
            == line.value("raddr").zip(line.value("rport"));
        t.must(req, fine, &text, format_args!("{found:?}"))?;
    }
    let again = codec.rewrite(&text).ok().and_then(|text| Line::read(&text).ok());
    let again = t.expect(again, "the line written again")?;
    let words = |line: &Line| {
        (
            line.foundation.clone(),
            line.component.clone(),
            line.priority.clone(),
            line.address.clone(),
            line.port.clone(),
            line.kind.clone(),
        )
    };
    t.must(req, words(&again) == words(&line), &line, &again)?;
    let pairs = |line: &Line| {
        (line.value("raddr").map(str::to_owned), line.value("rport").map(str::to_owned))
    };
    t.must(req, pairs(&again) == pairs(&line), &line, &again)?;
    let faults = again.faults();
    t.must(req, faults.is_empty(), "a line of the grammar", format_args!("{faults:?}"))
}

case! {
    id: "ice.syntax.bad",
    title: "Texts that the grammar does not produce are refused",
    reqs: [req::ICE_CANDIDATE_MALFORMED_REFUSED],
    kind: SubjectKind::IceCodec,
    variants: product! {
        text: [
            "",
            "candidate:",
            "candidate:1 1 udp 2130706431 192.0.2.1 4000 typ",
            "candidate:1 1 udp 2130706431 192.0.2.1 4000 host",
            "candidate:1 1 udp 2130706431 192.0.2.1 4000",
            "candidate:1 one udp 2130706431 192.0.2.1 4000 typ host",
            "candidate:1 1 udp -1 192.0.2.1 4000 typ host",
            "candidate:1 1 udp 99999999999 192.0.2.1 4000 typ host",
            "candidate:1 1 udp 2130706431 192.0.2.1 65536 typ host",
            "candidate:1 1 udp 2130706431 192.0.2.1 port typ host",
            "candidate:1 1 udp 2130706431 192.0.2.999 4000 typ host",
            "candidate:1 1 udp 2130706431 2001:db8:::1 4000 typ host",
        ],
    },
    run: bad,
}

fn bad(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = t.ice_codec()?;
    let read = codec.read(v.text("text"));
    t.stimulus("a bad text");
    let req = req::ICE_CANDIDATE_MALFORMED_REFUSED;
    t.must(req, read.is_err(), "a refusal", format_args!("{read:?}"))
}

case! {
    id: "ice.syntax.zero-priority",
    title: "A priority of zero is out of range, and so is 2^31",
    reqs: [req::ICE_CANDIDATE_MALFORMED_REFUSED],
    kind: SubjectKind::IceCodec,
    variants: product! { priority: ["0", "2147483648", "4294967295"] },
    no_reference: "no other stack at hand passes yet",
    run: zero_priority,
}

fn zero_priority(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = t.ice_codec()?;
    let text = format!("candidate:1 1 udp {} 192.0.2.1 4000 typ host", v.text("priority"));
    let read = codec.read(&text);
    t.stimulus(&text);
    let req = req::ICE_CANDIDATE_MALFORMED_REFUSED;
    t.must(req, read.is_err(), "a refusal", format_args!("{read:?}"))
}

case! {
    id: "ice.syntax.remote",
    title: "A remote candidate that is of no use is ignored, and the good one beside it counts",
    reqs: [
        req::ICE_CANDIDATE_UNSUPPORTED_ADDRESS_IGNORED,
        req::ICE_CANDIDATE_UNKNOWN_EXTENSION_IGNORED,
        req::ICE_CANDIDATE_MALFORMED_REFUSED,
        req::ICE_PAIRS_SAME_COMPONENT_AND_FAMILY,
    ],
    kind: SubjectKind::IceAgent,
    variants: product! {
        other: [
            "1 1 udp 2130706431 host.example.org 4000 typ host",
            "1 1 udp 2130706431 2001:db8::77 4000 typ host",
            "1 1 udp 2130706431 fe80::1%eth0 4000 typ host",
            "1 1 sctp 2130706431 192.0.2.77 4000 typ host",
            "1 1 udp 2130706431 192.0.2.77 4000 typ astral",
            "1 1 udp 2130706431 192.0.2.77 0 typ host",
            "1 1 udp 2130706431 0.0.0.0 4000 typ host",
            "1 1 udp 2130706431 224.0.0.1 4000 typ host",
            "1 1 udp 2130706431 255.255.255.255 4000 typ host",
            "1 2 udp 2130706431 192.0.2.77 4000 typ host",
            "1 1 udp 0 192.0.2.77 4000 typ host",
            "1 1 tcp 2130706431 192.0.2.77 9 typ host tcptype active",
            "nonsense",
        ],
    },
    run: remote,
}

fn remote(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let other = v.text("other");
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| setup.told = 0)?;
    let outcome = stage.tell_line(t, &format!("candidate:{other}"));
    t.note(format_args!("{outcome:?}"));
    stage
        .tell_line(t, &format!("{} foo bar", host_line(0, stage.peer(0))))
        .map_err(|refusal| Stop::Inconclusive(refusal.to_string()))?;
    t.stimulus("a candidate that is of no use, and a good one");
    stage.connect(t)?;
    let selected = stage.selected(t).map(|(_, remote)| remote);
    let (wanted, text) = (stage.peer(0), format!("{selected:?}"));
    let fine = selected == Some(wanted);
    for req in [
        req::ICE_CANDIDATE_UNSUPPORTED_ADDRESS_IGNORED,
        req::ICE_CANDIDATE_UNKNOWN_EXTENSION_IGNORED,
        req::ICE_CANDIDATE_MALFORMED_REFUSED,
        req::ICE_PAIRS_SAME_COMPONENT_AND_FAMILY,
    ] {
        t.must(req, fine, wanted, &text)?;
    }
    Ok(())
}

case! {
    id: "ice.syntax.credentials",
    title: "Fragments and passwords of up to 256 characters are taken and used",
    reqs: [req::ICE_SDP_CREDENTIALS_LONGER, req::ICE_SDP_UFRAG_LENGTHS],
    kind: SubjectKind::IceAgent,
    variants: product! { ufrag: [4, 32], pwd: [22, 256] },
    run: credentials,
}

case! {
    id: "ice.syntax.long-credentials",
    title: "The longest fragment that SDP allows is taken and used",
    reqs: [req::ICE_SDP_CREDENTIALS_LONGER, req::ICE_SDP_UFRAG_LENGTHS],
    kind: SubjectKind::IceAgent,
    needs: [Cap::IceLongFragments],
    variants: product! { ufrag: [256], pwd: [22, 256] },
    run: credentials,
}

fn credentials(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let length = |name| usize::try_from(v.number(name)).unwrap_or_default();
    let mut stage = IceStage::with(t, IceRole::Controlled, |setup| {
        (setup.told, setup.introduced) = (0, false);
    })?;
    stage.me =
        Side::new(&"u+/9".repeat(64)[..length("ufrag")], &"p+/9".repeat(64)[..length("pwd")]);
    let parameters = IceParameters {
        ufrag: stage.me.ufrag.clone(),
        pwd: stage.me.pwd.clone(),
        ..IceParameters::default()
    };
    let taken = stage.command(t, |agent, now| agent.set_remote(now, &parameters));
    t.stimulus("parameters");
    let text = format!("{taken:?}");
    t.must(req::ICE_SDP_UFRAG_LENGTHS, taken.is_ok(), "taken", &text)?;
    t.may(req::ICE_SDP_CREDENTIALS_LONGER, taken.is_ok(), "taken", text)?;
    stage.tell(t, 0)?;
    let heard = stage.expect_request(t, 2 * SECOND)?;
    let good = heard.message.integrity(&stage.me.key()) == Check::Good;
    t.must(req::ICE_SDP_UFRAG_LENGTHS, good, "a check with them", &heard.message)?;
    stage.connect(t)
}
