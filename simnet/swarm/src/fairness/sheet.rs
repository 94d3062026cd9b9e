//! The figures as a table and as CSV.

use std::time::Duration;

use super::{Discipline, Figure, Meeting, RATE, plot};

/// All figures of a plan.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// In the order of the plan.
    pub figures: Vec<Figure>,
    /// How long each meeting lasted.
    pub span: Duration,
}

impl Sheet {
    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "Shares of {} Mbit/s over {} s in percent, the first one's first; Jain's index; the queue in ms, \
             median and 95 %.\n",
            RATE / 1_000_000,
            self.span.as_secs()
        );
        for row in self.figures.chunk_by(|one, other| place(one) == place(other)) {
            let Some(first) = row.first() else { continue };
            let (queue, millis) = place(first);
            text.push_str(&format!("\n{queue}, {millis} ms\n"));
            for figure in row {
                let shares: Vec<_> =
                    figure.shares.iter().map(|share| format!("{share:5.1}")).collect();
                text.push_str(&format!(
                    "  {:<28} {:<32} {:.3}  {:5.1} / {:5.1}\n",
                    who(&figure.meeting),
                    shares.join(" "),
                    figure.jain,
                    figure.queue.0,
                    figure.queue.1
                ));
            }
        }
        text
    }

    /// The figures as comma-separated values.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text =
            "queue,rtt_ms,flows,shares_percent,jain,queue_median_ms,queue_95_ms\n".to_owned();
        for figure in &self.figures {
            let shares: Vec<_> = figure.shares.iter().map(|share| format!("{share:.1}")).collect();
            text.push_str(&format!(
                "{},{},{},{},{:.3},{:.1},{:.1}\n",
                queue(&figure.meeting),
                figure.meeting.rtt.as_millis(),
                who(&figure.meeting),
                shares.join(" "),
                figure.jain,
                figure.queue.0,
                figure.queue.1
            ));
        }
        text
    }

    /// The figures as a drawing.
    #[must_use]
    pub fn svg(&self) -> String {
        plot::draw(self)
    }
}

/// The queue and the round trip in milliseconds.
pub(super) fn place(figure: &Figure) -> (&'static str, u128) {
    (queue(&figure.meeting), figure.meeting.rtt.as_millis())
}

fn queue(meeting: &Meeting) -> &'static str {
    match meeting.queue {
        Discipline::DropTail => "drop-tail",
        Discipline::Codel => "CoDel",
    }
}

/// The first against the others, such as `ours / 4 TCP CUBIC`.
pub(super) fn who(meeting: &Meeting) -> String {
    let Some((first, others)) = meeting.flows.split_first() else { return String::new() };
    let late = if first.start.is_zero() { "" } else { " late" };
    let count = match others.len() {
        1 => String::new(),
        count => format!("{count} "),
    };
    let other = others.first().map(|flow| flow.kind.to_string()).unwrap_or_default();
    format!("{}{late} / {count}{other}", first.kind)
}
