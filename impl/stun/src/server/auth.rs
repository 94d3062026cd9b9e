//! The server's side of the credential mechanisms: RFC 8489 §9.

use super::{
    Access, LongTermAccess, ShortTermAccess,
    challenge::{Arrival, Challenge, Name, Refusal},
    nonce::NonceMint,
};
use crate::{
    Builder, Integrity, Key, Message,
    wire::{Check, Username},
};

/// What protects the response to a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protection<'a> {
    /// Nothing.
    None,
    /// The attribute of this kind, made with the key of the request.
    With(&'a Key, Integrity),
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
pub(super) fn integrity_of(request: &Message<'_>) -> Option<Integrity> {
    match (request.has_integrity_sha256(), request.has_integrity()) {
        (true, _) => Some(Integrity::Sha256),
        (false, true) => Some(Integrity::Sha1),
        (false, false) => None,
    }
}

pub(super) fn is_authentic(request: &Message<'_>, key: &Key, integrity: Integrity) -> bool {
    let check = match integrity {
        Integrity::Sha256 => request.check_integrity_sha256(key, 32),
        Integrity::Sha1 | Integrity::Both => request.check_integrity(key),
    };
    check == Check::Passed
}

impl ShortTermAccess {
    /// RFC 8489 §9.1.3, in the order of the text.
    pub(super) fn authenticate(&self, request: &Message<'_>) -> Result<Protection<'_>, Refusal> {
        let integrity = integrity_of(request).ok_or(Refusal::BAD_REQUEST)?;
        let username: Username<'_> = request.get().ok_or(Refusal::BAD_REQUEST)?;
        let key = self.key(username.as_str()).ok_or(Refusal::UNAUTHENTICATED)?;
        if is_authentic(request, key, integrity) {
            Ok(Protection::With(key, integrity))
        } else {
            Err(Refusal::UNAUTHENTICATED)
        }
    }
}

impl LongTermAccess {
    fn challenge(&self) -> Challenge<'_> {
        Challenge {
            realm: self.realm(),
            algorithms: &self.algorithms,
            offers_anonymity: self.offers_anonymity,
            nonce_lifetime: self.nonce_lifetime,
        }
    }

    /// RFC 8489 §9.2.4.
    fn authenticate(
        &self,
        mint: &NonceMint,
        arrival: Arrival,
        request: &Message<'_>,
    ) -> Result<Protection<'_>, Refusal> {
        let lookup = |name: Name<'_>, algorithm| {
            let username = match name {
                Name::Plain(username) => username,
                Name::Hashed(hash) => self.username_of(hash)?,
            };
            self.key(username, algorithm)
        };
        let (key, answer) = self.challenge().check(mint, arrival, request, lookup)?;
        Ok(Protection::With(key, answer))
    }

    /// Puts a challenge into a response.
    pub(super) fn put_challenge(
        &self,
        mint: &NonceMint,
        arrival: Arrival,
        builder: &mut Builder<'_>,
    ) {
        self.challenge().put(mint, arrival, builder);
    }
}
