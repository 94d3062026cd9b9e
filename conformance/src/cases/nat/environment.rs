//! What surrounds a NAT: colliding addresses, payloads, load and time: RFC 4787 §4.4, §7, §8.

use std::net::SocketAddr;

use simnet::{Attach, Host};

use super::{Far, Lab, NO_REFERENCE, PATIENCE, PORT, arrival, list, mapping, nothing, payload};
use crate::{Ctl, Outcome, SubjectKind, Variant, case, product, req, subjects::nat::NatConfig};

case! {
    id: "nat.addresses.overlapping",
    title: "A NAT whose inside and outside use the same addresses keeps them apart",
    reqs: [req::NAT_OVERLAPPING_ADDRESS_SPACES],
    kind: SubjectKind::Nat,
    variants: product! { inside: [2, 3, 5] },
    no_reference: NO_REFERENCE,
    run: overlapping,
}

/// The provider's network has the same prefix as the LAN. The box is 192.168.1.5 there, and so is a host
/// inside; the provider's 192.168.1.2 has a twin inside too.
fn overlapping(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config = NatConfig::rfc4787_ideal();
    let home = Attach::to("lan").address("192.168.1.1").and_to("isp").address("192.168.1.5");
    let mut builder = t
        .network()
        .wan("wan", "11.0.0.0/8")
        .lan("isp", "192.168.1.0/24")
        .lan("lan", "192.168.1.0/24")
        .router("edge", Attach::to("isp").address("192.168.1.254").and_to("wan"))
        .middlebox("nat", home, t.nat(&config)?)
        .host("server", Host::on("wan").address("11.0.0.9"))
        .host("twin", Host::on("isp").address("192.168.1.2"));
    for number in [2, 3, 5] {
        let host = Host::on("lan").address(&format!("192.168.1.{number}"));
        builder = builder.host(&format!("host{number}"), host);
    }
    t.build(builder)?;
    let server: SocketAddr = Far::Server.address();
    let at_server = t.bind("server", server)?;
    let twin: SocketAddr = ([192, 168, 1, 2], 9_999).into();
    let at_twin = t.bind("twin", twin)?;
    let number = u8::try_from(v.number("inside")).unwrap_or(0);
    let socket = Lab::inside(t, number, PORT)?;

    let probe = payload(t);
    t.send_stimulus(socket, server, &probe, "a datagram through both networks");
    let got = t.receive_within(at_server, PATIENCE);
    let external = t.expect(got, "the datagram arrives at the server")?.source;
    let requirement = req::NAT_OVERLAPPING_ADDRESS_SPACES;
    let translated = external.ip() == SocketAddr::from(([192, 168, 1, 5], 0)).ip();
    t.must(requirement, translated, "the box's address on its outside", external)?;
    for (from, source) in [(at_server, server), (at_twin, twin)] {
        let probe = payload(t);
        t.send(from, external, &probe);
        let got = t.receive_within(socket, PATIENCE);
        let got = got.filter(|got| got.payload[..] == probe[..]);
        let seen = got.map_or_else(nothing, |got| got.source.to_string());
        let wanted = format!("the datagram of {source}");
        t.must(requirement, seen == source.to_string(), wanted, seen)?;
    }
    Ok(())
}

case! {
    id: "nat.payload.untouched",
    title: "Payloads pass as they are, even if they hold addresses",
    reqs: [req::NAT_ALG_OFF],
    kind: SubjectKind::Nat,
    variants: product! {
        port: [53, 69, 3_478, 5_060],
        form: ["text", "binary"],
    },
    no_reference: NO_REFERENCE,
    run: untouched,
}

fn untouched(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let lab = Lab::build(t, &NatConfig::rfc4787_strict())?;
    let port = u16::try_from(v.number("port")).unwrap_or(0);
    let socket = Lab::inside(t, 2, PORT)?;
    let server: SocketAddr = ([11, 0, 0, 9], port).into();
    let at_server = match port {
        3_478 => lab.socket(t, Far::Server)?,
        _ => t.bind("server", server)?,
    };
    // The sender's address and port as text, as SIP has them, and as the bytes of a MAPPED-ADDRESS.
    let mut body = if v.text("form") == "text" {
        format!("INVITE sip:b@example.org SIP/2.0\r\nContact: <sip:a@192.168.1.2:{PORT}>\r\n\r\n")
            .into_bytes()
    } else {
        let mut body = vec![0, 1, 0, 8, 0, 1];
        body.extend_from_slice(&PORT.to_be_bytes());
        body.extend_from_slice(&[192, 168, 1, 2]);
        body
    };
    body.extend_from_slice(&payload(t));
    t.send_stimulus(socket, server, &body, "a datagram that holds its sender's address");
    let got = t.receive_within(at_server, PATIENCE);
    let received = t.expect(got, "a datagram arrives")?;
    let wanted = format!("the {} bytes that were sent", body.len());
    let same = received.payload[..] == body[..];
    t.should(req::NAT_ALG_OFF, same, &wanted, received.payload.escape_ascii())?;
    // And the same bytes back, where they hold the external address to a gateway's eyes.
    t.send(at_server, received.source, &body);
    let got = t.receive_within(socket, PATIENCE);
    let received = t.expect(got, "the echo arrives")?;
    let same = received.payload[..] == body[..];
    t.should(req::NAT_ALG_OFF, same, wanted, received.payload.escape_ascii())
}

case! {
    id: "nat.deterministic",
    title: "Mapping and filtering stay the same after conflicts, under load and over time",
    reqs: [req::NAT_DETERMINISTIC],
    kind: SubjectKind::Nat,
    variants: product! {
        after: ["nothing", "conflicts", "load", "hours"],
        ports: ["preserved", "preserved-in-class", "sequential", "random"],
    },
    no_reference: NO_REFERENCE,
    run: deterministic,
}

fn deterministic(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let config =
        NatConfig { ports: mapping::ports(v.text("ports")), ..NatConfig::rfc4787_strict() };
    let lab = Lab::build(t, &config)?;
    match v.text("after") {
        "conflicts" => {
            // The port that host 4 uses below is taken twice before its turn.
            for number in 2..=3 {
                let socket = Lab::inside(t, number, PORT)?;
                lab.seen(t, socket, Far::Server)?;
            }
        }
        "load" => {
            for port in 0..500 {
                let socket = Lab::inside(t, 2, 20_000 + port)?;
                lab.seen(t, socket, Far::Server)?;
            }
        }
        "hours" => t.run_for(std::time::Duration::from_secs(30_000)),
        _ => {}
    }
    let socket = Lab::inside(t, 4, PORT)?;
    let first = lab.seen(t, socket, Far::Server)?;
    let requirement = req::NAT_DETERMINISTIC;
    for (far, admitted) in [
        (Far::Stranger, false),
        (Far::OtherServer, false),
        (Far::ServerOtherPort, true),
        (Far::Server, true),
    ] {
        let arrived = lab.reaches(t, far, first, socket)?;
        let wanted = format!("address-dependent filtering: {}", arrival(admitted));
        t.must(requirement, arrived == admitted, wanted, arrival(arrived))?;
    }
    let mut seen = vec![first];
    for far in Far::ALL {
        seen.push(lab.seen(t, socket, far)?);
    }
    let same = seen.iter().all(|one| *one == first);
    t.must(requirement, same, "endpoint-independent mapping", list(&seen))
}
