//! What there is to learn.

use std::{fmt::Write as _, path::Path};

use lab::{
    Scenario, artefacts,
    lessons::{self, Lesson as Found},
    render::Recording,
};

use super::{Done, arguments::Lesson, failure::Failure};

/// Lists the lessons.
pub(crate) fn list() -> Done {
    let width = lessons::all().map(|lesson| lesson.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for lesson in lessons::all() {
        let _ = writeln!(text, "{:width$}  {}", lesson.name, lesson.title());
    }
    text.push_str("\n`lesson NAME` shows one and runs its scenarios.\n");
    Done::well(text)
}

/// Shows a lesson and runs its scenarios.
pub(crate) fn lesson(arguments: &Lesson) -> Result<Done, Failure> {
    let lesson = lessons::find(&arguments.name).map_err(|similar| {
        let hint = similar.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let name = &arguments.name;
        Failure::usage(format!("no lesson is called `{name}`{hint}\n`lessons` lists them all"))
    })?;
    let mut text = format!("{}\n", lesson.page.trim());
    let mut as_expected = true;
    for (name, _) in lesson.scenarios {
        as_expected &= perform(arguments, &lesson, name, &mut text)?;
    }
    Ok(Done { text, as_expected })
}

fn perform(
    arguments: &Lesson,
    lesson: &Found,
    name: &str,
    text: &mut String,
) -> Result<bool, Failure> {
    let path = Path::new("simnet/lessons").join(lesson.name).join(format!("{name}.toml"));
    let source = lesson.scenarios.iter().find(|(known, _)| *known == name).map(|(_, toml)| *toml);
    let scenario = Scenario::parse(source.unwrap_or_default())
        .map_err(|problems| Failure::problems(&path, &problems))?;
    let recording = if arguments.out.is_some() {
        Recording::whole(&scenario)
    } else {
        Recording::of(&scenario)
    };
    let recording = recording.map_err(|problem| Failure::problem(&path, &problem))?;
    let _ = writeln!(text, "\n── {}\n   {}\n", path.display(), scenario.about);
    if arguments.ladder {
        let _ = writeln!(text, "{}", recording.ladder.render());
    }
    for verdict in &recording.outcome.verdicts {
        let _ = writeln!(text, "   {verdict}");
    }
    if let Some(folder) = &arguments.out {
        let folder = folder.join(name);
        artefacts::write(&folder, &recording, &[])?;
        let _ = writeln!(text, "   left in {}", folder.display());
    }
    Ok(recording.outcome.held())
}
