//! What the report model and its views promise.

mod fixture;
mod model;
