//! What is sealed is opened, and nothing else.

use base::Rng;
use rstest::rstest;

use super::*;

#[test]
fn what_is_sealed_is_opened() {
    for (provider, suite) in all() {
        let (mut ours, mut theirs, epoch) = pair(provider, suite);
        for (sequence, length) in [0, 1, 15, 16, 17, 1_200, MAX_PLAINTEXT].into_iter().enumerate() {
            let payload = vec![0x5a; length];
            let record = sealed(&mut ours, epoch, &payload);
            assert_eq!(record.len(), length + ours.overhead(epoch), "{suite:?}");
            let number = RecordNumber::new(epoch, u64::try_from(sequence).unwrap());
            assert_eq!(opened(&mut theirs, &record), Ok((number, payload)), "{suite:?}");
        }
    }
}

#[test]
fn each_provider_opens_what_the_other_seals() {
    for suite in SUITES_12.into_iter().chain(SUITES_13) {
        let (mut pure, _, epoch) = pair(crypto::rust_crypto(), suite);
        let (mut native, mut theirs, _) = pair(crypto::aws_lc_rs(), suite);
        let record = sealed(&mut pure, epoch, b"hello");
        assert_eq!(
            record,
            sealed(&mut native, epoch, b"hello"),
            "{suite:?}: the bytes are the same"
        );
        assert_eq!(opened(&mut theirs, &record).unwrap().1, b"hello");
    }
}

#[rstest]
#[case::handshake(ContentType::HANDSHAKE)]
#[case::alert(ContentType::ALERT)]
#[case::change_cipher_spec(ContentType::CHANGE_CIPHER_SPEC)]
#[case::acknowledgement(ContentType::ACK)]
fn the_type_arrives(#[case] kind: ContentType) {
    for (mut ours, mut theirs, epoch) in both_versions() {
        for epoch in [0, epoch] {
            let mut record = Vec::new();
            let number = ours.seal(epoch, kind, b"payload", &mut record).unwrap();
            let mut payload = Vec::new();
            let opened = theirs.open(&record, &mut payload).unwrap();
            assert_eq!((opened.number, opened.kind), (number, kind));
            assert_eq!(payload, b"payload");
        }
    }
}

#[test]
fn records_of_a_datagram_are_opened_one_by_one() {
    for (mut ours, mut theirs, epoch) in both_versions() {
        let mut datagram = b"before".to_vec();
        for (epoch, payload) in [(0, &b"zero"[..]), (epoch, b"one"), (epoch, b"two")] {
            ours.seal(epoch, ContentType::HANDSHAKE, payload, &mut datagram).unwrap();
        }
        let mut rest = &datagram[6..];
        let (mut payloads, mut payload) = (Vec::new(), Vec::new());
        while let Some(record) = theirs.split(&mut rest) {
            let _ = theirs.open(record.unwrap(), &mut payload).unwrap();
            payloads.push(payload.clone());
        }
        assert_eq!(payloads, [&b"zero"[..], b"one", b"two"]);
    }
}

#[test]
fn numbers_count_up_in_each_epoch_apart() {
    for (mut ours, _, epoch) in both_versions() {
        let mut out = Vec::new();
        for sequence in 0..3 {
            for epoch in [0, epoch] {
                let number = ours.seal(epoch, DATA, b"", &mut out).unwrap();
                assert_eq!(number, RecordNumber::new(epoch, sequence));
            }
        }
        ours.set_next_sequence(epoch, 70);
        assert_eq!(ours.seal(epoch, DATA, b"", &mut out).unwrap().sequence, 70);
        ours.set_next_sequence(epoch, 3);
        assert_eq!(ours.seal(epoch, DATA, b"", &mut out).unwrap().sequence, 71, "never back");
    }
}

#[test]
fn a_changed_bit_anywhere_is_noticed() {
    for (provider, suite) in all() {
        let (mut ours, mut theirs, epoch) = pair(provider, suite);
        // Anybody may write a record of epoch 0.
        theirs.retire_read(0);
        let record = sealed(&mut ours, epoch, b"payload");
        for bit in 0..8 * record.len() {
            let mut changed = record.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let (mut rest, mut payload) = (&changed[..], Vec::new());
            while let Some(record) = theirs.split(&mut rest) {
                let outcome = record.and_then(|record| theirs.open(record, &mut payload));
                assert!(outcome.is_err(), "{suite:?}: bit {bit}");
            }
        }
        assert_eq!(opened(&mut theirs, &record).unwrap().1, b"payload", "the true one still opens");
    }
}

#[test]
fn sequences_of_version_13_travel_encrypted_and_are_found_again() {
    let mut rng = Rng::from_seed([6; 32]);
    for suite in SUITES_13 {
        let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), suite);
        let (mut sequence, mut wire) = (0, Vec::new());
        for _ in 0..200 {
            // Gaps up to half of what two bytes tell apart.
            sequence += rng.public_below(1 << 15);
            ours.set_next_sequence(epoch, sequence);
            let record = sealed(&mut ours, epoch, b"x");
            wire.push([record[1], record[2]]);
            assert_eq!(opened(&mut theirs, &record).unwrap().0.sequence, sequence);
            sequence += 1;
        }
        let low = |sequence: u64| u16::try_from(sequence & 0xffff).unwrap().to_be_bytes();
        let plain = wire.iter().filter(|bytes| **bytes == low(sequence - 1)).count();
        assert!(plain < 5, "the sequence is not what stands there");
    }
}

#[test]
fn short_forms_of_headers_are_read() {
    // This end writes two bytes of sequence and the length; a peer may leave either out.
    let suite = CipherSuite::Aes128GcmSha256;
    let provider = crypto::rust_crypto();
    let secret = secret(provider, suite, 3);
    let (keys, mask) = (secret.keys(), secret.record_number_key());
    for (sequence, flags, has_length) in [(7, 0x23, false), (8, 0x27, true), (9, 0x2b, false)] {
        let mut header = vec![flags];
        header.extend_from_slice(if flags & 0x08 == 0 { &[] } else { &[0] });
        header.push(sequence);
        if has_length {
            header.extend_from_slice(&[0, 3 + 1 + 16]);
        }
        let nonce = keys.iv.nonce(u64::from(sequence));
        let mut body = b"abc\x17".to_vec();
        keys.aead.seal_and_append(&nonce, &header, &mut body, 0);
        let [high, low] = mask.mask(body.first_chunk().unwrap());
        if flags & 0x08 == 0 {
            header[1] ^= high;
        } else {
            header[1] ^= high;
            header[2] ^= low;
        }
        let (_, mut theirs, epoch) = pair(provider, suite);
        let number = RecordNumber::new(epoch, u64::from(sequence));
        let opened = opened(&mut theirs, &[header, body].concat());
        assert_eq!(opened, Ok((number, b"abc".to_vec())), "{flags:#x}");
    }
}

#[rstest]
#[case::none(1, 10)]
#[case::to_sixteen(16, 15)]
#[case::to_more_than_fits(40_000, MAX_PLAINTEXT)]
fn padding_is_added_and_taken_off(#[case] unit: u16, #[case] padded: usize) {
    let (mut ours, mut theirs, epoch) = pair(crypto::rust_crypto(), CipherSuite::Aes128GcmSha256);
    let bare = ours.overhead(epoch);
    ours.set_padding(unit);
    let record = sealed(&mut ours, epoch, b"0123456789");
    assert_eq!(record.len(), bare + padded);
    assert!(record.len() <= ours.overhead(epoch) + 10);
    assert_eq!(opened(&mut theirs, &record).unwrap().1, b"0123456789");
}

#[test]
fn a_record_of_padding_alone_has_no_type() {
    let provider = crypto::rust_crypto();
    let suite = CipherSuite::Aes128GcmSha256;
    let (_, mut theirs, epoch) = pair(provider, suite);
    let (mut ours, ..) = pair(provider, suite);
    ours.set_padding(32);
    let mut record = Vec::new();
    ours.seal(epoch, ContentType::new(0), b"", &mut record).unwrap();
    let mut payload = Vec::new();
    let opened = theirs.open(&record, &mut payload).unwrap();
    assert_eq!((opened.kind, payload.len()), (ContentType::new(0), 0));
}

#[test]
fn nothing_is_written_when_sealing_fails() {
    for (mut ours, _, epoch) in both_versions() {
        let mut out = b"before".to_vec();
        let long = vec![0; MAX_PLAINTEXT + 1];
        assert_eq!(ours.seal(epoch, DATA, &long, &mut out), Err(SealError::TooLong));
        assert_eq!(ours.seal(epoch + 1, DATA, b"", &mut out), Err(SealError::NoKeys));
        ours.retire_write(epoch);
        assert_eq!(ours.seal(epoch, DATA, b"", &mut out), Err(SealError::NoKeys));
        assert_eq!(out, b"before");
        assert_eq!(ours.overhead(epoch), 13, "that of a record without keys");
    }
}
