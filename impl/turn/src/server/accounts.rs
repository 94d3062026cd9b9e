//! Who is served: users by password, users by shared secret, bearers of tokens.

mod tokens;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use base::WallTime;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto::{HmacAlgorithm, HmacKey, Provider};
use stun::{
    Challenge, Key, Name, Unprepared, prepare,
    wire::{Algorithm, HEADER_LENGTH, Userhash},
};

pub use tokens::{TokenKey, Tokens};

/// Most shared secrets: the one in use, and those that are on their way in or out.
pub const MAX_SECRETS: usize = 8;

/// Who is served, by the long-term credential mechanism of RFC 8489 §9.2 or by RFC 7635.
///
/// * **Users** have a name and a password, or the two hashes of it.
/// * **Shared secrets** serve everybody to whom a web service that knows the secret gave a credential
///   with an end: the username is the end in seconds since 1970, a colon and what the service calls the
///   user; the password is the base64 of the HMAC-SHA-1 of the username.
/// * **Tokens** serve everybody to whom an authorization server gave one.
///
/// It prints names and no secrets.
#[derive(Clone)]
pub struct Accounts {
    realm: String,
    users: BTreeMap<String, User>,
    hashes: BTreeMap<Userhash, String>,
    secrets: Vec<HmacKey>,
    tokens: Option<Tokens>,
    /// The password algorithms offered, best first: SHA-256 and MD5 by default.
    pub algorithms: Vec<Algorithm>,
    /// Whether clients are asked to hide their usernames: RFC 8489 §9.2.4. Off by default.
    pub offers_anonymity: bool,
    /// For how long a nonce holds: ten minutes by default; RFC 8656 §5 wants at most an hour.
    pub nonce_lifetime: Duration,
}

#[derive(Clone)]
struct User {
    md5: Key,
    sha256: Key,
}

/// The account that a request is from.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its username, as the request has it.
    pub(super) username: Arc<str>,
    /// Whose quotas count: the username without what changes from credential to credential.
    pub(super) owner: Arc<str>,
    pub(super) key: Key,
    /// For how long it may be served, if that has an end.
    pub(super) rest: Option<Duration>,
    pub(super) kind: Kind,
}

/// How an account came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Secret,
    Token,
}

impl Accounts {
    /// Serves nobody yet.
    ///
    /// # Errors
    ///
    /// `Unprepared` if the realm has characters it may not have.
    pub fn new(realm: &str) -> Result<Self, Unprepared> {
        Ok(Self {
            realm: prepare(realm)?.into_owned(),
            users: BTreeMap::new(),
            hashes: BTreeMap::new(),
            secrets: Vec::new(),
            tokens: None,
            algorithms: vec![Algorithm::SHA256, Algorithm::MD5],
            offers_anonymity: false,
            nonce_lifetime: Duration::from_secs(600),
        })
    }

    /// Serves `username` with `password`.
    ///
    /// # Errors
    ///
    /// `Unprepared` if one of the texts has characters it may not have.
    pub fn with_user(
        self,
        provider: Provider,
        username: &str,
        password: &str,
    ) -> Result<Self, Unprepared> {
        let key = |algorithm| Key::long_term(provider, algorithm, username, &self.realm, password);
        let user = User { md5: key(Algorithm::MD5)?, sha256: key(Algorithm::SHA256)? };
        self.insert(provider, username, user)
    }

    /// Serves `username`, of whose password only the hashes are known: MD5 and SHA-256 of
    /// `username:realm:password` (RFC 8489 §18.5.1).
    ///
    /// # Errors
    ///
    /// `Unprepared` if the username has characters it may not have.
    pub fn with_hashes(
        self,
        provider: Provider,
        username: &str,
        md5: [u8; 16],
        sha256: [u8; 32],
    ) -> Result<Self, Unprepared> {
        let key = |bytes: &[u8]| Key::from_bytes(provider, bytes);
        let user = User { md5: key(&md5), sha256: key(&sha256) };
        self.insert(provider, username, user)
    }

    fn insert(
        mut self,
        provider: Provider,
        username: &str,
        user: User,
    ) -> Result<Self, Unprepared> {
        let hash = Userhash::of(provider, username, &self.realm)?;
        let username = prepare(username)?.into_owned();
        self.hashes.insert(hash, username.clone());
        self.users.insert(username, user);
        Ok(self)
    }

    /// Serves whoever has a time-limited credential made with `secret`. Of more than
    /// [`MAX_SECRETS`], the last ones count.
    #[must_use]
    pub fn with_secret(mut self, provider: Provider, secret: &[u8]) -> Self {
        if self.secrets.len() >= MAX_SECRETS {
            self.secrets.remove(0);
        }
        self.secrets.push(provider.hmac_key(HmacAlgorithm::Sha1, secret));
        self
    }

    /// Serves bearers of `tokens`.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whether there is nobody who could be served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.secrets.is_empty() && self.tokens.is_none()
    }

    /// The username and password of a credential that ends at `end`, made with `secret` for `user`:
    /// what the web service hands out.
    #[must_use]
    pub fn time_limited(
        provider: Provider,
        secret: &[u8],
        end: WallTime,
        user: &str,
    ) -> (String, String) {
        let username = format!("{}:{user}", end.as_unix().as_secs());
        let password = password(&provider.hmac_key(HmacAlgorithm::Sha1, secret), &username);
        (username, password)
    }

    pub(super) fn challenge(&self) -> Challenge<'_> {
        Challenge {
            realm: &self.realm,
            algorithms: &self.algorithms,
            offers_anonymity: self.offers_anonymity,
            nonce_lifetime: self.nonce_lifetime,
        }
    }

    pub(super) const fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Bytes of a 401 with everything in it that this accounts ask for.
    pub(super) fn challenge_length(&self) -> usize {
        const ATTRIBUTE: usize = 4;
        const ERROR_CODE: usize = ATTRIBUTE + 4;
        const NONCE: usize = ATTRIBUTE + 40;
        let text = |length: usize| ATTRIBUTE + length.next_multiple_of(4);
        let algorithms = match self.algorithms.len() {
            0 => 0,
            count => ATTRIBUTE + 4 * count,
        };
        let server_name = self.tokens.as_ref().map_or(0, |tokens| text(tokens.server_name().len()));
        HEADER_LENGTH + ERROR_CODE + NONCE + text(self.realm.len()) + algorithms + server_name
    }

    /// How often to ask [`Accounts::find`] for one request: once for each secret, at least once.
    pub(super) fn guesses(&self) -> usize {
        self.secrets.len().max(1)
    }

    /// The account that `name` stands for, and its key made with `algorithm`; a time-limited credential
    /// is taken to be made with secret number `guess`.
    pub(super) fn find(
        &self,
        provider: Provider,
        date: WallTime,
        (name, algorithm): (Name<'_>, Algorithm),
        guess: usize,
    ) -> Option<Account> {
        let username = match name {
            Name::Plain(username) => username,
            Name::Hashed(hash) => self.hashes.get(&hash)?,
        };
        if let Some(user) = self.users.get(username) {
            let key = match algorithm {
                Algorithm::MD5 => &user.md5,
                Algorithm::SHA256 => &user.sha256,
                _ => return None,
            };
            let username: Arc<str> = username.into();
            let owner = Arc::clone(&username);
            let key = key.clone();
            return Some(Account { username, owner, key, rest: None, kind: Kind::User });
        }
        let secret = self.secrets.get(guess)?;
        let (end, user) = username.split_once(':').unwrap_or((username, ""));
        let end = Duration::from_secs(end.parse().ok()?);
        if end <= date.as_unix() {
            return None;
        }
        let password = password(secret, username);
        let key = Key::long_term(provider, algorithm, username, &self.realm, &password).ok()?;
        let owner = if user.is_empty() { username } else { user };
        let (username, owner) = (username.into(), owner.into());
        Some(Account { username, owner, key, rest: None, kind: Kind::Secret })
    }

    /// The username that `hash` stands for.
    pub(super) fn username_of(&self, hash: Userhash) -> Option<&str> {
        self.hashes.get(&hash).map(String::as_str)
    }

    /// Whether `username` is a user with a password.
    pub(super) fn has_user(&self, username: &str) -> bool {
        self.users.contains_key(username)
    }
}

/// The password that belongs to a username with an end.
fn password(secret: &HmacKey, username: &str) -> String {
    STANDARD.encode(secret.sign(&[username.as_bytes()]).as_ref())
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("realm", &self.realm)
            .field("users", &self.users.len())
            .field("secrets", &self.secrets.len())
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}
