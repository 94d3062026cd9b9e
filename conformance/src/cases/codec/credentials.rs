//! USERHASH, PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM: RFC 8489 §14.4, §14.11, §14.12.

use super::{request, sweep};
use crate::cases::stun::script::*;

case! {
    id: "stun.codec.password-algorithms",
    title: "A list of password algorithms is read over parameters of any length",
    reqs: [
        req::STUN_PASSWORD_ALGORITHMS_FORMAT,
        req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED,
        req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { parameters: [0, 1, 2, 3, 4, 5, 32], padding: [0x00, 0xff] },
    no_reference: "no other stack at hand passes yet",
    run: password_algorithm_list,
}

/// An unknown algorithm with parameters stands between the two known ones. A codec may pass over it.
fn password_algorithm_list(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let parameters = usize::try_from(v.number("parameters")).unwrap_or(0);
    let filler = u8::try_from(v.number("padding")).unwrap_or(0);
    let read = |filler| {
        let value = [entry(2, 0, 0), entry(0xfe, parameters, filler), entry(1, 0, 0)].concat();
        let bytes = request([Attribute::bytes(attribute::PASSWORD_ALGORITHMS, &value)]);
        codec.read(&bytes, Wanted::PasswordAlgorithms)
    };
    let (found, with_zeros) = (read(filler), read(0));
    t.stimulus("three algorithms");
    supported(&found)?;
    let (same, got) = (found == with_zeros, format!("{found:?}"));
    t.must(req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED, same, "the same as with zeros", &got)?;
    let fine = match &found {
        Ok(Field::PasswordAlgorithms(found)) => *found == [2, 0xfe, 1] || *found == [2, 1],
        _ => false,
    };
    t.must(req::STUN_PASSWORD_ALGORITHMS_FORMAT, fine, "2, perhaps 0xfe, and 1", got)?;
    let built = codec.encode(3, [0x5a; 12], &[Field::PasswordAlgorithms(vec![2, 1])]);
    supported(&built)?;
    let built = built.unwrap_or_default();
    let wanted = [0x80, 0x02, 0, 8, 0, 2, 0, 0, 0, 1, 0, 0];
    let fine = built.get(HEADER..) == Some(&wanted);
    t.must(req::STUN_PASSWORD_ALGORITHMS_FORMAT, fine, hex(&wanted), hex(&built))?;
    t.must(req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO, fine, hex(&wanted), hex(&built))
}

case! {
    id: "stun.codec.password-algorithm",
    title: "PASSWORD-ALGORITHM is one algorithm and its parameters",
    reqs: [
        req::STUN_PASSWORD_ALGORITHM_FORMAT,
        req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED,
        req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO,
    ],
    kind: SubjectKind::StunCodec,
    variants: product! { parameters: [0, 1, 2, 3, 4, 5, 32], padding: [0x00, 0xff] },
    run: password_algorithm,
}

/// None of the known algorithms has parameters, so an unknown one must serve. A codec may refuse it,
/// but not for its padding.
fn password_algorithm(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let codec = codec(t)?;
    let parameters = usize::try_from(v.number("parameters")).unwrap_or(0);
    let filler = u8::try_from(v.number("padding")).unwrap_or(0);
    let algorithm = if parameters == 0 { 2 } else { 0xfe };
    let read = |filler| {
        let value = entry(algorithm, parameters, filler);
        let bytes = request([Attribute::bytes(attribute::PASSWORD_ALGORITHM, &value)]);
        codec.read(&bytes, Wanted::PasswordAlgorithm)
    };
    let (found, with_zeros) = (read(filler), read(0));
    t.stimulus("an algorithm");
    supported(&found)?;
    let (same, got) = (found == with_zeros, format!("{found:?}"));
    t.must(req::STUN_PASSWORD_ALGORITHM_PADDING_IGNORED, same, "the same as with zeros", &got)?;
    let right = found == Ok(Field::PasswordAlgorithm(algorithm));
    let (req, fine) =
        (req::STUN_PASSWORD_ALGORITHM_FORMAT, right || parameters > 0 && found.is_err());
    t.must(req, fine, format_args!("algorithm {algorithm}"), got)?;
    let built = codec.encode(0, [0x5a; 12], &[Field::PasswordAlgorithm(2)]);
    supported(&built)?;
    let built = built.unwrap_or_default();
    let wanted = [0x00, 0x1d, 0, 4, 0, 2, 0, 0];
    let fine = built.get(HEADER..) == Some(&wanted);
    t.must(req::STUN_PASSWORD_ALGORITHM_FORMAT, fine, hex(&wanted), hex(&built))?;
    t.must(req::STUN_PASSWORD_ALGORITHM_PADDING_ZERO, fine, hex(&wanted), hex(&built))
}

/// One algorithm with this many bytes of parameters, padded with `filler`.
fn entry(algorithm: u16, parameters: usize, filler: u8) -> Vec<u8> {
    let length = u16::try_from(parameters).unwrap_or(0);
    let mut entry = [algorithm.to_be_bytes(), length.to_be_bytes()].concat();
    entry.resize(4 + parameters, b'p');
    entry.resize(entry.len().next_multiple_of(4), filler);
    entry
}

case! {
    id: "stun.codec.userhash",
    title: "USERHASH is the 32 bytes of the hash, and nothing of another length",
    reqs: [req::STUN_USERHASH_VALUE],
    kind: SubjectKind::StunCodec,
    variants: product! { name: ["alice", "a", "\u{30de}\u{30c8}"] },
    run: user_hash,
}

fn user_hash(t: &mut Ctl<'_>, v: &Variant) -> Outcome {
    let (codec, name) = (codec(t)?, v.text("name"));
    let built = codec.encode(0, [0x5a; 12], &[Field::UserHash(name.to_owned(), REALM.to_owned())]);
    t.stimulus(name);
    supported(&built)?;
    let (built, hash) = (built.unwrap_or_default(), userhash(name, REALM));
    let wanted = request([Attribute::userhash(&hash)]);
    let req = req::STUN_USERHASH_VALUE;
    t.must(req, built == wanted, hex(&wanted), hex(&built))?;
    let read = codec.read(&wanted, Wanted::UserHash);
    supported(&read)?;
    t.must(req, read == Ok(Field::UserHashBytes(hash)), hex(&hash), format_args!("{read:?}"))?;
    let wrong = (0..=40).filter(|length| *length != 32).find_map(|length| {
        let bytes = request([Attribute::bytes(attribute::USERHASH, &vec![7; length])]);
        let read = codec.read(&bytes, Wanted::UserHash);
        read.is_ok().then(|| format!("{length} bytes: {read:?}"))
    });
    sweep(t, req, "no hash of another length", wrong)
}
