//! Connections, told as dialogues between an agent and its driver.

use std::time::Duration;

use rstest::rstest;

use super::*;

const NOW: Instant = Instant::ZERO;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn after(seconds: u64) -> Instant {
    NOW + Duration::from_secs(seconds)
}

fn here() -> SocketAddr {
    at("10.0.0.2:9")
}

fn there() -> SocketAddr {
    at("192.0.2.1:50000")
}

fn connections() -> Connections {
    Connections::new(TcpConfig::default(), NOW)
}

fn commands(tcp: &mut Connections) -> Vec<StreamCommand> {
    std::iter::from_fn(|| tcp.poll_stream()).collect()
}

fn events(tcp: &mut Connections) -> Vec<TcpEvent> {
    std::iter::from_fn(|| tcp.poll_event()).collect()
}

/// A connection that we opened.
fn opened() -> (Connections, StreamId) {
    let mut tcp = connections();
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    let local = at("10.0.0.2:40000");
    assert!(tcp.handle_stream(NOW, StreamInput::Connected { id, local, remote: there() }));
    commands(&mut tcp);
    events(&mut tcp);
    (tcp, id)
}

/// A listener.
fn listening(tcp_type: TcpType) -> (Connections, StreamId, SocketAddr) {
    let mut tcp = connections();
    let (asked, local) = (at("10.0.0.2:0"), at("10.0.0.2:50001"));
    let id = tcp.listen(NOW, asked, tcp_type).unwrap();
    assert_eq!(commands(&mut tcp), [StreamCommand::Listen { id, local: asked }]);
    assert!(tcp.handle_stream(NOW, StreamInput::Listening { id, local }));
    assert_eq!(events(&mut tcp), [TcpEvent::Listening { asked, local, tcp_type }]);
    (tcp, id, local)
}

fn accept(tcp: &mut Connections, listener: StreamId, local: SocketAddr, n: u16) -> StreamId {
    let id = StreamId::accepted(n.into());
    let remote = SocketAddr::from(([192, 0, 2, 1], 1_000 + n));
    assert!(tcp.handle_stream(tcp.now, StreamInput::Accepted { listener, id, local, remote }));
    id
}

/// A STUN message in a frame.
fn check() -> Vec<u8> {
    use stun::{
        Builder,
        wire::{Class, Method, TransactionId},
    };
    let mut stream = Vec::new();
    let id = TransactionId::new([7; 12]);
    write_frame(&mut stream, |buffer| {
        Builder::new(buffer, Method::BINDING, Class::Request, id).finish().unwrap();
    })
    .unwrap();
    stream
}

/// All frames in the bytes.
fn frames(tcp: &mut Connections, id: StreamId, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut scratch = Vec::new();
    let mut found = Vec::new();
    while let Some(frame) = tcp.next_frame(tcp.now, id, &mut bytes, &mut scratch) {
        found.push(match frame {
            Frame::Here(frame) => frame.to_vec(),
            Frame::Scratch => scratch.clone(),
        });
    }
    found
}

#[rstest]
#[case::browser(true, false, false, vec![(TcpType::Active, 9)])]
#[case::lite(false, true, false, vec![(TcpType::Passive, 0)])]
#[case::all(true, true, true, vec![(TcpType::Active, 9), (TcpType::Passive, 0), (TcpType::So, 0)])]
fn an_address_gives_the_candidates_that_are_wanted(
    #[case] active: bool,
    #[case] passive: bool,
    #[case] simultaneous_open: bool,
    #[case] expected: Vec<(TcpType, u16)>,
) {
    let config = TcpConfig { active, passive, simultaneous_open, ..TcpConfig::default() };
    let bases = tcp_bases(&config, here().ip());
    let found: Vec<_> = bases.map(|(tcp_type, local)| (tcp_type, local.port())).collect();
    assert_eq!(found, expected);
}

#[test]
fn active_candidates_connect_from_a_new_port() {
    let mut tcp = connections();
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    let expected = StreamCommand::Connect {
        id,
        local: Some(at("10.0.0.2:0")),
        remote: there(),
        security: StreamSecurity::Plain,
    };
    assert_eq!(commands(&mut tcp), [expected]);
    assert!(!tcp.is_open(id));
    let local = at("10.0.0.2:40000");
    tcp.handle_stream(NOW, StreamInput::Connected { id, local, remote: there() });
    let tcp_type = TcpType::Active;
    assert_eq!(events(&mut tcp), [TcpEvent::Opened { id, local, remote: there(), tcp_type }]);
    assert_eq!(tcp.endpoints(id), Some((local, there())));
}

#[test]
fn simultaneous_open_connects_from_the_candidates_own_port() {
    let (mut tcp, _, local) = listening(TcpType::So);
    tcp.connect(NOW, local, there(), TcpType::So).unwrap();
    let connect = commands(&mut tcp);
    assert!(
        matches!(connect[..], [StreamCommand::Connect { local: Some(from), .. }] if from == local)
    );
}

#[test]
fn simultaneous_open_uses_the_connection_the_peer_opened_first() {
    let (mut tcp, listener, local) = listening(TcpType::So);
    let accepted = accept(&mut tcp, listener, local, 0);
    let remote = at("192.0.2.1:1000");
    assert_eq!(tcp.connect(NOW, local, remote, TcpType::So), Ok(accepted));
    assert_eq!(commands(&mut tcp), []);
}

#[test]
fn a_pair_has_one_connection() {
    let (mut tcp, id) = opened();
    assert_eq!(tcp.connect(NOW, here(), there(), TcpType::Active), Ok(id));
    assert_eq!(commands(&mut tcp), []);
    let other = at("192.0.2.1:50001");
    assert_ne!(tcp.connect(NOW, here(), other, TcpType::Active), Ok(id));
}

#[test]
fn passive_candidates_do_not_connect() {
    let (mut tcp, _, local) = listening(TcpType::Passive);
    assert_eq!(tcp.connect(NOW, local, there(), TcpType::Passive), Err(TcpError::Passive));
}

#[rstest]
#[case(StreamEnd::Refused)]
#[case(StreamEnd::Unavailable)]
fn a_connection_that_does_not_come_to_be_is_told(#[case] reason: StreamEnd) {
    let mut tcp = connections();
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    assert!(tcp.handle_stream(NOW, StreamInput::Closed { id, reason }));
    let reason = TcpEnd::Stream(reason);
    assert_eq!(events(&mut tcp), [TcpEvent::Closed { id, reason }]);
    assert_eq!(tcp.poll_timeout(), None);
}

#[test]
fn a_connection_that_takes_too_long_is_given_up() {
    let mut tcp = connections();
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    commands(&mut tcp);
    assert_eq!(tcp.poll_timeout(), Some(after(10)));
    tcp.handle_timeout(after(9));
    assert_eq!(events(&mut tcp), []);
    tcp.handle_timeout(after(10));
    assert_eq!(commands(&mut tcp), [StreamCommand::Abort { id }]);
    let reason = TcpEnd::Stream(StreamEnd::TimedOut);
    assert_eq!(events(&mut tcp), [TcpEvent::Closed { id, reason }]);
    let local = at("10.0.0.2:40000");
    let late = StreamInput::Connected { id, local, remote: there() };
    assert!(!tcp.handle_stream(after(11), late));
}

#[test]
fn a_listener_that_fails_is_told() {
    let mut tcp = connections();
    let id = tcp.listen(NOW, at("10.0.0.2:0"), TcpType::Passive).unwrap();
    let reason = StreamEnd::Unavailable;
    assert!(tcp.handle_stream(NOW, StreamInput::Closed { id, reason }));
    let asked = at("10.0.0.2:0");
    let tcp_type = TcpType::Passive;
    assert_eq!(events(&mut tcp), [TcpEvent::NotListening { asked, tcp_type, reason }]);
}

#[test]
fn checks_pass_and_data_passes_after_validation_alone() {
    let (mut tcp, id) = opened();
    assert_eq!(frames(&mut tcp, id, &check()), [check()[2..].to_vec()]);
    tcp.validate(id);
    assert_eq!(tcp.poll_timeout(), None);
    assert_eq!(frames(&mut tcp, id, b"\0\x04data"), [b"data".to_vec()]);

    let (mut tcp, id) = opened();
    assert_eq!(frames(&mut tcp, id, b"\0\x04data"), Vec::<Vec<u8>>::new());
    let reason = TcpEnd::NotStun;
    assert_eq!(events(&mut tcp), [TcpEvent::Closed { id, reason }]);
    assert_eq!(commands(&mut tcp), [StreamCommand::Abort { id }]);
}

#[test]
fn strangers_cannot_make_us_hold_a_long_frame() {
    let (mut tcp, listener, local) = listening(TcpType::Passive);
    let id = accept(&mut tcp, listener, local, 0);
    events(&mut tcp);
    assert_eq!(frames(&mut tcp, id, &[0x05, 0xdd, 0, 1]), Vec::<Vec<u8>>::new());
    assert_eq!(events(&mut tcp), [TcpEvent::Closed { id, reason: TcpEnd::FrameTooLong }]);
}

#[test]
fn checks_come_through_in_pieces() {
    let (mut tcp, id) = opened();
    let stream = [check(), check()].concat();
    let found: Vec<_> =
        stream.iter().flat_map(|byte| frames(&mut tcp, id, std::slice::from_ref(byte))).collect();
    assert_eq!(found, [check()[2..].to_vec(), check()[2..].to_vec()]);
}

#[test]
fn connections_nobody_validates_are_closed() {
    let (mut tcp, listener, local) = listening(TcpType::Passive);
    let id = accept(&mut tcp, listener, local, 0);
    events(&mut tcp);
    tcp.handle_timeout(after(10));
    assert_eq!(events(&mut tcp), [TcpEvent::Closed { id, reason: TcpEnd::NotValidated }]);
    assert_eq!(commands(&mut tcp), [StreamCommand::Abort { id }]);
}

#[test]
fn a_flood_of_connections_crowds_itself_out_and_leaves_the_valid_ones() {
    let (mut tcp, listener, local) = listening(TcpType::Passive);
    let valid = accept(&mut tcp, listener, local, 0);
    tcp.validate(valid);
    for n in 1..=1_000 {
        accept(&mut tcp, listener, local, n);
        events(&mut tcp);
        commands(&mut tcp);
        assert!(tcp.connections.len() <= 1 + MAX_UNVALIDATED);
    }
    assert!(tcp.is_open(valid));
    let newest = StreamId::accepted(1_000);
    assert!(tcp.is_open(newest));
    assert_eq!(tcp.stats().crowded_out, 1_000 - u64::try_from(MAX_UNVALIDATED).unwrap());
}

#[test]
fn listeners_and_connections_are_bounded() {
    let mut tcp = connections();
    for _ in 0..MAX_LISTENERS {
        tcp.listen(NOW, at("10.0.0.2:0"), TcpType::Passive).unwrap();
    }
    assert_eq!(tcp.listen(NOW, at("10.0.0.2:0"), TcpType::So), Err(TcpError::TooMany));
    for n in 0..MAX_CONNECTIONS {
        let remote = SocketAddr::from(([192, 0, 2, 1], 1_000 + u16::try_from(n).unwrap()));
        tcp.connect(NOW, here(), remote, TcpType::Active).unwrap();
    }
    assert_eq!(tcp.connect(NOW, here(), there(), TcpType::Active), Err(TcpError::TooMany));
}

#[test]
fn data_is_refused_while_too_much_is_unsent() {
    let (mut tcp, id) = opened();
    let mut buffer = b"before".to_vec();
    let data = |buffer: &mut Vec<u8>| buffer.extend(b"data");
    let send = StreamCommand::Send { id, size: 6 };
    assert_eq!(tcp.write(id, &mut buffer, data), Ok(send.clone()));
    tcp.handle_stream(NOW, StreamInput::Unsent { id, bytes: MAX_UNSENT });
    assert_eq!(tcp.write(id, &mut buffer, data), Err(WriteError::Full));
    assert_eq!(buffer, b"before\0\x04data");
    tcp.handle_stream(NOW, StreamInput::Unsent { id, bytes: 0 });
    assert_eq!(tcp.write(id, &mut buffer, data), Ok(send));
    assert_eq!(tcp.stats().unsent, 1);
}

#[test]
fn nothing_is_written_to_what_is_not_open() {
    let mut tcp = connections();
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    assert_eq!(tcp.write(id, &mut Vec::new(), |_| {}), Err(WriteError::NotOpen));
    let (mut tcp, id) = opened();
    tcp.close(NOW, id);
    assert_eq!(commands(&mut tcp), [StreamCommand::Close { id }]);
    assert_eq!(tcp.write(id, &mut Vec::new(), |_| {}), Err(WriteError::NotOpen));
    assert!(!tcp.handle_stream(NOW, StreamInput::Received { id, bytes: b"x" }));
    let (mut tcp, id) = opened();
    let long = |buffer: &mut Vec<u8>| buffer.resize(MAX_FRAME + 3, 0);
    assert_eq!(tcp.write(id, &mut Vec::new(), long), Err(WriteError::TooLong));
}

#[test]
fn a_listener_that_stops_takes_its_connections_along() {
    let (mut tcp, listener, local) = listening(TcpType::Passive);
    let accepted = accept(&mut tcp, listener, local, 0);
    let ours = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    commands(&mut tcp);
    tcp.stop_listening(NOW, local);
    let close = |id| StreamCommand::Close { id };
    assert_eq!(commands(&mut tcp), [close(listener), close(accepted)]);
    tcp.close_all(NOW);
    assert_eq!(commands(&mut tcp), [close(ours)]);
    assert_eq!(tcp.poll_timeout(), None);
}

#[test]
fn streams_of_others_are_none_of_ours() {
    let mut tcp = Connections::new(TcpConfig { first_stream: 100, ..TcpConfig::default() }, NOW);
    let id = tcp.connect(NOW, here(), there(), TcpType::Active).unwrap();
    assert_eq!(id, StreamId::own(100));
    let other = StreamId::own(0);
    for input in [
        StreamInput::Listening { id: other, local: here() },
        StreamInput::Connected { id: other, local: here(), remote: there() },
        StreamInput::Accepted { listener: other, id: other, local: here(), remote: there() },
        StreamInput::Received { id: other, bytes: b"x" },
        StreamInput::Unsent { id: other, bytes: 1 },
        StreamInput::Closed { id: other, reason: StreamEnd::Reset },
    ] {
        assert!(!tcp.handle_stream(NOW, input), "{input:?}");
    }
    assert_eq!(events(&mut tcp), []);
}

#[test]
fn what_a_driver_should_not_say_changes_nothing() {
    let (mut tcp, id) = opened();
    let again = StreamInput::Connected { id, local: here(), remote: there() };
    assert!(tcp.handle_stream(NOW, again));
    assert_eq!(events(&mut tcp), []);
    assert_eq!(tcp.endpoints(id), Some((at("10.0.0.2:40000"), there())));
}
