//! News of the interfaces.

use std::{
    fmt, io,
    task::{Context, Poll},
};

/// The system's number for an interface. It stays the same while the interface is there, down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceIndex(pub u32);

impl fmt::Display for InterfaceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Hears of changes of a host's interfaces: up, down, addresses that come and go, routes.
pub trait InterfaceWatch: fmt::Debug + Send + Sync + 'static {
    /// Ready when something changed since the last time this was ready, or since the watch began.
    /// Several changes may be told as one: ask [`Runtime::interfaces`](crate::Runtime::interfaces) for
    /// what is there now, and compare.
    ///
    /// # Errors
    ///
    /// If the system will tell no more.
    fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}
