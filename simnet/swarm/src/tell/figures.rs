//! Tables and percentiles.

use std::{fmt::Write as _, time::Duration};

/// The value that `percent` of the sorted times do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(at).copied()
}

/// A time in seconds, or a dash.
pub(super) fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2}", time.as_secs_f64()))
}

/// A table: the first column to the left, the others to the right.
pub(crate) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&text| text.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, " {cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_there() {
        let times: Vec<_> = (1..=10).map(Duration::from_secs).collect();
        assert_eq!(percentile(&times, 50), Some(Duration::from_secs(5)));
        assert_eq!(percentile(&times, 95), Some(Duration::from_secs(10)));
        assert_eq!(percentile(&times, 0), Some(Duration::from_secs(1)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn columns_line_up() {
        let rows = [["nat", "7"], ["a longer one", "1234"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let text = table(&["kind", "worlds"], rows.into_iter());
        insta::assert_snapshot!(text, @r"
          kind          worlds
          nat                7
          a longer one    1234
        ");
    }
}
