//! Ranges compared with ranges.

use rstest::rstest;

use crate::send::scoreboard::{Range, Scoreboard};

/// Tells `board` of `blocks` and returns what is new.
fn tell(board: &mut Scoreboard, cumulative: u64, blocks: &[Range]) -> Vec<Range> {
    board.begin();
    for &(first, last) in blocks {
        board.add_block(first, last);
    }
    board.finish(cumulative);
    board.fresh.clone()
}

#[rstest]
#[case::first(&[], &[(5, 7)], &[(5, 7)], &[(5, 7)])]
#[case::same(&[(5, 7)], &[(5, 7)], &[], &[(5, 7)])]
#[case::longer(&[(5, 7)], &[(5, 9)], &[(8, 9)], &[(5, 9)])]
#[case::wider(&[(5, 7)], &[(4, 9)], &[(4, 4), (8, 9)], &[(4, 9)])]
#[case::one_more(&[(5, 7)], &[(5, 7), (10, 10)], &[(10, 10)], &[(5, 7), (10, 10)])]
#[case::one_before(&[(9, 9)], &[(5, 7), (9, 9)], &[(5, 7)], &[(5, 7), (9, 9)])]
#[case::bridge(&[(5, 7), (9, 9)], &[(5, 9)], &[(8, 8)], &[(5, 9)])]
#[case::bridges(&[(4, 4), (6, 6), (8, 8)], &[(4, 8)], &[(5, 5), (7, 7)], &[(4, 8)])]
#[case::apart(&[(5, 7)], &[(20, 21)], &[(20, 21)], &[(5, 7), (20, 21)])]
#[case::across(&[(5, 7), (10, 12)], &[(6, 11)], &[(8, 9)], &[(5, 12)])]
#[case::unsorted(&[], &[(9, 9), (5, 6)], &[(5, 6), (9, 9)], &[(5, 6), (9, 9)])]
#[case::overlapping(&[], &[(5, 9), (7, 12), (13, 13)], &[(5, 13)], &[(5, 13)])]
fn what_is_new_is_what_was_not_there(
    #[case] before: &[Range],
    #[case] blocks: &[Range],
    #[case] fresh: &[Range],
    #[case] after: &[Range],
) {
    let mut board = Scoreboard::default();
    tell(&mut board, 2, before);
    assert_eq!(tell(&mut board, 2, blocks), fresh);
    assert_eq!(board.ranges(), after);
    assert!(board.revoked.is_empty());
}

#[test]
fn what_the_cumulative_number_passed_is_forgotten() {
    let mut board = Scoreboard::default();
    tell(&mut board, 2, &[(5, 7), (10, 12)]);
    assert_eq!(tell(&mut board, 7, &[(10, 12)]), []);
    assert_eq!(board.ranges(), [(10, 12)]);
    tell(&mut board, 11, &[]);
    assert_eq!(board.ranges(), [(12, 12)]);
}

#[test]
fn one_acknowledgement_that_was_overtaken_takes_nothing_back() {
    let mut board = Scoreboard::default();
    tell(&mut board, 2, &[(5, 7), (10, 12)]);
    for _ in 0..2 {
        assert_eq!(tell(&mut board, 2, &[(5, 7)]), []);
        assert!(board.revoked.is_empty());
    }
    assert_eq!(tell(&mut board, 2, &[(5, 7), (10, 12)]), [], "nothing is counted twice");
    for _ in 0..2 {
        tell(&mut board, 2, &[(5, 7)]);
        assert!(board.revoked.is_empty());
    }
}

#[test]
fn three_acknowledgements_in_a_row_take_back() {
    let mut board = Scoreboard::default();
    tell(&mut board, 2, &[(5, 7), (10, 12)]);
    for _ in 0..3 {
        assert!(board.revoked.is_empty());
        tell(&mut board, 2, &[(5, 6), (11, 11)]);
    }
    assert_eq!(board.revoked, [(7, 7), (10, 10), (12, 12)]);
    assert_eq!(board.ranges(), [(5, 6), (11, 11)]);
    assert_eq!(tell(&mut board, 2, &[(5, 7), (11, 11)]), [(7, 7)]);
}

#[test]
fn blocks_left_out_for_want_of_room_are_not_taken_back() {
    let all: Vec<Range> = (0..100).map(|at| (10 + 2 * at, 10 + 2 * at)).collect();
    let mut board = Scoreboard::default();
    tell(&mut board, 2, &all);
    for _ in 0..10 {
        assert_eq!(tell(&mut board, 2, &all[..64]), []);
        assert!(board.revoked.is_empty());
        assert_eq!(board.ranges(), all);
    }
    for _ in 0..3 {
        tell(&mut board, 2, &all[1..65]);
    }
    assert_eq!(board.revoked, [all[0]], "what is missing below the last block is");
    assert_eq!(board.ranges(), &all[1..]);
}

/// Bits of a small number as ranges.
fn ranges_of(bits: u16, offset: u64) -> Vec<Range> {
    let mut out: Vec<Range> = Vec::new();
    for at in (0..10).filter(|at| bits & (1 << at) != 0).map(|at| at + offset) {
        match out.last_mut() {
            Some(last) if last.1 + 1 == at => last.1 = at,
            _ => out.push((at, at)),
        }
    }
    out
}

#[test]
fn every_pair_of_small_sets_is_compared_rightly() {
    for one in 0..1_u16 << 10 {
        // A stride that visits every residue keeps it to a quarter of a million pairs.
        for other in (one % 4..1 << 10).step_by(4) {
            let mut board = Scoreboard::default();
            tell(&mut board, 2, &ranges_of(one, 4));
            let fresh = tell(&mut board, 2, &ranges_of(other, 4));
            assert_eq!(fresh, ranges_of(other & !one, 4), "{one:b} {other:b}");
            assert_eq!(board.ranges(), ranges_of(one | other, 4), "{one:b} {other:b}");
            tell(&mut board, 2, &ranges_of(other, 4));
            tell(&mut board, 2, &ranges_of(other, 4));
            assert_eq!(board.revoked, ranges_of(one & !other, 4), "{one:b} {other:b}");
            assert_eq!(board.ranges(), ranges_of(other, 4), "{one:b} {other:b}");
        }
    }
}
