//! Durations as people read them.

/// Nanoseconds as seconds, such as `39.500000 s`: with microseconds, or with nanoseconds where
/// they are not zero.
pub(crate) fn seconds(nanos: u64) -> String {
    let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if part.is_multiple_of(1_000) {
        format!("{whole}.{:06} s", part / 1_000)
    } else {
        format!("{whole}.{part:09} s")
    }
}

/// Microseconds in the unit that suits them, such as `820 µs`, `1.5 ms` or `12.3 s`.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        _ => format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 µs")]
    #[case(999, "999 µs")]
    #[case(1_550, "1.5 ms")]
    #[case(61_230_000, "61.2 s")]
    fn chooses_the_unit(#[case] micros: u64, #[case] text: &str) {
        assert_eq!(super::micros(micros), text);
    }

    #[rstest]
    #[case(39_500_000_000, "39.500000 s")]
    #[case(1_999, "0.000001999 s")]
    fn hides_no_nanosecond(#[case] nanos: u64, #[case] text: &str) {
        assert_eq!(super::seconds(nanos), text);
    }
}
