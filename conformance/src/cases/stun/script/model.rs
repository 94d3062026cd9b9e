//! What a whole response should look like.

use std::{fmt, net::SocketAddr};

use wire::stun::{Check, Class, Key, Message, Parsed, TransactionId, attribute, attribute_name};

use crate::{Ctl, Outcome, Stop, registry::Req};

/// A response in all its parts: a case that inspects one checks the whole of it.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Model {
    transaction: TransactionId,
    code: Option<u16>,
    mapped: Option<SocketAddr>,
    required: Vec<u16>,
    allowed: Vec<u16>,
}

impl Model {
    /// A Binding success for `mapped`, with no more than politeness allows.
    pub(in crate::cases) fn success(request: &Message, mapped: SocketAddr) -> Self {
        let required = vec![attribute::XOR_MAPPED_ADDRESS];
        let allowed = vec![attribute::SOFTWARE, attribute::MAPPED_ADDRESS];
        let (transaction, mapped) = (request.transaction, Some(mapped));
        Self { transaction, code: None, mapped, required, allowed }.in_kind(request)
    }

    /// An error response with this code.
    pub(in crate::cases) fn error(request: &Message, code: u16) -> Self {
        let (required, allowed) = (vec![attribute::ERROR_CODE], vec![attribute::SOFTWARE]);
        let transaction = request.transaction;
        Self { transaction, code: Some(code), mapped: None, required, allowed }.in_kind(request)
    }

    /// A fingerprint is fine where the request had one.
    fn in_kind(self, request: &Message) -> Self {
        let has = request.attributes.iter().any(|sent| sent.kind == attribute::FINGERPRINT);
        if has { self.allowing(attribute::FINGERPRINT) } else { self }
    }

    /// The same with another code.
    pub(in crate::cases) fn code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// The same with an attribute that must be there.
    pub(in crate::cases) fn with(mut self, kind: u16) -> Self {
        self.required.push(kind);
        self
    }

    /// The same with an attribute that may be there.
    pub(in crate::cases) fn allowing(mut self, kind: u16) -> Self {
        self.allowed.push(kind);
        self
    }

    /// The same with integrity allowed.
    pub(in crate::cases) fn allowing_integrity(self) -> Self {
        self.allowing(attribute::MESSAGE_INTEGRITY).allowing(attribute::MESSAGE_INTEGRITY_SHA256)
    }

    /// The first thing in which `reply` departs from the model.
    pub(in crate::cases) fn deviation(&self, reply: &Parsed) -> Option<String> {
        let kinds = reply.kinds();
        let class = if self.code.is_some() { Class::Error } else { Class::Success };
        let missing = self.required.iter().find(|kind| !kinds.contains(kind));
        let extra =
            kinds.iter().find(|kind| !self.required.contains(kind) && !self.allowed.contains(kind));
        let faults = reply.faults();
        if reply.transaction != self.transaction {
            return Some(format!("transaction id {}", reply.transaction));
        }
        if reply.kind != class.bits() | 1 {
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
        if self.mapped.is_some() && reply.xor_mapped_address() != self.mapped {
            return Some(format!("address {:?}", reply.xor_mapped_address()));
        }
        faults.first().map(|fault| format!("{fault:?}"))
    }

    /// Asserts that `reply` fits the model.
    #[track_caller]
    pub(in crate::cases) fn holds(&self, t: &mut Ctl<'_>, req: Req, reply: &Parsed) -> Outcome {
        let deviation = self.deviation(reply);
        let got = deviation.as_ref().map_or(String::new(), |text| format!(" ({text})"));
        t.must(req, deviation.is_none(), self, format_args!("{reply}{got}"))
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.mapped) {
            (Some(code), _) => write!(f, "error {code}")?,
            (None, Some(mapped)) => write!(f, "success for {mapped}")?,
            (None, None) => f.write_str("success")?,
        }
        for kind in self.required.iter().skip(1) {
            write!(f, ", {}", attribute_name(*kind))?;
        }
        Ok(())
    }
}

/// Asserts that there is a response, and hands it over.
#[track_caller]
pub(in crate::cases) fn answered(
    t: &mut Ctl<'_>,
    req: Req,
    reply: Option<Parsed>,
) -> Result<Parsed, Stop> {
    t.must(req, reply.is_some(), "a response", if reply.is_some() { "one" } else { "silence" })?;
    t.expect(reply, "a response")
}

/// The verdict on the integrity attribute that decides: the SHA-256 one if there is one.
pub(in crate::cases) fn protection(message: &Parsed, key: &Key) -> Check {
    match message.integrity_sha256(key) {
        Check::Absent => message.integrity(key),
        found => found,
    }
}
