//! Set-up by INITs that signalling carried: draft-hancke-tsvwg-snap.

use std::time::Duration;

use super::*;
use crate::{AssociationState, Misdeed, SnapError, wire::Init};

fn snapped() -> Pair {
    let mut pair = Pair::new(&quiet());
    let inits = [pair.ends[A].init_chunk(), pair.ends[B].init_chunk()];
    pair.ends[A].connect_with(pair.now, &inits[B]).unwrap();
    pair.ends[B].connect_with(pair.now, &inits[A]).unwrap();
    pair
}

#[test]
fn both_ends_stand_at_once() {
    let mut pair = snapped();
    pair.send(A, 0, b"hello");
    pair.send(B, 0, b"hello");
    pair.run_for(Duration::from_millis(50));
    insta::assert_snapshot!(pair.ladder);
    assert_eq!([pair.messages[A].len(), pair.messages[B].len()], [1, 1]);
    assert_eq!(pair.events, [vec![Event::Connected], vec![Event::Connected]]);
}

#[test]
fn to_ask_for_the_chunk_changes_nothing() {
    let pair = Pair::new(&quiet());
    assert_eq!(pair.ends[A].init_chunk(), pair.ends[A].init_chunk());
    assert_eq!(pair.ends[A].state(), AssociationState::Closed);
    assert_eq!(pair.ends[A].poll_timeout(), None);
}

#[test]
fn the_chunk_is_what_an_ordinary_set_up_would_send() {
    let mut pair = Pair::new(&quiet());
    let chunk = pair.ends[A].init_chunk();
    pair.ends[A].connect(pair.now).unwrap();
    assert_eq!(pair.poll_all(A)[0][HEADER_LENGTH..], chunk);
}

#[test]
fn a_peer_that_begins_anew_is_taken_for_one() {
    let mut pair = snapped();
    pair.ends[B] = end(quiet(), 9);
    pair.ends[B].connect(pair.now).unwrap();
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.events, [vec![Event::Connected, Event::Restarted], vec![Event::Connected]]);
}

#[test]
fn what_is_no_init_alone_is_refused_and_changes_nothing() {
    let mut pair = Pair::new(&quiet());
    let good = pair.ends[B].init_chunk();
    let mut end = |bytes: &[u8]| pair.ends[A].connect_with(Instant::ZERO, bytes);
    for length in 0..good.len() {
        assert!(end(&good[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(end(&[&good[..], &[0; 4]].concat()), Err(SnapError::NotInit));
    assert_eq!(end(&[11, 0, 0, 4]), Err(SnapError::NotInit));
    let mut zero_tag = good.clone();
    zero_tag[4..8].fill(0);
    assert_eq!(end(&zero_tag), Err(SnapError::Misdeed(Misdeed::ZeroTag)));
    assert_eq!(end(&good), Ok(()));
    assert_eq!(end(&good), Err(SnapError::UnderWay));
    let _ = Init::write;
}

/// The example of the draft: what another stack puts into its SDP.
#[test]
fn the_example_of_the_draft_is_taken() {
    let init = [
        0x01, 0x00, 0x00, 0x1e, 0x89, 0x6c, 0xdd, 0x1d, 0x00, 0x50, 0x00, 0x00, 0xff, 0xff, 0xff,
        0xff, 0xe0, 0x79, 0x65, 0x1d, 0xc0, 0x00, 0x00, 0x04, 0x80, 0x08, 0x00, 0x06, 0x82, 0xc0,
    ];
    let mut pair = Pair::new(&quiet());
    pair.ends[A].connect_with(pair.now, &init).unwrap();
    let link = pair.ends[A].state.link().unwrap();
    assert_eq!(link.peer_tag, 0x896c_dd1d);
    let Features { forward_tsn, interleaving, reconfig, zero_checksum, ecn } = link.features;
    assert_eq!(
        [forward_tsn, reconfig, interleaving, zero_checksum, ecn],
        [true, true, false, false, false]
    );
}
