//! Who a request is from.

use std::{borrow::Borrow, sync::Arc, time::Duration};

use base::{Instant, WallTime};
use stun::{
    Arrival, Integrity, Key, Message, Name, Refusal,
    wire::{AccessToken, Algorithm, AttributeType, ConnectionId, Method},
};

use super::{
    Server,
    accounts::{Account, Accounts},
    allocation::{AllocationCredential, Path},
};

/// A request whose credential is good.
#[derive(Clone, Debug)]
pub(super) struct Authentic {
    pub(super) credential: AllocationCredential,
    /// What the response is protected with.
    pub(super) integrity: Integrity,
    /// For how long it may be served, if that has an end.
    pub(super) rest: Option<Duration>,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAuthentic {
    /// Its credential is not good.
    Refused(Refusal),
    /// It has a token, of which this server knows nothing: RFC 7635 §7.
    UnknownToken,
}

/// A credential that was found for a request, before it is known whether it is right.
struct Found {
    credential: AllocationCredential,
    rest: Option<Duration>,
}

impl Borrow<Key> for Found {
    fn borrow(&self) -> &Key {
        &self.credential.key
    }
}

impl Found {
    fn new(now: Instant, account: &Account, algorithm: Algorithm) -> Self {
        let credential = AllocationCredential::new(now, account, algorithm);
        Self { credential, rest: account.rest }
    }
}

impl Server {
    /// The date on the clock that the configuration was given.
    pub(super) fn date(&self, now: Instant) -> WallTime {
        self.config.wall_time.after(self.began, now)
    }

    /// Checks the credential of a request.
    ///
    /// On a path with an allocation, the credential that made it stays good as long as it lives, whatever
    /// becomes of the account meanwhile: a call does not end because a secret was changed. The key of a
    /// token is good until the token ends, also where it comes without the token: RFC 7635 §9.
    pub(super) fn authenticate(
        &self,
        now: Instant,
        path: &Path,
        request: &Message<'_>,
    ) -> Result<Authentic, NotAuthentic> {
        if request.has(AttributeType::ACCESS_TOKEN) {
            return self.authenticate_token(now, path, request);
        }
        let arrival = Arrival { now, client: path.client };
        let accounts = &self.config.accounts;
        // RFC 6062 §4.3: a connection for data is bound by who made the allocation.
        let bound = request
            .get::<ConnectionId>()
            .filter(|_| request.method() == Method::CONNECTION_BIND)
            .and_then(|ConnectionId(number)| self.allocation_of_connection(number));
        let id = self.table.of_path(path).or(bound);
        let allocation = id.and_then(|id| self.table.get(id));
        let known = allocation.map(|allocation| &allocation.credential);
        let date = self.date(now);
        let provider = self.config.provider;
        for guess in 0..=accounts.guesses() {
            let lookup = |name: Name<'_>, algorithm| {
                let Some(guess) = guess.checked_sub(1) else {
                    let known = known.filter(|known| is_of(accounts, known, name, algorithm))?;
                    let rest = known.ends_at.map(|end| end.max(now) - now);
                    let is_over = rest.is_some_and(|rest| rest.is_zero());
                    return (!is_over).then(|| Found { credential: known.clone(), rest });
                };
                let account = accounts.find(provider, date, (name, algorithm), guess)?;
                Some(Found::new(now, &account, algorithm))
            };
            match accounts.challenge().check(&self.mint, arrival, request, lookup) {
                Ok((found, integrity)) => return Ok(Authentic::new(found, integrity)),
                Err(Refusal::CHALLENGE) => {}
                Err(refusal) => return Err(NotAuthentic::Refused(refusal)),
            }
        }
        Err(NotAuthentic::Refused(Refusal::CHALLENGE))
    }

    /// RFC 7635 §7.
    fn authenticate_token(
        &self,
        now: Instant,
        path: &Path,
        request: &Message<'_>,
    ) -> Result<Authentic, NotAuthentic> {
        let Some(tokens) = self.config.accounts.tokens() else {
            return Err(NotAuthentic::UnknownToken);
        };
        let arrival = Arrival { now, client: path.client };
        let date = self.date(now);
        let lookup = |name: Name<'_>, algorithm| {
            let (Name::Plain(id), Some(token)) = (name, request.get::<AccessToken<'_>>()) else {
                return None;
            };
            let account = tokens.open(self.config.provider, date, id, token)?;
            Some(Found::new(now, &account, algorithm))
        };
        let checked = self.config.accounts.challenge().check(&self.mint, arrival, request, lookup);
        let (found, integrity) = checked.map_err(NotAuthentic::Refused)?;
        Ok(Authentic::new(found, integrity))
    }
}

impl Authentic {
    fn new(found: Found, integrity: Integrity) -> Self {
        Self { credential: found.credential, integrity, rest: found.rest }
    }

    /// Whether it is from who made an allocation: RFC 8656 §5.
    pub(super) fn is_owner(&self, credential: &AllocationCredential) -> bool {
        base::mutant::active("turn-server-serves-other-users")
            || Arc::ptr_eq(&self.credential.username, &credential.username)
            || self.credential.username == credential.username
    }
}

/// Whether a request under `name`, with a key made with `algorithm`, may be from who made the allocation.
fn is_of(
    accounts: &Accounts,
    known: &AllocationCredential,
    name: Name<'_>,
    algorithm: Algorithm,
) -> bool {
    let is_named = match name {
        Name::Plain(username) => *known.username == *username,
        Name::Hashed(hash) => accounts.username_of(hash) == Some(&*known.username),
    };
    // The key of a token is what it is, whatever algorithm the request names.
    let is_token = known.kind == super::accounts::Kind::Token;
    is_named && (is_token || known.algorithm == algorithm)
}
