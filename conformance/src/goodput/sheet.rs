//! The figures as a table, as CSV and as JSON.

use std::time::Duration;

use serde::Serialize;

use super::{Cell, MESSAGE, Outcome, PACKET, Plan, RATE, Stack, plot};

/// Bytes of headers of a packet: IPv4, UDP, and those of SCTP and of its DATA chunk.
const HEADERS: usize = 20 + 8;
const SCTP_HEADERS: usize = 12 + 16;

/// One cell of the table: all its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Whose association.
    pub stack: &'static str,
    /// The round trip in milliseconds.
    pub rtt_ms: u64,
    /// The loss in percent.
    pub loss_percent: f64,
    /// Goodput in percent of the bottleneck's rate: the median of the seeds.
    pub percent: f64,
    /// The least of the seeds.
    pub least: f64,
    /// The most of the seeds.
    pub most: f64,
    /// How long the queue of the bottleneck was, in milliseconds: the median of the looks, of the worst seed.
    pub queue_median_ms: f64,
    /// The same for 95 of 100 looks.
    pub queue_95_ms: f64,
    /// Packets that found no room in the queue, of all seeds.
    pub overflowed: u64,
    /// How runs ended that ended early.
    pub ended: Vec<String>,
    #[serde(skip)]
    loss: u32,
}

/// All figures of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Sheet {
    /// Bits a second of the bottleneck.
    pub rate: u64,
    /// How long data flowed, in seconds.
    pub seconds: f64,
    /// Bytes of a message.
    pub message: usize,
    /// Bytes of an SCTP packet at most.
    pub packet: usize,
    /// What headers leave of the rate, in percent.
    pub ceiling: f64,
    /// The receive window in bytes, if everybody had the same.
    pub window: Option<u32>,
    /// Seeds of each cell.
    pub seeds: usize,
    /// One for each cell: by round trip, by loss, by stack.
    pub figures: Vec<Figure>,
    #[serde(skip)]
    stacks: Vec<Stack>,
}

impl Sheet {
    pub(super) fn new(plan: &Plan, done: impl Iterator<Item = (Cell, Outcome)>) -> Self {
        let done: Vec<_> = done.collect();
        let figures = done
            .chunk_by(|(one, _), (other, _)| Cell { seed: other.seed, ..*one } == *other)
            .filter_map(|runs| figure(runs, plan.span))
            .collect();
        let user = (PACKET - SCTP_HEADERS) as f64;
        Self {
            rate: RATE,
            seconds: plan.span.as_secs_f64(),
            message: MESSAGE,
            packet: PACKET,
            ceiling: tenths(user / (PACKET + HEADERS) as f64 * 100.0),
            window: plan.window,
            seeds: plan.seeds.len(),
            figures,
            stacks: plan.stacks.clone(),
        }
    }

    /// A table for people: goodput in percent of the rate, a column for each stack.
    #[must_use]
    pub fn table(&self) -> String {
        let window = match self.window {
            Some(bytes) => format!("receive windows of {bytes} bytes"),
            None => "receive windows as each stack has them".to_owned(),
        };
        let mut text = format!(
            "Goodput in percent of {} Mbit/s over {} s: a queue of one bandwidth-delay product that drops at \
             its\ntail, loss on the way of the data, reliable ordered messages of {} KiB, packets of {} bytes, \
             {window}.\nHeaders leave {} %. Below each figure: the queue in ms, median and 95 %.\n\n",
            self.rate / 1_000_000,
            self.seconds,
            self.message / 1_024,
            self.packet,
            self.ceiling,
        );
        text.push_str("   RTT   loss");
        for stack in &self.stacks {
            text.push_str(&format!("  {stack:>15}"));
        }
        text.push('\n');
        for row in
            self.figures.chunk_by(|one, other| (one.rtt_ms, one.loss) == (other.rtt_ms, other.loss))
        {
            text.push_str(&self.row(row));
        }
        for figure in self.figures.iter().filter(|figure| !figure.ended.is_empty()) {
            text.push_str(&format!(
                "{} at {} ms, {} %: {}\n",
                figure.stack,
                figure.rtt_ms,
                figure.loss_percent,
                figure.ended.join("; ")
            ));
        }
        text
    }

    fn row(&self, row: &[Figure]) -> String {
        let Some(first) = row.first() else { return String::new() };
        let mut text = format!("{:>4} ms  {:>3} %", first.rtt_ms, first.loss_percent);
        for figure in row {
            let shown = match self.seeds {
                0 | 1 => format!("{:.1}", figure.percent),
                _ => format!("{:.1} [{:.0}-{:.0}]", figure.percent, figure.least, figure.most),
            };
            text.push_str(&format!("  {shown:>15}"));
        }
        text.push_str("\n             ");
        for figure in row {
            let queue = format!("{:.0} / {:.0}", figure.queue_median_ms, figure.queue_95_ms);
            text.push_str(&format!("{queue:>15}  "));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// The figures as comma-separated values.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text =
            "stack,rtt_ms,loss_percent,goodput_percent,least,most,queue_median_ms,queue_95_ms,\
                        overflowed\n"
                .to_owned();
        for figure in &self.figures {
            text.push_str(&format!(
                "{},{},{},{},{},{},{},{},{}\n",
                figure.stack,
                figure.rtt_ms,
                figure.loss_percent,
                figure.percent,
                figure.least,
                figure.most,
                figure.queue_median_ms,
                figure.queue_95_ms,
                figure.overflowed
            ));
        }
        text
    }

    /// The figures as JSON.
    ///
    /// # Errors
    ///
    /// Never in practice: every field has a form in JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The figures as a drawing.
    #[must_use]
    pub fn svg(&self) -> String {
        plot::draw(self)
    }

    pub(super) fn stacks(&self) -> &[Stack] {
        &self.stacks
    }
}

fn figure(runs: &[(Cell, Outcome)], span: Duration) -> Option<Figure> {
    let (cell, _) = runs.first()?;
    let mut percents: Vec<f64> = runs
        .iter()
        .map(|(_, outcome)| {
            let rate = outcome.delivered as f64 * 8.0 / span.as_secs_f64();
            tenths(rate / RATE as f64 * 100.0)
        })
        .collect();
    percents.sort_by(f64::total_cmp);
    let longest = |pick: fn(&Outcome) -> Duration| {
        let most = runs.iter().map(|(_, outcome)| pick(outcome)).max().unwrap_or_default();
        tenths(most.as_secs_f64() * 1_000.0)
    };
    Some(Figure {
        stack: cell.stack.name(),
        rtt_ms: cell.rtt,
        loss_percent: f64::from(cell.loss) / 1_000.0,
        percent: *percents.get(percents.len() / 2)?,
        least: *percents.first()?,
        most: *percents.last()?,
        queue_median_ms: longest(|outcome| outcome.queue.0),
        queue_95_ms: longest(|outcome| outcome.queue.1),
        overflowed: runs.iter().map(|(_, outcome)| outcome.overflowed).sum(),
        ended: runs.iter().filter_map(|(_, outcome)| outcome.ended.clone()).collect(),
        loss: cell.loss,
    })
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
