//! TCP on hosts.

mod arrive;
