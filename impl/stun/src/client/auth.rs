//! The client's side of the credential mechanisms: RFC 8489 §9.

use std::sync::Arc;

use super::{ClientConfig, FailReason};
use crate::{
    Credential, DropReason, Integrity, Key, Message, SecurityFeatures,
    credential::{LongTerm, Secret, ShortTerm},
    wire::{
        Algorithm, AttributeType, Builder, Check, Class, Code, ErrorCode, Method, Nonce,
        PasswordAlgorithm, PasswordAlgorithms, Realm, Userhash, Username,
    },
};

/// What a client and a server have agreed upon: the answer to a challenge, good for more requests.
#[derive(Debug)]
pub(crate) struct Session {
    realm: String,
    nonce: String,
    /// PASSWORD-ALGORITHMS as it came.
    offered: Option<Vec<u8>>,
    algorithm: Option<Algorithm>,
    userhash: Option<Userhash>,
    key: Key,
}

/// With what a request is, or was, authenticated.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    /// With nothing.
    None,
    /// With a short-term credential and these attributes.
    Short(Arc<ShortTerm>, Integrity),
    /// With a long-term credential.
    Long(Arc<LongTerm>, Arc<Session>),
}

/// What the credential mechanism makes of a response.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It may be acted upon; with the integrity it has.
    Accept(Option<Integrity>),
    /// As if it had never come.
    Discard(DropReason),
    /// The request has failed.
    Fail(FailReason),
    /// The request is made again, with this.
    Retry(Auth),
}

/// Whether a credential is the same as that of an earlier attempt.
fn is_same_attempt(auth: &Auth, realm: &str) -> bool {
    matches!(auth, Auth::Long(_, session) if session.realm == realm)
}

impl Auth {
    /// Puts the credential and the integrity into a message about `method`.
    pub(crate) fn protect(&self, method: Method, builder: &mut Builder<'_>) {
        match self {
            Self::None => {}
            Self::Short(short, integrity) => {
                builder.put_raw(AttributeType::USERNAME, short.username.as_bytes());
                if integrity.has_sha1() {
                    builder.integrity(&short.key);
                }
                if integrity.has_sha256() {
                    builder.integrity_sha256(&short.key);
                }
            }
            Self::Long(long, session) => session.protect(long, method, builder),
        }
    }

    /// Judges a response to a request that was protected with `self`. `config` says what the client
    /// has and prefers.
    pub(crate) fn judge(&self, config: &ClientConfig, response: &Message<'_>) -> Verdict {
        match (self, &config.credential) {
            (Self::Short(short, sent), _) => check_integrity(response, &short.key, *sent),
            (_, Some(Credential::LongTerm(long))) => self.judge_long(config, long, response),
            _ => Verdict::Accept(None),
        }
    }

    /// RFC 8489 §9.2.5, in the order of the text.
    fn judge_long(
        &self,
        config: &ClientConfig,
        long: &Arc<LongTerm>,
        response: &Message<'_>,
    ) -> Verdict {
        let code = response.get::<ErrorCode<'_>>().map(|error| error.code);
        let code = code.filter(|_| response.class() == Class::Error);
        let bid_down = is_bid_down(response);
        if let Some(challenge @ (Code::UNAUTHENTICATED | Code::STALE_NONCE)) = code {
            if bid_down {
                return Verdict::Fail(FailReason::BidDown);
            }
            return self.answer(config, long, challenge, response);
        }
        if bid_down {
            return Verdict::Discard(DropReason::BidDown);
        }
        let is_protected = response.has_integrity() || response.has_integrity_sha256();
        if code == Some(Code::BAD_REQUEST) && !is_protected {
            return Verdict::Discard(DropReason::UnprotectedBadRequest);
        }
        match self {
            Self::Long(_, session) => check_integrity(response, &session.key, session.integrity()),
            _ => Verdict::Accept(None),
        }
    }

    /// Answers a 401 or a 438.
    fn answer(
        &self,
        config: &ClientConfig,
        long: &Arc<LongTerm>,
        code: Code,
        response: &Message<'_>,
    ) -> Verdict {
        let (Some(realm), Some(nonce)) = (response.get::<Realm<'_>>(), response.get::<Nonce<'_>>())
        else {
            return Verdict::Fail(FailReason::BadChallenge);
        };
        // RFC 8489 §9.2.5: the same credential again would be refused again.
        if code == Code::UNAUTHENTICATED && is_same_attempt(self, realm.as_str()) {
            return Verdict::Fail(FailReason::Rejected(code));
        }
        // RFC 7635 §5: a token answers a server that asks for one.
        let is_token = matches!(long.secret, Secret::Token { .. });
        if is_token
            && code == Code::UNAUTHENTICATED
            && !response.has(AttributeType::THIRD_PARTY_AUTHORIZATION)
        {
            return Verdict::Fail(FailReason::Rejected(code));
        }
        match Session::answer(config, long, realm, nonce, response.get()) {
            Ok(session) => Verdict::Retry(Self::Long(long.clone(), Arc::new(session))),
            Err(reason) => Verdict::Fail(reason),
        }
    }
}

/// The algorithm for the key: of those the client knows the one the server lists first, unless SHA-256
/// is preferred.
fn choose(offered: PasswordAlgorithms<'_>, prefers_sha256: bool) -> Option<Algorithm> {
    let known = || offered.entries().filter(|it| it.is_supported()).map(|it| it.algorithm);
    let preferred = known().find(|algorithm| prefers_sha256 && *algorithm == Algorithm::SHA256);
    preferred.or_else(|| known().next())
}

/// Whether the nonce promises PASSWORD-ALGORITHMS and there is none: somebody took it out
/// (RFC 8489 §9.2.1).
fn is_bid_down(response: &Message<'_>) -> bool {
    let nonce = response.get::<Nonce<'_>>();
    let features = nonce.and_then(|nonce| SecurityFeatures::of_nonce(nonce.as_str()));
    features.is_some_and(|features| features.password_algorithms)
        && !response.has(AttributeType::PASSWORD_ALGORITHMS)
        && !base::mutant::active("stun-ignores-bid-down")
}

impl Session {
    fn answer(
        config: &ClientConfig,
        long: &LongTerm,
        realm: Realm<'_>,
        nonce: Nonce<'_>,
        offered: Option<PasswordAlgorithms<'_>>,
    ) -> Result<Self, FailReason> {
        let algorithm = match offered {
            None => None,
            Some(offered) => Some(
                choose(offered, config.prefers_sha256).ok_or(FailReason::NoSupportedAlgorithm)?,
            ),
        };
        let provider = config.provider;
        let username = long.username.as_str();
        let (key, hides_name) = match &long.secret {
            Secret::Password(password) => {
                let made_with = algorithm.unwrap_or(Algorithm::MD5);
                let key = Key::long_term(provider, made_with, username, realm.as_str(), password);
                (key.map_err(|_| FailReason::BadChallenge)?, true)
            }
            // RFC 7635 §5: the key is used as it is, and the server must read the key's name.
            Secret::Token { key, .. } => (Key::clone(key), false),
        };
        let features = SecurityFeatures::of_nonce(nonce.as_str()).unwrap_or_default();
        let userhash = if features.username_anonymity && hides_name {
            let hash = Userhash::of(provider, username, realm.as_str());
            Some(hash.map_err(|_| FailReason::BadChallenge)?)
        } else {
            None
        };
        Ok(Self {
            realm: realm.as_str().to_owned(),
            nonce: nonce.as_str().to_owned(),
            offered: offered.map(|offered| offered.as_bytes().to_vec()),
            algorithm,
            userhash,
            key,
        })
    }

    /// RFC 8489 §9.2.5: a server that offers algorithms gets MESSAGE-INTEGRITY-SHA256 and no other;
    /// one that offers none may know no other than MESSAGE-INTEGRITY.
    const fn integrity(&self) -> Integrity {
        if self.offered.is_some() { Integrity::Sha256 } else { Integrity::Sha1 }
    }

    fn protect(&self, long: &LongTerm, method: Method, builder: &mut Builder<'_>) {
        match &self.userhash {
            Some(userhash) => builder.put(userhash),
            None => builder.put_raw(AttributeType::USERNAME, long.username.as_bytes()),
        };
        builder.put_raw(AttributeType::REALM, self.realm.as_bytes());
        builder.put_raw(AttributeType::NONCE, self.nonce.as_bytes());
        if let Some(offered) = &self.offered {
            builder.put_raw(AttributeType::PASSWORD_ALGORITHMS, offered);
        }
        if let Some(algorithm) = self.algorithm {
            builder.put(&PasswordAlgorithm::plain(algorithm));
        }
        // RFC 7635 §9: in TURN, requests about the allocation itself carry the token, no others.
        if let Secret::Token { token, .. } = &long.secret
            && !matches!(
                method,
                Method::CREATE_PERMISSION
                    | Method::CHANNEL_BIND
                    | Method::CONNECT
                    | Method::CONNECTION_BIND
            )
        {
            builder.put_raw(AttributeType::ACCESS_TOKEN, token);
        }
        match self.integrity() {
            Integrity::Sha256 => builder.integrity_sha256(&self.key),
            Integrity::Sha1 | Integrity::Both => builder.integrity(&self.key),
        };
    }
}

/// Checks the integrity of a response to a request with the attributes `sent`: RFC 8489 §9.1.4.
fn check_integrity(response: &Message<'_>, key: &Key, sent: Integrity) -> Verdict {
    let (has_sha1, has_sha256) = (response.has_integrity(), response.has_integrity_sha256());
    let (check, found) = match (has_sha1, has_sha256) {
        (false, false) => return Verdict::Discard(DropReason::IntegrityMissing),
        (_, true) if sent.has_sha256() => {
            (response.check_integrity_sha256(key, 32), Integrity::Sha256)
        }
        (true, _) if sent.has_sha1() => (response.check_integrity(key), Integrity::Sha1),
        _ => return Verdict::Discard(DropReason::IntegrityOfOtherAlgorithm),
    };
    match check {
        Check::Passed => Verdict::Accept(Some(found)),
        Check::Failed | Check::Absent => Verdict::Discard(DropReason::IntegrityInvalid),
    }
}

/// Makes sure that a text survives the trip through its attribute.
pub(crate) fn fits_username(username: &str) -> bool {
    Username::new(username).is_ok()
}
