//! Dates, for the few protocol fields that carry one.

use std::{fmt, time::Duration};

use crate::Instant;

/// Seconds between the NTP era (1900) and the Unix epoch (1970): RFC 5905 §6.
const NTP_OFFSET_SECONDS: u64 = 2_208_988_800;

/// A calendar moment in UTC, with nanoseconds.
///
/// A machine gets one `WallTime` at birth, together with the [`Instant`] it belongs to, and derives
/// later ones with [`WallTime::after`]: NTP timestamps of sender reports, certificate validity and SDP
/// session ids then move with the machine's own clock and replay exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime {
    since_unix_epoch: Duration,
}

impl WallTime {
    /// The Unix epoch, 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self { since_unix_epoch: Duration::ZERO };

    /// The moment `since` after the Unix epoch.
    #[must_use]
    pub const fn from_unix(since: Duration) -> Self {
        Self { since_unix_epoch: since }
    }

    /// Time since the Unix epoch.
    #[must_use]
    pub const fn as_unix(self) -> Duration {
        self.since_unix_epoch
    }

    /// The wall time at `now`, if `self` was the wall time at `then`.
    #[must_use]
    pub fn after(self, then: Instant, now: Instant) -> Self {
        Self { since_unix_epoch: self.since_unix_epoch.saturating_add(now - then) }
    }

    /// The 64-bit NTP timestamp of RFC 3550 §4: 32 bits of seconds since 1900 (wrapping in 2036),
    /// 32 bits of fraction.
    #[must_use]
    pub fn as_ntp(self) -> u64 {
        let seconds = self.since_unix_epoch.as_secs().wrapping_add(NTP_OFFSET_SECONDS);
        let fraction = (u64::from(self.since_unix_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        (seconds << 32) | fraction
    }

    /// Year, month (1-12), day (1-31), hour, minute, second in the Gregorian calendar.
    #[must_use]
    pub fn civil(self) -> (u64, u64, u64, u64, u64, u64) {
        let seconds = self.since_unix_epoch.as_secs();
        let (year, month, day) = civil_from_days(seconds / 86_400);
        (year, month, day, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
    }
}

/// Turns days since 1970-01-01 into a Gregorian date, counting years from March so that the leap day
/// comes last (the method of Fliegel and Van Flandern, in unsigned arithmetic).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // Days since 0000-03-01.
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::epoch(0, "1970-01-01T00:00:00Z")]
    #[case::leap_day(951_782_399, "2000-02-28T23:59:59Z")]
    #[case::leap_day_next(951_782_400, "2000-02-29T00:00:00Z")]
    #[case::year_2038(2_147_483_648, "2038-01-19T03:14:08Z")]
    #[case::not_a_leap_century(4_107_542_400, "2100-03-01T00:00:00Z")]
    fn prints_the_gregorian_date(#[case] unix: u64, #[case] date: &str) {
        assert_eq!(WallTime::from_unix(Duration::from_secs(unix)).to_string(), date);
    }

    #[test]
    fn ntp_time_counts_from_1900() {
        let half = WallTime::from_unix(Duration::from_millis(500));
        assert_eq!(half.as_ntp(), (2_208_988_800 << 32) | 0x8000_0000);
    }

    #[test]
    fn moves_with_the_machine_clock() {
        let born = WallTime::from_unix(Duration::from_secs(100));
        let (then, now) = (Instant::from_nanos(5), Instant::from_nanos(3_000_000_005));
        assert_eq!(born.after(then, now), WallTime::from_unix(Duration::from_secs(103)));
    }
}
