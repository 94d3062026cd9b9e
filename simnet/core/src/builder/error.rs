//! What can be wrong with the description of a world.

use crate::prefix::BadPrefix;

/// Why a world could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two parts have the same name.
    #[error("two parts are called `{0}`")]
    DuplicateName(String),
    /// A part is attached to something that is not a segment.
    #[error("`{part}` is attached to `{segment}`, which is neither a LAN nor a wide-area network")]
    NoSuchSegment {
        /// The part.
        part: String,
        /// What it is attached to.
        segment: String,
    },
    /// A segment has a prefix that is none.
    #[error("the prefix of `{part}` is wrong")]
    BadPrefix {
        /// The segment.
        part: String,
        /// What is wrong.
        source: BadPrefix,
    },
    /// An address is none.
    #[error("`{text}`, an address of `{part}`, is not an IP address")]
    BadAddress {
        /// The part.
        part: String,
        /// The text.
        text: String,
    },
    /// A segment has no address left.
    #[error("`{segment}` has no address left for `{part}`")]
    NoAddressLeft {
        /// The part that needs one.
        part: String,
        /// The segment.
        segment: String,
    },
    /// Two interfaces on one segment have the same address.
    #[error("`{part}` has the address {ip}, which is taken on `{segment}`")]
    AddressTaken {
        /// The second part.
        part: String,
        /// The address.
        ip: std::net::IpAddr,
        /// The segment.
        segment: String,
    },
    /// A router or box joins fewer than two segments, or a host is attached to none.
    #[error("`{0}` is attached to too few segments")]
    TooFewAttachments(String),
    /// A part has more than 255 interfaces.
    #[error("`{0}` has too many interfaces")]
    TooManyInterfaces(String),
    /// A link is described between parts that are not attached to each other.
    #[error("`{from}` and `{to}` are not attached to each other")]
    NoSuchLink {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// A parameter of a link is out of its range.
    #[error("the link from `{from}` to `{to}` is wrong: {what}")]
    BadLink {
        /// Where it begins.
        from: String,
        /// Where it ends.
        to: String,
        /// What is wrong.
        what: &'static str,
    },
}
