//! Two agents and a wire between them, in virtual time.

mod attack;
mod checks;
mod connect;
mod consent;
mod gather;
mod laws;
mod nominate;
mod paths;
mod restart;
mod roles;
mod support;
mod tcp;
mod worlds;
