//! Observers that leave something to look at.
//!
//! | observer | leaves |
//! |---|---|
//! | [`JsonLines`] | a trace for programs: one JSON object a line, one line an event |
//! | [`Capture`] | a pcapng file for Wireshark: one interface per hop, drops and translations as comments |
//! | [`Ladder`] | a drawing for people: a column per host and box, an arrow per packet; text, SVG, Mermaid |
//! | [`Bindings`] | the mappings of every NAT over time: a table, and a bar for each |
//!
//! [`Page`] puts their pictures into one HTML file. All of them give the same bytes for the same run.
//! Two watch together as a pair, any number as nested pairs.

mod bindings;
mod bytes;
mod capture;
mod json_lines;
mod ladder;
mod page;
mod svg;

pub use bindings::{Binding, Bindings, Ending};
pub use bytes::write_packet;
pub use capture::Capture;
pub use json_lines::JsonLines;
pub use ladder::{Ladder, Summary};
pub use page::Page;
