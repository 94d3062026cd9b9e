//! Readers and writers of messages.

use std::net::{IpAddr, SocketAddr};

use super::{Credential, Integrity, Refusal};

/// A reader and writer of STUN messages.
pub trait StunCodec {
    /// Reads one message that fills `bytes`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] is the subject's way to say that this is not a STUN message, or not a sound
    /// one.
    fn decode(&self, bytes: &[u8]) -> Result<Decoded, Refusal>;

    /// Reads the value of one attribute the way a user of the message would.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if the attribute is absent or its value has no valid form.
    fn read(&self, bytes: &[u8], wanted: Wanted) -> Result<Field, Refusal> {
        let _ = (bytes, wanted);
        Err(Refusal::Unsupported)
    }

    /// Whether the integrity attribute of this kind is right.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if it is wrong, absent or has no permitted length.
    fn verify(
        &self,
        bytes: &[u8],
        kind: Integrity,
        credential: &Credential,
        algorithm: Integrity,
    ) -> Result<(), Refusal> {
        let _ = (bytes, kind, credential, algorithm);
        Err(Refusal::Unsupported)
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is right in a usage that lets a sender cut it to `shortest`
    /// bytes (RFC 8489 §14.6).
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if it is wrong, absent, shorter or has no permitted length.
    fn verify_cut(
        &self,
        bytes: &[u8],
        credential: &Credential,
        algorithm: Integrity,
        shortest: usize,
    ) -> Result<(), Refusal> {
        let _ = (bytes, credential, algorithm, shortest);
        Err(Refusal::Unsupported)
    }

    /// Whether FINGERPRINT is right.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if it is wrong or absent.
    fn verify_fingerprint(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let _ = bytes;
        Err(Refusal::Unsupported)
    }

    /// Writes a message with these fields in this order.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if a field cannot be sent as the specification has it.
    fn encode(
        &self,
        class: u8,
        transaction: [u8; 12],
        fields: &[Field],
    ) -> Result<Vec<u8>, Refusal> {
        let _ = (class, transaction, fields);
        Err(Refusal::Unsupported)
    }

    /// Cuts messages out of a byte stream that arrives in these pieces.
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if the stream cannot be cut.
    fn cut_stream(&self, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, Refusal> {
        let _ = pieces;
        Err(Refusal::Unsupported)
    }

    /// Reads a URI (RFC 7064 §3.1, RFC 7065 §3.1).
    ///
    /// # Errors
    ///
    /// [`Refusal::Refused`] if it is no URI to use.
    fn read_uri(&self, text: &str) -> Result<ServerUri, Refusal> {
        let _ = text;
        Err(Refusal::Unsupported)
    }
}

/// A message as a codec reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The class: 0 request, 1 indication, 2 success, 3 error.
    pub class: u8,
    /// The method.
    pub method: u16,
    /// The transaction id.
    pub transaction: [u8; 12],
    /// Type and value of each attribute, in order, without padding.
    pub attributes: Vec<(u16, Vec<u8>)>,
}

/// An attribute to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// XOR-MAPPED-ADDRESS.
    XorMappedAddress,
    /// MAPPED-ADDRESS.
    MappedAddress,
    /// USERNAME.
    Username,
    /// REALM.
    Realm,
    /// NONCE.
    Nonce,
    /// SOFTWARE.
    Software,
    /// ERROR-CODE.
    ErrorCode,
    /// UNKNOWN-ATTRIBUTES.
    UnknownAttributes,
    /// PASSWORD-ALGORITHMS.
    PasswordAlgorithms,
    /// ALTERNATE-DOMAIN.
    AlternateDomain,
    /// ALTERNATE-SERVER.
    AlternateServer,
    /// USERHASH, as [`Field::UserHashBytes`].
    UserHash,
    /// PASSWORD-ALGORITHM.
    PasswordAlgorithm,
    /// CHANGE-REQUEST.
    ChangeRequest,
    /// RESPONSE-ORIGIN.
    ResponseOrigin,
    /// OTHER-ADDRESS.
    OtherAddress,
    /// RESPONSE-PORT.
    ResponsePort,
    /// PADDING.
    Padding,
}

/// A field of a message in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// XOR-MAPPED-ADDRESS.
    XorMappedAddress(SocketAddr),
    /// MAPPED-ADDRESS.
    MappedAddress(SocketAddr),
    /// ALTERNATE-SERVER.
    AlternateServer(SocketAddr),
    /// USERNAME, as a user types it.
    Username(String),
    /// REALM, as an operator types it.
    Realm(String),
    /// NONCE.
    Nonce(String),
    /// SOFTWARE.
    Software(String),
    /// ERROR-CODE.
    ErrorCode(u16, String),
    /// UNKNOWN-ATTRIBUTES.
    UnknownAttributes(Vec<u16>),
    /// USERHASH of this user in this realm, as they type them.
    UserHash(String, String),
    /// USERHASH as it stands in a message.
    UserHashBytes([u8; 32]),
    /// PASSWORD-ALGORITHMS without parameters.
    PasswordAlgorithms(Vec<u16>),
    /// PASSWORD-ALGORITHM without parameters.
    PasswordAlgorithm(u16),
    /// ALTERNATE-DOMAIN.
    AlternateDomain(String),
    /// CHANGE-REQUEST (RFC 5780 §7.2).
    ChangeRequest {
        /// From the other address.
        ip: bool,
        /// From the other port.
        port: bool,
    },
    /// RESPONSE-ORIGIN (RFC 5780 §7.3).
    ResponseOrigin(SocketAddr),
    /// OTHER-ADDRESS (RFC 5780 §7.4).
    OtherAddress(SocketAddr),
    /// RESPONSE-PORT (RFC 5780 §7.5).
    ResponsePort(u16),
    /// PADDING of this many bytes (RFC 5780 §7.6).
    Padding(usize),
    /// An attribute of this type with these bytes.
    Other(u16, Vec<u8>),
    /// The integrity attribute of the first kind; the key of a long-term credential is made with the
    /// second: SHA-1 stands for the MD5 key that goes with it.
    Integrity(Integrity, Credential, Integrity),
    /// FINGERPRINT.
    Fingerprint,
}

/// A STUN or TURN URI as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUri {
    /// Whether it is a relay's.
    pub relay: bool,
    /// Whether the scheme asks for TLS or DTLS.
    pub secure: bool,
    /// The host.
    pub host: HostName,
    /// The port, the default one filled in.
    pub port: u16,
    /// The transport, if one is named, as it is named.
    pub transport: Option<String>,
}

/// The host of a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// An address to be used as it stands.
    Address(IpAddr),
    /// A name to resolve.
    Name(String),
}
