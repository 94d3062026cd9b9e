//! What the report model and its views promise.

mod diff;
mod fixture;
mod merge;
mod model;
mod views;
