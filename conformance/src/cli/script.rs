//! `script`: plays a script of packets against a subject.

use std::{io::Write, path::PathBuf};

use wire::sctp::script::Script;

use super::{closed, parse_seed};
use crate::{
    Case, Ctl, Stop, SubjectKind, Tier, Variant,
    cases::play_sctp,
    ctl::Record,
    exit::{Exit, Refusal},
    suite::Suite,
};

/// What to play against whom.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The script, such as conformance/scripts/sctp/gap.pkt.
    file: PathBuf,
    /// The subject.
    #[arg(long, default_value = "ours")]
    subject: String,
    /// The seed of the run.
    #[arg(long, default_value = "0", value_parser = parse_seed)]
    seed: u64,
}

/// The case that a script by hand is.
const BY_HAND: Case = Case {
    id: "sctp.script.by-hand",
    title: "A script from the command line",
    reqs: &[],
    kind: SubjectKind::Sctp,
    needs: &[],
    tier: Tier::Fast,
    variants: || vec![Variant::none()],
    no_reference: None,
    run: |_, _| Ok(()),
};

pub(super) fn script(suite: &Suite, args: &Args, out: &mut dyn Write) -> Result<Exit, Refusal> {
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Refusal::environment(format!("{shown}: cannot be read ({error}); name another file"))
    })?;
    let script = Script::read(&text).map_err(|error| Refusal::data(format!("{shown}: {error}")))?;
    let subjects = suite.subjects(std::slice::from_ref(&args.subject))?;
    let mut exit = Exit::Equal;
    for subject in subjects {
        let ctl = Ctl::new(subject, &suite.registry, &BY_HAND, args.seed);
        let mut ctl = ctl.recording(Record::Everything);
        let played = play_sctp(&mut ctl, &script);
        let (_, _, files) = ctl.finish();
        write!(out, "{}", files.ladder).map_err(closed)?;
        let end = match played {
            Ok(Ok(())) => "as it is written".to_owned(),
            Ok(Err(why)) => {
                exit = Exit::Regression;
                why
            }
            Err(Stop::Unsupported(why) | Stop::Inconclusive(why) | Stop::Harness(why)) => {
                exit = Exit::Regression;
                why
            }
            Err(Stop::Failed) => {
                exit = Exit::Regression;
                "an assertion failed".to_owned()
            }
        };
        writeln!(out, "{shown} against {}: {end}", subject.name()).map_err(closed)?;
    }
    Ok(exit)
}
