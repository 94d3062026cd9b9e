//! What a run says on the terminal: its failures, its tables, its files.

use std::{collections::BTreeSet, fmt::Write as _};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, presets};
use owo_colors::OwoColorize as _;
use reports::model::{CaseResult, LevelTotals, Mutants, Requirement, Run, Verdict};

use crate::baseline::{self, Standing};

/// Ladder lines shown with a failure; the file has them all.
const LADDER_LINES: usize = 16;

/// Cases named in a line before the rest is only counted.
const NAMED: usize = 5;

/// A failure, as far as a person wants to see it at first: what was wanted, what came, which rule, how to
/// play it again, where the files are.
#[must_use]
pub fn failure(run: &Run, result: &CaseResult, folder: &str) -> String {
    let word = result.verdict.to_string().to_uppercase();
    let mut text =
        format!("{}  {}   subject={}\n", word.red().bold(), result.name(), result.subject);
    let mut broken = result.assertions.iter().filter(|assertion| !assertion.held).peekable();
    if broken.peek().is_none() {
        let reason = result.reason.as_deref().unwrap_or("no reason given");
        let _ = writeln!(text, "      reason  {reason}");
    }
    for assertion in broken {
        let place = run.requirement(&assertion.requirement).map(Requirement::place);
        let _ = writeln!(
            text,
            "      {} {}   {}\n      wanted  {}\n      got     {}",
            assertion.level,
            assertion.requirement.bold(),
            place.unwrap_or_default(),
            assertion.wanted,
            assertion.got
        );
    }
    let _ = writeln!(text, "      replay  {}", result.replay);
    let _ = writeln!(text, "      files   {folder}");
    text.push_str(&window(&result.ladder));
    text
}

/// The lines of the ladder that end with its last one, which is where it failed.
fn window(ladder: &str) -> String {
    let lines: Vec<&str> = ladder.lines().collect();
    let left_out = lines.len().saturating_sub(LADDER_LINES);
    let mut text = String::new();
    if left_out > 0 {
        let _ = writeln!(text, "   … {left_out} lines before, in ladder.txt");
    }
    for line in lines.iter().skip(left_out) {
        let _ = writeln!(text, "   {line}");
    }
    text
}

/// The results that the baseline does not expect, in order, with how they stand to it.
#[must_use]
pub fn unexpected(run: &Run) -> Vec<(&CaseResult, Standing)> {
    let standing = |result: &CaseResult| baseline::compare(result.verdict, result.known.as_ref());
    run.results
        .iter()
        .map(|result| (result, standing(result)))
        .filter(|(_, standing)| *standing != Standing::Equal)
        .collect()
}

/// What the star in the tables says.
const FOOTNOTE: &str = "* and what must be so although no key word of BCP 14 says it (IMPLICIT); \
                        untested: it waits for what the simulator does not have yet, or for a case";

/// Requirements by layer and document, for each subject, and the cases by verdict.
#[must_use]
pub fn tables(run: &Run) -> String {
    let mut text = String::new();
    for subject in &run.subjects {
        let _ = writeln!(text, "{} {}", subject.name.bold(), subject.version);
        let _ = writeln!(text, "{}", requirements(run, &subject.name));
    }
    let _ = writeln!(text, "{FOOTNOTE}\n\n{}", verdicts(run));
    let lonely = without_reference(run);
    if !lonely.is_empty() {
        let more = lonely.len().saturating_sub(NAMED);
        let names: Vec<&str> = lonely.into_iter().take(NAMED).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(
            text,
            "no independent subject passes, and no reason is given: {}{more}",
            names.join(", ")
        );
    }
    for (case, state) in run.never_reached() {
        let _ = writeln!(text, "never reached in any variant of {case}: {state}");
    }
    text
}

/// The planted bugs, and who noticed each.
#[must_use]
pub fn mutants(found: &Mutants) -> String {
    let mut table = new_table(&["Planted bug", "Breaks", "Noticed by"]);
    for mutant in &found.mutants {
        let noticed = mutant.killer.as_ref().map_or_else(
            || "nobody: it survived".to_owned(),
            |killer| match killer.variant.as_str() {
                "" => killer.case.clone(),
                variant => format!("{}[{variant}]", killer.case),
            },
        );
        table.add_row([&mutant.name, &mutant.breaks, &noticed]);
    }
    format!("{table}\n")
}

/// The cases of a run with several subjects that only our own passes, without saying why: nobody else's
/// code vouches for them.
fn without_reference(run: &Run) -> Vec<&str> {
    if run.subjects.len() < 2 {
        return Vec::new();
    }
    let good = |result: &&CaseResult| matches!(result.verdict, Verdict::Pass | Verdict::Note);
    let vouched: BTreeSet<&str> = run
        .results
        .iter()
        .filter(|result| result.subject != "ours")
        .filter(good)
        .map(|result| result.case.as_str())
        .collect();
    let lonely = run.cases.iter().filter(|case| case.no_reference.is_none());
    lonely.map(|case| case.id.as_str()).filter(|id| !vouched.contains(id)).collect()
}

fn requirements(run: &Run, subject: &str) -> Table {
    let mut table = new_table(&[
        "Layer", "Spec", "MUST*", "tested", "pass", "fail", "untested", "SHOULD", "tested", "MAY",
        "tested",
    ]);
    let mut specs: Vec<_> = run.specs.iter().collect();
    specs.sort_by(|a, b| (&a.layer, &a.doc).cmp(&(&b.layer, &b.doc)));
    for spec in specs {
        let name = [spec.layer.clone(), spec.label()];
        add_row(&mut table, name, run, subject, |requirement| requirement.spec == spec.doc);
    }
    if run.specs.len() > 1 {
        add_row(&mut table, ["All".to_owned(), String::new()], run, subject, |_| true);
    }
    table
}

fn add_row(
    table: &mut Table,
    name: [String; 2],
    run: &Run,
    subject: &str,
    keep: impl Fn(&Requirement) -> bool,
) {
    let totals = run.totals(subject, keep);
    let sum = |pick: fn(&LevelTotals) -> usize| pick(&totals.must) + pick(&totals.implicit);
    let (testable, tested) = (sum(|t| t.testable), sum(|t| t.tested));
    let numbers = [
        testable,
        tested,
        sum(|t| t.pass),
        sum(|t| t.fail),
        testable - tested,
        totals.should.testable,
        totals.should.tested,
        totals.may.testable,
        totals.may.tested,
    ];
    let cells = name.into_iter().map(Cell::new);
    table.add_row(cells.chain(numbers.map(number)).collect::<Vec<_>>());
}

fn verdicts(run: &Run) -> Table {
    let counts: Vec<_> = run.subjects.iter().map(|s| (s, run.verdicts(&s.name))).collect();
    let present: Vec<Verdict> = Verdict::ALL
        .iter()
        .copied()
        .filter(|verdict| counts.iter().any(|(_, counts)| counts.contains_key(verdict)))
        .collect();
    let words: Vec<&str> = present.iter().map(|verdict| verdict.as_str()).collect();
    let mut table = new_table(&[&["Subject", "cases"], words.as_slice()].concat());
    for (subject, counts) in counts {
        let all = counts.values().sum();
        let each = present.iter().map(|verdict| counts.get(verdict).copied().unwrap_or(0));
        let cells = std::iter::once(all).chain(each).map(number);
        table.add_row(std::iter::once(Cell::new(&subject.name)).chain(cells).collect::<Vec<_>>());
    }
    table
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING.header_separator(LineStyle::new(' ', '─', '─', ' ')))
        .set_header(header);
    table
}

fn number(number: usize) -> Cell {
    Cell::new(number).set_alignment(CellAlignment::Right)
}
