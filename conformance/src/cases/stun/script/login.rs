//! Logging in with the long-term mechanism.

use wire::stun::{Attribute, Key, Message, attribute, userhash};

use super::{Model, REALM, ServerStage, long_term};
use crate::{Ctl, Stop};

/// What a server's 401 says.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Challenge {
    nonce: Vec<u8>,
    /// The password algorithms it lists.
    pub(in crate::cases) algorithms: Vec<u16>,
}

/// How a request answers a challenge; every part may be spoilt.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Login {
    /// The user.
    pub(in crate::cases) username: String,
    /// Whether the user goes by hash.
    pub(in crate::cases) hash: bool,
    /// The password.
    pub(in crate::cases) password: String,
    /// The nonce.
    pub(in crate::cases) nonce: Vec<u8>,
    /// The algorithm of the key; without one the request is one of RFC 5389.
    pub(in crate::cases) algorithm: Option<u16>,
    /// PASSWORD-ALGORITHM.
    pub(in crate::cases) choice: Option<u16>,
    /// PASSWORD-ALGORITHMS.
    pub(in crate::cases) list: Option<Vec<u16>>,
    offered: Vec<u16>,
}

impl Challenge {
    /// Asks the server for one.
    pub(in crate::cases) fn get(t: &mut Ctl<'_>, stage: &ServerStage) -> Result<Self, Stop> {
        let request = stage.request(t);
        let reply = stage.exchange(t, &request);
        let reply = t.expect(reply, "a challenge")?;
        let nonce = t.expect(reply.value(attribute::NONCE), "a nonce")?.to_vec();
        let algorithms = reply.algorithms(attribute::PASSWORD_ALGORITHMS).unwrap_or_default();
        Ok(Self { nonce, algorithms })
    }

    /// The answer to it that a good client gives.
    pub(in crate::cases) fn login(&self) -> Login {
        let credential = long_term();
        let login = Login {
            username: credential.username,
            hash: false,
            password: credential.password,
            nonce: self.nonce.clone(),
            algorithm: None,
            choice: None,
            list: None,
            offered: self.algorithms.clone(),
        };
        let first = self.algorithms.iter().find(|number| matches!(number, 1 | 2)).copied();
        login.using(first)
    }
}

impl Login {
    /// The same with another algorithm, in key and attributes alike.
    pub(in crate::cases) fn using(mut self, algorithm: Option<u16>) -> Self {
        self.algorithm = algorithm;
        self.choice = algorithm;
        self.list = algorithm.map(|_| self.offered.clone());
        self
    }

    /// The key.
    pub(in crate::cases) fn key(&self) -> Key {
        match self.algorithm {
            Some(2) => Key::long_term_sha256(&self.username, REALM, &self.password),
            _ => Key::long_term_md5(&self.username, REALM, &self.password),
        }
    }

    /// The request with everything that belongs to the answer.
    pub(in crate::cases) fn sign(&self, request: Message) -> Message {
        let user = match self.hash {
            true => Attribute::userhash(&userhash(&self.username, REALM)),
            false => Attribute::username(&self.username),
        };
        let key = self.key();
        let tag = match self.algorithm {
            Some(_) => Attribute::integrity_sha256(&key),
            None => Attribute::integrity(&key),
        };
        request
            .with(user)
            .with(Attribute::realm(REALM))
            .with(Attribute::nonce(&self.nonce))
            .with_all(self.list.as_deref().map(Attribute::password_algorithms))
            .with_all(self.choice.map(Attribute::password_algorithm))
            .with(tag)
    }
}

/// A challenge in all its parts.
pub(in crate::cases) fn challenge_model(request: &Message) -> Model {
    Model::error(request, 401)
        .with(attribute::REALM)
        .with(attribute::NONCE)
        .allowing(attribute::PASSWORD_ALGORITHMS)
}
