//! The server's side of the long-term credential mechanism, whoever keeps the passwords:
//! RFC 8489 §9.2.4.

use std::{borrow::Borrow, net::SocketAddr, time::Duration};

use base::Instant;

use super::{
    auth::{integrity_of, is_authentic},
    nonce::NonceMint,
};
use crate::{
    Builder, Integrity, Key, Message, SecurityFeatures,
    wire::{
        Algorithm, AttributeType, Code, Encode as _, Nonce, OfferedAlgorithms, PasswordAlgorithm,
        PasswordAlgorithms, Realm, Userhash, Username,
    },
};

/// What a server challenges with.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// Whom the credentials are for.
    pub realm: &'a str,
    /// The password algorithms offered, best first; none makes it a server of RFC 5389.
    pub algorithms: &'a [Algorithm],
    /// Whether clients are asked to hide their usernames.
    pub offers_anonymity: bool,
    /// For how long a nonce holds.
    pub nonce_lifetime: Duration,
}

/// Where a request comes from, and when.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When.
    pub now: Instant,
    /// From where: nonces are good for one address.
    pub client: SocketAddr,
}

/// Whom a request says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// A username.
    Plain(&'a str),
    /// A username nobody can read off the wire.
    Hashed(Userhash),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error.
    pub code: Code,
    /// Whether realm, nonce and algorithms go with it, so that the client can try again.
    pub challenges: bool,
}

impl Refusal {
    /// The request makes no sense.
    pub const BAD_REQUEST: Self = Self { code: Code::BAD_REQUEST, challenges: false };
    /// The credential is not good, and no other will be.
    pub const UNAUTHENTICATED: Self = Self { code: Code::UNAUTHENTICATED, challenges: false };
    /// There is no credential, or it is not good.
    pub const CHALLENGE: Self = Self { code: Code::UNAUTHENTICATED, challenges: true };
    /// The nonce has expired.
    pub const STALE: Self = Self { code: Code::STALE_NONCE, challenges: true };
}

impl Challenge<'_> {
    /// Checks the credential of a request, in the order of RFC 8489 §9.2.4, with the key that `lookup`
    /// finds. Returns it and the integrity that the response is to have.
    ///
    /// # Errors
    ///
    /// What the request is to be answered with.
    pub fn check<'r, K: Borrow<Key>>(
        &self,
        mint: &NonceMint,
        arrival: Arrival,
        request: &Message<'r>,
        lookup: impl FnOnce(Name<'r>, Algorithm) -> Option<K>,
    ) -> Result<(K, Integrity), Refusal> {
        let integrity = integrity_of(request).ok_or(Refusal::CHALLENGE)?;
        let userhash: Option<Userhash> = request.get();
        let username: Option<Username<'_>> = request.get();
        let (Some(nonce), Some(realm)) = (request.get::<Nonce<'_>>(), request.get::<Realm<'_>>())
        else {
            return Err(Refusal::BAD_REQUEST);
        };
        let name = match (userhash, username) {
            (Some(hash), _) => Name::Hashed(hash),
            (None, Some(username)) => Name::Plain(username.as_str()),
            (None, None) => return Err(Refusal::BAD_REQUEST),
        };
        let algorithm = self.algorithm(request, nonce)?;
        let made_with = algorithm.unwrap_or(Algorithm::MD5);
        let key = lookup(name, made_with).ok_or(Refusal::CHALLENGE)?;
        if realm.as_str() != self.realm || !is_authentic(request, key.borrow(), integrity) {
            return Err(Refusal::CHALLENGE);
        }
        let Arrival { now, client } = arrival;
        if !mint.is_valid(now, client, nonce.as_str(), self.nonce_lifetime) {
            return Err(Refusal::STALE);
        }
        // Who names no algorithm is a client of RFC 5389 and knows no other integrity.
        let answer = if algorithm.is_some() { Integrity::Sha256 } else { Integrity::Sha1 };
        Ok((key, answer))
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
            return Err(Refusal::BAD_REQUEST);
        };
        let is_as_sent = offered.as_bytes() == self.offer()
            || base::mutant::active("stun-server-ignores-bid-down");
        if is_as_sent && offered.entries().any(|entry| entry == chosen) {
            Ok(Some(chosen.algorithm))
        } else {
            Err(Refusal::BAD_REQUEST)
        }
    }

    /// The value of PASSWORD-ALGORITHMS.
    fn offer(&self) -> Vec<u8> {
        let mut value = Vec::new();
        let id = crate::wire::TransactionId::default();
        OfferedAlgorithms(self.algorithms).write(&mut base::Writer::new(&mut value), &id);
        value
    }

    /// Puts the challenge into a response: RFC 8489 §9.2.4.
    pub fn put(&self, mint: &NonceMint, arrival: Arrival, builder: &mut Builder<'_>) {
        let features = SecurityFeatures {
            password_algorithms: !self.algorithms.is_empty(),
            username_anonymity: self.offers_anonymity,
        };
        let nonce = mint.make(arrival.now, arrival.client, &features.cookie());
        builder.put_raw(AttributeType::REALM, self.realm.as_bytes());
        builder.put_raw(AttributeType::NONCE, nonce.as_bytes());
        if !self.algorithms.is_empty() {
            builder.put(&OfferedAlgorithms(self.algorithms));
        }
    }
}
