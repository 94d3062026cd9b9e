//! Names and addresses.

use std::{fmt, io, net::IpAddr};

use crate::BoxFuture;

/// Turns names into addresses.
///
/// It is an object of its own because a driver may be given another one than the system's: for DNS over
/// HTTPS, or for `.local` names.
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of `name`, which is a host name or the text of an address, the preferred first
    /// (RFC 6724). There is at least one.
    ///
    /// # Errors
    ///
    /// If there is no such name (`NotFound`), or nobody could be asked.
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}
