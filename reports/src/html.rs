//! One self-contained page per run.
//!
//! The page needs nothing but itself: style, script and the run are inside it, so it works from
//! `file://`, as an attachment and on a phone without a network. The run is embedded as JSON and
//! drawn piece by piece as the reader moves, so that thousands of results load quickly. A reader
//! without scripts gets the totals as a table.
//!
//! Nothing from the run is ever written as markup: the shell escapes what it prints, the script
//! builds nodes and sets text, and the JSON block holds no character that could end it.

use minijinja::{Environment, Value, context};

use crate::badge;
use crate::model::{LevelTotals, Run};

const SHELL: &str = include_str!("../assets/shell.html");
const STYLES: &[&str] = &[
    include_str!("../assets/style.css"),
    include_str!("../assets/pages.css"),
    include_str!("../assets/media.css"),
];
const SCRIPTS: &[&str] = &[
    include_str!("../assets/dom.js"),
    include_str!("../assets/data.js"),
    include_str!("../assets/parts.js"),
    include_str!("../assets/read_ladder.js"),
    include_str!("../assets/ladder.js"),
    include_str!("../assets/overview.js"),
    include_str!("../assets/matrix.js"),
    include_str!("../assets/mutants.js"),
    include_str!("../assets/specs.js"),
    include_str!("../assets/cases.js"),
    include_str!("../assets/find.js"),
    include_str!("../assets/main.js"),
];

/// The page of a run. Captures are offered for download as they stand in the run: call
/// [`Run::embed_captures`] first to put small ones inside the page.
#[must_use]
pub fn page(run: &Run) -> String {
    let json = serde_json::to_string(run).expect("the model has only string keys");
    let mut shells = Environment::new();
    shells.add_template("shell.html", SHELL).expect("the shell is a valid template");
    let shell = shells.get_template("shell.html").expect("the shell was just added");
    shell
        .render(context! {
            title => title(run),
            summary => badge::text(run, None),
            suite => run.run.suite.as_str(),
            tier => run.run.tier.as_str(),
            seed => run.run.seed.to_string(),
            command => run.run.command.as_str(),
            started => run.wall.started.as_str(),
            rows => rows(run),
            style => STYLES.join("\n"),
            script => SCRIPTS.join("\n"),
            json => harmless(&json),
        })
        .expect("the shell prints only what it is given")
}

fn title(run: &Run) -> String {
    let names: Vec<&str> = run.subjects.iter().map(|subject| subject.name.as_str()).collect();
    format!("Conformance of {}", names.join(", "))
}

/// The rows of the table for readers without scripts.
fn rows(run: &Run) -> Vec<Value> {
    let tested = |totals: &LevelTotals| format!("{}/{}", totals.tested, totals.testable);
    let mut rows = Vec::new();
    for subject in &run.subjects {
        for spec in &run.specs {
            let totals = run.totals(&subject.name, |requirement| requirement.spec == spec.doc);
            rows.push(context! {
                subject => subject.name.as_str(),
                spec => format!("{} {}", spec.label(), spec.short),
                must => tested(&totals.must),
                should => tested(&totals.should),
                may => tested(&totals.may),
                fail => totals.must.fail + totals.implicit.fail,
            });
        }
    }
    rows
}

/// JSON that an HTML parser reads as text only: no tag, comment or entity can begin in it, and no
/// line separator that a script reader would trip over. Outside of strings JSON has none of these
/// characters, and inside them the escape means the same.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            _ => out.push(character),
        }
    }
    out
}
