//! Bytes that no peer would send: reliability rows S01, S04, S06, S09, S19, S20.

use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::{
    AssociationState, CloseReason, DropReason, Misdeed, Tsn,
    wire::{ChunkType, Init, Parameter, ParameterType},
};

/// The packets of a handshake: INIT, INIT ACK, COOKIE ECHO, COOKIE ACK.
fn handshake() -> Vec<Vec<u8>> {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.run_for(Duration::from_secs(1));
    pair.packets.into_iter().map(|(_, packet)| packet).collect()
}

#[test]
fn a_cookie_with_any_bit_flipped_is_dropped_silently_in_every_state() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    let init = pair.poll_all(A).remove(0);
    pair.hand(B, &init);
    let answer = pair.poll_all(B).remove(0);
    pair.hand(A, &answer);
    let echo = pair.poll_all(A).remove(0);
    let cookie = HEADER_LENGTH + 4..HEADER_LENGTH + 4 + 65;
    for stands in [false, true] {
        if stands {
            pair.hand(B, &echo);
            assert_eq!(pair.says(B), ["COOKIE ACK"]);
        }
        let state = pair.ends[B].state();
        for bit in cookie.start * 8..cookie.end * 8 {
            let mut forged = echo.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            wire::seal(&mut forged);
            pair.hand(B, &forged);
            assert!(pair.says(B).is_empty(), "bit {bit}");
            assert_eq!(pair.ends[B].state(), state);
        }
    }
    assert_eq!(pair.ends[B].stats().dropped.count(DropReason::BadCookie), 2 * 65 * 8);
}

#[test]
fn a_good_cookie_under_another_tag_is_dropped_silently() {
    let packets = handshake();
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    let init = pair.poll_all(A).remove(0);
    pair.hand(B, &init);
    pair.poll_all(B);
    let mut echo = packets[2].clone();
    echo[4] ^= 1;
    wire::seal(&mut echo);
    pair.hand(B, &echo);
    assert!(pair.says(B).is_empty());
    assert_eq!(pair.ends[B].state(), AssociationState::Closed);
}

/// Every packet of a handshake cut at every byte and with every length field changed.
#[test]
fn cut_and_crooked_packets_do_no_harm() {
    for (number, whole) in handshake().iter().enumerate() {
        for stop in 0..whole.len() {
            let mut cut = whole[..stop].to_vec();
            wire::seal(&mut cut);
            feed(&cut);
            for value in [0, 1, 3, 4, 5, 0x7f, 0xff] {
                let mut crooked = whole.clone();
                crooked[stop] = value;
                wire::seal(&mut crooked);
                feed(&crooked);
            }
        }
        assert!(number < 4);
    }
}

/// Gives `packet` to an end that waits, to one that asks and to one that stands.
fn feed(packet: &[u8]) {
    let mut pair = Pair::new(&quiet());
    pair.hand(B, packet);
    pair.ends[A].connect(pair.now).unwrap();
    pair.hand(A, packet);
    for end in [A, B] {
        assert!(pair.poll_all(end).len() <= 3);
    }
}

#[rstest]
#[case::no_tag(0, 100_000, 1, 1, None)]
#[case::no_outgoing(7, 100_000, 0, 1, Some("ABORT (invalid mandatory parameter)"))]
#[case::no_incoming(7, 100_000, 1, 0, Some("ABORT (invalid mandatory parameter)"))]
#[case::tiny_window(7, 1_499, 1, 1, Some("ABORT (invalid mandatory parameter)"))]
fn an_init_that_none_may_send(
    #[case] initiate_tag: u32,
    #[case] a_rwnd: u32,
    #[case] outbound_streams: u16,
    #[case] inbound_streams: u16,
    #[case] answer: Option<&str>,
) {
    for stands in [false, true] {
        let mut pair = if stands { Pair::standing(&quiet()) } else { Pair::new(&quiet()) };
        let state = pair.ends[B].state();
        let init = Init {
            initiate_tag,
            a_rwnd,
            outbound_streams,
            inbound_streams,
            initial_tsn: Tsn::new(1),
            parameters: [].as_slice().into(),
        };
        pair.hand(B, &packet(0, &[Chunk::Init(init)]));
        let said = pair.poll_all(B);
        assert_eq!(said.iter().map(|p| show(p)).next().as_deref(), answer);
        let tags = said.iter().map(|p| Packet::parse(p).unwrap().header.verification_tag);
        assert!(tags.eq(answer.map(|_| 7)), "under the tag that the INIT names");
        assert_eq!(pair.ends[B].state(), state);
        assert_eq!(pair.ends[B].stats().dropped.count(DropReason::BadInit), 1);
    }
}

/// An INIT ACK with these fields and parameters, and what comes of it.
fn answer_with(init: &Init<'_>) -> (Pair, Vec<String>) {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    pair.poll_all(A);
    let bytes = pair.packet_to(A, &[Chunk::InitAck(*init)]);
    pair.hand(A, &bytes);
    let said = pair.says(A);
    (pair, said)
}

#[test]
fn an_init_ack_that_none_may_send_ends_set_up() {
    let cookie = [Parameter::StateCookie(&[1; 10])];
    let good = Init {
        initiate_tag: 7,
        a_rwnd: 100_000,
        outbound_streams: 1,
        inbound_streams: 1,
        initial_tsn: Tsn::new(u32::MAX),
        parameters: cookie.as_slice().into(),
    };
    let (pair, said) = answer_with(&good);
    assert_eq!(pair.ends[A].state(), AssociationState::CookieEchoed);
    assert_eq!(said, ["COOKIE ECHO len=10"]);
    let host = [Parameter::HostName(b"example.org"), cookie[0]];
    let cases = [
        (
            Init { initiate_tag: 0, ..good },
            Misdeed::ZeroTag,
            "ABORT T (invalid mandatory parameter)",
        ),
        (
            Init { outbound_streams: 0, ..good },
            Misdeed::ZeroStreams,
            "ABORT (invalid mandatory parameter)",
        ),
        (
            Init { inbound_streams: 0, ..good },
            Misdeed::ZeroStreams,
            "ABORT (invalid mandatory parameter)",
        ),
        (
            Init { parameters: [].as_slice().into(), ..good },
            Misdeed::NoCookie,
            "ABORT (missing mandatory parameter state cookie)",
        ),
        (
            Init { parameters: host.as_slice().into(), ..good },
            Misdeed::HostName,
            "ABORT (unresolvable address len=0)",
        ),
    ];
    for (init, misdeed, answer) in cases {
        let (mut pair, said) = answer_with(&init);
        assert_eq!(said, [answer]);
        assert_eq!(pair.ends[A].state(), AssociationState::Closed);
        let told = Event::Closed(CloseReason::Misdeed(misdeed));
        assert_eq!(pair.ends[A].poll_event(), Some(told));
    }
    let (pair, said) = answer_with(&Init { a_rwnd: 1_499, ..good });
    assert_eq!(said, ["ABORT (invalid mandatory parameter)"]);
    assert_eq!(pair.ends[A].state(), AssociationState::CookieWait, "RFC 9260 §3.3.3");
}

#[test]
fn unknown_parameters_are_dealt_with_as_their_types_say() {
    let mut table = String::new();
    for kind in [0x3ffd_u16, 0x7ffd, 0xbffd, 0xfffd, 0x8005, 0xc007] {
        let mut bytes = handshake()[0].clone();
        let at = HEADER_LENGTH + 20;
        let tail = bytes.split_off(at);
        let [high, low] = kind.to_be_bytes();
        bytes.extend_from_slice(&[high, low, 0, 6, 1, 2, 0, 0]);
        bytes.extend_from_slice(&tail);
        let length = u16::from_be_bytes([bytes[HEADER_LENGTH + 2], bytes[HEADER_LENGTH + 3]]) + 8;
        bytes[HEADER_LENGTH + 2..HEADER_LENGTH + 4].copy_from_slice(&length.to_be_bytes());
        wire::seal(&mut bytes);
        let mut pair = Pair::new(&quiet());
        pair.hand(B, &bytes);
        let answer = pair.poll_all(B).remove(0);
        let Some(Ok(Chunk::InitAck(init))) = Packet::parse(&answer).unwrap().chunks().next() else {
            panic!("no INIT ACK")
        };
        let reported = init.parameters.iter().any(|p| matches!(p, Ok(Parameter::Unrecognized(_))));
        // Whether what follows was read shows in what the cookie remembers.
        let cookie = init.parameters.iter().find_map(|p| match p {
            Ok(Parameter::StateCookie(cookie)) => Some(cookie.to_vec()),
            _ => None,
        });
        let features = pair.ends[B].cookies.open(&cookie.unwrap()).unwrap().peer.features;
        let went_on = features.reconfig;
        writeln!(table, "{kind:#06x}: reported={reported} went on={went_on}").unwrap();
        let _ = ParameterType::new(kind);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn unknown_parameters_of_an_init_ack_are_reported_with_the_cookie() {
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect(pair.now).unwrap();
    let init = pair.poll_all(A).remove(0);
    pair.hand(B, &init);
    let mut answer = pair.poll_all(B).remove(0);
    answer.extend_from_slice(&[0xff, 0xfd, 0, 5, 9, 0, 0, 0]);
    let length = u16::try_from(answer.len() - HEADER_LENGTH).unwrap();
    answer[HEADER_LENGTH + 2..HEADER_LENGTH + 4].copy_from_slice(&length.to_be_bytes());
    wire::seal(&mut answer);
    pair.hand(A, &answer);
    assert_eq!(pair.says(A), ["COOKIE ECHO len=65 | ERROR (unrecognized parameters len=8)"]);
}

/// Reliability row S02: nothing of where an end is goes into its packets.
#[test]
fn no_address_leaves_and_none_is_acted_on() {
    for packet in handshake() {
        for chunk in Packet::parse(&packet).unwrap().chunks() {
            let (Ok(Chunk::Init(init)) | Ok(Chunk::InitAck(init))) = chunk else { continue };
            let is_address = |p| {
                matches!(p, Ok(Parameter::Ipv4(_) | Parameter::Ipv6(_) | Parameter::HostName(_)))
            };
            assert!(!init.parameters.iter().any(is_address));
        }
    }
}

#[rstest]
fn round_trips_of_any_length_do_no_harm(
    #[values(0, 1, 1_000, 1_u64 << 40, 1 << 55)] nanos: u64,
    #[values(false, true)] beats: bool,
) {
    let interval = beats.then_some(Duration::from_secs(1));
    let config = Config { heartbeat_interval: interval, cookie_life: Duration::MAX, ..quiet() };
    let mut pair = Pair::new(&config);
    pair.ends[A].connect(pair.now).unwrap();
    pair.send(A, 0, &[0; 5_000]);
    for _ in 0..10 {
        for from in [A, B] {
            for packet in pair.poll_all(from) {
                pair.now += Duration::from_nanos(nanos);
                pair.hand(1 - from, &packet);
            }
        }
        for end in [A, B] {
            if let Some(at) = pair.ends[end].poll_timeout() {
                let now = pair.now.max(at);
                pair.ends[end].handle_timeout(now);
            }
        }
    }
    assert!(pair.ends[A].stats().rto <= Duration::from_secs(10));
}

#[test]
fn a_clock_that_jumps_by_a_hundred_years_ends_nothing_that_answers() {
    let mut pair = Pair::standing(&quiet());
    pair.now += Duration::from_secs(3_000_000_000);
    pair.send(A, 0, b"after a long sleep");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.messages[B].len(), 1);
    pair.now = Instant::MAX;
    pair.send(A, 0, b"at the end of time");
    pair.drain();
    for end in [A, B] {
        pair.ends[end].handle_timeout(Instant::MAX);
        let _ = pair.ends[end].poll_timeout();
    }
}

/// Reliability row S20.
#[test]
fn sixty_five_thousand_streams_cost_nothing_until_they_are_used() {
    let pair = Pair::standing(&quiet());
    assert_eq!(pair.ends[A].outgoing_streams(), 65_535);
    let text = format!("{:?}", pair.ends[A]);
    assert!(text.len() < 20_000, "{} bytes of state", text.len());
}

#[test]
fn the_number_of_the_first_chunk_may_be_any() {
    for tsn in [0, 1, 0x7fff_fff0, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, u32::MAX] {
        let mut pair = Pair::new(&quiet());
        pair.ends[A].local.tsn = Tsn::new(tsn);
        pair.ends[B].local.tsn = Tsn::new(tsn.wrapping_neg());
        pair.network =
            Box::new(|number, _, _| if number % 11 == 10 { Fate::Lose } else { Fate::Arrive });
        for end in [A, B] {
            pair.ends[end].connect(pair.now).unwrap();
            for _ in 0..50 {
                pair.send(end, 0, &[1; 3_000]);
            }
        }
        pair.run_for(Duration::from_secs(60));
        assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [50, 50], "{tsn}");
        let _ = ChunkType::DATA;
    }
}
