//! How much a key may do, and how long a record may be.

use rstest::rstest;

use super::*;

const SUITE_12: CipherSuite = CipherSuite::EcdheEcdsaAes128GcmSha256;
const SUITE_13: CipherSuite = CipherSuite::Aes128GcmSha256;

#[test]
fn a_worn_key_asks_for_another_and_then_stops() {
    let limits = Limits { sealed: 64, ..Limits::default() };
    let (mut ours, _, epoch) = pair_with(crypto::rust_crypto(), SUITE_13, limits);
    let mut out = Vec::new();
    for sealed in 0..60 {
        assert_eq!(ours.needs_key_update(epoch), sealed >= 48, "after {sealed}");
        ours.seal(epoch, DATA, b"", &mut out).unwrap();
    }
    assert_eq!(ours.seal(epoch, DATA, b"", &mut out), Err(SealError::KeysUsedUp));
    for _ in 0..4 {
        ours.seal(epoch, ContentType::HANDSHAKE, b"", &mut out).expect("kept for the key update");
    }
    let last = ours.seal(epoch, ContentType::HANDSHAKE, b"", &mut out);
    assert_eq!(last, Err(SealError::KeysUsedUp));
    ours.install_write(epoch + 1, protection(crypto::rust_crypto(), SUITE_13, epoch + 1));
    assert!(ours.seal(epoch + 1, DATA, b"", &mut out).is_ok());
    assert!(!ours.needs_key_update(epoch + 1));
}

#[test]
fn the_keys_of_version_12_last_as_long_as_their_numbers() {
    let limits = Limits { sealed: 4, sequence: 9, ..Limits::default() };
    let (mut ours, _, epoch) = pair_with(crypto::rust_crypto(), SUITE_12, limits);
    let mut out = Vec::new();
    for sequence in 0..=9 {
        assert_eq!(ours.seal(epoch, DATA, b"", &mut out).unwrap().sequence, sequence);
    }
    assert_eq!(ours.seal(epoch, DATA, b"", &mut out), Err(SealError::KeysUsedUp));
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn numbers_end_below_48_bits(#[case] suite: CipherSuite) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
    let mut out = Vec::new();
    let last = (1 << 48) - 1;
    // A leap that long cannot be told from two bytes: the receiver goes there in one step of its own.
    ours.set_next_sequence(epoch, last);
    let number = ours.seal(epoch, ContentType::ALERT, b"", &mut out);
    let expected = if suite == SUITE_12 { Ok(last) } else { Err(SealError::KeysUsedUp) };
    assert_eq!(number.map(|number| number.sequence), expected, "GCM of 1.3 ends earlier");
    let again = ours.seal(epoch, ContentType::ALERT, b"", &mut out);
    assert_eq!(again, Err(SealError::KeysUsedUp));
    if suite == SUITE_12 {
        assert_eq!(opened(&mut theirs, &out).unwrap().0.sequence, last);
    }
}

#[test]
fn the_limits_are_those_of_the_rfc() {
    let epoch = 3;
    let mut out = Vec::new();
    for (suite, last) in [
        (CipherSuite::Aes128GcmSha256, 23_726_565),
        (CipherSuite::Aes256GcmSha384, 23_726_565),
        (CipherSuite::ChaCha20Poly1305Sha256, (1 << 48) - 1),
    ] {
        let (mut ours, ..) = pair(crypto::rust_crypto(), suite);
        ours.set_next_sequence(epoch, last);
        assert!(ours.needs_key_update(epoch));
        assert!(ours.seal(epoch, ContentType::ALERT, b"", &mut out).is_ok(), "{suite:?}");
        let more = ours.seal(epoch, ContentType::ALERT, b"", &mut out);
        assert_eq!(more, Err(SealError::KeysUsedUp), "{suite:?}");
    }
    assert_eq!(Limits::default().failures, 1 << 36);
}

#[rstest]
#[case::version_12(SUITE_12)]
#[case::version_13(SUITE_13)]
fn keys_that_failed_too_often_are_gone(#[case] suite: CipherSuite) {
    let limits = Limits { failures: 4, ..Limits::default() };
    let (mut ours, mut theirs, epoch) = pair_with(crypto::rust_crypto(), suite, limits);
    let true_record = sealed(&mut ours, epoch, b"payload");
    let mut forged = sealed(&mut ours, epoch, b"payload");
    *forged.last_mut().unwrap() ^= 1;
    for failures in 0..4 {
        assert_eq!(theirs.needs_peer_key_update(), failures > 2);
        assert_eq!(opened(&mut theirs, &forged), Err(DropReason::BadTag));
    }
    assert_eq!(opened(&mut theirs, &forged), Err(DropReason::FailureLimit));
    assert_eq!(opened(&mut theirs, &true_record), Err(DropReason::FailureLimit));
}

#[rstest]
#[case::version_12(SUITE_12, false, 64)]
#[case::version_12_with_an_id(SUITE_12, true, 63)]
#[case::version_13(SUITE_13, false, 63)]
fn no_record_is_longer_than_the_peer_takes(
    #[case] suite: CipherSuite,
    #[case] has_id: bool,
    #[case] longest: usize,
) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
    if has_id {
        ours.use_connection_id(b"id");
        theirs.accept_connection_id(b"id");
    }
    let mut out = Vec::new();
    ours.seal(epoch, DATA, &[1; 200], &mut out).unwrap();
    assert_eq!(ours.max_payload(0), MAX_PLAINTEXT);
    ours.set_send_limit(64);
    assert_eq!(ours.max_payload(epoch), longest);
    assert_eq!(ours.max_payload(0), MAX_PLAINTEXT, "unprotected records are not limited");
    ours.set_padding(50);
    theirs.set_receive_limit(64);
    let long = vec![1; longest + 1];
    assert_eq!(ours.seal(epoch, DATA, &long, &mut Vec::new()), Err(SealError::TooLong));
    let record = sealed(&mut ours, epoch, &long[1..]);
    assert_eq!(opened(&mut theirs, &record).unwrap().1, long[1..]);
    let record = sealed(&mut ours, epoch, &long[10..]);
    assert_eq!(opened(&mut theirs, &record).unwrap().1, long[10..], "padding stays within");
    assert_eq!(opened(&mut theirs, &out), Err(DropReason::TooLong), "longer than we said we take");
}

#[test]
fn records_longer_than_any_may_be_are_dropped() {
    let mut theirs = Records::new(Limits::default());
    let payload = vec![0; MAX_PLAINTEXT + 1];
    let datagram = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1][..], &payload].concat();
    assert_eq!(opened(&mut theirs, &datagram), Err(DropReason::TooLong));
}
