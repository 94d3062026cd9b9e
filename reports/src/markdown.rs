//! Markdown tables, for a README or a pull request comment.

use std::fmt::Write as _;

use crate::model::{
    Assertion, CaseResult, LevelTotals, Mutants, Requirement, Run, Subject, Verdict,
};

/// How many results of one kind are listed before the rest is only counted: a comment on a pull
/// request has a size limit.
const LISTED: usize = 50;

/// One table per subject: what is tested and held per specification. Fit for a README.
#[must_use]
pub fn summary(run: &Run) -> String {
    let mut out = String::new();
    for subject in &run.subjects {
        if !out.is_empty() {
            out.push('\n');
        }
        table(run, subject, &mut out);
    }
    out
}

/// The summary with the verdicts, failures, notes and planted bugs. Fit for a pull request.
#[must_use]
pub fn report(run: &Run) -> String {
    let mut out = String::from("## Conformance\n\n");
    let about = &run.run;
    let _ = writeln!(
        out,
        "Suite {}, tier {}, seed `{}`. Again: {}\n",
        escape(&about.suite),
        escape(&about.tier),
        about.seed,
        code(&about.command)
    );
    out.push_str(&summary(run));
    verdicts(run, &mut out);
    list(run, "Failures", |verdict| verdict == Verdict::Fail, &mut out);
    list(
        run,
        "Nothing proved",
        |verdict| matches!(verdict, Verdict::Harness | Verdict::Inconclusive | Verdict::Flaky),
        &mut out,
    );
    list(run, "Notes", |verdict| matches!(verdict, Verdict::Note | Verdict::Missing), &mut out);
    if let Some(mutants) = &about.mutants {
        planted(mutants, &mut out);
    }
    out
}

fn table(run: &Run, subject: &Subject, out: &mut String) {
    let _ = writeln!(out, "**{}** {}\n", escape(&subject.name), escape(&subject.version));
    out.push_str(
        "| Specification | MUST tested | MUST pass | SHOULD tested | MAY tested | Fail |\n",
    );
    out.push_str("|---|--:|--:|--:|--:|--:|\n");
    for spec in &run.specs {
        let name = format!("{} {}", spec.label(), spec.short);
        row(run, subject, &escape(&name), |requirement| requirement.spec == spec.doc, out);
    }
    if run.specs.len() > 1 {
        row(run, subject, "**All**", |_| true, out);
    }
}

fn row(
    run: &Run,
    subject: &Subject,
    name: &str,
    keep: impl Fn(&Requirement) -> bool,
    out: &mut String,
) {
    let totals = run.totals(&subject.name, keep);
    let fail = totals.must.fail + totals.implicit.fail;
    let pass = match totals.must.tested {
        0 => "–".to_owned(),
        _ => format!("{} %", totals.must.pass_percent()),
    };
    let _ = writeln!(
        out,
        "| {name} | {} | {pass} | {} | {} | {fail} |",
        tested(&totals.must),
        tested(&totals.should),
        tested(&totals.may),
    );
}

fn tested(totals: &LevelTotals) -> String {
    format!("{}/{}", totals.tested, totals.testable)
}

fn verdicts(run: &Run, out: &mut String) {
    out.push_str("\n| Results |");
    for subject in &run.subjects {
        let _ = write!(out, " {} |", escape(&subject.name));
    }
    out.push_str("\n|---|");
    out.push_str(&"--:|".repeat(run.subjects.len()));
    out.push('\n');
    let counts: Vec<_> = run.subjects.iter().map(|s| run.verdicts(&s.name)).collect();
    for verdict in Verdict::ALL {
        let row: Vec<usize> =
            counts.iter().map(|c| c.get(verdict).copied().unwrap_or_default()).collect();
        if row.iter().any(|&count| count > 0) {
            let _ = write!(out, "| {} {verdict} |", verdict.glyph());
            for count in row {
                let _ = write!(out, " {count} |");
            }
            out.push('\n');
        }
    }
}

fn list(run: &Run, title: &str, keep: impl Fn(Verdict) -> bool, out: &mut String) {
    let chosen: Vec<&CaseResult> = run.results.iter().filter(|r| keep(r.verdict)).collect();
    if chosen.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<details><summary>{title}: {}</summary>\n", chosen.len());
    for result in chosen.iter().take(LISTED) {
        entry(run, result, out);
    }
    if let Some(rest) = chosen.len().checked_sub(LISTED).filter(|&rest| rest > 0) {
        let _ = writeln!(out, "* and {rest} more");
    }
    out.push_str("\n</details>\n");
}

fn entry(run: &Run, result: &CaseResult, out: &mut String) {
    let reason = result.reason.as_deref().unwrap_or_default();
    let _ = write!(out, "* {} {}", result.verdict.glyph(), code(&result.name()));
    let _ = write!(out, " on {}", escape(&result.subject));
    if !reason.is_empty() {
        let _ = write!(out, ": {}", escape(reason));
    }
    if let Some(known) = &result.known {
        let _ = write!(out, " (known: {})", escape(&known.reason));
    }
    out.push('\n');
    for assertion in result.assertions.iter().filter(|assertion| !assertion.held) {
        broken(run, assertion, out);
    }
    let _ = writeln!(out, "  * replay: {}", code(&result.replay));
}

fn broken(run: &Run, assertion: &Assertion, out: &mut String) {
    let place = run.requirement(&assertion.requirement).map(Requirement::place);
    let _ = writeln!(
        out,
        "  * {} {} ({}): wanted {}, got {}",
        assertion.level,
        code(&assertion.requirement),
        escape(&place.unwrap_or_default()),
        escape(&assertion.wanted),
        escape(&assertion.got)
    );
}

fn planted(mutants: &Mutants, out: &mut String) {
    let _ = writeln!(
        out,
        "\nPlanted bugs noticed: {} of {} ({} %).",
        mutants.killed(),
        mutants.mutants.len(),
        mutants.kill_percent()
    );
    for mutant in mutants.mutants.iter().filter(|mutant| mutant.killer.is_none()) {
        let _ = writeln!(out, "* survives: {}: {}", code(&mutant.name), escape(&mutant.says));
    }
}

/// Text as text: nothing in it formats, links, mentions, opens a tag or ends a table cell.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An empty comment keeps a mention from notifying anyone.
            '@' => out.push_str("@<!-- -->"),
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' => {
                out.push('\\');
                out.push(character);
            }
            '\r' | '\n' => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

/// Text as code, whatever back quotes it holds.
pub(crate) fn code(text: &str) -> String {
    let text = text.replace(['\r', '\n'], " ").replace('|', "¦");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}
