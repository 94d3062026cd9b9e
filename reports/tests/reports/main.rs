//! What the report model and its views promise.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

mod diff;
mod fixture;
mod html;
mod merge;
mod model;
mod views;
