//! The server's side of the credential mechanisms: RFC 8489 §9.

use base::Instant;

use super::{Access, LongTermAccess, ShortTermAccess, nonce::NonceMint};
use crate::{
    Builder, Integrity, Key, Message, SecurityFeatures,
    wire::{
        Algorithm, AttributeType, Check, Code, Encode as _, Nonce, OfferedAlgorithms,
        PasswordAlgorithm, PasswordAlgorithms, Realm, Userhash, Username,
    },
};

/// What protects the response to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protection<'a> {
    /// Nothing.
    None,
    /// The attribute of this kind, made with the key of the request.
    With(&'a Key, Integrity),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Code,
    /// Whether realm, nonce and algorithms go with it, so that the client can try again.
    pub(super) challenges: bool,
}

const BAD_REQUEST: Refusal = Refusal { code: Code::BAD_REQUEST, challenges: false };
const UNAUTHENTICATED: Refusal = Refusal { code: Code::UNAUTHENTICATED, challenges: false };
const CHALLENGE: Refusal = Refusal { code: Code::UNAUTHENTICATED, challenges: true };
const STALE: Refusal = Refusal { code: Code::STALE_NONCE, challenges: true };

/// Where a request comes from, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) now: Instant,
    pub(super) client: std::net::SocketAddr,
}

impl Protection<'_> {
    /// Whether the request was authenticated.
    pub(super) const fn is_authenticated(self) -> bool {
        matches!(self, Self::With(..))
    }

    /// Puts the integrity into a response.
    pub(super) fn protect(self, builder: &mut Builder<'_>) {
        match self {
            Self::None => {}
            Self::With(key, Integrity::Sha256) => {
                builder.integrity_sha256(key);
            }
            Self::With(key, Integrity::Sha1 | Integrity::Both) => {
                builder.integrity(key);
            }
        }
    }
}

impl Access {
    /// Checks the credential of a request.
    pub(super) fn authenticate(
        &self,
        mint: &NonceMint,
        arrival: Arrival,
        request: &Message<'_>,
    ) -> Result<Protection<'_>, Refusal> {
        match self {
            Self::Open => Ok(Protection::None),
            Self::ShortTerm(access) => access.authenticate(request),
            Self::LongTerm(access) => access.authenticate(mint, arrival, request),
        }
    }
}

/// The integrity that counts: RFC 8489 §9.1.3, §9.2.4. The stronger one, if both are there.
fn integrity_of(request: &Message<'_>) -> Option<Integrity> {
    match (request.has_integrity_sha256(), request.has_integrity()) {
        (true, _) => Some(Integrity::Sha256),
        (false, true) => Some(Integrity::Sha1),
        (false, false) => None,
    }
}

fn is_authentic(request: &Message<'_>, key: &Key, integrity: Integrity) -> bool {
    let check = match integrity {
        Integrity::Sha256 => request.check_integrity_sha256(key, 32),
        Integrity::Sha1 | Integrity::Both => request.check_integrity(key),
    };
    check == Check::Passed
}

impl ShortTermAccess {
    /// RFC 8489 §9.1.3, in the order of the text.
    pub(super) fn authenticate(&self, request: &Message<'_>) -> Result<Protection<'_>, Refusal> {
        let integrity = integrity_of(request).ok_or(BAD_REQUEST)?;
        let username: Username<'_> = request.get().ok_or(BAD_REQUEST)?;
        let key = self.key(username.as_str()).ok_or(UNAUTHENTICATED)?;
        if is_authentic(request, key, integrity) {
            Ok(Protection::With(key, integrity))
        } else {
            Err(UNAUTHENTICATED)
        }
    }
}

impl LongTermAccess {
    /// RFC 8489 §9.2.4, in the order of the text.
    fn authenticate(
        &self,
        mint: &NonceMint,
        arrival: Arrival,
        request: &Message<'_>,
    ) -> Result<Protection<'_>, Refusal> {
        let integrity = integrity_of(request).ok_or(CHALLENGE)?;
        let userhash: Option<Userhash> = request.get();
        let username: Option<Username<'_>> = request.get();
        let (Some(nonce), Some(realm)) = (request.get::<Nonce<'_>>(), request.get::<Realm<'_>>())
        else {
            return Err(BAD_REQUEST);
        };
        if userhash.is_none() && username.is_none() {
            return Err(BAD_REQUEST);
        }
        let algorithm = self.algorithm(request, nonce)?;
        let username = match (userhash, username) {
            (Some(hash), _) => self.username_of(hash),
            (None, username) => username.map(Username::as_str),
        };
        let made_with = algorithm.unwrap_or(Algorithm::MD5);
        let key = username.and_then(|username| self.key(username, made_with)).ok_or(CHALLENGE)?;
        if realm.as_str() != self.realm() || !is_authentic(request, key, integrity) {
            return Err(CHALLENGE);
        }
        let Arrival { now, client } = arrival;
        if !mint.is_valid(now, client, nonce.as_str(), self.nonce_lifetime) {
            return Err(STALE);
        }
        // Who names no algorithm is a client of RFC 5389 and knows no other integrity.
        let answer = if algorithm.is_some() { Integrity::Sha256 } else { Integrity::Sha1 };
        Ok(Protection::With(key, answer))
    }

    /// The algorithm the request names; `None` if it names none and MD5 is meant. That the offer
    /// comes back as it was sent shows that nobody shortened it on the way: RFC 8489 §9.2.4.
    fn algorithm(
        &self,
        request: &Message<'_>,
        nonce: Nonce<'_>,
    ) -> Result<Option<Algorithm>, Refusal> {
        let features = SecurityFeatures::of_nonce(nonce.as_str()).unwrap_or_default();
        let offered: Option<PasswordAlgorithms<'_>> = request.get();
        let chosen: Option<PasswordAlgorithm<'_>> = request.get();
        let is_named = request.has(AttributeType::PASSWORD_ALGORITHMS)
            || request.has(AttributeType::PASSWORD_ALGORITHM);
        if !features.password_algorithms || !is_named {
            return Ok(None);
        }
        let (Some(offered), Some(chosen)) = (offered, chosen) else {
            return Err(BAD_REQUEST);
        };
        let is_as_sent = offered.as_bytes() == self.offer()
            || base::mutant::active("stun-server-ignores-bid-down");
        if is_as_sent && offered.entries().any(|entry| entry == chosen) {
            Ok(Some(chosen.algorithm))
        } else {
            Err(BAD_REQUEST)
        }
    }

    /// The value of PASSWORD-ALGORITHMS.
    fn offer(&self) -> Vec<u8> {
        let mut value = Vec::new();
        let id = crate::wire::TransactionId::default();
        OfferedAlgorithms(&self.algorithms).write(&mut base::Writer::new(&mut value), &id);
        value
    }

    /// Puts a challenge into a response: RFC 8489 §9.2.4.
    pub(super) fn challenge(&self, mint: &NonceMint, arrival: Arrival, builder: &mut Builder<'_>) {
        let cookie = self.features().cookie();
        let nonce = mint.make(arrival.now, arrival.client, &cookie);
        builder.put_raw(AttributeType::REALM, self.realm().as_bytes());
        builder.put_raw(AttributeType::NONCE, nonce.as_bytes());
        if !self.algorithms.is_empty() {
            builder.put(&OfferedAlgorithms(&self.algorithms));
        }
    }
}
