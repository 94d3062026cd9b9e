//! Two agents and a wire between them, in virtual time.

mod connect;
mod support;
