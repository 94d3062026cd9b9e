//! TCP on hosts.

mod arrive;

pub(crate) use arrive::reset_for;
