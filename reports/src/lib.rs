//! The report model of a conformance run, and every view of it.
//!
//! A run is one document, [`model::Run`], written as `run.json`. Everything that people read is a
//! view of that document and of nothing else, so a report can be made again from the file, on
//! another machine, years later.
//!
//! | module | what it makes |
//! |---|---|
//! | [`model`] | the document: reading, writing, checking, the roll-up and the totals |

pub mod model;
