//! What a whole response should look like.

use std::fmt;

use wire::stun::{
    Check, Class, Key, Message, Parsed, TransactionId, attribute, attribute_name, method_name,
};

use crate::{Ctl, Outcome, cases::stun::script::protection, registry::Req};

/// A response in all its parts: a case that inspects one checks the whole of it.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Shape {
    method: u16,
    transaction: TransactionId,
    code: Option<u16>,
    required: Vec<u16>,
    allowed: Vec<u16>,
    key: Option<Key>,
}

/// What may stand in any response: names, fingerprints, and what belongs to authentication.
const ANYWHERE: [u16; 10] = [
    attribute::SOFTWARE,
    attribute::FINGERPRINT,
    attribute::MESSAGE_INTEGRITY,
    attribute::MESSAGE_INTEGRITY_SHA256,
    attribute::REALM,
    attribute::NONCE,
    attribute::USERNAME,
    attribute::USERHASH,
    attribute::PASSWORD_ALGORITHMS,
    attribute::PASSWORD_ALGORITHM,
];

impl Shape {
    /// A success response to `request`.
    pub(in crate::cases) fn success(request: &Message) -> Self {
        let Message { method, transaction, .. } = *request;
        let (required, allowed) = (Vec::new(), ANYWHERE.to_vec());
        Self { method, transaction, code: None, required, allowed, key: None }
    }

    /// An error response to `request` with this code.
    pub(in crate::cases) fn error(request: &Message, code: u16) -> Self {
        Self { code: Some(code), ..Self::success(request) }.with(attribute::ERROR_CODE)
    }

    /// A challenge to `request`: 401 or 438.
    pub(in crate::cases) fn challenge(request: &Message, code: u16) -> Self {
        Self::error(request, code).with(attribute::REALM).with(attribute::NONCE)
    }

    /// The same with an attribute that must be there.
    pub(in crate::cases) fn with(mut self, kind: u16) -> Self {
        self.required.push(kind);
        self
    }

    /// The same with a tag of this key.
    pub(in crate::cases) fn signed(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// The first thing in which `reply` departs from the shape.
    pub(in crate::cases) fn deviation(&self, reply: &Parsed) -> Option<String> {
        let kinds = reply.kinds();
        let class = if self.code.is_some() { Class::Error } else { Class::Success };
        let missing = self.required.iter().find(|kind| !kinds.contains(kind));
        let extra =
            kinds.iter().find(|kind| !self.required.contains(kind) && !self.allowed.contains(kind));
        if reply.transaction != self.transaction {
            return Some(format!("transaction id {}", reply.transaction));
        }
        if reply.class() != class || reply.method() != self.method {
            return Some(format!("type {:#06x}", reply.kind));
        }
        if reply.code() != self.code {
            return Some(format!("code {:?}", reply.code()));
        }
        if let Some(kind) = missing {
            return Some(format!("no {}", attribute_name(*kind)));
        }
        if let Some(kind) = extra {
            return Some(format!("{} besides", attribute_name(*kind)));
        }
        if let Some(key) = &self.key {
            let check = protection(reply, key);
            if check != Check::Good {
                return Some(format!("integrity {check:?}"));
            }
        }
        reply.faults().first().map(|fault| format!("{fault:?}"))
    }

    /// Asserts that `reply` fits the shape.
    #[track_caller]
    pub(in crate::cases) fn holds(
        &self,
        t: &mut Ctl<'_>,
        req: Req,
        reply: Option<&Parsed>,
    ) -> Outcome {
        let Some(reply) = reply else { return t.must(req, false, self, "silence") };
        let deviation = self.deviation(reply);
        let got = deviation.as_ref().map_or(String::new(), |text| format!(" ({text})"));
        t.must(req, deviation.is_none(), self, format_args!("{reply}{got}"))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = method_name(self.method);
        match self.code {
            Some(code) => write!(f, "{method} error {code}")?,
            None => write!(f, "{method} success")?,
        }
        for kind in self.required.iter().filter(|kind| **kind != attribute::ERROR_CODE) {
            write!(f, ", {}", attribute_name(*kind))?;
        }
        if self.key.is_some() {
            f.write_str(", protected")?;
        }
        Ok(())
    }
}
