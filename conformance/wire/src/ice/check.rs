//! The messages of connectivity checks: RFC 8445 §7.

use std::net::SocketAddr;

use crate::stun::{Attribute, Class, Key, Message, Parsed, TransactionId, attribute};

/// The role a request claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// ICE-CONTROLLING.
    Controlling,
    /// ICE-CONTROLLED.
    Controlled,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }

    /// The attribute that claims it.
    #[must_use]
    pub fn attribute(self, tie_breaker: u64) -> Attribute {
        match self {
            Self::Controlling => Attribute::ice_controlling(tie_breaker),
            Self::Controlled => Attribute::ice_controlled(tie_breaker),
        }
    }

    /// What a request claims, with its tie-breaker.
    #[must_use]
    pub fn of(message: &Parsed) -> Option<(Self, u64)> {
        let number = |kind| {
            let value = message.value(kind)?;
            value.try_into().ok().map(u64::from_be_bytes)
        };
        number(attribute::ICE_CONTROLLING)
            .map(|number| (Self::Controlling, number))
            .or_else(|| number(attribute::ICE_CONTROLLED).map(|number| (Self::Controlled, number)))
    }
}

/// One side's username fragment and password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The username fragment.
    pub ufrag: String,
    /// The password.
    pub pwd: String,
}

/// The user name of a request: the receiver's fragment, a colon, the sender's (RFC 8445 §7.2.2).
#[must_use]
pub fn username(receiver: &Side, sender: &Side) -> String {
    format!("{}:{}", receiver.ufrag, sender.ufrag)
}

impl Side {
    /// A side with these credentials.
    #[must_use]
    pub fn new(ufrag: &str, pwd: &str) -> Self {
        Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() }
    }

    /// The key of requests to this side, and of its responses.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::short_term(&self.pwd)
    }

    /// A check from `sender` to this side without its protection, so that more can be added.
    #[must_use]
    pub fn bare_check(
        &self,
        sender: &Self,
        transaction: TransactionId,
        role: Attribute,
        priority: u32,
    ) -> Message {
        Message::request(transaction)
            .with(Attribute::username(&username(self, sender)))
            .with(role)
            .with(Attribute::priority(priority))
    }

    /// `message` with the tag that this side's password makes, and a fingerprint.
    #[must_use]
    pub fn protect(&self, message: Message) -> Message {
        message.with(Attribute::integrity(&self.key())).with(Attribute::fingerprint())
    }

    /// This side's success response to a request that came from `source`.
    #[must_use]
    pub fn success(&self, request: &Parsed, source: SocketAddr) -> Message {
        let response = Message::success(request.transaction);
        self.protect(response.with(Attribute::xor_mapped_address(source)))
    }

    /// This side's error response.
    #[must_use]
    pub fn error(&self, request: &Parsed, code: u16, reason: &str) -> Message {
        self.protect(Message::error(request.transaction, code, reason))
    }
}

impl Parsed {
    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        matches!(self.class(), Class::Request)
    }

    /// The value of PRIORITY.
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        self.value(attribute::PRIORITY)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Whether it nominates.
    #[must_use]
    pub fn nominates(&self) -> bool {
        self.has(attribute::USE_CANDIDATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stun::Check;

    #[test]
    fn a_check_is_protected_with_the_receivers_password() {
        let (one, other) = (Side::new("abcd", &"p".repeat(22)), Side::new("efgh", &"q".repeat(22)));
        let role = Role::Controlling.attribute(7);
        let check = other.protect(other.bare_check(&one, TransactionId([1; 12]), role, 9));
        let parsed = Parsed::read(&check.encode()).unwrap();
        assert_eq!(parsed.text(attribute::USERNAME), Some("efgh:abcd"));
        assert_eq!(parsed.integrity(&other.key()), Check::Good);
        assert_eq!(Role::of(&parsed), Some((Role::Controlling, 7)));
        assert_eq!(parsed.priority(), Some(9));
        let source = SocketAddr::from(([192, 0, 2, 1], 4000));
        let success = Parsed::read(&other.success(&parsed, source).encode()).unwrap();
        assert_eq!(success.xor_mapped_address(), Some(source));
        assert_eq!(success.integrity(&other.key()), Check::Good);
        assert!(success.faults().is_empty());
    }
}
