//! Relayed TCP: RFC 6062 §5.

use simnet::{ListenerId, TcpId};

use super::script::*;

const NO_REFERENCE: &str = "the independent stack's relay of TCP is not behind its adapter";

/// A TCP allocation, with the connection it was asked for on.
struct Relay {
    stage: RelayStage,
    allocation: Allocation,
}

/// A stage whose server relays TCP, and a session over a connection.
fn open(t: &mut Ctl<'_>) -> Result<(RelayStage, Session), Stop> {
    let mut stage = RelayStage::open(t, |config| {
        config.tcp = true;
        config.tcp_relay = true;
    })?;
    let line = stage.connect(t)?;
    let session = stage.login(t, line, "alice")?;
    Ok((stage, session))
}

impl Relay {
    fn make(t: &mut Ctl<'_>) -> Result<Self, Stop> {
        let (mut stage, session) = open(t)?;
        let transport = Attribute::requested_transport(TCP);
        let (request, reply) = session.ask(t, &mut stage, method::ALLOCATE, [transport])?;
        let allocation = Allocation::of(t, session, request, reply)?;
        Ok(Self { stage, allocation })
    }

    /// Asks for a connection to an address.
    fn connect(
        &mut self,
        t: &mut Ctl<'_>,
        to: SocketAddr,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        let peer = Attribute::xor_peer_address(to);
        self.allocation.ask(t, &mut self.stage, method::CONNECT, [peer])
    }

    /// A connection to a peer that listens: its number, and the peer's end.
    fn connected(
        &mut self,
        t: &mut Ctl<'_>,
        listener: ListenerId,
        to: SocketAddr,
    ) -> Result<(u32, TcpId), Stop> {
        let (_, reply) = self.connect(t, to)?;
        let told = shown(reply.as_ref());
        let id = reply.and_then(|reply| reply.number(attribute::CONNECTION_ID));
        let id = t.expect(id, format_args!("a connection, not {told}"))?;
        let peer = t.accept(listener);
        Ok((id, t.expect(peer, "the connection at the peer")?))
    }

    /// Takes a connection: its end, the response, and what follows on it. A nonce may be good for one
    /// address and port only, so the first request may be told to try again with another.
    fn bind(&mut self, t: &mut Ctl<'_>, id: u32) -> Result<(TcpId, Parsed, Vec<u8>), Stop> {
        let line = self.stage.connect(t)?;
        let connection = self.stage.connection(line);
        let connection = t.expect(connection, "a connection")?;
        let mut session = self.allocation.session.clone();
        for _ in 0..2 {
            let request = Message::asking(method::CONNECTION_BIND, fresh(t))
                .with(Attribute::connection_id(id));
            let request = session.sign(request);
            t.write(connection, &request.encode())?;
            t.stimulus(&request);
            self.stage.settle(t);
            let mut bytes = t.read(connection);
            let length = match bytes.as_slice() {
                [_, _, high, low, ..] => 20 + usize::from(u16::from_be_bytes([*high, *low])),
                _ => 0,
            };
            let rest = bytes.split_off(length.min(bytes.len()));
            let reply = Parsed::read(&bytes).ok();
            let reply = t.expect(reply, "a response to ConnectionBind")?;
            match (reply.code(), reply.value(attribute::NONCE)) {
                (Some(438), Some(nonce)) => session.nonce = nonce.to_vec(),
                _ => return Ok((connection, reply, rest)),
            }
        }
        Err(Stop::Inconclusive("no nonce is good for ConnectionBind".to_owned()))
    }
}

/// Where the peer takes connections.
fn place() -> SocketAddr {
    SocketAddr::from(([11, 0, 2, 1], 8000))
}

case! {
    id: "turn.server.tcp.allocate",
    title: "A TCP allocation is made over TCP only, without what belongs to UDP",
    reqs: [
        req::TURN_TCP_SERVER_442,
        req::TURN_TCP_SERVER_UDP_AS_BEFORE,
        req::TURN_TCP_SERVER_400_OVER_UDP,
        req::TURN_TCP_SERVER_400_UDP_ATTRIBUTES,
        req::TURN_TCP_SERVER_RELAYS_TCP,
        req::TURN_TCP_SERVER_NO_TOKEN,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! {
        request: [
            "good", "udp", "transport 99", "over udp", "dont-fragment", "even port", "token",
        ],
    },
    no_reference: NO_REFERENCE,
    run: allocate,
}

fn allocate(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (mut stage, mut session) = open(t)?;
    let tcp = Attribute::requested_transport(TCP);
    let (attributes, code, req) = match v.text("request") {
        "good" => (vec![tcp], None, req::TURN_TCP_SERVER_NO_TOKEN),
        "udp" => {
            let udp = Attribute::requested_transport(UDP);
            (vec![udp], None, req::TURN_TCP_SERVER_UDP_AS_BEFORE)
        }
        "transport 99" => {
            (vec![Attribute::requested_transport(99)], Some(442), req::TURN_TCP_SERVER_442)
        }
        "over udp" => {
            session = stage.login(t, 0, "alice")?;
            (vec![tcp], Some(400), req::TURN_TCP_SERVER_400_OVER_UDP)
        }
        "dont-fragment" => (
            vec![tcp, Attribute::dont_fragment()],
            Some(400),
            req::TURN_TCP_SERVER_400_UDP_ATTRIBUTES,
        ),
        "even port" => (
            vec![tcp, Attribute::even_port(false)],
            Some(400),
            req::TURN_TCP_SERVER_400_UDP_ATTRIBUTES,
        ),
        _ => (
            vec![tcp, Attribute::reservation_token(b"no token")],
            Some(400),
            req::TURN_TCP_SERVER_400_UDP_ATTRIBUTES,
        ),
    };
    let (request, reply) = session.ask(t, &mut stage, method::ALLOCATE, attributes)?;
    let shape = match code {
        Some(code) => Shape::error(&request, code),
        None => Shape::success(&request)
            .with(attribute::XOR_RELAYED_ADDRESS)
            .with(attribute::LIFETIME)
            .with(attribute::XOR_MAPPED_ADDRESS),
    };
    shape.signed(session.key()).holds(t, req, reply.as_ref())?;
    if v.text("request") != "good" {
        return Ok(());
    }
    let relayed = reply.map(|reply| reply.relayed_addresses()).unwrap_or_default();
    let fits = relayed.len() == 1;
    t.must(req::TURN_TCP_SERVER_RELAYS_TCP, fits, "a relayed address", format_args!("{relayed:?}"))
}

case! {
    id: "turn.server.tcp.connect",
    title: "Connect makes a connection from the relayed address, and data goes both ways as it is",
    reqs: [
        req::TURN_TCP_SERVER_CONNECTS,
        req::TURN_TCP_SERVER_RELAYS_TCP,
        req::TURN_TCP_SERVER_CONNECTION_ID,
        req::TURN_TCP_SERVER_BUFFERS,
        req::TURN_TCP_SERVER_TO_PEER,
        req::TURN_TCP_SERVER_FROM_PEER,
        req::TURN_TCP_DATA_AS_IS,
        req::TURN_TCP_METHOD_NUMBERS,
        req::TURN_TCP_CONNECTION_ID_FORMAT,
        req::TURN_TCP_SERVER_CLOSES_PEER,
        req::TURN_TCP_SERVER_CLOSES_CLIENT,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { early: [0, 5, 3_000], closes: ["client", "peer"] },
    no_reference: NO_REFERENCE,
    run: connect,
}

fn connect(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut relay = Relay::make(t)?;
    relay.allocation.permit(t, &mut relay.stage, 0)?;
    let listener = t.listen("peer", place())?;
    let (request, reply) = relay.connect(t, place())?;
    let shape = Shape::success(&request).with(attribute::CONNECTION_ID);
    shape.signed(relay.allocation.session.key()).holds(
        t,
        req::TURN_TCP_SERVER_CONNECTION_ID,
        reply.as_ref(),
    )?;
    t.must(req::TURN_TCP_METHOD_NUMBERS, true, "the method of the request", shown(reply.as_ref()))?;
    let id = reply.as_ref().and_then(|reply| reply.number(attribute::CONNECTION_ID));
    t.must(req::TURN_TCP_CONNECTION_ID_FORMAT, id.is_some(), "32 bits", shown(reply.as_ref()))?;
    let id = id.unwrap_or(0);
    let peer = t.accept(listener);
    t.must(req::TURN_TCP_SERVER_CONNECTS, peer.is_some(), "a connection at the peer", "none")?;
    let peer = t.expect(peer, "a connection at the peer")?;
    let (_, from) = t.net().tcp_addresses(peer);
    let fits = from == relay.allocation.relay();
    t.must(req::TURN_TCP_SERVER_RELAYS_TCP, fits, relay.allocation.relay(), from)?;
    let mut early = vec![0; usize::try_from(v.number("early")).unwrap_or(0)];
    t.rng().fill_public(&mut early);
    t.write(peer, &early)?;
    relay.stage.settle(t);
    let (client, reply, mut rest) = relay.bind(t, id)?;
    t.precondition(reply.class() == Class::Success, &reply)?;
    relay.stage.settle(t);
    rest.extend(t.read(client));
    let fits = rest == early;
    let told = format!("{} bytes of {}", rest.len(), early.len());
    t.must(req::TURN_TCP_SERVER_BUFFERS, fits, "what the peer sent before", &told)?;
    t.must(req::TURN_TCP_SERVER_FROM_PEER, fits, "from the first byte on", told)?;
    t.write(client, b"\x00\x01\x00\x00 to the peer")?;
    t.write(peer, b"\x40\x00\x00\x04 to the client")?;
    relay.stage.settle(t);
    let got = t.read(peer);
    let fits = got == b"\x00\x01\x00\x00 to the peer";
    t.must(req::TURN_TCP_SERVER_TO_PEER, fits, "the bytes as they are", format_args!("{got:x?}"))?;
    let got = t.read(client);
    let fits = got == b"\x40\x00\x00\x04 to the client";
    t.must(req::TURN_TCP_DATA_AS_IS, fits, "the bytes as they are", format_args!("{got:x?}"))?;
    let (closes, other, req) = match v.text("closes") {
        "client" => (client, peer, req::TURN_TCP_SERVER_CLOSES_PEER),
        _ => (peer, client, req::TURN_TCP_SERVER_CLOSES_CLIENT),
    };
    t.net().tcp_shutdown(closes);
    relay.stage.wait(t, SECOND);
    let _ = t.read(other);
    let closed = t.is_closed(other);
    t.must(req, closed, "the other connection closed", "it is open")
}

case! {
    id: "turn.server.tcp.connect-refused",
    title: "Connect requests that cannot be met get the code that says why",
    reqs: [
        req::TURN_TCP_SERVER_437,
        req::TURN_TCP_SERVER_446_CONNECTED,
        req::TURN_TCP_SERVER_446_UNDER_WAY,
        req::TURN_TCP_SERVER_400_NO_PEER,
        req::TURN_TCP_SERVER_447,
        req::TURN_TCP_SERVER_CONNECT_PATIENCE,
        req::TURN_TCP_SERVER_UNIQUE_ID,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! {
        fault: [
            "no allocation", "connected", "bound", "under way", "no peer", "short peer", "refused",
            "silent", "two peers",
        ],
    },
    no_reference: NO_REFERENCE,
    run: connect_refused,
}

fn connect_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    if v.text("fault") == "no allocation" {
        let (mut stage, session) = open(t)?;
        let peer = Attribute::xor_peer_address(place());
        let (request, reply) = session.ask(t, &mut stage, method::CONNECT, [peer])?;
        return Shape::error(&request, 437).holds(t, req::TURN_TCP_SERVER_437, reply.as_ref());
    }
    let mut relay = Relay::make(t)?;
    let session = relay.allocation.session.clone();
    relay.allocation.permit(t, &mut relay.stage, 0)?;
    let raw = Attribute::bytes(attribute::XOR_PEER_ADDRESS, &[0, 1]);
    match v.text("fault") {
        "no peer" | "short peer" => {
            let attributes = (v.text("fault") == "short peer").then_some(raw);
            let (request, reply) =
                relay.allocation.ask(t, &mut relay.stage, method::CONNECT, attributes)?;
            let shape = Shape::error(&request, 400).signed(session.key());
            shape.holds(t, req::TURN_TCP_SERVER_400_NO_PEER, reply.as_ref())
        }
        "refused" => {
            let (request, reply) = relay.connect(t, place())?;
            let shape = Shape::error(&request, 447).signed(session.key());
            shape.holds(t, req::TURN_TCP_SERVER_447, reply.as_ref())
        }
        "silent" | "under way" => silent(t, &mut relay, v.text("fault") == "silent"),
        "two peers" => {
            let listener = t.listen("peer", place())?;
            let other = SocketAddr::new(place().ip(), 8001);
            let second = t.listen("peer", other)?;
            let (one, _) = relay.connected(t, listener, place())?;
            let (two, _) = relay.connected(t, second, other)?;
            t.must(req::TURN_TCP_SERVER_UNIQUE_ID, one != two, "two numbers", one)
        }
        fault => {
            let listener = t.listen("peer", place())?;
            let (id, _) = relay.connected(t, listener, place())?;
            if fault == "bound" {
                let (_, reply, _) = relay.bind(t, id)?;
                t.precondition(reply.class() == Class::Success, reply)?;
            }
            let (request, reply) = relay.connect(t, place())?;
            let shape = Shape::error(&request, 446).signed(session.key());
            shape.holds(t, req::TURN_TCP_SERVER_446_CONNECTED, reply.as_ref())
        }
    }
}

/// A peer whose network swallows everything.
fn silent(t: &mut Ctl<'_>, relay: &mut Relay, waits: bool) -> Outcome {
    // Nobody has this address.
    let nobody = SocketAddr::from(([11, 0, 2, 99], 8000));
    let peer = Attribute::xor_peer_address(nobody);
    let (_, reply) =
        relay.allocation.ask(t, &mut relay.stage, method::CREATE_PERMISSION, [peer.clone()])?;
    t.precondition(reply.is_some_and(|r| r.class() == Class::Success), "a permission")?;
    let request = relay
        .allocation
        .session
        .sign(Message::asking(method::CONNECT, fresh(t)).with(peer.clone()));
    let line = relay.allocation.session.line;
    relay.stage.give(t, line, &request.encode())?;
    relay.stage.settle(t);
    let early = relay.stage.take(t, line);
    if !early.is_empty() {
        // The network said at once that nobody is there.
        let req = req::TURN_TCP_SERVER_447;
        let fits = matches!(early.as_slice(), [Piece::Stun(reply)] if reply.code() == Some(447));
        return t.must(req, fits, "447", shown_all(&early));
    }
    if !waits {
        let (second, reply) = relay.allocation.ask(t, &mut relay.stage, method::CONNECT, [peer])?;
        let shape = Shape::error(&second, 446);
        return shape.holds(t, req::TURN_TCP_SERVER_446_UNDER_WAY, reply.as_ref());
    }
    relay.stage.wait(t, 29 * SECOND);
    let early = relay.stage.take(t, line);
    let req = req::TURN_TCP_SERVER_CONNECT_PATIENCE;
    t.must(req, early.is_empty(), "no answer within 29 s", shown_all(&early))?;
    relay.stage.wait(t, 200 * SECOND);
    let late = relay.stage.take(t, line);
    let fits = matches!(late.as_slice(), [Piece::Stun(reply)] if reply.code() == Some(447));
    t.must(req::TURN_TCP_SERVER_447, fits, "447", shown_all(&late))
}

case! {
    id: "turn.server.tcp.unbound",
    title: "A connection to a peer that nobody takes within 30 seconds is closed",
    reqs: [req::TURN_TCP_SERVER_CLOSES_UNBOUND, req::TURN_TCP_SERVER_CLOSES_UNTAKEN],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { made: ["by connect", "by the peer"] },
    no_reference: NO_REFERENCE,
    run: unbound,
}

fn unbound(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut relay = Relay::make(t)?;
    relay.allocation.permit(t, &mut relay.stage, 0)?;
    let (peer, req) = if v.text("made") == "by connect" {
        let listener = t.listen("peer", place())?;
        let (_, peer) = relay.connected(t, listener, place())?;
        (peer, req::TURN_TCP_SERVER_CLOSES_UNBOUND)
    } else {
        let peer = t.connect("peer", Some(place()), relay.allocation.relay())?;
        relay.stage.settle(t);
        let open = t.is_open(peer);
        t.precondition(open, "a connection to the relayed address")?;
        (peer, req::TURN_TCP_SERVER_CLOSES_UNTAKEN)
    };
    relay.stage.wait(t, 29 * SECOND);
    let open = t.is_open(peer);
    t.must(req, open, "the connection open for 29 s", "it is closed")?;
    relay.stage.wait(t, 5 * SECOND);
    let _ = t.read(peer);
    let closed = t.is_closed(peer);
    t.must(req, closed, "the connection closed after 34 s", "it is open")
}

case! {
    id: "turn.server.tcp.attempt",
    title: "A peer with a permission that connects is told to the client; any other is turned away",
    reqs: [
        req::TURN_TCP_SERVER_LISTENS,
        req::TURN_TCP_SERVER_ACCEPTS,
        req::TURN_TCP_SERVER_ATTEMPT,
        req::TURN_TCP_SERVER_BUFFERS_ACCEPTED,
        req::TURN_TCP_SERVER_CLOSES_WITHOUT_PERMISSION,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { permission: [false, true] },
    no_reference: NO_REFERENCE,
    run: attempt,
}

fn attempt(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut relay = Relay::make(t)?;
    let line = relay.allocation.session.line;
    if v.flag("permission") {
        relay.allocation.permit(t, &mut relay.stage, 0)?;
    }
    let _ = relay.stage.take(t, line);
    let peer = t.connect("peer", Some(place()), relay.allocation.relay())?;
    t.stimulus("a connection of a peer");
    relay.stage.settle(t);
    let told = relay.stage.take(t, line);
    if !v.flag("permission") {
        let _ = t.read(peer);
        let closed = t.is_closed(peer);
        let req = req::TURN_TCP_SERVER_CLOSES_WITHOUT_PERMISSION;
        t.must(req, closed, "the connection closed", "it is open")?;
        return t.must(req, told.is_empty(), "nothing told", shown_all(&told));
    }
    let open = t.is_open(peer);
    t.must(req::TURN_TCP_SERVER_LISTENS, open, "a connection", "none")?;
    t.must(req::TURN_TCP_SERVER_ACCEPTS, open, "a connection", "none")?;
    let told = match told.as_slice() {
        [Piece::Stun(told)] => Some(told.as_ref().clone()),
        _ => None,
    };
    let fits = told.as_ref().is_some_and(|told| {
        told.class() == Class::Indication
            && told.method() == method::CONNECTION_ATTEMPT
            && told.peer_address() == Some(place())
            && told.number(attribute::CONNECTION_ID).is_some()
    });
    let req = req::TURN_TCP_SERVER_ATTEMPT;
    t.must(req, fits, "ConnectionAttempt with peer and number", shown(told.as_ref()))?;
    let id = told.and_then(|told| told.number(attribute::CONNECTION_ID)).unwrap_or(0);
    t.write(peer, b"early bird")?;
    relay.stage.settle(t);
    let (client, reply, mut rest) = relay.bind(t, id)?;
    t.precondition(reply.class() == Class::Success, reply)?;
    relay.stage.settle(t);
    rest.extend(t.read(client));
    let req = req::TURN_TCP_SERVER_BUFFERS_ACCEPTED;
    t.must(req, rest == b"early bird", "what the peer sent", format_args!("{rest:x?}"))
}

case! {
    id: "turn.server.tcp.bind-refused",
    title: "ConnectionBind needs TCP and the number of a connection that waits",
    reqs: [
        req::TURN_TCP_SERVER_400_BIND_OVER_UDP,
        req::TURN_TCP_SERVER_400_BIND_UNKNOWN,
        req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS,
    ],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { fault: ["over udp", "no number", "unknown", "twice", "other user"] },
    no_reference: NO_REFERENCE,
    run: bind_refused,
}

fn bind_refused(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut relay = Relay::make(t)?;
    relay.allocation.permit(t, &mut relay.stage, 0)?;
    let listener = t.listen("peer", place())?;
    let (id, _) = relay.connected(t, listener, place())?;
    if v.text("fault") == "twice" {
        let (_, reply, _) = relay.bind(t, id)?;
        t.precondition(reply.class() == Class::Success, reply)?;
    }
    let number = match v.text("fault") {
        "no number" => None,
        "unknown" => Some(Attribute::connection_id(id ^ 0x5555)),
        _ => Some(Attribute::connection_id(id)),
    };
    let mut session = relay.allocation.session.clone();
    session.line = match v.text("fault") {
        "over udp" => 0,
        _ => relay.stage.connect(t)?,
    };
    if v.text("fault") == "other user" {
        session.username = "bob".to_owned();
        session.password = user("bob").password;
    }
    if v.text("fault") == "over udp" {
        session = relay.stage.login(t, 0, "alice")?;
    }
    let attributes = number.clone();
    let (mut request, mut reply) =
        session.ask(t, &mut relay.stage, method::CONNECTION_BIND, attributes)?;
    if let (Some(438), Some(nonce)) = (
        reply.as_ref().and_then(Parsed::code),
        reply.as_ref().and_then(|reply| reply.value(attribute::NONCE)),
    ) {
        session.nonce = nonce.to_vec();
        (request, reply) = session.ask(t, &mut relay.stage, method::CONNECTION_BIND, number)?;
    }
    if v.text("fault") == "other user" {
        let refused = reply.as_ref().is_some_and(|reply| reply.class() == Class::Error);
        let req = req::TURN_SERVER_REFUSES_FOREIGN_CREDENTIALS;
        return t.must(req, refused, "a refusal", shown(reply.as_ref()));
    }
    let req = match v.text("fault") {
        "over udp" => req::TURN_TCP_SERVER_400_BIND_OVER_UDP,
        _ => req::TURN_TCP_SERVER_400_BIND_UNKNOWN,
    };
    Shape::error(&request, 400).holds(t, req, reply.as_ref())
}

case! {
    id: "turn.server.tcp.ends",
    title: "When a TCP allocation ends, its connections end",
    reqs: [req::TURN_TCP_SERVER_CLOSES_ON_EXPIRY],
    kind: SubjectKind::TurnServer,
    needs: [Cap::LongTerm, Cap::TurnTcp, Cap::TurnTcpRelay],
    variants: product! { how: ["expired", "deleted", "control connection closed"] },
    no_reference: NO_REFERENCE,
    run: ends,
}

fn ends(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let mut relay = Relay::make(t)?;
    relay.allocation.permit(t, &mut relay.stage, 0)?;
    let listener = t.listen("peer", place())?;
    let (id, peer) = relay.connected(t, listener, place())?;
    let (client, reply, _) = relay.bind(t, id)?;
    t.precondition(reply.class() == Class::Success, reply)?;
    match v.text("how") {
        "expired" => relay.stage.wait(t, 601 * SECOND),
        "deleted" => {
            let _ = relay.allocation.refresh(t, &mut relay.stage, 0)?;
        }
        _ => {
            let control = relay.stage.connection(relay.allocation.session.line);
            let control = t.expect(control, "the control connection")?;
            t.net().tcp_abort(control);
        }
    }
    relay.stage.wait(t, 2 * SECOND);
    let _ = (t.read(peer), t.read(client));
    let req = req::TURN_TCP_SERVER_CLOSES_ON_EXPIRY;
    let closed = t.is_closed(peer);
    t.must(req, closed, "the connection to the peer closed", "it is open")?;
    let closed = t.is_closed(client);
    t.must(req, closed, "the connection to the client closed", "it is open")
}
