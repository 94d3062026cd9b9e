//! The drawing as a Mermaid sequence diagram.

use std::fmt::Write as _;

use super::{Ladder, elide::Elision, mark::Mark, picture::ordered, step::Step};
use crate::observe::svg::time;

pub(super) fn render(ladder: &Ladder) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for (column, name) in ladder.names.iter().enumerate() {
        let _ = writeln!(out, "    participant c{column} as {}", escape(name));
    }
    let steps = ordered(ladder);
    let elision = Elision::of(&steps);
    for (index, step) in steps.iter().enumerate() {
        if let Some(words) = elision.stands_for(index) {
            over_all(ladder, words, &mut out);
        }
        if !elision.hides(index) && !step.text.is_empty() {
            line(ladder, step, &mut out);
        }
    }
    if ladder.omitted > 0 {
        over_all(ladder, &format!("… and {} more", ladder.omitted), &mut out);
    }
    out
}

fn line(ladder: &Ladder, step: &Step, out: &mut String) {
    let at = time(step.at.as_nanos());
    let text = escape(&step.text);
    let _ = match step.mark {
        Mark::Arrow { from, to } => {
            writeln!(out, "    c{from}->>c{to}: {at}: {}", leg(step).unwrap_or(text))
        }
        Mark::Refused { from, to } => {
            writeln!(out, "    c{from}-xc{to}: {at}: {}", leg(step).unwrap_or(text))
        }
        Mark::Lost { from, right } => {
            let last = ladder.names.len().saturating_sub(1);
            let to = if right { (from + 1).min(last) } else { from.saturating_sub(1) };
            writeln!(out, "    c{from}--xc{to}: {at}: {}", leg(step).unwrap_or(text))
        }
        Mark::Note { column } => writeln!(out, "    Note over c{column}: {at}: {text}"),
        Mark::Remark => {
            over_all(ladder, &format!("{at}: {}", step.text), out);
            Ok(())
        }
    };
}

/// Words, addresses and the reason of a drop, on a line each.
fn leg(step: &Step) -> Option<String> {
    let leg = step.leg.as_ref()?;
    let mut text = format!(
        "{}<br/>{} → {}",
        escape(&leg.words),
        escape(&leg.source.to_string()),
        escape(&leg.destination.to_string())
    );
    if let Some(why) = &leg.why {
        let _ = write!(text, "<br/>dropped: {}", escape(&why.words));
    }
    Some(text)
}

fn over_all(ladder: &Ladder, words: &str, out: &mut String) {
    if !ladder.names.is_empty() {
        let last = ladder.names.len() - 1;
        let _ = writeln!(out, "    Note over c0,c{last}: {}", escape(words));
    }
}

/// Semicolons end a statement of Mermaid, hashes begin an entity, angle brackets an element.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ';' => out.push_str("#59;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '\n' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}
