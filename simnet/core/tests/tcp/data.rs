//! Bytes come as they went, whatever the network does.

use rstest::rstest;
use simnet::{
    Congestion, Jitter, Link, Loss, Network, QueueLimit, Stream, TcpConfig, TcpId, TcpRead,
    TcpState,
};

use super::{connected, ms, world};

fn below(dice: &mut Stream, bound: usize) -> usize {
    usize::try_from(dice.below(bound as u64)).expect("below a usize")
}

/// Writes pieces of random sizes at random times and reads as irregularly, until everything has come or
/// too much time has passed. Returns what came.
fn exchange(net: &mut Network, dice: &mut Stream, from: TcpId, to: TcpId, sent: &[u8]) -> Vec<u8> {
    let mut came = Vec::new();
    let mut written = 0;
    let mut buffer = vec![0; 20_000];
    for _ in 0..100_000 {
        if written < sent.len() && dice.chance(0.7) {
            let piece = 1 + below(dice, 8_000);
            let end = sent.len().min(written + piece);
            written += net.tcp_send(from, sent.get(written..end).unwrap_or_default());
            if written == sent.len() {
                net.tcp_shutdown(from);
            }
        }
        net.run_for(std::time::Duration::from_micros(dice.below(20_000)));
        if dice.chance(0.6) {
            let room = below(dice, buffer.len());
            match net.tcp_receive(to, buffer.split_at_mut(room).0) {
                TcpRead::Data(count) => came.extend(buffer.iter().take(count)),
                TcpRead::Closed => break,
                TcpRead::Empty => {}
                TcpRead::Reset => panic!("the connection broke: {:?}", net.tcp_state(to)),
            }
        }
    }
    came
}

/// A link that loses, doubles, damages and reorders.
fn rough(dice: &mut Stream) -> Link {
    let mut link = Link::delayed(ms(1 + dice.below(40)))
        .loss(Loss::random(0.03 * dice.unit()))
        .duplicating(0.03 * dice.unit())
        .corrupting(0.03 * dice.unit());
    if dice.chance(0.5) {
        link = link.jitter(Jitter::reordering(ms(dice.below(20))));
    }
    if dice.chance(0.5) {
        link = link.rate(500_000 + dice.below(20_000_000)).queue(QueueLimit::packets(30));
    }
    if dice.chance(0.3) {
        link = link.mtu(u32::try_from(600 + dice.below(900)).expect("small"));
    }
    link
}

#[rstest]
fn exactly_the_bytes_come_in_order(
    #[values(Congestion::Reno, Congestion::Cubic, Congestion::None)] congestion: Congestion,
) {
    for seed in 0..20 {
        let mut dice = Stream::new(seed, "data");
        let config = TcpConfig {
            congestion,
            nagle: dice.chance(0.5),
            send_buffer: 2_000 + dice.below(100_000),
            receive_buffer: 2_000 + dice.below(100_000),
            ack_delay: ms(dice.below(30)),
            ..TcpConfig::default()
        };
        let mut net = world(seed, rough(&mut dice), config, ());
        let (alice, server) = super::nodes(&net);
        let listener = net.tcp_listen(server, super::at(super::SERVER)).unwrap();
        let client = net.tcp_connect(alice, None, super::at(super::SERVER)).unwrap();
        net.run_until_or(net.now() + ms(60_000), |net| {
            net.tcp_state(client) == TcpState::Established
        });
        net.tcp_send(client, b"!");
        net.run_for(ms(20_000));
        let accepted = net.tcp_accept(listener).expect("it is made");
        let mut sent = vec![0; 1_000 + below(&mut dice, 200_000)];
        dice.fill(&mut sent);
        let up = exchange(&mut net, &mut dice, client, accepted, &sent);
        assert_eq!(up.first(), Some(&b'!'), "seed {seed}");
        assert!(up[1..] == sent, "seed {seed}: {} of {} bytes", up.len() - 1, sent.len());
        let down = exchange(&mut net, &mut dice, accepted, client, &sent);
        assert!(down == sent, "seed {seed}: {} of {} bytes back", down.len(), sent.len());
        assert!(net.tally().is_conserved(), "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let link = Link::delayed(ms(10)).rate(5_000_000).loss(Loss::random(0.01));
        let mut net = world(seed, link, TcpConfig::default(), ());
        let (client, server) = connected(&mut net);
        let sent = vec![5; 300_000];
        let mut dice = Stream::new(seed, "run");
        exchange(&mut net, &mut dice, client, server, &sent);
        (net.trace_hash().unwrap(), net.tcp_stats(client))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).0, run(2).0);
}

#[rstest]
#[case::ipv4("11.0.0.3:80", 1_400, 1_400 - 40)]
#[case::ipv6("[2001:db8::3]:80", 1_280, 1_280 - 60)]
fn a_narrow_link_ahead_makes_segments_smaller(
    #[case] remote: &str,
    #[case] mtu: u32,
    #[case] segment: u64,
) {
    // The interfaces carry 1500; only the way from the middle to the server is narrow.
    let mut net = world(1, Link::delayed(ms(10)), TcpConfig::default(), ());
    let (alice, server) = super::nodes(&net);
    let listener = net.tcp_listen(server, super::at(remote)).unwrap();
    let client = net.tcp_connect(alice, None, super::at(remote)).unwrap();
    net.run_for(ms(500));
    let accepted = net.tcp_accept(listener).unwrap();
    let narrow = net.hop("wan.server").or_else(|| net.hop("wan.eth1")).expect("the far side");
    net.change_link(narrow, Link::delayed(ms(10)).mtu(mtu));
    let bytes = 100_000;
    net.tcp_send(client, &vec![1; bytes]);
    net.run_for(ms(10_000));
    let (came, _) = super::read_all(&mut net, accepted);
    assert_eq!(came.len(), bytes);
    let stats = net.tcp_stats(client);
    assert!(stats.segments_sent > bytes as u64 / segment, "{stats:?}");
    assert!(net.tally().dropped(simnet::DropReason::TooBig) > 0);
}

/// RFC 1122 §4.2.3.4: small pieces travel alone, or together with what comes after them.
#[rstest]
#[case::nagle(true)]
#[case::no_delay(false)]
fn small_pieces_wait_only_for_nagle(#[case] nagle: bool) {
    let config = TcpConfig { nagle, ..TcpConfig::default() };
    let mut net = world(1, Link::delayed(ms(50)), config, ());
    let (client, _) = connected(&mut net);
    let before = net.tcp_stats(client).segments_sent;
    for _ in 0..20 {
        net.tcp_send(client, b"tiny");
        net.run_for(ms(1));
    }
    net.run_for(ms(1_000));
    let sent = net.tcp_stats(client).segments_sent - before;
    assert_eq!(sent, if nagle { 2 } else { 20 });
}
