//! ClientHellos in several fragments before a server that wants cookies.

use std::{net::SocketAddr, ops::Range};

use base::{Machine as _, Rng};
use crypto::NamedGroup;
use dtls::{Association, CloseReason, Config, DropReason, Event, Misdeed, Side, Version};
use rstest::rstest;

use crate::{
    support::Pair,
    world::{World, address, with_cookies},
};

/// The header of a record without protection.
const RECORD_HEADER: usize = 13;
/// The header of a fragment.
const FRAGMENT_HEADER: usize = 12;
/// The fields of a ClientHello up to the end of its random.
const RANDOM_END: usize = 34;

/// A client whose one key share is longer than a datagram, and a server that wants cookies.
fn scattered(oldest: Version, mtu: usize) -> [Config; 2] {
    let mut configs = with_cookies(Version::Dtls13);
    configs.iter_mut().for_each(|config| config.min_version = oldest);
    configs[0].key_shares = vec![NamedGroup::X25519MlKem768];
    configs[0].mtu = mtu;
    configs
}

fn home() -> SocketAddr {
    address("203.0.113.7:7")
}

/// What a client with this configuration sends first.
fn first_flight(config: &Config) -> Vec<Vec<u8>> {
    let mut world = World::new(config.clone());
    world.join(home(), config, 2);
    world.fetch(home())
}

/// The body of the message whose fragments these packets hold, one each.
fn body(packets: &[Vec<u8>]) -> Vec<u8> {
    packets.iter().flat_map(|packet| &packet[RECORD_HEADER + FRAGMENT_HEADER..]).copied().collect()
}

/// Another fragment of the message that `packet` has a fragment of.
fn fragment(packet: &[u8], body: &[u8], range: Range<usize>) -> Vec<u8> {
    let u24 = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
    let bytes = &body[range.clone()];
    let mut record = packet[..RECORD_HEADER - 2].to_vec();
    // Its own number, or it is taken for a repetition.
    record[10] = record[10].wrapping_add(u8::from(range.start > 0) * 100);
    record.extend(u16::try_from(FRAGMENT_HEADER + bytes.len()).unwrap().to_be_bytes());
    record.extend(&packet[RECORD_HEADER..RECORD_HEADER + 6]);
    record.extend(u24(range.start));
    record.extend(u24(bytes.len()));
    record.extend(bytes);
    record
}

fn assert_data_flows(world: &mut World) {
    let mut packet = Vec::new();
    let now = world.now;
    world.clients.get_mut(&home()).unwrap().send(now, b"hello", &mut packet).unwrap();
    world.deliver(home(), &packet);
    world.flush();
    assert_eq!(world.data(), [b"hello".to_vec()]);
}

#[rstest]
fn a_share_longer_than_a_datagram_passes_the_gate(
    #[values(Version::Dtls12, Version::Dtls13)] oldest: Version,
    #[values(1_200, 300)] mtu: usize,
) {
    let [client, server] = scattered(oldest, mtu);
    assert!(first_flight(&client).len() > 1);
    let mut world = World::new(server);
    world.join(home(), &client, 2);
    world.flush();
    let session = world.clients.get(&home()).unwrap().session();
    assert!(world.clients.get(&home()).unwrap().is_connected(), "without a timer");
    assert_eq!(session.group(), Some(NamedGroup::X25519MlKem768));
    assert!(session.retried());
    assert_eq!(world.listener.len(), 1);
    assert_data_flows(&mut world);
}

#[rstest]
fn fragments_may_come_in_any_order(
    #[values(Version::Dtls12, Version::Dtls13)] oldest: Version,
    #[values(1_200, 300)] mtu: usize,
) {
    let [client, server] = scattered(oldest, mtu);
    let count = first_flight(&client).len();
    for turn in 0..count {
        for reverses in [false, true] {
            let mut world = World::new(server.clone());
            world.order = Box::new(move |packets| {
                let by = turn.min(packets.len());
                packets.rotate_left(by);
                if reverses {
                    packets.reverse();
                }
            });
            world.join(home(), &client, 2);
            world.connect(home());
            assert_eq!(world.listener.len(), 1);
            assert_data_flows(&mut world);
        }
    }
}

#[rstest]
fn a_fragment_that_begins_no_hello_gets_no_answer(
    #[values(Version::Dtls12, Version::Dtls13)] oldest: Version,
) {
    let [client, server] = scattered(oldest, 300);
    let packets = first_flight(&client);
    let mut world = World::new(server);
    packets[1..].iter().for_each(|packet| world.deliver(home(), packet));
    assert_eq!(world.answers(), Vec::<Vec<u8>>::new());
    assert!(world.listener.is_empty());
    let dropped = world.listener.dropped().count(DropReason::HelloFragment);
    assert_eq!(dropped, u64::try_from(packets.len() - 1).unwrap());
}

#[rstest]
fn nothing_is_kept_of_hellos_that_never_become_whole(
    #[values(Version::Dtls12, Version::Dtls13)] oldest: Version,
    #[values(1_200, 300)] mtu: usize,
) {
    let [client, server] = scattered(oldest, mtu);
    let hello = first_flight(&client).swap_remove(0);
    let mut world = World::new(server);
    for index in 0..10_000_u32 {
        let [_, b, c, d] = index.to_be_bytes();
        let source = SocketAddr::from(([198, 18, c, d], 1_000 + u16::from(b)));
        world.deliver(source, &hello);
        let answers = world.answers();
        let answered: usize = answers.iter().map(Vec::len).sum();
        assert!(answers.len() == 1 && answered <= hello.len(), "{answered} bytes");
    }
    assert!(world.listener.is_empty());
    assert_eq!(world.listener.poll_timeout(), None);
    assert_eq!(world.listener.poll_event(), None);
    assert_eq!(world.listener.dropped().total(), 0);
}

/// The first ClientHello cut after every byte: an answer in the version that the fragment tells, or none.
#[rstest]
fn a_first_fragment_is_answered_from_where_it_tells_the_version(
    #[values(Version::Dtls12, Version::Dtls13)] oldest: Version,
) {
    let [client, server] = scattered(oldest, 1_200);
    let packets = first_flight(&client);
    let body = body(&packets);
    let mut world = World::new(server);
    let mut told = None;
    for cut in 0..body.len() {
        let packet = fragment(&packets[0], &body, 0..cut);
        world.deliver(home(), &packet);
        let answers = world.answers();
        let hello = answers.first().map(|answer| answer[RECORD_HEADER]);
        // ServerHello, and never HelloVerifyRequest: what is not known yet is not taken for version 1.2.
        assert!(hello.is_none_or(|kind| kind == 2), "{hello:?} at {cut}");
        if hello.is_some() {
            told.get_or_insert(cut);
        }
        assert_eq!(told.is_some(), hello.is_some(), "at {cut}");
        assert!(answers.iter().all(|answer| answer.len() <= packet.len()));
        assert!(world.listener.is_empty());
    }
    let told = told.unwrap();
    assert!(told > RANDOM_END && told < 200, "{told}");
    let dropped = world.listener.dropped().count(DropReason::BadHello);
    assert_eq!(dropped, u64::try_from(told).unwrap());
}

/// The second ClientHello cut after every byte: no association before the cookie is in the fragment, and
/// one that puts together the rest from there on.
#[test]
fn a_cookie_counts_where_the_first_fragment_shows_it() {
    let [client, server] = scattered(Version::Dtls13, 1_200);
    let mut before = World::new(server.clone());
    before.join(home(), &client, 2);
    let packets = before.fetch(home());
    before.deliver(home(), &packets[0]);
    let answers = before.answers();
    before.clients.get_mut(&home()).unwrap().receive(before.now, &answers[0]);
    let packets = before.fetch(home());
    let body = body(&packets);
    let mut out_of_sight = 0;
    let mut admitted = None;
    for cut in 0..body.len() {
        let mut world = World::new(server.clone());
        world.deliver(home(), &fragment(&packets[0], &body, 0..cut));
        assert!(world.answers().is_empty(), "at {cut}");
        out_of_sight += world.listener.dropped().count(DropReason::CookieOutOfSight);
        let is_admitted = world.listener.len() == 1;
        if is_admitted {
            admitted.get_or_insert(cut);
        }
        assert_eq!(admitted.is_some(), is_admitted, "at {cut}");
        if is_admitted && cut % 97 == 0 {
            world.deliver(home(), &fragment(&packets[0], &body, cut..body.len()));
            assert!(!world.answers().is_empty(), "at {cut}");
        }
    }
    assert!(out_of_sight > 30 && admitted.is_some_and(|cut| cut < 200), "{admitted:?}");
}

/// The code covers what stands before the extensions, and the address.
#[rstest]
#[case::address(None)]
#[case::random(Some(10))]
#[case::suites(Some(41))]
fn a_cookie_of_another_hello_or_address_is_refused(#[case] flipped: Option<usize>) {
    let [client, server] = scattered(Version::Dtls13, 1_200);
    let mut world = World::new(server);
    world.join(home(), &client, 2);
    let packets = world.fetch(home());
    world.deliver(home(), &packets[0]);
    let answers = world.answers();
    world.clients.get_mut(&home()).unwrap().receive(world.now, &answers[0]);
    let mut packets = world.fetch(home());
    if let Some(at) = flipped {
        packets[0][RECORD_HEADER + FRAGMENT_HEADER + at] ^= 1;
    }
    let elsewhere = if flipped.is_none() { address("203.0.113.8:7") } else { home() };
    packets.iter().for_each(|packet| world.deliver(elsewhere, packet));
    assert!(world.listener.is_empty());
    // An alert: illegal_parameter.
    let answers = world.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0][0], &answers[0][RECORD_HEADER..]), (21, &[2, 47][..]));
}

#[test]
fn a_second_hello_in_fragments_may_follow_a_whole_one() {
    let [mut client, mut server] = with_cookies(Version::Dtls13);
    client.key_shares = vec![NamedGroup::X25519];
    server.groups = vec![NamedGroup::X25519MlKem768];
    let mut world = World::new(server);
    world.join(home(), &client, 2);
    world.flush();
    let client = world.clients.get(&home()).unwrap();
    assert!(client.is_connected());
    assert_eq!(client.session().group(), Some(NamedGroup::X25519MlKem768));
    assert_data_flows(&mut world);
}

#[test]
fn an_extension_that_changed_is_found_when_all_fragments_are_there() {
    let [mut client, mut server] = with_cookies(Version::Dtls13);
    client.alpn = vec![b"first".to_vec()];
    server.groups = vec![NamedGroup::X25519MlKem768];
    let mut pair = Pair::new([client, server]).on(|_, packet| {
        let mut packet = packet.clone();
        let is_second = packet.from == Side::Client && packet.bytes.get(18) == Some(&1);
        let at = packet.bytes.windows(5).position(|window| window == b"first");
        if let Some(at) = at.filter(|_| is_second) {
            packet.bytes[at] = b'F';
        }
        vec![packet]
    });
    pair.settle();
    let misdeed = CloseReason::Misdeed(Misdeed::SecondHelloChanged);
    assert_eq!(pair.closed(Side::Server), Some(misdeed));
}

#[rstest]
// A group in common, of which no share came: known when all of the second hello is there.
#[case::share(&[NamedGroup::X25519MlKem768, NamedGroup::X25519], 1)]
// None at all: the first fragment tells.
#[case::group(&[NamedGroup::X25519MlKem768], 0)]
fn a_client_without_a_common_share_is_refused(#[case] groups: &[NamedGroup], #[case] peers: usize) {
    let [mut client, mut server] = scattered(Version::Dtls13, 1_200);
    client.groups = groups.to_vec();
    server.groups = vec![NamedGroup::X25519];
    let mut world = World::new(server);
    world.join(home(), &client, 2);
    world.flush();
    let closed =
        |event: &Event| *event == Event::Closed(CloseReason::Misdeed(Misdeed::NoCommonGroup));
    let refused = world.events.iter().filter(|(_, event)| closed(event)).count();
    assert_eq!(refused, peers);
    assert!(world.listener.is_empty());
    assert!(!world.clients.get(&home()).unwrap().is_connected());
}

#[test]
fn a_client_that_begins_anew_need_not_wait_for_half_a_hello() {
    let [client, server] = scattered(Version::Dtls13, 300);
    let mut world = World::new(server);
    world.join(home(), &client, 2);
    // Of each flight, the first fragment arrives.
    for _ in 0..2 {
        let packets = world.fetch(home());
        world.deliver(home(), &packets[0]);
        let (now, answers) = (world.now, world.answers());
        let old: &mut Association = world.clients.get_mut(&home()).unwrap();
        answers.iter().for_each(|answer| old.receive(now, answer));
    }
    assert_eq!(world.listener.len(), 1);
    world.join(home(), &client, 3);
    world.flush();
    assert!(world.clients.get(&home()).unwrap().is_connected());
    assert_eq!(world.listener.len(), 1);
}

/// A hello of version 1.2 alone has no supported_versions: where no suite of version 1.3 is in it, that is
/// known from the first fragment.
#[test]
fn an_old_client_in_fragments_is_asked_to_verify() {
    let [client, mut server] = with_cookies(Version::Dtls12);
    server.max_version = Version::Dtls13;
    let packets = first_flight(&client);
    let body = body(&packets);
    let mut world = World::new(server);
    let mut verified = 0;
    for cut in 0..body.len() {
        world.deliver(home(), &fragment(&packets[0], &body, 0..cut));
        for answer in world.answers() {
            assert_eq!(answer[RECORD_HEADER], 3, "HelloVerifyRequest");
            verified += 1;
        }
    }
    assert!(verified > 50 && world.listener.is_empty());
}

/// Fragments with bytes of chance in them: no state, and never more back than came.
#[test]
fn damaged_first_fragments_get_no_more_than_they_are() {
    let [client, server] = scattered(Version::Dtls12, 300);
    let hello = first_flight(&client).swap_remove(0);
    let mut world = World::new(server);
    let mut dice = Rng::from_seed([2; 32]);
    for _ in 0..5_000 {
        let mut junk = hello.clone();
        for _ in 0..1 + dice.public_below(6) {
            let below = u64::try_from(junk.len()).unwrap();
            let at = usize::try_from(dice.public_below(below)).unwrap();
            let [byte] = dice.public_array();
            junk[at] = byte;
        }
        world.deliver(home(), &junk);
        let answered: usize = world.answers().iter().map(Vec::len).sum();
        assert!(answered <= junk.len(), "{answered}");
    }
    assert!(world.listener.is_empty());
}
