//! Plots: what queues do under load.
//!
//! Each function runs a world and hands over the drawing and the figures it shows. The worlds are those
//! that the RFC of the discipline names, as far as it names one.

mod aqm;
mod bottleneck;
mod draw;
mod reactive;
mod sojourn;

pub use aqm::{codel, dualpi2, fq_codel, pie};
pub use reactive::{Reaction, ReactiveSink, ReactiveSource};

/// A drawing and the figures in it.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Its name, as a file would be called.
    pub name: &'static str,
    /// What it shows, in a line.
    pub title: String,
    /// The drawing.
    pub svg: String,
    /// What is drawn.
    pub curves: Vec<Curve>,
}

/// How long packets of one kind waited in a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Which packets, in which queue.
    pub name: String,
    /// Packets that were measured, without those of the first seconds.
    pub packets: usize,
    /// Packets that the queue dropped, the first seconds included.
    pub dropped: usize,
    /// Of the packets that were measured, bits of IP per second.
    pub rate: f64,
    /// Mean waiting, in milliseconds.
    pub mean: f64,
    /// The waiting that half of them did not exceed, in milliseconds.
    pub p50: f64,
    /// The same for 95 %.
    pub p95: f64,
    /// The same for 99 %.
    pub p99: f64,
    /// Mean waiting in each interval, as (seconds, milliseconds).
    pub points: Vec<(f64, f64)>,
    /// The shortest waiting in each 100 ms.
    pub floor: Vec<f64>,
}

/// Makes a plot.
pub type Draw = fn() -> Plot;

/// All plots: names, and what makes them.
pub const ALL: &[(&str, Draw)] =
    &[("codel", codel), ("fq-codel", fq_codel), ("pie", pie), ("dualpi2", dualpi2)];

impl Plot {
    /// The curve with this name.
    #[must_use]
    pub fn curve(&self, name: &str) -> Option<&Curve> {
        self.curves.iter().find(|curve| curve.name == name)
    }
}
