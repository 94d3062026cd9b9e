//! Self-signed certificates and signatures.

use std::time::Duration;

use base::{Rng, WallTime};
use crypto::{
    BadCertificateParams, BadPublicKey, Certificate, CertificateParams, EcdsaCurve, HashAlgorithm,
    KeyKind, Provider, SignatureAlgorithm, VerifyError,
};
use rstest::rstest;

use crate::{PROVIDERS, hex};

const DAY: Duration = Duration::from_secs(86_400);

fn params(curve: EcdsaCurve) -> CertificateParams<'static> {
    let now = Duration::from_secs(1_800_000_000);
    CertificateParams {
        common_name: "WebRTC",
        curve,
        not_before: WallTime::from_unix(now - DAY),
        not_after: WallTime::from_unix(now + 30 * DAY),
    }
}

#[rstest]
fn a_certificate_verifies_with_its_own_key(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] maker: Provider,
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] reader: Provider,
    #[values(EcdsaCurve::P256, EcdsaCurve::P384)] curve: EcdsaCurve,
) {
    let identity = maker.self_signed(&params(curve), &mut Rng::from_seed([1; 32])).unwrap();
    let certificate = Certificate::parse(identity.certificate()).unwrap();
    assert_eq!(certificate.der(), identity.certificate());
    assert_eq!(certificate.public_key_info(), identity.key().public_key_info());
    let key = reader.public_key(certificate.public_key_info()).unwrap();
    let (message, signature) = (certificate.to_be_signed(), certificate.signature());
    assert_eq!(key.verify(curve.signature_algorithm(), message, signature), Ok(()));
    assert_eq!(
        key.verify(curve.signature_algorithm(), &message[1..], signature),
        Err(VerifyError::BadSignature)
    );
    let fingerprint = certificate.fingerprint(reader, HashAlgorithm::Sha256);
    assert_eq!(fingerprint, maker.hash(HashAlgorithm::Sha256, &[identity.certificate()]));
}

#[rstest]
#[case::p256(EcdsaCurve::P256)]
#[case::p384(EcdsaCurve::P384)]
fn rust_crypto_makes_the_same_certificate_from_the_same_seed(#[case] curve: EcdsaCurve) {
    let make = |seed| {
        let mut rng = Rng::from_seed([seed; 32]);
        let identity = crypto::rust_crypto().self_signed(&params(curve), &mut rng).unwrap();
        let algorithm = curve.signature_algorithm();
        let signature = identity.key().sign_with(algorithm, b"message", &mut rng).unwrap();
        (identity.certificate().to_vec(), signature)
    };
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
}

#[test]
fn certificate_bytes_are_part_of_the_contract() {
    let mut rng = Rng::from_seed([7; 32]);
    let identity = crypto::rust_crypto().self_signed(&params(EcdsaCurve::P256), &mut rng).unwrap();
    let hex: Vec<String> =
        identity.certificate().chunks(32).map(|line| line.iter().map(to_hex).collect()).collect();
    insta::assert_snapshot!(hex.join("\n"));
}

fn to_hex(byte: &u8) -> String {
    format!("{byte:02x}")
}

#[test]
fn both_providers_draw_the_same_key_from_the_same_seed() {
    for curve in [EcdsaCurve::P256, EcdsaCurve::P384] {
        let [a, b] = PROVIDERS.map(|provider| {
            provider.signing_key(curve, &mut Rng::from_seed([3; 32])).public_key_info().to_vec()
        });
        assert_eq!(a, b);
    }
}

#[rstest]
#[case::no_name("", 1, Some(BadCertificateParams::CommonName))]
#[case::long_name("0123456789012345678901234567890123456789012345678901234567890123", 1, None)]
#[case::too_long_a_name(
    "0123456789012345678901234567890123456789012345678901234567890123x",
    1,
    Some(BadCertificateParams::CommonName)
)]
#[case::empty_validity("a", -1, Some(BadCertificateParams::Validity))]
#[case::until_2049("a", 2_493_071_999 - 1_000, None)]
#[case::until_2050("a", 2_524_608_000 - 1_000, None)]
#[case::until_the_end_of_calendars("a", 253_402_300_799 - 1_000, None)]
#[case::beyond("a", 253_402_300_800 - 1_000, Some(BadCertificateParams::Validity))]
fn refuses_what_cannot_stand_in_a_certificate(
    #[case] common_name: &str,
    #[case] seconds: i64,
    #[case] error: Option<BadCertificateParams>,
) {
    let not_before = WallTime::from_unix(Duration::from_secs(1_000));
    let end = u64::try_from(1_000 + seconds).unwrap();
    let not_after = WallTime::from_unix(Duration::from_secs(end));
    let params = CertificateParams { common_name, curve: EcdsaCurve::P256, not_before, not_after };
    for provider in PROVIDERS {
        let identity = provider.self_signed(&params, &mut Rng::from_seed([0; 32]));
        assert_eq!(identity.as_ref().err(), error.as_ref());
        if let Ok(identity) = identity {
            assert!(Certificate::parse(identity.certificate()).is_ok());
        }
    }
}

#[test]
fn dates_after_2049_have_four_digits_of_the_year() {
    let mut params = params(EcdsaCurve::P256);
    params.not_after = WallTime::from_unix(Duration::from_secs(2_524_608_000));
    let identity =
        crypto::rust_crypto().self_signed(&params, &mut Rng::from_seed([0; 32])).unwrap();
    let has = |needle: &[u8]| identity.certificate().windows(needle.len()).any(|at| at == needle);
    assert!(has(b"\x17\x0d270114080000Z"));
    assert!(has(b"\x18\x0f20500101000000Z"));
}

#[test]
fn certificates_cut_short_or_changed_never_panic_and_mostly_fail() {
    let mut rng = Rng::from_seed([9; 32]);
    let identity = crypto::rust_crypto().self_signed(&params(EcdsaCurve::P256), &mut rng).unwrap();
    let der = identity.certificate();
    for end in 0..der.len() {
        assert!(Certificate::parse(&der[..end]).is_err(), "cut at {end}");
    }
    assert!(Certificate::parse(&[der, &[0]].concat()).is_err());
    for _ in 0..20_000 {
        let mut changed = der.to_vec();
        let at = usize::try_from(rng.public_below(u64::try_from(der.len()).unwrap())).unwrap();
        changed[at] ^= rng.public_array::<1>()[0];
        if let Ok(certificate) = Certificate::parse(&changed) {
            for provider in PROVIDERS {
                let _ = provider.public_key(certificate.public_key_info());
            }
        }
    }
}

#[rstest]
#[case::rfc6979_a_2_5_sample(
    EcdsaCurve::P256,
    "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    b"sample",
    "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
    "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
)]
#[case::rfc6979_a_2_5_test(
    EcdsaCurve::P256,
    "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    b"test",
    "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
    "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"
)]
#[case::rfc6979_a_2_6_sample(
    EcdsaCurve::P384,
    "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8
     96D5724E4C70A825F872C9EA60D2EDF5",
    b"sample",
    "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C
     81A648152E44ACF96E36DD1E80FABE46",
    "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F
     A329C145786E679E7B82C71A38628AC8"
)]
#[case::rfc6979_a_2_6_test(
    EcdsaCurve::P384,
    "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8
     96D5724E4C70A825F872C9EA60D2EDF5",
    b"test",
    "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB
     0542A7F0812998DA8F1DD3CA3CF023DB",
    "DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E0
     6A739F040649A667BF3B828246BAA5A5"
)]
fn rust_crypto_signs_as_rfc_6979(
    #[case] curve: EcdsaCurve,
    #[case] scalar: &str,
    #[case] message: &[u8],
    #[case] r: &str,
    #[case] s: &str,
) {
    let key = crypto::rust_crypto().signing_key_from_scalar(curve, &hex(scalar)).unwrap();
    let rng = &mut Rng::from_seed([0; 32]);
    let signature = key.sign_with(curve.signature_algorithm(), message, rng).unwrap();
    let number = |bytes: Vec<u8>| {
        let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
        let sign = if bytes[0] >= 0x80 { vec![0] } else { Vec::new() };
        let length = u8::try_from(sign.len() + bytes.len()).unwrap();
        [vec![2, length], sign, bytes].concat()
    };
    let numbers = [number(hex(r)), number(hex(s))].concat();
    let expected = [vec![0x30, u8::try_from(numbers.len()).unwrap()], numbers].concat();
    assert_eq!(signature, expected);
}

#[rstest]
fn refuses_private_scalars_out_of_range(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
    #[values(EcdsaCurve::P256, EcdsaCurve::P384)] curve: EcdsaCurve,
) {
    let length = curve.scalar_len();
    for bad in [vec![0; length], vec![0xff; length], vec![1; length - 1], vec![1; length + 1]] {
        assert!(provider.signing_key_from_scalar(curve, &bad).is_err());
    }
}

#[rstest]
fn refuses_public_keys_that_are_not_sound(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let key = provider.signing_key(EcdsaCurve::P256, &mut Rng::from_seed([5; 32]));
    let good = key.public_key_info().to_vec();
    assert_eq!(provider.public_key(&good).unwrap().kind(), KeyKind::EcdsaP256);
    let mut off_curve = good.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    assert_eq!(provider.public_key(&off_curve).unwrap_err(), BadPublicKey::Unsound);
    let mut compressed_form = good.clone();
    compressed_form[26] = 0x02;
    assert_eq!(provider.public_key(&compressed_form).unwrap_err(), BadPublicKey::Unsound);
    let mut other_curve = good.clone();
    other_curve[22] ^= 1;
    assert_eq!(provider.public_key(&other_curve).unwrap_err(), BadPublicKey::Unsupported);
    assert!(matches!(provider.public_key(&good[1..]), Err(BadPublicKey::Malformed(_))));
}

#[rstest]
fn refuses_algorithms_of_another_kind_of_key(
    #[values(crypto::aws_lc_rs(), crypto::rust_crypto())] provider: Provider,
) {
    let rng = &mut Rng::from_seed([5; 32]);
    let key = provider.signing_key(EcdsaCurve::P256, rng);
    let signature = key.sign_with(SignatureAlgorithm::EcdsaP256Sha256, b"message", rng).unwrap();
    let public = provider.public_key(key.public_key_info()).unwrap();
    let verify = |algorithm| public.verify(algorithm, b"message", &signature);
    assert_eq!(verify(SignatureAlgorithm::EcdsaP256Sha256), Ok(()));
    assert_eq!(verify(SignatureAlgorithm::EcdsaP256Sha384), Err(VerifyError::BadSignature));
    assert_eq!(verify(SignatureAlgorithm::EcdsaP384Sha256), Err(VerifyError::OtherKind));
    assert_eq!(verify(SignatureAlgorithm::RsaPssSha256), Err(VerifyError::OtherKind));
}
