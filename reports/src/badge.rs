//! One badge: how much is tested, how much of that holds, and whether green means anything.

use std::fmt::Write as _;

use crate::model::Run;

/// Width of a character in units of 0.1 pixels at 11 pixels, rounded up: wide enough for every
/// common sans-serif font. `textLength` then fits the text into the space exactly.
const CHARACTER: usize = 64;
const PADDING: usize = 80;
const LABEL: &str = "conformance";

/// The badge of one subject as an SVG document, such as
/// `MUST 612/640 tested · 100 % pass · mutants 96 %`. Without a subject it is the first one's.
#[must_use]
pub fn svg(run: &Run, subject: Option<&str>) -> String {
    let text = text(run, subject);
    let failed = name(run, subject).is_some_and(|name| run.totals(name, |_| true).must.fail > 0);
    let colour = if failed { "#a8481c" } else { "#0a6c74" };
    let (left, right) = (width(LABEL), width(&text));
    let total = left + right;
    let (middle_left, middle_right) = (left / 2, left + right / 2);
    let (fit_left, fit_right) = (left - PADDING * 2, right - PADDING * 2);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="20" viewBox="0 0 {total} 200" role="img" aria-label="{LABEL}: {text}">
<title>{LABEL}: {text}</title>
<clipPath id="r"><rect width="{total}" height="200" rx="30"/></clipPath>
<g clip-path="url(#r)"><path fill="#3c434d" d="M0 0h{left}v200H0z"/><path fill="{colour}" d="M{left} 0h{right}v200H{left}z"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="110">
<text x="{middle_left}" y="140" textLength="{fit_left}" lengthAdjust="spacingAndGlyphs">{LABEL}</text>
<text x="{middle_right}" y="140" textLength="{fit_right}" lengthAdjust="spacingAndGlyphs">{text}</text>
</g>
</svg>
"##,
        total.div_ceil(10),
    )
}

/// The text of the badge.
#[must_use]
pub fn text(run: &Run, subject: Option<&str>) -> String {
    let Some(name) = name(run, subject) else { return "no subject".to_owned() };
    let must = run.totals(name, |_| true).must;
    let mut text = format!("MUST {}/{} tested", must.tested, must.testable);
    if must.tested > 0 {
        let _ = write!(text, " · {} % pass", must.pass_percent());
    }
    if let Some(mutants) = &run.run.mutants {
        let _ = write!(text, " · mutants {} %", mutants.kill_percent());
    }
    text
}

fn name<'a>(run: &'a Run, wanted: Option<&str>) -> Option<&'a str> {
    let mut subjects = run.subjects.iter().map(|subject| subject.name.as_str());
    match wanted {
        Some(wanted) => subjects.find(|&name| name == wanted),
        None => subjects.next(),
    }
}

fn width(text: &str) -> usize {
    text.chars().count() * CHARACTER + 2 * PADDING
}
