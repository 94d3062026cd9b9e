//! The report model of a conformance run, and every view of it.
//!
//! A run is one document, [`model::Run`], written as `run.json`. Everything that people read is a
//! view of that document and of nothing else, so a report can be made again from the file, on
//! another machine, years later.
//!
//! | module | what it makes |
//! |---|---|
//! | [`model`] | the document: reading, writing, checking, the roll-up and the totals |
//! | [`mod@merge`] | one run from the shards of a run |
//! | [`diff`] | what changed between two runs, or between two subjects |
//! | [`junit`] | JUnit XML for a CI system |
//! | [`markdown`] | tables for a README or a pull request comment |
//! | [`badge`] | one SVG badge |
//! | [`html`] | one self-contained page |
//!
//! ```
//! use reports::{badge, html, junit, model};
//!
//! let mut run = model::Run::new(model::About {
//!     command: "cargo xtask conformance".into(),
//!     seed: 0.into(),
//!     tier: "fast".into(),
//!     filter: None,
//!     shard: None,
//!     suite: "0.1.0".into(),
//!     registry: Default::default(),
//!     mutants: None,
//! });
//! // … subjects, specs, requirements, cases and results …
//! run.finish();
//!
//! let again = model::Run::parse(&run.to_json(), "run.json")?;
//! assert_eq!(html::page(&again), html::page(&run));
//! assert!(junit::xml(&run).contains("peerlab conformance"));
//! assert_eq!(badge::text(&run, None), "no subject");
//! # Ok::<(), model::LoadError>(())
//! ```

pub mod badge;
pub mod diff;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod model;
mod time;
