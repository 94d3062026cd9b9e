//! The TURN server as a program: `peerlab-turn`.
//!
//! | file | holds |
//! |---|---|
//! | `turn_server/arguments.rs` | the command line |
//! | `turn_server/settings.rs`, `settings/` | the configuration file |
//! | `turn_server/host.rs`, `host/` | [`Host`]: sockets, connections and time |
//! | `turn_server/load.rs` | how busy it is |
//! | `turn_server/journal.rs` | what is logged |
//! | `turn_server/service.rs` | the life of the program: signals, reload, shutdown |

mod arguments;
mod host;
mod journal;
mod load;
mod service;
mod settings;

use std::process::ExitCode;

use clap::Parser as _;

pub use self::{
    arguments::Arguments,
    host::{Host, HostStats},
    settings::{DEFAULT_SETTINGS, Settings, SettingsError},
};

/// Wrong usage.
const USAGE: u8 = 64;
/// A broken configuration file.
const DATA: u8 = 65;
/// The environment lacks something: an address, a port, permission.
const ENVIRONMENT: u8 = 4;

/// Runs the program with the arguments of the process; returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    ExitCode::from(run(&arguments))
}

fn run(arguments: &Arguments) -> u8 {
    if arguments.print_config {
        anstream::print!("{DEFAULT_SETTINGS}");
        return 0;
    }
    let Some(path) = &arguments.config else {
        anstream::eprintln!(
            "peerlab-turn: no configuration: name a file with --config FILE; --print-config prints one to begin with"
        );
        return USAGE;
    };
    let settings = match Settings::load(path) {
        Ok(settings) => settings,
        Err(error) => {
            anstream::eprintln!("peerlab-turn: {error}");
            return error.exit_code();
        }
    };
    if arguments.check {
        anstream::println!("{}: good", path.display());
        return 0;
    }
    match service::serve(path, settings) {
        Ok(()) => 0,
        Err(problem) => {
            anstream::eprintln!("peerlab-turn: {problem}");
            ENVIRONMENT
        }
    }
}
