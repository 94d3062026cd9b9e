//! `subjects`: who can be tested, what they declare, and whether their adapters keep their word.

use std::io::Write;

use super::closed;
use crate::{
    Cap, Subject, Support,
    exit::{Exit, Refusal},
    subject,
    suite::Suite,
};

pub(super) fn subjects(suite: &Suite, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let mut exit = Exit::Equal;
    for subject in &suite.subjects {
        let kinds: Vec<&str> = subject.kinds().iter().map(|kind| kind.word()).collect();
        writeln!(
            out,
            "{} {}\n  {}\n  is   {}\n  can  {}\n  not  {}",
            subject.name(),
            subject.version(),
            subject.about(),
            kinds.join(", "),
            declared(*subject, Support::Yes),
            declared(*subject, Support::No),
        )
        .map_err(closed)?;
        if !subject.is_deterministic() {
            writeln!(out, "  throws dice of its own: verdicts replay, bytes do not")
                .map_err(closed)?;
        }
        for fault in subject::self_check(*subject) {
            exit = Exit::Harness;
            writeln!(out, "  adapter fault: {fault}").map_err(closed)?;
        }
    }
    Ok(exit)
}

fn declared(subject: &dyn Subject, support: Support) -> String {
    let caps: Vec<&str> = Cap::ALL
        .iter()
        .filter(|cap| subject.supports(**cap) == support)
        .map(|cap| cap.id())
        .collect();
    if caps.is_empty() { "–".to_owned() } else { caps.join(", ") }
}
