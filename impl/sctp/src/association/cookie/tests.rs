//! Cookies are known again, and nothing else is.

use super::*;

fn cookies(seed: u8) -> Cookies {
    Cookies::new(crypto::rust_crypto(), &Rng::from_seed([seed; 32]))
}

fn example(made: Instant) -> Cookie {
    Cookie {
        made,
        life: Duration::from_secs(60),
        ports: (5_000, 5_001),
        local_tag: 0x0102_0304,
        local_tsn: Tsn::new(0xffff_fff0),
        ties: (7, 9),
        peer: Introduction {
            tag: 0x0506_0708,
            window: 0x10_0000,
            outgoing: 1_024,
            incoming: 65_535,
            tsn: Tsn::new(u32::MAX),
            features: Features { interleaving: false, ecn: false, ..Features::default() },
        },
    }
}

#[test]
fn a_cookie_remembers_all_that_was_put_in() {
    let mut cookies = cookies(1);
    let cookie = example(Instant::from_nanos(5));
    let bytes = cookies.make(&cookie);
    assert_eq!(cookies.open(&bytes), Some(cookie));
    assert_eq!(bytes.len(), 65, "small, so that it passes everywhere");
}

#[test]
fn every_set_of_features_survives() {
    for byte in 0..32 {
        assert_eq!(to_bits(from_bits(byte)), byte);
    }
}

#[test]
fn a_cookie_with_any_bit_flipped_is_none() {
    let mut cookies = cookies(1);
    let bytes = cookies.make(&example(Instant::ZERO));
    for bit in 0..bytes.len() * 8 {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(cookies.open(&forged), None, "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert_eq!(cookies.open(&bytes[..length]), None, "{length} bytes");
    }
    assert_eq!(cookies.open(&[bytes, vec![0]].concat()), None, "a byte more");
}

#[test]
fn a_cookie_of_another_end_is_none() {
    let bytes = cookies(1).make(&example(Instant::ZERO));
    let mut other = cookies(2);
    other.make(&example(Instant::ZERO));
    assert_eq!(other.open(&bytes), None);
    assert_eq!(cookies(1).open(&bytes), None, "no key was drawn yet");
}

#[test]
fn keys_change_and_the_last_one_is_still_known() {
    let mut cookies = cookies(1);
    let at = |hours: u32| Instant::ZERO + KEY_LIFE * hours;
    let bytes: Vec<_> = (0..3).map(|hour| cookies.make(&example(at(hour)))).collect();
    let known: Vec<_> = bytes.iter().map(|bytes| cookies.open(bytes).is_some()).collect();
    assert_eq!(known, [false, true, true]);
}

#[test]
fn a_cookie_is_stale_once_its_life_is_over() {
    let cookie = example(Instant::from_nanos(1));
    let end = cookie.made + cookie.life;
    assert_eq!(cookie.staleness(end), None);
    assert_eq!(cookie.staleness(end + Duration::from_nanos(1)), Some(Duration::from_nanos(1)));
    assert_eq!(cookie.staleness(Instant::ZERO), None, "a clock that went back");
    assert_eq!(example(Instant::MAX).staleness(Instant::MAX), None);
    let forever = Cookie { life: Duration::MAX, ..cookie };
    assert_eq!(forever.staleness(Instant::MAX), None);
}
