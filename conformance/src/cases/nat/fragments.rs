//! Packets in pieces: RFC 4787 §10, §11.

use base::SocketErrorKind;
use simnet::{Attach, Body, Fragment, Packet, Udp};

use super::{Far, Lab, NO_REFERENCE, PATIENCE, PORT, arrival, nothing};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

/// The NAT with an outside link that carries packets of 1,000 bytes.
fn narrow() -> Attach {
    Attach::to("lan").and_to("wan").address("11.0.0.5").mtu(1_000)
}

case! {
    id: "nat.fragments.dont-fragment",
    title: "The sender of a packet that is too big and must not be fragmented learns what fits",
    reqs: [req::NAT_DF_TOO_BIG_ICMP],
    kind: SubjectKind::Nat,
    variants: product! { payload: [973, 1_400] },
    no_reference: NO_REFERENCE,
    run: dont_fragment,
}

fn dont_fragment(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build_with(t, &NatConfig::rfc4787_strict(), narrow())?;
    let socket = Lab::inside(t, 2, PORT)?;
    lab.seen(t, socket, Far::Server)?;
    t.net().set_dont_fragment(socket, true);
    let size = usize::try_from(v.number("payload")).unwrap_or(0);
    t.send(socket, Far::Server.address(), &vec![7; size]);
    t.run_for(PATIENCE);
    let got = t.net().socket_error(socket).map(|error| error.kind);
    let seen = got.map_or_else(nothing, |got| format!("{got:?}"));
    let held = got == Some(SocketErrorKind::TooBig { mtu: 1_000 });
    t.must(req::NAT_DF_TOO_BIG_ICMP, held, "the ICMP error with an MTU of 1000", seen)
}

case! {
    id: "nat.fragments.sent",
    title: "A packet that is too big is sent on in fragments, in order and all translated",
    reqs: [req::NAT_FRAGMENTS_WITHOUT_DF, req::NAT_FRAGMENTS_SENT_IN_ORDER],
    kind: SubjectKind::Nat,
    variants: product! { payload: [973, 1_400, 9_000, 65_000] },
    no_reference: NO_REFERENCE,
    run: sent,
}

fn sent(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build_with(t, &NatConfig::rfc4787_strict(), narrow())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let size = usize::try_from(v.number("payload")).unwrap_or(0);
    let net = t.net();
    let server = net.node("server");
    net.tap(server);
    net.send(socket, Far::Server.address(), &vec![7; size]);
    t.run_for(PATIENCE);
    let mut offsets = Vec::new();
    let (mut bytes, mut translated) = (0, true);
    while let Some((_, packet)) = t.net().poll_tap(server) {
        offsets.push(packet.fragment.map_or(0, |part| part.offset));
        bytes += packet.body_length();
        translated &= packet.source_ip == external.ip();
    }
    t.stimulus("a packet that does not fit");
    let whole = bytes == size + 8 && offsets.len() > 1 && translated;
    let wanted = format!("{} bytes in fragments from {}", size + 8, external.ip());
    let got = format!("{bytes} bytes in {} parts, all translated: {translated}", offsets.len());
    t.must(req::NAT_FRAGMENTS_WITHOUT_DF, whole, wanted, got)?;
    let ordered = offsets.is_sorted();
    let got = format!("{offsets:?}");
    t.should(req::NAT_FRAGMENTS_SENT_IN_ORDER, ordered, "offsets that grow", got)
}

/// A datagram to `external` in three fragments, and its payload.
fn fragments(
    t: &mut Ctl<'_>,
    external: std::net::SocketAddr,
    identification: u32,
) -> ([Packet; 3], Vec<u8>) {
    let mut payload = vec![0; 1_480 * 2 + 700];
    t.rng().fill_public(&mut payload);
    let from = Far::Server.address();
    let part = |offset: u16, more, body| {
        let mut packet = Packet::new(from.ip(), external.ip(), body);
        packet.fragment = Some(Fragment { identification, offset, more });
        packet
    };
    let bytes = |from: usize, to: usize| payload.get(from..to).unwrap_or_default().to_vec().into();
    let first = Body::Udp(Udp {
        source_port: from.port(),
        destination_port: external.port(),
        checksum_ok: true,
        payload: bytes(0, 1_472),
    });
    let parts = [
        part(0, true, first),
        part(1_480, true, Body::Trailing(bytes(1_472, 2_952))),
        part(2_960, false, Body::Trailing(bytes(2_952, payload.len()))),
    ];
    (parts, payload)
}

case! {
    id: "nat.fragments.received",
    title: "A fragmented packet arrives whole, in whatever order its fragments come",
    reqs: [req::NAT_RECEIVES_FRAGMENTS_IN_ANY_ORDER],
    kind: SubjectKind::Nat,
    variants: product! { order: ["012", "021", "102", "120", "201", "210"] },
    no_reference: NO_REFERENCE,
    run: received,
}

fn received(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let (parts, payload) = fragments(t, external, 77);
    for digit in v.text("order").bytes() {
        let part = parts.get(usize::from(digit - b'0')).cloned();
        let part = t.expect(part, "the order names three fragments")?;
        let net = t.net();
        let server = net.node("server");
        net.inject(server, part);
        t.run_for(PATIENCE);
    }
    let got = t.receive(socket);
    let whole = got.is_some_and(|got| got.payload[..] == payload[..]);
    let wanted = format!("a datagram of {} bytes", payload.len());
    t.must(req::NAT_RECEIVES_FRAGMENTS_IN_ANY_ORDER, whole, wanted, arrival(whole))
}

case! {
    id: "nat.fragments.flood",
    title: "A flood of stray fragments stops neither whole packets nor fragments in order",
    reqs: [req::NAT_FRAGMENT_FLOOD_HARMLESS],
    kind: SubjectKind::Nat,
    variants: product! { stray: ["later", "first"], count: [300, 3_000] },
    no_reference: NO_REFERENCE,
    run: flood,
}

fn flood(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_ideal())?;
    let socket = Lab::inside(t, 2, PORT)?;
    let external = lab.seen(t, socket, Far::Server)?;
    let ([first, later, _], _) = fragments(t, external, 0);
    let mut stray = if v.text("stray") == "first" { first } else { later };
    stray.source_ip = Far::Stranger.address().ip();
    let net = t.net();
    let (server, stranger) = (net.node("server"), net.node("stranger"));
    for number in 0..v.number("count") {
        if let Some(part) = &mut stray.fragment {
            part.identification = u32::try_from(number).unwrap_or(0) + 1_000;
        }
        net.inject(stranger, stray.clone());
    }
    t.run_for(PATIENCE);
    let open = lab.reaches(t, Far::Server, external, socket)?;
    let wanted = "a whole packet arrives";
    t.must(req::NAT_FRAGMENT_FLOOD_HARMLESS, open, wanted, arrival(open))?;
    // Looked at on the wire: a host that puts fragments together may have its own limits.
    let host = t.net().node("host2");
    t.net().tap(host);
    let (parts, _) = fragments(t, external, 78);
    for part in parts {
        t.net().inject(server, part);
    }
    t.run_for(PATIENCE);
    let mut arrived = 0;
    while let Some((_, packet)) = t.net().poll_tap(host) {
        arrived += u32::from(packet.source_ip == Far::Server.address().ip());
    }
    let wanted = "three fragments in order arrive";
    t.must(req::NAT_FRAGMENT_FLOOD_HARMLESS, arrived == 3, wanted, format!("{arrived} of them"))
}
