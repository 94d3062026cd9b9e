//! The laboratory: scenario files in, packets explained out.
//!
//! A [`Scenario`] describes a world, what happens in it and what should come of it; it is read from TOML
//! or put together in Rust. [`Scenario::build`] makes a [`World`] of it, [`World::run`] lets it live and
//! hands over the [`Outcome`]: a verdict for every expectation, figures, what each participant believes,
//! and the hash by which a run is known.
//!
//! | file | holds |
//! |---|---|
//! | `scenario.rs`, `scenario/` | [`Scenario`]: reading, writing, checking, what is wrong |
//! | `plots.rs`, `plots/` | [`plots`]: what queues do under load |
//! | `presets.rs` | [`presets`]: NATs, firewalls and links as they are found |
//! | `roles.rs`, `roles/` | [`roles`]: what lives on hosts |
//! | `run.rs`, `run/` | [`World`], [`Outcome`], verdicts |
//! | `render.rs`, `render/` | [`render`]: recordings of runs, pages, pictures |
//! | `matrix.rs`, `matrix/` | [`matrix`]: every NAT against every NAT, and what rules say of it |
//! | `explain.rs`, `explain/` | [`explain`]: what a NAT does and what that means, in plain words |
//! | `lessons.rs` | [`lessons`]: scenarios with a page of explanation each |
//! | `main.rs`, `cli.rs`, `cli/` | the command line |
//! | `shrink.rs`, `shrink/` | [`shrink`]: making a scenario that fails small |
//! | `artefacts.rs` | [`artefacts`]: what a failure leaves behind |
//! | `arbitrary.rs`, `arbitrary/` | worlds drawn from bytes, valid by construction |

mod arbitrary;
pub mod artefacts;
pub mod explain;
pub mod lessons;
pub mod matrix;
pub mod plots;
pub mod presets;
pub mod render;
pub mod roles;
mod run;
mod scenario;
pub mod shrink;

pub use run::{Bound, Figure, Outcome, Report, Verdict, World};
pub use scenario::{
    At, Between, Boxed, Do, Expect, Host, Interface, InterfaceAddress, InterfaceType, Link,
    NatAddress, NodeRoute, Place, Problem, Problems, Route, Router, RouterPoint, Scenario, Segment,
    Sides, Signalling,
};
