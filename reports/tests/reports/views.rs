//! JUnit, Markdown and badge of a small run.

use reports::model::Clock;
use reports::{badge, junit, markdown};

use crate::fixture;

#[test]
fn junit_of_a_small_run() {
    insta::assert_snapshot!(junit::xml(&fixture::run()));
}

#[test]
fn junit_calls_what_proved_nothing_an_error_in_simulated_time_only() {
    let mut run = fixture::run();
    assert!(junit::xml(&run).contains("<error message=\"inconclusive: the stimulus"));
    run.subjects[0].clock = Clock::Wall;
    let xml = junit::xml(&run);
    assert!(!xml.contains("<error"));
    assert!(xml.contains("<skipped message=\"inconclusive: the stimulus"));
}

#[test]
fn junit_shows_a_failure_that_the_baseline_does_not_know() {
    let mut run = fixture::run();
    run.results[2].known = None;
    let xml = junit::xml(&run);
    assert!(xml.contains("<failure message=\"fail: the second request came 250 ms late\""));
    assert!(xml.contains("wanted  500 ms after the first request\ngot     750 ms"));
}

#[test]
fn junit_survives_hostile_names() {
    let mut run = fixture::run();
    run.results[2].known = None;
    run.results[2].reason = Some("\"><failure/> ]]> \u{0} \u{1b}[31m & <![CDATA[".into());
    let xml = junit::xml(&run);
    assert!(!xml.contains(['\u{0}', '\u{1b}']));
    assert!(xml.contains("&quot;&gt;&lt;failure/&gt; ]]&gt;"), "{xml}");
}

#[test]
fn markdown_summary_of_a_small_run() {
    insta::assert_snapshot!(markdown::summary(&fixture::run()));
}

#[test]
fn markdown_report_of_a_small_run() {
    insta::assert_snapshot!(markdown::report(&fixture::run()));
}

#[test]
fn markdown_survives_hostile_names() {
    let mut run = fixture::run();
    run.subjects[0].version = "| x |\n<script> [a](http://b) @everyone *`".into();
    run.results[2].reason = Some("</details> | ``".into());
    run.results[2].replay = "a `b` | c".into();
    let text = markdown::report(&run);
    let version = "&#124; x &#124; &lt;script&gt; \\[a\\](http://b) @<!-- -->everyone \\*\\`";
    assert!(text.contains(version), "{text}");
    assert!(text.contains("&lt;/details&gt; &#124; \\`\\`"), "{text}");
    assert!(text.contains("``a `b` ¦ c``"), "{text}");
}

#[test]
fn badge_of_a_small_run() {
    insta::assert_snapshot!(badge::svg(&fixture::run(), None));
}

#[test]
fn badge_text_names_what_failed_and_what_was_not_tried() {
    let mut run = fixture::run();
    assert_eq!(badge::text(&run, None), "MUST 3/4 tested · 100 % pass · mutants 50 %");
    assert_eq!(badge::text(&run, Some("other")), "MUST 1/4 tested · 0 % pass · mutants 50 %");
    run.run.mutants = None;
    assert_eq!(badge::text(&run, Some("nobody")), "no subject");
    run.results.clear();
    run.roll_up();
    assert_eq!(badge::text(&run, None), "MUST 0/4 tested");
}

#[test]
fn badge_warns_by_colour_when_a_must_is_broken() {
    let run = fixture::run();
    assert!(badge::svg(&run, Some("ours")).contains("#0a6c74"));
    assert!(badge::svg(&run, Some("other")).contains("#a8481c"));
}
