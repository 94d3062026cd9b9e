//! Where the kernel cannot be asked, its recorded answers hold the presets all the same.

use oracle::{
    questions::{self, STREAM, UNREPLIED},
    report,
    simulated::Simulated,
    subject::{self, Subject},
};
use rstest::rstest;

// Dependencies of the library and of its command line.
use {
    anstream as _, clap as _, lab as _, owo_colors as _, simnet as _, socket2 as _, thiserror as _,
};

fn answers(subject: &Subject, seed: u64) -> String {
    let config = subject.config(UNREPLIED, STREAM).expect("the preset fits the schema");
    let mut world = Simulated::new(config, seed).expect("the world fits together");
    report::text(&questions::ask(&mut world).expect("the simulated world does not break"))
}

#[rstest]
fn presets_answer_as_the_kernel_did(#[values(1, 2, 3)] seed: u64) {
    for subject in subject::ALL {
        let differences = report::differences(subject.measured, &answers(subject, seed));
        assert!(differences.is_empty(), "{}: {differences:#?}", subject.preset);
    }
}

#[test]
fn a_preset_of_another_kind_is_noticed() {
    let bare = subject::find("linux-masquerade-bare").unwrap();
    let random = subject::find("linux-masquerade-random").unwrap();
    let differences = report::differences(bare.measured, &answers(&random, 1));
    assert!(differences.iter().any(|it| it.question.starts_with("the port that four")));
}
