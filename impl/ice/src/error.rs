//! Why a command was not taken.

/// Why data was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No pair of the component is valid, or the component does not exist.
    #[error("the component has no path")]
    NoPath,
    /// The peer has not consented for too long: RFC 7675 §5.1.
    #[error("there is no consent to send")]
    NoConsent,
    /// Longer than the framing of a TCP connection can say.
    #[error("longer than 65535 bytes")]
    TooLong,
    /// The TCP connection holds as many bytes it could not send as may wait.
    #[error("the connection is full")]
    Full,
}

/// Why the parameters of the peer were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetParametersError {
    /// The agent restarted, and these are the parameters of the generation before: RFC 8445 §9 has
    /// both sides change them.
    #[error("parameters of a former generation")]
    Former,
    /// They are our own.
    #[error("the agent's own parameters")]
    Own,
    /// The password has characters no password may have.
    #[error("a password that cannot be used")]
    BadPassword,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

/// Why a remote candidate was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddCandidateError {
    /// It belongs to another generation: RFC 8838 §9.
    #[error("a candidate of another generation")]
    OtherGeneration,
    /// It came after the end of candidates: RFC 8838 §14.
    #[error("a candidate after the end of candidates")]
    AfterTheEnd,
    /// There are as many as may be.
    #[error("too many candidates")]
    TooMany,
    /// No packet can be sent there: a group, no address, port 0.
    #[error("an address nothing can be sent to")]
    NotUnicast,
    /// A name that is not of multicast DNS: RFC 8839 §5.1 has them ignored.
    #[error("a domain name")]
    DomainName,
    /// A component the stream does not have.
    #[error("a component the stream does not have")]
    NoSuchComponent,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

/// Why a local address was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddLocalError {
    /// The address is a wildcard, or of a group.
    #[error("not an address of a host")]
    NotUnicast,
    /// A component the stream does not have.
    #[error("a component the stream does not have")]
    NoSuchComponent,
    /// It is there already.
    #[error("known already")]
    Known,
    /// There are as many as may be.
    #[error("too many local addresses")]
    TooMany,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}
