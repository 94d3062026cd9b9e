//! What is dropped, and why.

use base::Rng;
use rstest::rstest;

use super::*;

#[test]
fn a_record_is_opened_once() {
    for (mut ours, mut theirs, epoch) in both_versions() {
        let records: Vec<Vec<u8>> =
            (0..400).map(|_| sealed(&mut ours, epoch, b"payload")).collect();
        assert!(opened(&mut theirs, &records[1]).is_ok());
        assert_eq!(opened(&mut theirs, &records[1]), Err(DropReason::Replayed));
        assert!(opened(&mut theirs, &records[0]).is_ok(), "late, but new");
        assert_eq!(opened(&mut theirs, &records[0]), Err(DropReason::Replayed));
        assert!(opened(&mut theirs, &records[399]).is_ok());
        assert_eq!(opened(&mut theirs, &records[143]), Err(DropReason::Replayed), "too old");
        assert!(opened(&mut theirs, &records[144]).is_ok(), "the oldest of 256");
    }
}

#[test]
fn a_forged_record_moves_no_window() {
    for (mut ours, mut theirs, epoch) in both_versions() {
        let first = sealed(&mut ours, epoch, b"payload");
        ours.set_next_sequence(epoch, 20_000);
        let mut forged = sealed(&mut ours, epoch, b"payload");
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(opened(&mut theirs, &forged), Err(DropReason::BadTag));
        assert!(opened(&mut theirs, &first).is_ok());
    }
}

#[test]
fn a_record_without_protection_shuts_nobody_out() {
    let (mut ours, mut theirs) = (Records::new(Limits::default()), Records::new(Limits::default()));
    ours.set_next_sequence(0, 1 << 40);
    assert!(opened(&mut theirs, &sealed(&mut ours, 0, b"made up")).is_ok());
    let mut honest = Records::new(Limits::default());
    assert!(opened(&mut theirs, &sealed(&mut honest, 0, b"payload")).is_ok());
}

#[test]
fn a_record_of_the_next_epoch_is_early_and_can_be_tried_again() {
    let provider = crypto::rust_crypto();
    for suite in [CipherSuite::EcdheEcdsaAes128GcmSha256, CipherSuite::Aes128GcmSha256] {
        let (mut ours, _, epoch) = pair(provider, suite);
        let mut theirs = Records::new(Limits::default());
        let record = sealed(&mut ours, epoch, b"payload");
        assert_eq!(opened(&mut theirs, &record), Err(DropReason::EarlyEpoch));
        theirs.install_read(epoch, protection(provider, suite, epoch));
        assert_eq!(opened(&mut theirs, &record).unwrap().1, b"payload");
    }
}

#[test]
fn epochs_that_never_were_are_unknown() {
    let provider = crypto::rust_crypto();
    let mut fresh = Records::new(Limits::default());
    let plain = |epoch: u8| [&[22, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 0][..], b""].concat();
    assert_eq!(opened(&mut fresh, &plain(2)), Err(DropReason::UnknownEpoch));
    let unified = |bits: u8| [&[0x2c | bits, 0, 0, 0, 20][..], &[0; 20]].concat();
    assert_eq!(opened(&mut fresh, &unified(0)), Err(DropReason::UnknownEpoch));
    assert_eq!(opened(&mut fresh, &unified(1)), Err(DropReason::UnknownEpoch), "no early data");
    assert_eq!(opened(&mut fresh, &unified(2)), Err(DropReason::EarlyEpoch));
    assert_eq!(opened(&mut fresh, &unified(3)), Err(DropReason::EarlyEpoch));

    let (_, mut tls12, _) = pair(provider, CipherSuite::EcdheEcdsaAes128GcmSha256);
    assert_eq!(opened(&mut tls12, &plain(2)), Err(DropReason::UnknownEpoch));
    assert_eq!(opened(&mut tls12, &unified(2)), Err(DropReason::UnknownEpoch));
    let (_, mut tls13, _) = pair(provider, CipherSuite::Aes128GcmSha256);
    assert_eq!(opened(&mut tls13, &plain(1)), Err(DropReason::UnknownEpoch));
    assert_eq!(opened(&mut tls13, &plain(3)), Err(DropReason::UnknownEpoch), "a long header");
    assert_eq!(opened(&mut tls13, &unified(0)), Err(DropReason::EarlyEpoch), "epoch 4");
    assert_eq!(opened(&mut tls13, &unified(1)), Err(DropReason::UnknownEpoch));
}

#[test]
fn old_epochs_are_read_until_retired_or_confusable() {
    let (provider, suite) = (crypto::rust_crypto(), CipherSuite::Aes128GcmSha256);
    let (mut ours, mut theirs, _) = pair(provider, suite);
    let mut records = Vec::new();
    for epoch in 3..9 {
        ours.install_write(epoch, protection(provider, suite, epoch));
        records.push([sealed(&mut ours, epoch, b"one"), sealed(&mut ours, epoch, b"two")]);
    }
    assert_eq!(opened(&mut theirs, &records[0][0]).unwrap().0, RecordNumber::new(3, 0));
    theirs.install_read(4, protection(provider, suite, 4));
    assert_eq!(opened(&mut theirs, &records[1][0]).unwrap().0, RecordNumber::new(4, 0));
    assert_eq!(opened(&mut theirs, &records[0][1]).unwrap().0, RecordNumber::new(3, 1));
    theirs.install_read(5, protection(provider, suite, 5));
    assert!(theirs.reads(3) && theirs.reads(4));
    theirs.install_read(6, protection(provider, suite, 6));
    assert!(!theirs.reads(3) && theirs.reads(4), "3 and the coming 7 have the same bits");
    theirs.retire_read(4);
    assert_eq!(opened(&mut theirs, &records[1][1]), Err(DropReason::UnknownEpoch));
    theirs.install_read(7, protection(provider, suite, 7));
    assert_eq!(opened(&mut theirs, &records[4][0]).unwrap().0, RecordNumber::new(7, 0));
    assert_eq!(theirs.read_epoch(), 7);
    theirs.install_read(3, protection(provider, suite, 3));
    assert!(!theirs.reads(3), "keys that are gone do not come back");
}

#[test]
fn our_last_epoch_seals_on_for_messages_that_are_repeated() {
    let (provider, suite) = (crypto::rust_crypto(), CipherSuite::Aes128GcmSha256);
    let mut ours = Records::new(Limits::default());
    let mut out = Vec::new();
    for epoch in 2..6 {
        ours.install_write(epoch, protection(provider, suite, epoch));
        assert_eq!(ours.write_epoch(), epoch);
        assert!(ours.seal(0, DATA, b"", &mut out).is_ok());
        assert_eq!(ours.seal(epoch - 1, DATA, b"", &mut out).is_ok(), epoch > 2);
        assert!(ours.seal(epoch.saturating_sub(2).max(1), DATA, b"", &mut out).is_err());
    }
}

#[rstest]
#[case::empty_header(&[22], DropReason::MalformedRecord)]
#[case::cut_header(&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0], DropReason::MalformedRecord)]
#[case::cut_payload(&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1], DropReason::MalformedRecord)]
#[case::cut_unified(&[0x2e, 0], DropReason::MalformedRecord)]
#[case::cut_unified_payload(&[0x2e, 0, 0, 0, 9, 1], DropReason::MalformedRecord)]
#[case::id_not_agreed_on(&[0x3e, 0, 0, 0, 0], DropReason::UnknownConnectionId)]
#[case::type_19(&[19, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], DropReason::UnknownContentType)]
#[case::type_27(&[27, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], DropReason::UnknownContentType)]
fn headers_that_cannot_be_read(#[case] datagram: &[u8], #[case] reason: DropReason) {
    let mut records = Records::new(Limits::default());
    assert_eq!(opened(&mut records, datagram), Err(reason));
}

#[test]
fn the_version_of_unprotected_records_says_nothing() {
    let mut records = Records::new(Limits::default());
    for version in [[0xfe, 0xff], [0xfe, 0xfd], [0x03, 0x03]] {
        let [high, low] = version;
        let datagram = [22, high, low, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0xaa];
        let number = RecordNumber::new(0, 7);
        assert_eq!(opened(&mut records, &datagram), Ok((number, vec![0xaa])));
    }
}

#[test]
fn another_version_on_a_protected_record_is_named() {
    let (mut ours, mut theirs, epoch) =
        pair(crypto::rust_crypto(), CipherSuite::EcdheEcdsaAes128GcmSha256);
    let mut record = sealed(&mut ours, epoch, b"payload");
    record[2] = 0xff;
    assert_eq!(opened(&mut theirs, &record), Err(DropReason::UnknownVersion));
}

#[test]
fn ciphertexts_too_short_for_a_tag_fail_as_forged_ones() {
    for (_, mut theirs, epoch) in both_versions() {
        for length in 0..40_u8 {
            let header: &[u8] = if epoch == 3 {
                &[0x2f, 0, 0, 0, length]
            } else {
                &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, length]
            };
            let datagram = [header, &vec![0; usize::from(length)]].concat();
            assert_eq!(opened(&mut theirs, &datagram), Err(DropReason::BadTag));
        }
    }
}

#[test]
fn no_bytes_panic() {
    let mut rng = Rng::from_seed([7; 32]);
    for (provider, suite) in [
        (crypto::rust_crypto(), CipherSuite::EcdheEcdsaAes128GcmSha256),
        (crypto::rust_crypto(), CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256),
        (crypto::aws_lc_rs(), CipherSuite::Aes128GcmSha256),
    ] {
        let (mut ours, mut theirs, epoch) = pair(provider, suite);
        let id = b"our id";
        for round in 0..3_000 {
            if round == 1_000 {
                theirs.accept_connection_id(id);
                ours.use_connection_id(id);
            }
            let mut datagram = sealed(&mut ours, epoch, b"payload");
            match rng.public_below(4) {
                0 => {
                    let length = usize::try_from(rng.public_below(60)).unwrap();
                    datagram.resize(length, 0);
                    rng.fill_public(&mut datagram);
                    let first = [20, 21, 22, 23, 24, 25, 26, 0x2f, 0x20, 0x3f, 0x33];
                    let choice = usize::try_from(rng.public_below(16)).unwrap();
                    if let (Some(byte), Some(first)) = (datagram.first_mut(), first.get(choice)) {
                        *byte = *first;
                    }
                }
                1 => {
                    let length = rng.public_below(u64::try_from(datagram.len()).unwrap());
                    datagram.truncate(usize::try_from(length).unwrap());
                }
                2 => {
                    let at = rng.public_below(u64::try_from(datagram.len()).unwrap());
                    datagram[usize::try_from(at).unwrap()] ^= 1 << rng.public_below(8);
                }
                _ => datagram.extend_from_slice(&rng.public_array::<9>()),
            }
            let (mut rest, mut payload) = (&datagram[..], Vec::new());
            while let Some(record) = theirs.split(&mut rest) {
                let _ = record.and_then(|record| theirs.open(record, &mut payload).map(drop));
            }
        }
    }
}
