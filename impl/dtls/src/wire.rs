//! Messages as bytes, of both versions: one message, one file.
//!
//! What arrives borrows the bytes it came in; numbers that nobody knows survive; bounds are those of the
//! RFCs, and a type of extension stands at most once. What a message *means* is no business of this room.
//!
//! | file | holds |
//! |---|---|
//! | `number.rs`, `registry.rs`, `signature_scheme.rs`, `alert.rs` | numbers with names |
//! | `handshake_header.rs`, `extensions.rs` | what frames messages and extensions |
//! | `extension/` | the extensions |
//! | the others | the messages |

mod ack;
mod alert;
mod certificate12;
mod certificate13;
mod certificate_request12;
mod certificate_request13;
mod certificate_verify;
mod change_cipher_spec;
mod client_hello;
mod client_key_exchange;
mod empty;
mod encrypted_extensions;
mod extension;
mod extensions;
mod finished;
mod handshake_header;
mod hello_verify_request;
mod key_update;
mod new_connection_id;
mod new_session_ticket;
mod number;
mod registry;
mod request_connection_id;
mod server_hello;
mod server_key_exchange;
mod signature_scheme;
#[cfg(test)]
mod testing;

use base::{Malformed, Writer};

pub use ack::Ack;
pub use alert::{Alert, AlertDescription, AlertLevel};
pub use certificate_request12::CertificateRequest12;
pub use certificate_request13::CertificateRequest13;
pub use certificate_verify::CertificateVerify;
pub use certificate12::Certificate12;
pub use certificate13::{Certificate13, CertificateEntry};
pub use change_cipher_spec::ChangeCipherSpec;
pub use client_hello::{ClientHello, MAX_SESSION_ID_LEN};
pub use client_key_exchange::ClientKeyExchange;
pub use empty::{HelloRequest, ServerHelloDone};
pub use encrypted_extensions::EncryptedExtensions;
pub use extension::{
    ClientKeyShares, ClientVersions, ConnectionId, Cookie, EcPointFormats, ExtendedMasterSecret,
    KeyShareEntry, ProtocolNames, PskKeyExchangeModes, RecordSizeLimit, RenegotiationInfo,
    RetryKeyShare, ServerKeyShare, ServerVersion, SignatureAlgorithms, SignatureAlgorithmsCert,
    SrtpProfileId, SupportedGroups, UseSrtp,
};
pub use extensions::{Extension, ExtensionBlock, Extensions};
pub use finished::Finished;
pub use handshake_header::{HANDSHAKE_HEADER_LEN, HandshakeHeader};
pub use hello_verify_request::HelloVerifyRequest;
pub use key_update::KeyUpdate;
pub use new_connection_id::{ConnectionIdUsage, NewConnectionId};
pub use new_session_ticket::NewSessionTicket;
pub use number::Numbers;
pub use registry::{
    ClientCertificateType, ContentType, ExtensionType, HandshakeType, NamedGroupId,
    ProtocolVersion, SuiteId,
};
pub use request_connection_id::RequestConnectionId;
pub use server_hello::{DOWNGRADE_BELOW_1_2, DOWNGRADE_TO_1_2, RETRY_RANDOM, ServerHello};
pub use server_key_exchange::ServerKeyExchange;
pub use signature_scheme::SignatureScheme;

/// A handshake message without its header.
pub trait Message<'a>: Sized {
    /// What the header says it is.
    const KIND: HandshakeType;

    /// Reads all of `body`.
    ///
    /// # Errors
    ///
    /// `Malformed` if the bytes are not of the message's form.
    fn parse(body: &'a [u8]) -> Result<Self, Malformed>;

    /// Appends the body.
    fn write(&self, writer: &mut Writer<'_>);
}
