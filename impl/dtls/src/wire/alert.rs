//! Alerts: [RFC 8446 §6](https://www.rfc-editor.org/rfc/rfc8446#section-6),
//! [RFC 5246 §7.2](https://www.rfc-editor.org/rfc/rfc5246#section-7.2).
//!
//! ```text
//! +-------+-------------+
//! | level | description |
//! +-------+-------------+
//! ```

use std::fmt;

use base::{Malformed, Reader, Writer};

use super::number::number;

number! {
    /// How bad it is. In version 1.3 the description says so, not this (RFC 8446 §6).
    AlertLevel: u8 {
        /// The association may go on.
        WARNING = 1 "warning",
        /// It may not.
        FATAL = 2 "fatal",
    }
}

number! {
    /// What happened (RFC 8446 §6.1, §6.2, RFC 5246 §7.2.2).
    AlertDescription: u8 {
        /// The sender sends nothing more.
        CLOSE_NOTIFY = 0 "close_notify",
        /// A message at a time when it must not come.
        UNEXPECTED_MESSAGE = 10 "unexpected_message",
        /// A record that does not open. Sent by TLS, not by DTLS as a rule (RFC 9147 §4.5.2).
        BAD_RECORD_MAC = 20 "bad_record_mac",
        /// A record longer than allowed.
        RECORD_OVERFLOW = 22 "record_overflow",
        /// No common ground.
        HANDSHAKE_FAILURE = 40 "handshake_failure",
        /// The certificate is corrupt, or its signature is bad.
        BAD_CERTIFICATE = 42 "bad_certificate",
        /// A certificate of a kind that is not supported.
        UNSUPPORTED_CERTIFICATE = 43 "unsupported_certificate",
        /// The certificate was revoked.
        CERTIFICATE_REVOKED = 44 "certificate_revoked",
        /// The certificate is too old or too new.
        CERTIFICATE_EXPIRED = 45 "certificate_expired",
        /// Something else is wrong with the certificate.
        CERTIFICATE_UNKNOWN = 46 "certificate_unknown",
        /// A field outside its range, or against another field.
        ILLEGAL_PARAMETER = 47 "illegal_parameter",
        /// The issuer is not known.
        UNKNOWN_CA = 48 "unknown_ca",
        /// The certificate is good, the holder not welcome.
        ACCESS_DENIED = 49 "access_denied",
        /// A message that cannot be read.
        DECODE_ERROR = 50 "decode_error",
        /// A signature or a Finished that does not verify.
        DECRYPT_ERROR = 51 "decrypt_error",
        /// More connection ids than the peer bears (RFC 9147 §9).
        TOO_MANY_CIDS_REQUESTED = 52 "too_many_cids_requested",
        /// No common version.
        PROTOCOL_VERSION = 70 "protocol_version",
        /// The common ground is too weak.
        INSUFFICIENT_SECURITY = 71 "insufficient_security",
        /// The sender failed for reasons of its own.
        INTERNAL_ERROR = 80 "internal_error",
        /// The client came back with a lower version than it could (RFC 7507 §3).
        INAPPROPRIATE_FALLBACK = 86 "inappropriate_fallback",
        /// The user gave up.
        USER_CANCELED = 90 "user_canceled",
        /// A renegotiation is declined (RFC 5246 §7.2.2).
        NO_RENEGOTIATION = 100 "no_renegotiation",
        /// An extension is missing.
        MISSING_EXTENSION = 109 "missing_extension",
        /// An extension that was not offered, or not here.
        UNSUPPORTED_EXTENSION = 110 "unsupported_extension",
        /// No server of that name.
        UNRECOGNIZED_NAME = 112 "unrecognized_name",
        /// The certificate's status response is bad.
        BAD_CERTIFICATE_STATUS_RESPONSE = 113 "bad_certificate_status_response",
        /// No such key known beforehand.
        UNKNOWN_PSK_IDENTITY = 115 "unknown_psk_identity",
        /// The client did not show a certificate (RFC 8446 §6.2).
        CERTIFICATE_REQUIRED = 116 "certificate_required",
        /// No common application protocol (RFC 7301 §3.2).
        NO_APPLICATION_PROTOCOL = 120 "no_application_protocol",
    }
}

/// An alert, which is all of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// How bad it is.
    pub level: AlertLevel,
    /// What happened.
    pub description: AlertDescription,
}

impl Alert {
    /// What ends the association.
    #[must_use]
    pub const fn fatal(description: AlertDescription) -> Self {
        Self { level: AlertLevel::FATAL, description }
    }

    /// What does not.
    #[must_use]
    pub const fn warning(description: AlertDescription) -> Self {
        Self { level: AlertLevel::WARNING, description }
    }

    /// Reads the payload of a record of type alert. An alert is never cut into pieces, and two of
    /// them never share a record (RFC 8446 §5.1).
    ///
    /// # Errors
    ///
    /// `Malformed` if it is not two bytes.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        let level = AlertLevel::new(reader.u8()?);
        let description = AlertDescription::new(reader.u8()?);
        reader.finish().map(|()| Self { level, description })
    }

    /// Appends the payload.
    pub fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.level.number());
        writer.u8(self.description.number());
    }

    /// The payload.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        [self.level.number(), self.description.number()]
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Alert {} {}", self.level, self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::refuses_truncated;

    #[test]
    fn reads_capture() {
        let alert = Alert::parse(&[2, 40]).unwrap();
        assert_eq!(alert, Alert::fatal(AlertDescription::HANDSHAKE_FAILURE));
        assert_eq!(alert.to_string(), "Alert fatal handshake_failure");
    }

    #[test]
    fn round_trips() {
        let alert = Alert { level: AlertLevel::new(9), description: AlertDescription::new(200) };
        let mut bytes = Vec::new();
        alert.write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes, alert.to_bytes());
        assert_eq!(Alert::parse(&bytes), Ok(alert));
    }

    #[test]
    fn rejects_truncated() {
        refuses_truncated(&[1, 0], &[], |bytes| Alert::parse(bytes).is_err());
        assert!(Alert::parse(&[1, 0, 1]).is_err(), "one alert to a record");
    }
}
