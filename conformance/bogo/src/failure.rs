//! How a test ends when it does not end well.

use std::{fmt, io};

/// How a test ends when it does not end well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The handshake or the connection failed, as some tests want; with the name of the reason.
    Failed(String),
    /// The test needs what we do not have.
    Unimplemented(String),
    /// A check of the shim failed, or the shim itself: no test wants that.
    Broken(String),
}

impl Failure {
    /// What the runner reads it by.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Unimplemented(_) => 89,
            Self::Broken(_) => 90,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(name) => write!(f, "failed: {name}"),
            Self::Unimplemented(what) => f.write_str(what),
            Self::Broken(what) => write!(f, "broken: {what}"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // The socket's own limit of waiting: the runner waits for something that never comes.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Self::Broken("nothing came from the runner".to_owned())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}
