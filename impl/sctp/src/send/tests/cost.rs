//! What a packet costs, and what it never waits for.

use base::Writer;
use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::{
    Ppid, SendOptions, StreamId, Tsn,
    congestion::{Algorithm, Control},
    send::{SenderConfig, tests::talk::config},
    wire::{GapBlock, List, Sack},
};

/// Sends `packets` full packets and acknowledges them two by two, in half of the times all but the oldest;
/// says how many left.
fn converse(talk: &mut Talk, packets: u32, buffer: &mut Vec<u8>) -> u32 {
    let (mut sent, began) = (0, talk.sender.cumulative_tsn());
    let mut rounds = 0;
    while sent < packets && rounds < 10 * packets {
        rounds += 1;
        talk.now += std::time::Duration::from_millis(2);
        talk.sender.handle_timeout(talk.now, &mut talk.control, &mut talk.rtt);
        for _ in 0..2 {
            buffer.clear();
            let mut writer = Writer::new(buffer);
            let room = talk.room;
            let (now, rtt) = (talk.now, &talk.rtt);
            if talk.sender.fill(now, room, &mut writer, &mut talk.control, rtt) > 0 {
                sent += 1;
            }
        }
        let out = u16::try_from(talk.sender.outstanding()).unwrap();
        let cumulative = talk.sender.cumulative_tsn();
        let is_late = rounds % 10 < 5 && out > 2;
        let block = [GapBlock { start: 2, end: out }];
        let sack = Sack {
            cumulative: if is_late { cumulative } else { cumulative.add(u32::from(out)) },
            a_rwnd: 1 << 20,
            gaps: if is_late { List::from(&block[..]) } else { List::EMPTY },
            duplicates: List::EMPTY,
        };
        talk.sender.handle_sack(talk.now, &sack, &mut talk.control, &mut talk.rtt).unwrap();
    }
    assert!(talk.sender.cumulative_tsn().is_newer_than(began));
    sent
}

#[rstest]
#[case::data(false)]
#[case::interleaved(true)]
fn a_packet_allocates_nothing(#[case] interleaved: bool) {
    let mut talk = Talk::with(SenderConfig { buffer: 64 << 20, ..config() }, 0xffff_ff00);
    talk.control = Control::new(Algorithm::ModelBased, 1_188, &base::Rng::from_seed([1; 32]));
    if interleaved {
        talk.sender.interleave();
    }
    let payload = Bytes::from(vec![7; 100_000]);
    for _ in 0..120 {
        let payload = payload.clone();
        let options = SendOptions::default();
        talk.sender.enqueue(talk.now, StreamId::new(1), Ppid::new(51), payload, &options).unwrap();
    }
    let mut buffer = Vec::with_capacity(2_000);
    converse(&mut talk, 1_000, &mut buffer);
    let mut sent = 0;
    let counted = allocation_counter::measure(|| sent = converse(&mut talk, 5_000, &mut buffer));
    assert!(sent >= 5_000, "{sent}");
    assert_eq!(counted.count_total, 0, "for {sent} packets");
    let repeated = talk.sender.counters().repeated;
    assert!(repeated > 20, "repairs included: {repeated}");
}

/// A receiver that acknowledges every second packet, what asks for it, and nothing else, ever.
#[rstest]
fn no_transfer_waits_for_an_acknowledgement_that_is_held_back(
    #[values(Algorithm::Rfc9260, Algorithm::Cubic, Algorithm::ModelBased)] algorithm: Algorithm,
    #[values(1, 2, 3, 4, 5, 7, 10, 33, 100)] packets: usize,
    #[values(1 << 20, 3_000, 1_200)] window: u32,
) {
    let mut talk = Talk::with(config(), 0xffff_fffe);
    talk.control = Control::new(algorithm, 1_188, &base::Rng::from_seed([1; 32]));
    talk.window = window;
    talk.sender.set_peer_window(window);
    for _ in 0..packets {
        talk.send(1, 1_100);
    }
    let (mut arrived, mut told) = (0_u32, 0);
    while !talk.sender.is_idle() {
        let mut known = told;
        loop {
            let packet = talk.paced();
            if packet.is_empty() {
                break;
            }
            arrived += 1;
            if arrived - known == 2 || packet[1] & 8 != 0 {
                known = arrived;
            }
        }
        assert!(
            known > told,
            "{arrived} of {packets} arrived, and nothing brings an acknowledgement"
        );
        told = known;
        talk.wait(20);
        talk.sack(told, &[]);
    }
    assert_eq!(talk.sender.counters().timeouts, 0);
    assert_eq!(talk.sender.cumulative_tsn(), Tsn::new(0xffff_fffd_u32.wrapping_add(arrived)));
}
