//! A gatherer and its servers, told as dialogues.

use base::{Ecn, SocketErrorKind};
use rstest::rstest;
use simnet::{
    Stream,
    laws::{self, Step},
};
use stun::wire::{Code, ErrorCode, MappedAddress, TransactionId, XorMappedAddress};

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn base(n: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 5_000 + n))
}

fn server(n: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, n], 3_478))
}

fn mapped() -> SocketAddr {
    at("192.0.2.1:40000")
}

fn gatherer(config: GatherConfig) -> Gatherer {
    Gatherer::new(config, Rng::from_seed([1; 32]), Instant::ZERO)
}

/// Everything it has to send now.
fn says(gatherer: &mut Gatherer) -> Vec<(Transmit, TransactionId)> {
    std::iter::from_fn(|| {
        let mut buffer = Vec::new();
        let transmit = gatherer.poll_transmit(gatherer.now, &mut buffer)?;
        Some((transmit, Message::parse(&buffer).unwrap().transaction_id()))
    })
    .collect()
}

fn events(gatherer: &mut Gatherer) -> Vec<GatherEvent> {
    std::iter::from_fn(|| gatherer.poll_event()).collect()
}

/// Everything it sends until `until`, with when.
fn lives(gatherer: &mut Gatherer, until: Instant) -> Vec<(u128, Transmit, TransactionId)> {
    let mut sent = Vec::new();
    loop {
        let now = gatherer.now;
        let said = says(gatherer).into_iter();
        sent.extend(said.map(|(transmit, id)| (now.elapsed().as_millis(), transmit, id)));
        match gatherer.poll_timeout() {
            Some(deadline) if deadline <= until => gatherer.handle_timeout(deadline),
            _ => return sent,
        }
    }
}

fn response(id: TransactionId, class: Class, fill: impl FnOnce(&mut Builder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, Method::BINDING, class, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}

fn tell(gatherer: &mut Gatherer, source: SocketAddr, destination: SocketAddr, payload: &[u8]) {
    let datagram = Datagram { source, destination, ecn: Ecn::NotEct, payload };
    gatherer.handle_datagram(gatherer.now, datagram);
}

/// Answers a request with an address.
fn answer(gatherer: &mut Gatherer, (sent, id): (Transmit, TransactionId), mapped: SocketAddr) {
    let bytes = response(id, Class::Success, |builder| {
        builder.put(&XorMappedAddress(mapped));
    });
    tell(gatherer, sent.destination, sent.source.unwrap(), &bytes);
}

/// One base that has asked one server.
fn asked() -> (Gatherer, Transmit, TransactionId) {
    let mut gatherer = gatherer(GatherConfig::default());
    gatherer.add_base(Instant::ZERO, base(0));
    gatherer.add_server(Instant::ZERO, server(1));
    let (transmit, id) = says(&mut gatherer).remove(0);
    (gatherer, transmit, id)
}

#[test]
fn transactions_begin_at_the_pace_and_are_repeated_by_themselves() {
    let mut gatherer = gatherer(GatherConfig::default());
    for n in 0..3 {
        gatherer.add_base(Instant::ZERO, base(n));
    }
    gatherer.add_server(Instant::ZERO, server(1));
    gatherer.add_server(Instant::ZERO, server(2));
    let sent = lives(&mut gatherer, Instant::ZERO + 60_000 * MS);
    let times: Vec<_> = sent.iter().map(|(time, ..)| *time).take(12).collect();
    assert_eq!(times, [0, 50, 100, 150, 200, 250, 500, 550, 600, 650, 700, 750]);
    // RFC 8489 §6.2.1 up to the end of our patience: at 0, 500, 1 500, 3 500 and 7 500 ms.
    assert_eq!(sent.len(), 6 * 5);
    assert!(gatherer.is_finished());
    assert_eq!(gatherer.poll_timeout(), None);
}

#[rstest]
#[case::default(Duration::from_millis(50), 10, 500)]
#[case::many(Duration::from_millis(50), 20, 1_000)]
#[case::slow(Duration::from_millis(200), 5, 1_000)]
fn first_retransmission_waits_for_all_to_have_begun(
    #[case] pacing: Duration,
    #[case] bases: u16,
    #[case] rto: u128,
) {
    let mut gatherer = gatherer(GatherConfig { pacing, ..GatherConfig::default() });
    for n in 0..bases {
        gatherer.add_base(Instant::ZERO, base(n));
    }
    // RFC 8445 §14.3 counts what there is to ask; the first may not know of all of it.
    gatherer.add_server(Instant::ZERO, server(1));
    let sent = lives(&mut gatherer, Instant::ZERO + 9_000 * MS);
    let first = sent[0].2;
    let again = sent.iter().filter(|(_, _, id)| *id == first).nth(1).unwrap();
    assert_eq!(again.0, rto);
}

#[test]
fn pace_is_never_below_five_milliseconds() {
    let mut gatherer = gatherer(GatherConfig { pacing: Duration::ZERO, ..GatherConfig::default() });
    for n in 0..64 {
        gatherer.add_base(Instant::ZERO, base(n));
    }
    gatherer.add_server(Instant::ZERO, server(1));
    let sent = lives(&mut gatherer, Instant::ZERO + 400 * MS);
    let times: Vec<_> = sent.iter().map(|(time, ..)| *time).collect();
    assert_eq!(times, (0..64).map(|n| n * 5).collect::<Vec<_>>());
}

#[test]
fn a_check_of_the_agent_takes_the_slot() {
    let mut gatherer = gatherer(GatherConfig::default());
    gatherer.postpone(Instant::ZERO + 20 * MS);
    gatherer.add_base(Instant::ZERO, base(0));
    gatherer.add_server(Instant::ZERO, server(1));
    assert_eq!(says(&mut gatherer), []);
    assert_eq!(gatherer.poll_timeout(), Some(Instant::ZERO + 20 * MS));
    gatherer.handle_timeout(Instant::ZERO + 20 * MS);
    assert_eq!(says(&mut gatherer).len(), 1);
    assert_eq!(gatherer.next_slot(), Instant::ZERO + 70 * MS);
}

#[test]
fn requests_are_bare() {
    let mut gatherer = asked().0;
    gatherer.begin_again(Instant::ZERO + 50 * MS);
    let mut bytes = Vec::new();
    gatherer.poll_transmit(gatherer.now, &mut bytes).unwrap();
    assert_eq!(bytes.len(), stun::wire::HEADER_LENGTH);
}

#[test]
fn bases_ask_servers_of_their_family_alone() {
    let mut gatherer = gatherer(GatherConfig::default());
    gatherer.add_base(Instant::ZERO, base(0));
    gatherer.add_base(Instant::ZERO, at("[2001:db8::2]:5000"));
    gatherer.add_server(Instant::ZERO, server(1));
    gatherer.add_server(Instant::ZERO, at("[2001:db8::1]:3478"));
    let sent = lives(&mut gatherer, Instant::ZERO + 400 * MS);
    assert_eq!(sent.len(), 2);
    for (_, transmit, _) in sent {
        assert_eq!(transmit.source.unwrap().is_ipv4(), transmit.destination.is_ipv4());
    }
}

#[test]
fn same_address_from_a_second_server_is_redundant_and_another_is_not() {
    let mut gatherer = gatherer(GatherConfig::default());
    gatherer.add_base(Instant::ZERO, base(0));
    for n in 1..=3 {
        gatherer.add_server(Instant::ZERO, server(n));
    }
    let sent = lives(&mut gatherer, Instant::ZERO + 150 * MS);
    for (address, (_, transmit, id)) in [mapped(), mapped(), at("192.0.2.1:40001")].iter().zip(sent)
    {
        answer(&mut gatherer, (transmit, id), *address);
    }
    let found = |server, mapped| GatherEvent::Found { base: base(0), server, mapped };
    let expected = [found(server(1), mapped()), found(server(3), at("192.0.2.1:40001"))];
    assert_eq!(events(&mut gatherer), expected);
    assert_eq!(gatherer.stats().redundant, 1);
    assert!(gatherer.is_finished());
}

#[rstest]
#[case::shown(false, 0)]
#[case::hidden_behind_a_name(true, 1)]
fn unmapped_base_is_redundant_unless_its_address_is_hidden(
    #[case] reports_unmapped: bool,
    #[case] expected: usize,
) {
    let mut gatherer = gatherer(GatherConfig { reports_unmapped, ..GatherConfig::default() });
    gatherer.add_base(Instant::ZERO, base(0));
    gatherer.add_server(Instant::ZERO, server(1));
    let asked = says(&mut gatherer).remove(0);
    answer(&mut gatherer, asked, base(0));
    assert_eq!(events(&mut gatherer).len(), expected);
    assert!(gatherer.is_finished());
}

#[test]
fn servers_older_than_the_cookie_are_understood() {
    let (mut gatherer, sent, id) = asked();
    let bytes = response(id, Class::Success, |builder| {
        builder.put(&MappedAddress(mapped()));
    });
    tell(&mut gatherer, sent.destination, base(0), &bytes);
    assert!(matches!(events(&mut gatherer)[..], [GatherEvent::Found { .. }]));
}

#[test]
fn answers_from_elsewhere_or_to_elsewhere_say_nothing() {
    let (mut gatherer, sent, id) = asked();
    let good = response(id, Class::Success, |builder| {
        builder.put(&XorMappedAddress(at("203.0.113.66:6")));
    });
    let other = response(TransactionId::new([9; 12]), Class::Success, |builder| {
        builder.put(&XorMappedAddress(at("203.0.113.66:6")));
    });
    tell(&mut gatherer, server(9), base(0), &good);
    tell(&mut gatherer, server(1), base(1), &good);
    tell(&mut gatherer, server(1), base(0), &other);
    tell(&mut gatherer, server(1), base(0), b"junk");
    assert_eq!(events(&mut gatherer), []);
    assert_eq!((gatherer.stats().forged, gatherer.stats().ignored), (2, 2));
    answer(&mut gatherer, (sent, id), mapped());
    assert_eq!(events(&mut gatherer).len(), 1);
}

#[test]
fn an_answer_counts_once() {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), mapped());
    answer(&mut gatherer, (sent, id), at("203.0.113.66:6"));
    assert_eq!(events(&mut gatherer).len(), 1);
    assert_eq!(gatherer.stats().ignored, 1);
}

#[rstest]
#[case("0.0.0.0:5")]
#[case("224.0.0.251:5353")]
#[case("255.255.255.255:5")]
#[case("192.0.2.1:0")]
#[case("[ff02::1]:5")]
fn addresses_nobody_can_have_are_failures(#[case] address: &str) {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), at(address));
    assert!(matches!(&events(&mut gatherer)[..], [GatherEvent::Failed(_)]));
    assert!(gatherer.is_finished());
}

#[test]
fn an_error_is_told_with_its_code_and_words() {
    let (mut gatherer, sent, id) = asked();
    let bytes = response(id, Class::Error, |builder| {
        builder.put(&ErrorCode { code: Code::TRY_ALTERNATE, reason: "over there" });
        builder.put(&stun::wire::AlternateServer(server(7)));
    });
    tell(&mut gatherer, sent.destination, base(0), &bytes);
    let failure = GatherFailure {
        base: Some(base(0)),
        server: server(1),
        code: 300,
        text: "over there".to_owned(),
    };
    assert_eq!(events(&mut gatherer), [GatherEvent::Failed(failure)]);
    // RFC 8445 §5.1.1.2: the other server is not asked.
    assert_eq!(lives(&mut gatherer, Instant::ZERO + 60_000 * MS), []);
}

#[test]
fn a_server_nobody_reaches_is_told_once() {
    let mut gatherer = gatherer(GatherConfig::default());
    for n in 0..3 {
        gatherer.add_base(Instant::ZERO, base(n));
    }
    gatherer.add_server(Instant::ZERO, server(1));
    lives(&mut gatherer, Instant::ZERO + 9_599 * MS);
    assert_eq!(events(&mut gatherer), []);
    lives(&mut gatherer, Instant::ZERO + 9_600 * MS);
    let expected = GatherFailure::unreachable(server(1));
    assert_eq!((expected.code, expected.base), (701, None));
    assert_eq!(events(&mut gatherer), [GatherEvent::Failed(expected)]);
    lives(&mut gatherer, Instant::ZERO + 100_000 * MS);
    assert_eq!(events(&mut gatherer), []);
}

#[test]
fn a_server_that_answers_one_base_is_not_unreachable() {
    let mut gatherer = gatherer(GatherConfig::default());
    gatherer.add_base(Instant::ZERO, base(0));
    gatherer.add_base(Instant::ZERO, base(1));
    gatherer.add_server(Instant::ZERO, server(1));
    let first = says(&mut gatherer).remove(0);
    answer(&mut gatherer, first, mapped());
    lives(&mut gatherer, Instant::ZERO + 10_000 * MS);
    assert!(gatherer.is_finished());
    assert_eq!(events(&mut gatherer).len(), 1);
}

#[rstest]
#[case::refused(SocketErrorKind::PortUnreachable, true)]
#[case::forbidden(SocketErrorKind::Prohibited, true)]
#[case::no_route_now(SocketErrorKind::NetworkUnreachable, false)]
fn hard_errors_end_it_at_once_and_soft_ones_do_not(
    #[case] kind: SocketErrorKind,
    #[case] expected: bool,
) {
    let (mut gatherer, ..) = asked();
    let error = SocketError { local: base(0), remote: server(1), kind };
    gatherer.handle_socket_error(Instant::ZERO, error);
    assert_eq!(gatherer.is_finished(), expected);
    assert_eq!(events(&mut gatherer).len(), usize::from(expected));
}

#[test]
fn bindings_are_kept_until_the_pairs_are_chosen() {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), mapped());
    for round in 1..=3_u64 {
        let now = Instant::ZERO + 15_000 * MS * u32::try_from(round).unwrap();
        let again = lives(&mut gatherer, now);
        let [(time, transmit, id)] = again[..] else { panic!("{again:?}") };
        assert_eq!(time, now.elapsed().as_millis());
        answer(&mut gatherer, (transmit, id), mapped());
    }
    assert_eq!(events(&mut gatherer).len(), 1);
    gatherer.conclude(gatherer.now);
    assert_eq!(lives(&mut gatherer, Instant::ZERO + 200_000 * MS), []);
}

#[test]
fn a_binding_that_moved_is_told_and_one_that_fell_silent_is_asked_again() {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), mapped());
    let silent = lives(&mut gatherer, Instant::ZERO + 24_500 * MS);
    assert_eq!(silent.len(), 5);
    let later = lives(&mut gatherer, Instant::ZERO + 39_500 * MS);
    let (_, transmit, id) = later[0];
    answer(&mut gatherer, (transmit, id), at("192.0.2.1:40001"));
    assert!(gatherer.is_finished());
    assert_eq!(events(&mut gatherer).len(), 2);
}

#[test]
fn a_base_that_is_gone_is_asked_about_no_more() {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), mapped());
    gatherer.remove_base(Instant::ZERO, base(0));
    assert_eq!(events(&mut gatherer), []);
    assert_eq!(lives(&mut gatherer, Instant::ZERO + 60_000 * MS), []);
}

#[test]
fn a_new_generation_asks_anew() {
    let (mut gatherer, sent, id) = asked();
    answer(&mut gatherer, (sent, id), mapped());
    gatherer.conclude(Instant::ZERO);
    gatherer.begin_again(Instant::ZERO + 1_000 * MS);
    assert!(!gatherer.is_finished());
    let (again, other) = says(&mut gatherer).remove(0);
    assert_ne!(other, id);
    answer(&mut gatherer, (again, other), mapped());
    assert_eq!(events(&mut gatherer).len(), 1);
}

#[test]
fn bases_servers_and_their_pairs_are_bounded() {
    let mut gatherer = gatherer(GatherConfig::default());
    for n in 0..200 {
        gatherer.add_base(Instant::ZERO, base(n));
    }
    for n in 0..20 {
        gatherer.add_server(Instant::ZERO, server(n));
    }
    assert_eq!((gatherer.bases.len(), gatherer.servers.len()), (MAX_BASES, MAX_STUN_SERVERS));
    assert_eq!(gatherer.probes.len(), MAX_PROBES);
    assert_eq!(gatherer.stats().left_out, 136 + 12 + 256);
}

#[derive(Clone, Debug)]
enum Command {
    Base(u16),
    Server(u8),
    Remove(u16),
    Conclude,
    Again,
}

#[test]
fn keeps_the_laws() {
    for seed in 0..60 {
        let mut stream = Stream::new(seed, "gatherer");
        let number = |stream: &mut Stream, bound| u16::try_from(stream.below(bound)).unwrap();
        let datagram = |stream: &mut Stream| {
            let bytes = response(TransactionId::new([1; 12]), Class::Success, |_| {});
            (server(1), base(number(stream, 4)), bytes)
        };
        let command = |stream: &mut Stream| {
            Some(match stream.below(8) {
                0..=2 => Command::Base(number(stream, 4)),
                3 | 4 => Command::Server(u8::try_from(stream.below(3)).unwrap()),
                5 => Command::Remove(number(stream, 4)),
                6 => Command::Conclude,
                _ => Command::Again,
            })
        };
        let mut script = laws::script(&mut stream, 60, datagram, command);
        script.insert(0, Step::Command(Command::Base(0)));
        script.insert(1, Step::Command(Command::Server(1)));
        let obey = |gatherer: &mut Gatherer, now, command: &Command| match command {
            Command::Base(n) => gatherer.add_base(now, base(*n)),
            Command::Server(n) => gatherer.add_server(now, server(*n)),
            Command::Remove(n) => gatherer.remove_base(now, base(*n)),
            Command::Conclude => gatherer.conclude(now),
            Command::Again => gatherer.begin_again(now),
        };
        laws::check(|| gatherer(GatherConfig::default()), obey, &script)
            .unwrap_or_else(|broken| panic!("{seed}: {broken}"));
    }
}
