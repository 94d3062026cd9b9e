//! The ring and its lists, against plain vectors.

use base::Rng;
use bytes::Bytes;
use rstest::rstest;

use crate::{
    Tsn,
    send::ring::{List, Ring, Slot},
    wire::DataFlags,
};

#[test]
fn a_slot_is_small() {
    assert!(size_of::<Slot>() <= 128, "{}", size_of::<Slot>());
}

#[rstest]
#[case(1)]
#[case(0xffff_fffe)]
#[case(0x7fff_fff0)]
#[case(0)]
fn places_are_numbers_that_do_not_wrap(#[case] initial: u32) {
    let mut ring = Ring::new(Tsn::new(initial));
    for step in 0..40_u32 {
        let place = ring.push(Slot::new(Bytes::new(), DataFlags::WHOLE));
        assert_eq!(ring.tsn(place).get(), initial.wrapping_add(step));
        assert_eq!(ring.place(ring.tsn(place)), Some(place));
        if step % 3 == 0 {
            ring.pop();
        }
    }
    let before = Tsn::new(initial.wrapping_add(12));
    assert_eq!(ring.place(before), None, "before what is acknowledged");
    assert_eq!(ring.place(Tsn::new(initial.wrapping_add(13))), Some(14));
    let far = Tsn::new(initial.wrapping_add(13).wrapping_add(0x7fff_ffff));
    assert_eq!(ring.place(far), Some(14 + 0x7fff_ffff));
    assert_eq!(ring.place(far.next()), None);
}

fn walk(ring: &Ring, list: List) -> Vec<u64> {
    let mut out = Vec::new();
    let mut place = list.head;
    while place != 0 {
        out.push(place);
        place = if place == list.tail { 0 } else { ring.newer(place) };
    }
    let mut back = Vec::new();
    let mut place = list.tail;
    while place != 0 {
        back.push(place);
        place = if place == list.head { 0 } else { ring.older(place) };
    }
    back.reverse();
    assert_eq!(out, back, "both directions agree");
    out
}

#[test]
fn lists_keep_their_order_through_random_moves() {
    let mut rng = Rng::from_seed([3; 32]);
    let mut ring = Ring::new(Tsn::new(0xffff_ff00));
    let mut lists = [List::default(); 2];
    let mut oracle: [Vec<u64>; 2] = Default::default();
    for _ in 0..20_000 {
        let draw = rng.public_u32();
        let which = usize::from(draw & 1 == 1);
        match (draw >> 1) % 4 {
            0 => {
                let place = ring.push(Slot::new(Bytes::new(), DataFlags::WHOLE));
                ring.append(&mut lists[which], place);
                oracle[which].push(place);
            }
            1 | 2 if !oracle[which].is_empty() => {
                let at = usize::try_from(draw >> 3).unwrap() % oracle[which].len();
                let place = oracle[which].remove(at);
                ring.unlink(&mut lists[which], place);
                ring.append(&mut lists[1 - which], place);
                oracle[1 - which].push(place);
            }
            _ if !ring.is_empty() && draw >> 30 == 0 => {
                let base = ring.base();
                for which in 0..2 {
                    if let Some(at) = oracle[which].iter().position(|&place| place == base) {
                        oracle[which].remove(at);
                        ring.unlink(&mut lists[which], base);
                    }
                }
                ring.pop();
            }
            _ => {}
        }
        if draw.is_multiple_of(64) {
            assert_eq!(walk(&ring, lists[0]), oracle[0]);
            assert_eq!(walk(&ring, lists[1]), oracle[1]);
        }
    }
    assert!(ring.base() > 1_000);
}
