//! Whether a figure is what was wanted.

use simnet::units;

use super::Bound;
use crate::run::Figure;

/// Whether `figure` is as `wanted` says: a bound with a unit such as `<60ms`, `>=4Mbps`, `<=1%`, `>0`,
/// or the very words. What cannot be read is not met.
pub(super) fn is(figure: &Figure, wanted: &str) -> bool {
    match figure {
        Figure::Count(count) => wanted.parse::<Bound>().is_ok_and(|bound| bound.admits(*count)),
        Figure::Time(time) => compare(
            wanted,
            |text| units::parse_duration(text).ok(),
            time.as_secs_f64(),
            |limit| limit.as_secs_f64(),
        ),
        #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53 bits a second")]
        Figure::Rate(rate) => {
            compare(wanted, |text| units::parse_rate(text).ok(), *rate as f64, |limit| limit as f64)
        }
        Figure::Share(share) => {
            compare(wanted, |text| units::parse_fraction(text).ok(), *share, |limit| limit)
        }
        Figure::Truth(_) | Figure::Text(_) => figure.to_string() == wanted,
    }
}

/// Compares by the sign before the limit; without one, they must be equal.
fn compare<T>(
    wanted: &str,
    parse: impl Fn(&str) -> Option<T>,
    value: f64,
    number: impl Fn(T) -> f64,
) -> bool {
    let rest = wanted.trim_start_matches(['<', '>', '=']);
    let sign = wanted.get(..wanted.len() - rest.len()).unwrap_or_default();
    let Some(limit) = parse(rest.trim()).map(number) else { return false };
    match sign {
        "<" => value < limit,
        "<=" => value <= limit,
        ">" => value > limit,
        ">=" => value >= limit,
        "" | "=" | "==" => (value - limit).abs() <= f64::EPSILON * limit.abs(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Figure::Count(3), "<=3", true)]
    #[case(Figure::Count(3), "4", false)]
    #[case(Figure::Time(Duration::from_millis(59)), "<60ms", true)]
    #[case(Figure::Time(Duration::from_millis(60)), "<60ms", false)]
    #[case(Figure::Time(Duration::from_millis(60)), "60ms", true)]
    #[case(Figure::Rate(4_500_000), ">=4Mbps", true)]
    #[case(Figure::Share(0.02), "<=1%", false)]
    #[case(Figure::Truth(true), "yes", true)]
    #[case(Figure::Text("random".to_owned()), "sequential", false)]
    #[case(Figure::Time(Duration::ZERO), "<soon", false)]
    fn figures_are_held_against_bounds_with_units(
        #[case] figure: Figure,
        #[case] wanted: &str,
        #[case] held: bool,
    ) {
        assert_eq!(is(&figure, wanted), held);
    }
}
