//! The laws of every machine, and arbitrary lives.
