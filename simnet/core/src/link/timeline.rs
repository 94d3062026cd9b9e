//! Tables of times: which line of one holds now, and until when.

use std::time::Duration;

use base::Instant;

/// What recurs by itself takes this long at least. A run that makes up for what recurred while nothing
/// moved has then a bounded number of turns to make: ten thousand for each second.
pub(super) const SHORTEST_PERIOD: Duration = Duration::from_micros(100);

/// What to say of a shorter one.
pub(super) const TOO_SHORT: &str = "what recurs takes at least 100us each time";

/// The line of a table that holds at `now`, and when the next one takes over ([`Instant::MAX`] if none
/// does). `starts` are the times at which lines begin, in order, the first at zero; after `repeat` the
/// table begins again.
pub(super) fn locate(
    starts: impl Iterator<Item = Duration>,
    repeat: Option<Duration>,
    now: Instant,
) -> (usize, Instant) {
    let (round, within) = match repeat {
        Some(period) => {
            let period = nanos(period).max(1);
            (now.as_nanos() / period * period, now.as_nanos() % period)
        }
        None => (0, now.as_nanos()),
    };
    let mut line = 0;
    for (number, start) in starts.enumerate() {
        let start = nanos(start);
        if start > within && number > 0 {
            return (line, Instant::from_nanos(round.saturating_add(start)));
        }
        line = number;
    }
    let end = repeat.map_or(u64::MAX, |period| round.saturating_add(nanos(period)));
    (line, Instant::from_nanos(end))
}

/// Whole nanoseconds, up to 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[rstest]
    #[case(0, None, 0, 40)]
    #[case(39, None, 0, 40)]
    #[case(40, None, 1, 60)]
    #[case(61, None, 2, u64::MAX)]
    #[case(61, Some(100), 2, 100)]
    #[case(105, Some(100), 0, 140)]
    #[case(260, Some(100), 2, 300)]
    fn finds_the_line_that_holds(
        #[case] now: u64,
        #[case] repeat: Option<u64>,
        #[case] line: usize,
        #[case] until: u64,
    ) {
        let starts = [0, 40, 60].into_iter().map(ms);
        let until = if until == u64::MAX { Instant::MAX } else { Instant::ZERO + ms(until) };
        let now = Instant::ZERO + ms(now);
        assert_eq!(locate(starts, repeat.map(ms), now), (line, until));
    }
}
