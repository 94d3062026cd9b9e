//! The errors that more than one operation shares.

/// The tag does not belong to the message and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authentication tag does not match")]
pub struct BadTag;

/// A symmetric key of a length that its algorithm does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key of {actual} bytes where {expected} are needed")]
pub struct BadKeyLength {
    /// What the algorithm takes, in bytes.
    pub expected: usize,
    /// What it was given, in bytes.
    pub actual: usize,
}

impl BadKeyLength {
    pub(crate) const fn check(key: &[u8], expected: usize) -> Result<(), Self> {
        let actual = key.len();
        if actual == expected { Ok(()) } else { Err(Self { expected, actual }) }
    }
}

/// More output was asked for than the function can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("output longer than 255 times the hash")]
pub struct OutputTooLong;
