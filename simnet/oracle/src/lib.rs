//! Holds the simulated Linux NATs against the kernel's own.
//!
//! Presets are claims about real devices. For Linux the real thing is at hand wherever the privileges
//! are: this crate lays out the same small world twice, once in the simulator and once in network
//! namespaces with a ruleset of netfilter in the middle, asks both the same [questions], and
//! compares the answers word by word.
//!
//! ```text
//!   alice ──┐
//!           ├── box ── server (two addresses)
//!   bob   ──┘
//! ```
//!
//! Everything stays inside the namespaces that a run makes and removes; nothing reaches a real network.
//!
//! | file | holds |
//! |---|---|
//! | `world.rs` | [`World`]: what a question may do, wherever it is asked |
//! | `questions.rs` | the questions and the form of an answer |
//! | `simulated.rs` | the world in the simulator |
//! | `netfilter.rs`, `agent.rs` | the world in namespaces, and the process that lives in each |
//! | `subject.rs` | the presets that have a ruleset |
//! | `report.rs` | answers side by side |

// The command line alone uses these.
use {anstream as _, clap as _, owo_colors as _};

pub mod agent;
pub mod netfilter;
pub mod questions;
pub mod report;
pub mod simulated;
pub mod subject;
mod world;

pub use world::{Fault, Host, Reply, SERVER, SERVER_TOO, Socket, World, box_address};
