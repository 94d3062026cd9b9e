//! The shim through which BoringSSL's test runner judges our DTLS.
//!
//! The runner starts it once a test, says in arguments what the test needs, and plays the peer over a
//! TCP connection on loopback that carries datagrams and the passing of time. The exit code is the
//! verdict of this side:
//!
//! | code | means |
//! |---|---|
//! | 0 | the handshake was done and every check held |
//! | 1 | it failed, and standard error says how: some tests want that |
//! | 89 | the test needs what is not known here |
//! | 90 | the shim went wrong: a panic, a hang, a check of its own that failed; no test wants that |
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | the arguments |
//! | `setup.rs`, `pem.rs` | the configuration that they make, key and certificate files |
//! | `session.rs` | one connection from beginning to end |
//! | `framing.rs` | the runner's commands on the TCP connection |
//! | `failure.rs` | how a test ends when it does not end well |

mod failure;
mod framing;
mod options;
mod pem;
mod session;
mod setup;

use std::{fs::OpenOptions, io::Write as _, panic, process::ExitCode};

use failure::Failure;
use options::Options;

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    // Asked once before all tests: whether a process may hand the connection to another one.
    if words.iter().any(|word| word == "-is-handshaker-supported") {
        println!("No");
        return ExitCode::SUCCESS;
    }
    // A panic must not look like a handshake that failed.
    let outcome = panic::catch_unwind(|| session::run(&Options::parse(&words)?));
    let outcome = outcome.unwrap_or_else(|_| Err(Failure::Broken("a panic".to_owned())));
    if words.iter().any(|word| word == "-dtls") {
        note(&outcome);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Leaves a line for whoever counts what the tests ask for; the runner itself throws away what a test
/// says that is not implemented.
fn note(outcome: &Result<(), Failure>) {
    let Some(path) = std::env::var_os("BOGO_SHIM_LOG") else {
        return;
    };
    let line = match outcome {
        Err(Failure::Unimplemented(what)) => format!("unknown {what}\n"),
        Err(Failure::Broken(what)) => format!("broken {what}\n"),
        Ok(()) | Err(Failure::Failed(_)) => "ran\n".to_owned(),
    };
    if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) {
        // A note that cannot be left costs a figure, not a verdict.
        let _ = file.write_all(line.as_bytes());
    }
}
