//! The conformance suite.
//!
//! *Requirements* come from the specs, in our own words and with permanent ids. *Cases* assert them,
//! over all their *variants*, against *subjects*: implementations behind one adapter trait. Peer,
//! network and dice belong to the suite, and nothing that a subject is tested with shares code with it.
//!
//! | module | holds |
//! |---|---|
//! | [`registry`], [`req`] | requirements, and a constant for each |
//! | [`mod@case`], [`variant`] | how cases are declared: [`case!`] and [`product!`] |
//! | [`ctl`], [`world`], [`evidence`] | what a running case holds in its hands, and what it leaves behind |
//! | [`subject`], [`capability`] | what the suite asks of an implementation |
//! | [`subjects`], [`cases`] | the adapters, and the cases themselves |
//! | [`execute`], [`runner`], [`select`] | one job and its verdict; many jobs; which jobs |
//! | [`baseline`], [`mutants`], [`replay`] | known deviations, planted bugs, single results again |
//! | [`assemble`], [`folder`], [`mod@print`], [`progress`] | the document, the files, the terminal |
//! | [`goodput`] | what associations carry over a bottleneck, ours and those of others in one table |
//! | [`suite`], [`cli`], [`exit`] | everything together: the program |

extern crate self as conformance;

#[doc(hidden)]
pub use inventory;

pub mod assemble;
pub mod baseline;
pub mod capability;
pub mod case;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod ctl;
pub mod evidence;
pub mod execute;
pub mod exit;
pub mod folder;
pub mod glob;
pub mod goodput;
pub mod mutants;
pub mod panics;
pub mod print;
pub mod progress;
pub mod registry;
pub mod replay;
pub mod runner;
pub mod select;
pub mod subject;
pub mod subjects;
pub mod suite;
pub mod variant;
pub mod world;

pub use reports::model::{Level, Verdict};

pub use capability::{Cap, Support};
pub use case::{Case, Tier};
pub use ctl::{Ctl, Outcome, Stop};
pub use subject::{Subject, SubjectKind};
pub use variant::{Value, Variant};
pub use world::{Net, Seat};

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// The example of the README is compiled and run as a test of this crate, which sees all it uses.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
