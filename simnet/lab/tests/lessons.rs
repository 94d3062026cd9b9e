//! Every lesson says what is true.

use std::fmt::Write as _;

use lab::{
    Scenario,
    lessons::{self, Lesson},
    render::Recording,
};
use rstest::rstest;

/// Lines of a ladder that a page can show; longer ones are told by their figures.
const READABLE: usize = 70;

fn recorded(lesson: &Lesson, name: &str, text: &str) -> Recording {
    let scenario = Scenario::parse(text)
        .unwrap_or_else(|problems| panic!("{}/{name}: {problems}", lesson.name));
    Recording::of(&scenario).unwrap_or_else(|problem| panic!("{}/{name}: {problem}", lesson.name))
}

/// What a lesson shows: of each scenario what was expected and came, what the participants tell, and the
/// ladder if a page holds it.
fn shown(lesson: &Lesson) -> String {
    let mut text = String::new();
    for (name, toml) in lesson.scenarios {
        let recording = recorded(lesson, name, toml);
        let outcome = &recording.outcome;
        let _ = writeln!(text, "── {name}: {}", recording.scenario.about);
        for verdict in &outcome.verdicts {
            let _ = writeln!(text, "   {verdict}");
        }
        for (figure, value) in outcome.figures() {
            let _ = writeln!(text, "   {figure} = {value}");
        }
        let ladder = recording.ladder.render();
        if ladder.lines().count() <= READABLE {
            let _ = writeln!(text, "{ladder}");
        }
    }
    text
}

#[rstest]
#[case::symmetric_nat("01-symmetric-nat")]
#[case::hairpinning("02-hairpinning")]
#[case::inbound_first("03-inbound-first")]
#[case::behind_one_cgn("04-behind-one-cgn")]
#[case::keepalives("05-keepalives")]
#[case::pmtu_black_hole("06-pmtu-black-hole")]
#[case::bufferbloat("07-bufferbloat")]
#[case::port_prediction("08-port-prediction")]
#[case::who_sends_first("09-who-sends-first")]
#[case::rebinding("10-rebinding")]
#[case::firewall("11-firewall")]
#[case::nat64("12-nat64")]
#[case::behaviour_discovery("13-behaviour-discovery")]
#[case::turn("14-turn")]
#[case::ice_restart("15-ice-restart")]
fn the_lesson_shows_what_its_page_says(#[case] name: &str) {
    let lesson = lessons::find(name).expect("the lesson is there");
    for (name, toml) in lesson.scenarios {
        let outcome = recorded(&lesson, name, toml).outcome;
        assert!(!outcome.verdicts.is_empty(), "{name} expects nothing");
        assert!(outcome.held(), "{name}: {outcome}");
        assert!(outcome.tally.is_conserved(), "{name}: {outcome}");
    }
    insta::assert_snapshot!(name, shown(&lesson));
}

#[test]
fn every_folder_is_a_lesson_with_a_test_and_a_line_in_the_index() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lessons");
    let index = std::fs::read_to_string(folder.join("README.md")).expect("there is an index");
    let tests = include_str!("lessons.rs");
    let entries = std::fs::read_dir(folder).expect("there are lessons");
    let mut folders = 0;
    for entry in entries.map(|entry| entry.expect("it can be read")) {
        if entry.file_type().expect("it has one").is_dir() {
            let name = entry.file_name().into_string().expect("names are plain");
            assert!(lessons::find(&name).is_ok(), "{name} has no lesson.md");
            assert!(index.contains(&format!("]({name}/lesson.md)")), "{name} is not in README.md");
            assert!(tests.contains(&format!("(\"{name}\")")), "{name} has no test");
            folders += 1;
        }
    }
    assert_eq!(folders, lessons::all().count());
}

#[test]
fn every_page_names_its_scenarios() {
    for lesson in lessons::all() {
        for (name, _) in lesson.scenarios {
            let file = format!("`{name}.toml`");
            assert!(lesson.page.contains(&file), "{} does not speak of {file}", lesson.name);
        }
    }
}
