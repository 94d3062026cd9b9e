//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// A TURN server: relays UDP, and TCP if told to, for clients that cannot reach each other.
///
/// Begin with a configuration: `peerlab-turn --print-config > turn.toml`. It says what every setting
/// does; realm, a user and the address to relay from are what has to be changed. `peerlab-turn --config
/// turn.toml --check` says whether it is good.
///
/// SIGHUP reads accounts, policy and secrets anew without dropping anybody. SIGTERM or SIGINT makes no
/// more allocations and waits for those there are, for as long as the configuration says; a second one
/// ends the program at once.
///
/// Exit codes: 0 after a shutdown, 4 if the system refuses an address or a port, 64 for wrong usage, 65
/// for a broken configuration.
#[derive(Debug, Parser)]
#[command(name = "peerlab-turn", version, verbatim_doc_comment)]
pub struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Reads the configuration, says whether it is good, and ends.
    #[arg(long, requires = "config")]
    pub check: bool,
    /// Prints a configuration with every setting explained, and ends.
    #[arg(long, conflicts_with_all = ["config", "check"])]
    pub print_config: bool,
}
