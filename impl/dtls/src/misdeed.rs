//! Every way in which a peer can break the protocol, and the alert that answers it.

use base::Malformed;

use crate::{Version, wire::AlertDescription};

/// What a peer did that ends the association.
///
/// Only what the peer itself sent can be a misdeed: under keys, or as part of the handshake before
/// there are any. What anybody may have sent is dropped and counted as a
/// [`DropReason`](crate::DropReason).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misdeed {
    /// A handshake message that has no place here (RFC 8446 §4, RFC 5246 §7.4).
    #[error("a handshake message out of order")]
    UnexpectedMessage,
    /// A ChangeCipherSpec with another body than 1 (RFC 5246 §7.1).
    #[error("a malformed ChangeCipherSpec")]
    BadChangeCipherSpec,
    /// A handshake message under the wrong keys (RFC 9147 §6.1).
    #[error("a handshake message in the wrong epoch")]
    WrongEpoch,
    /// Bytes of a further message where the keys change (RFC 8446 §5.1).
    #[error("handshake data across a change of keys")]
    DataAcrossKeyChange,
    /// Application data where none is allowed (RFC 8446 §2, RFC 6347 §4.1).
    #[error("application data too early")]
    EarlyData,
    /// A record of a type that is not spoken here, under keys (RFC 8446 §5).
    #[error("a record of an unknown type")]
    UnexpectedRecord,
    /// A message that does not have the form it claims (RFC 8446 §6.2).
    #[error("malformed: {0}")]
    Malformed(Malformed),
    /// A message longer than is taken (RFC 9147 §5.5).
    #[error("a handshake message too long")]
    MessageTooLong,
    /// A record longer than was agreed (RFC 8449 §4, RFC 8446 §5.2).
    #[error("a record longer than agreed")]
    RecordTooLong,
    /// A record size limit below 64 bytes, or one longer than a record can be (RFC 8449 §4).
    #[error("a record size limit out of range")]
    BadRecordSizeLimit,
    /// No version in common (RFC 8446 §4.2.1, RFC 5246 §E.1).
    #[error("no version in common")]
    UnsupportedVersion,
    /// A version that was not offered, or not this way (RFC 8446 §4.2.1, RFC 9147 §5.4).
    #[error("a version that was not offered")]
    VersionNotOffered,
    /// The server's random says that somebody removed the better version (RFC 8446 §4.1.3).
    #[error("a downgrade")]
    Downgrade,
    /// No cipher suite in common (RFC 8446 §4.1.1).
    #[error("no cipher suite in common")]
    NoCommonSuite,
    /// No group in common (RFC 8446 §4.1.1, RFC 8422 §5.1).
    #[error("no group in common")]
    NoCommonGroup,
    /// No signature scheme in common (RFC 8446 §4.4.2.2).
    #[error("no signature scheme in common")]
    NoCommonSignatureScheme,
    /// No application protocol in common (RFC 7301 §3.2).
    #[error("no application protocol in common")]
    NoCommonProtocol,
    /// A cipher suite that was not offered, or is of the other version (RFC 8446 §4.1.3).
    #[error("a cipher suite that was not offered")]
    SuiteNotOffered,
    /// Another cipher suite than in the HelloRetryRequest (RFC 8446 §4.1.4).
    #[error("another cipher suite after the retry")]
    SuiteChanged,
    /// A group that was not offered (RFC 8446 §4.2.8, RFC 8422 §5.4).
    #[error("a group that was not offered")]
    GroupNotOffered,
    /// Another group than in the HelloRetryRequest (RFC 8446 §4.2.8).
    #[error("another group after the retry")]
    GroupChanged,
    /// A key share that does not belong to its group (RFC 8446 §4.2.8.2, RFC 8422 §5.11).
    #[error("a bad key share")]
    BadKeyShare,
    /// Two key shares of one group, or one of a group that is not offered (RFC 8446 §4.2.8).
    #[error("key shares that contradict the groups")]
    BadKeyShares,
    /// A curve format other than uncompressed, or none at all (RFC 8422 §5.1.2).
    #[error("no usable point format")]
    BadPointFormats,
    /// An answer to an extension that was not offered (RFC 8446 §4.2, RFC 5246 §7.4.1.4).
    #[error("an extension that was not offered")]
    ExtensionNotOffered,
    /// An extension in a message where it must not be (RFC 8446 §4.2).
    #[error("an extension in the wrong message")]
    ExtensionForbidden,
    /// An extension that has to be there is not (RFC 8446 §9.2).
    #[error("an extension is missing")]
    ExtensionMissing,
    /// No extended master secret (RFC 7627 §5.2, §5.3; RFC 8827 §6.5).
    #[error("no extended master secret")]
    NoExtendedMasterSecret,
    /// A renegotiation_info that is not empty (RFC 5746 §3.4, §3.6).
    #[error("a renegotiation_info that is not empty")]
    BadRenegotiationInfo,
    /// A compression method other than none (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).
    #[error("compression")]
    Compression,
    /// A session identifier where there is none (RFC 9147 §5.4, RFC 8446 §4.1.3).
    #[error("a session identifier that was not sent")]
    BadSessionId,
    /// An answer to use_srtp that is no choice of one offered profile (RFC 5764 §4.1.1, §4.1.3).
    #[error("a bad answer to use_srtp")]
    BadSrtpAnswer,
    /// An answer to ALPN that is no choice of one offered protocol (RFC 7301 §3.1, §3.2).
    #[error("a bad answer to the application protocols")]
    BadProtocolAnswer,
    /// The second ClientHello is not the first with the changes that were asked for
    /// (RFC 8446 §4.1.2, RFC 6347 §4.2.1).
    #[error("the second ClientHello differs from the first")]
    SecondHelloChanged,
    /// A cookie that was not made here (RFC 9147 §5.1, RFC 8446 §4.2.2).
    #[error("a bad cookie")]
    BadCookie,
    /// A second HelloRetryRequest (RFC 8446 §4.1.4).
    #[error("a second HelloRetryRequest")]
    SecondRetry,
    /// A HelloRetryRequest that changes nothing, or asks for what was sent (RFC 8446 §4.1.4, §4.2.8).
    #[error("a HelloRetryRequest that changes nothing")]
    UselessRetry,
    /// No certificate where one is demanded (RFC 8446 §4.4.2.4, RFC 5246 §7.4.6).
    #[error("no certificate")]
    NoCertificate(Version),
    /// A server without a certificate (RFC 8446 §4.4.2.4).
    #[error("a server without a certificate")]
    NoServerCertificate,
    /// A certificate request without the signature schemes, or in answer to nothing
    /// (RFC 8446 §4.3.2).
    #[error("a bad certificate request")]
    BadCertificateRequest,
    /// A certificate for a request that was not made (RFC 8446 §4.4.2).
    #[error("a certificate for another request")]
    BadCertificateContext,
    /// A certificate that cannot be read (RFC 5246 §7.2.2).
    #[error("a bad certificate")]
    BadCertificate,
    /// A certificate with a key of a kind that is not spoken, or not the one that the suite demands
    /// (RFC 8446 §4.4.2.4, RFC 5246 §7.4.2).
    #[error("a certificate of an unsupported kind")]
    UnsupportedCertificate,
    /// The certificate is not the one of the signalling (RFC 8122 §6.2, RFC 8827 §6.5).
    #[error("the fingerprint does not match")]
    FingerprintMismatch,
    /// The application refused the certificate, with this alert.
    #[error("the certificate was refused: {0:?}")]
    CertificateRefused(AlertDescription),
    /// A signature scheme that was not offered, or does not go with the key or the version
    /// (RFC 8446 §4.4.3, RFC 5246 §7.4.3).
    #[error("a signature scheme that was not offered")]
    SchemeNotOffered,
    /// A signature that does not verify (RFC 8446 §4.4.3, RFC 5246 §7.4.3).
    #[error("a bad signature")]
    BadSignature,
    /// A Finished that does not verify (RFC 8446 §4.4.4, RFC 5246 §7.4.9).
    #[error("a bad Finished")]
    BadFinished,
    /// A KeyUpdate with an unknown request (RFC 8446 §4.6.3).
    #[error("a bad KeyUpdate")]
    BadKeyUpdate,
    /// More updates of keys than anybody needs (RFC 8446 §4.6.3).
    #[error("too many updates of keys")]
    TooManyKeyUpdates,
    /// A message about connection ids where none were agreed, or with too many of them
    /// (RFC 9147 §9).
    #[error("a message about connection ids that cannot be")]
    BadConnectionIds,
    /// More connection ids were asked for than are given (RFC 9147 §9).
    #[error("too many connection ids requested")]
    TooManyConnectionIds,
    /// An alert that cannot be read (RFC 8446 §6, RFC 5246 §7.2).
    #[error("a malformed alert")]
    BadAlert,
    /// An alert that is neither a warning nor fatal (RFC 8446 §6, RFC 5246 §7.2).
    #[error("an alert of no known level")]
    BadAlertLevel,
    /// More warnings than anybody needs (RFC 8446 §6).
    #[error("too many warnings")]
    TooManyWarnings,
    /// Not the peer's fault: an operation of ours failed that never should.
    #[error("an internal failure")]
    Internal,
}

impl From<Malformed> for Misdeed {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Misdeed {
    /// The alert that tells the peer.
    #[must_use]
    pub const fn alert(self) -> AlertDescription {
        match self {
            Self::UnexpectedMessage
            | Self::BadChangeCipherSpec
            | Self::WrongEpoch
            | Self::DataAcrossKeyChange
            | Self::EarlyData
            | Self::UnexpectedRecord
            | Self::SecondRetry
            | Self::TooManyKeyUpdates
            | Self::TooManyWarnings
            | Self::BadConnectionIds => AlertDescription::UNEXPECTED_MESSAGE,
            Self::Malformed(_)
            | Self::BadAlert
            | Self::NoServerCertificate
            | Self::BadCertificateRequest => AlertDescription::DECODE_ERROR,
            Self::RecordTooLong => AlertDescription::RECORD_OVERFLOW,
            Self::UnsupportedVersion => AlertDescription::PROTOCOL_VERSION,
            Self::NoCommonSuite
            | Self::NoCommonGroup
            | Self::NoCommonSignatureScheme
            | Self::NoExtendedMasterSecret
            | Self::BadRenegotiationInfo
            | Self::NoCertificate(Version::Dtls12) => AlertDescription::HANDSHAKE_FAILURE,
            Self::NoCertificate(Version::Dtls13) => AlertDescription::CERTIFICATE_REQUIRED,
            Self::NoCommonProtocol => AlertDescription::NO_APPLICATION_PROTOCOL,
            Self::ExtensionNotOffered => AlertDescription::UNSUPPORTED_EXTENSION,
            Self::ExtensionMissing => AlertDescription::MISSING_EXTENSION,
            Self::MessageTooLong
            | Self::BadRecordSizeLimit
            | Self::Downgrade
            | Self::VersionNotOffered
            | Self::BadAlertLevel
            | Self::SuiteNotOffered
            | Self::SuiteChanged
            | Self::GroupNotOffered
            | Self::GroupChanged
            | Self::BadKeyShare
            | Self::BadKeyShares
            | Self::BadPointFormats
            | Self::ExtensionForbidden
            | Self::Compression
            | Self::BadSessionId
            | Self::BadSrtpAnswer
            | Self::BadProtocolAnswer
            | Self::SecondHelloChanged
            | Self::BadCookie
            | Self::UselessRetry
            | Self::BadCertificateContext
            | Self::SchemeNotOffered
            | Self::BadKeyUpdate => AlertDescription::ILLEGAL_PARAMETER,
            Self::BadCertificate | Self::FingerprintMismatch => AlertDescription::BAD_CERTIFICATE,
            Self::UnsupportedCertificate => AlertDescription::UNSUPPORTED_CERTIFICATE,
            Self::CertificateRefused(alert) => alert,
            Self::BadSignature | Self::BadFinished => AlertDescription::DECRYPT_ERROR,
            Self::TooManyConnectionIds => AlertDescription::TOO_MANY_CIDS_REQUESTED,
            Self::Internal => AlertDescription::INTERNAL_ERROR,
        }
    }
}
