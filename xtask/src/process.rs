//! Child processes: run them, say what was run, pass their verdict on.

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

/// Exit code for "the environment lacks something", the same as the conformance suite's.
pub(crate) const ENVIRONMENT: u8 = 4;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), std::path::Path::to_path_buf)
}

/// `cargo` with `arguments`, in the root of the workspace.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// The command line as a person would type it.
pub(crate) fn spelled(command: &Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
    let words = command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains([' ', '*']) { format!("'{word}'") } else { word.into() }
    });
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

/// Runs `command` on this terminal and returns its exit code; one that a signal ended counts as 1.
pub(crate) fn run(command: &mut Command) -> u8 {
    match command.status() {
        Ok(status) => status.code().map_or(1, |code| u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            anstream::eprintln!("error: cannot run `{}`: {error}", spelled(command));
            ENVIRONMENT
        }
    }
}

/// Whether `command` starts and succeeds, its output thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What `command` prints on standard output, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Turns an exit code of a child into ours.
pub(crate) fn exit(code: u8) -> ExitCode {
    ExitCode::from(code)
}
