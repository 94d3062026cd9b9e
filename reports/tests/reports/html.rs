//! The page: self-contained, harmless, complete.

use reports::html;
use reports::model::{Capture, Run, Verdict};
use rstest::rstest;

use crate::fixture;

const OPENING: &str = "<script type=\"application/json\" id=\"run\">";

/// The JSON block as a browser finds it: it ends at the first closing tag, whatever stands in it.
fn embedded(page: &str) -> &str {
    let start = page.find(OPENING).unwrap() + OPENING.len();
    let rest = &page[start..];
    &rest[..rest.find("</script").unwrap()]
}

/// The fixture with `text` in every place that a report, a subject or a case author can fill.
fn hostile(text: &str) -> Run {
    let mut run = fixture::run();
    run.run.command = text.into();
    run.run.suite = text.into();
    run.run.filter = Some(text.into());
    run.wall.host = text.into();
    run.wall.started = text.into();
    run.subjects[0].version = text.into();
    run.subjects[0].about = text.into();
    run.subjects[1].name = text.into();
    run.specs[0].title = text.into();
    run.specs[0].short = text.into();
    run.specs[0].sections[0].title = text.into();
    run.requirements[0].says = text.into();
    run.requirements[4].reason = Some(text.into());
    run.cases[0].title = text.into();
    for result in &mut run.results {
        if result.subject == "other" {
            result.subject = text.into();
        }
        result.variant.push_str(text);
        result.reason = Some(text.into());
        result.ladder = format!("0.1 a > b {text}\n0.2 {text} < b x\n{text}");
        result.replay = text.into();
        for assertion in &mut result.assertions {
            assertion.got = text.into();
        }
    }
    run.results[0].capture = Some(Capture::Embedded { name: text.into(), base64: text.into() });
    run.results[1].capture = Some(Capture::Path(text.into()));
    run.finish();
    run
}

#[test]
fn needs_nothing_but_itself() {
    let page = html::page(&fixture::run());
    for outside in ["://", "src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn embeds_the_whole_run() {
    let run = fixture::run();
    let page = html::page(&run);
    assert_eq!(Run::parse(embedded(&page), "page").unwrap(), run);
}

#[test]
fn is_the_same_page_for_the_same_run() {
    assert_eq!(html::page(&fixture::run()), html::page(&fixture::run()));
}

#[rstest]
#[case::closing_script("</script><script>alert(1)</script>")]
#[case::closing_script_in_capitals("</SCRIPT ><Script>alert(1)")]
#[case::comment_that_swallows_the_end("<!--<script>")]
#[case::closing_noscript("</noscript><img src=x onerror=alert(1)>")]
#[case::attribute("\" onmouseover=\"alert(1)\" x='")]
#[case::entity("&lt;/script&gt;&amp;")]
#[case::template("{{ 7 * 7 }}{% raw %}")]
#[case::line_separators("\u{2028}\u{2029}\u{0}\u{7f}\\u003c")]
fn no_text_of_the_run_becomes_markup(#[case] text: &str) {
    let run = hostile(text);
    let page = html::page(&run);
    let calm = html::page(&hostile("calm"));
    let shape = |page: &str| -> Vec<String> {
        let data = embedded(page);
        assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
        page.replace(data, "").split('<').skip(1).map(tag).collect()
    };
    assert_eq!(shape(&page), shape(&calm));
    assert_eq!(Run::parse(embedded(&page), "page").unwrap(), run);
}

/// The name of the tag or comment that begins `text`, just after its `<`.
fn tag(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || "/!-".contains(*character))
        .collect()
}

#[test]
fn scripts_build_nodes_and_never_parse_markup() {
    let page = html::page(&fixture::run());
    let scripts = &page[page.find(OPENING).unwrap()..];
    for parser in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
    {
        assert!(!scripts.contains(parser), "{parser}");
    }
}

#[test]
fn tells_readers_without_scripts_the_totals() {
    let page = html::page(&fixture::run());
    let plain = &page[page.find("<noscript>").unwrap()..page.find("</noscript>").unwrap()];
    let plain = plain.replace("&#x2f;", "/");
    assert!(plain.contains("MUST 3/4 tested · 100 % pass · mutants 50 %"));
    let row = "<td>other</td><th scope=\"row\">RFC 8489 STUN</th><td>1/2</td><td>1/1</td><td>0/0</td><td>1</td>";
    assert!(plain.contains(row), "{plain}");
}

#[test]
fn knows_a_glyph_and_a_colour_for_every_verdict() {
    let page = html::page(&fixture::run());
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for verdict in Verdict::ALL {
        let entry = format!("{verdict}: {{ glyph: \"{}\",", verdict.glyph());
        assert!(words.contains(&entry), "{entry}");
        assert!(page.contains(&format!(".is-{verdict}")), "{verdict}");
    }
}
