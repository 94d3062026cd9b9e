//! Swarms: thousands of worlds drawn from seeds, each of which keeps its promises.
//!
//! A [`World`] is drawn from a seed: boxes, links, servers, peers, and what happens to them. It lives on
//! virtual time, first through its faults and then healed, and is judged by promises that hold in every
//! world. [`run`] lets many of them live on several threads; what comes of a seed depends on the seed
//! alone. A world that breaks a promise is made small by leaving out what the failure does not need.
//!
//! | file | holds |
//! |---|---|
//! | `world.rs` | [`World`], and the [`Record`] of what came of one |
//! | `swarm.rs` | [`run`]: many worlds, on threads, in the order of their seeds |
//! | `shrink.rs` | [`shrink()`]: the smallest world that fails in the same way |
//! | `known.rs` | [`Known`]: seeds whose worlds are known to break promises |
//! | `tell.rs`, `tell/` | [`tell`]: tables and distributions for people |
//! | `ice.rs`, `ice/` | [`Ice`]: two peers that connect through anything |
//! | `dtls.rs`, `dtls/` | [`Dtls`]: a client and a server that agree on keys over anything |
//! | `sctp.rs`, `sctp/` | [`Sctp`]: two ends that deliver over anything |
//! | `fairness.rs`, `fairness/` | [`fairness`]: how associations share a bottleneck |
//! | `memory.rs` | how much an endpoint holds, and whether it stands still |
//! | `main.rs`, `cli.rs` | the command line: `cargo xtask sim` |

mod dtls;
pub mod fairness;
mod ice;
mod known;
mod memory;
mod sctp;
mod shrink;
mod swarm;
pub mod tell;
mod world;

pub use self::sctp::Sctp;
pub use dtls::Dtls;
pub use ice::Ice;
pub use known::Known;
pub use shrink::{Shrunk, shrink};
pub use swarm::{Progress, differing, draw_one, run, run_one};
pub use world::{Broken, Drawn, Outcome, Record, World};

/// Every kind of world.
#[must_use]
pub fn worlds() -> Vec<Box<dyn World>> {
    vec![Box::new(Ice), Box::new(Dtls), Box::new(Sctp)]
}
