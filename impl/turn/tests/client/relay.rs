//! A server made by hand, with books of its own: what it holds, until when, and what it was asked.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::Instant;
use stun::{
    Builder, Key, Message, SecurityFeatures,
    wire::{
        AccessToken, Algorithm, AttributeType, ChannelNumber, Check, Class, Code, ErrorCode,
        Lifetime, Method, Nonce, NotUnderstood, OfferedAlgorithms, PasswordAlgorithm, Realm,
        ThirdPartyAuthorization, TransactionId, Username, XorMappedAddress, XorPeerAddress,
        XorRelayedAddress,
    },
};

use crate::support::{local, provider, relayed};

/// What it demands of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nothing.
    Nothing,
    /// The password, keyed with MD5.
    #[default]
    Md5,
    /// The password, keyed with SHA-256, and the name hidden.
    Sha256,
    /// An access token.
    Token,
}

pub(crate) struct Relay {
    pub(crate) demand: Demand,
    /// What it grants.
    pub(crate) lifetime: Duration,
    /// For how long a nonce holds.
    pub(crate) nonce_lifetime: Duration,
    /// Peers it gives no permission for.
    pub(crate) forbidden: Vec<IpAddr>,
    /// Relayed addresses it gives out.
    pub(crate) relayed: Vec<SocketAddr>,
    pub(crate) expires_at: Option<Instant>,
    pub(crate) permissions: BTreeMap<IpAddr, Instant>,
    pub(crate) channels: BTreeMap<u16, (SocketAddr, Instant)>,
    /// Everything authenticated that it was asked, and when.
    pub(crate) asked: Vec<(Instant, String)>,
    /// What a client must not do, and did.
    pub(crate) misdeeds: Vec<String>,
    /// What it refuses next, by method.
    pub(crate) refuse: Vec<(Method, Code)>,
    /// Whether it knows the DF bit.
    pub(crate) knows_dont_fragment: bool,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            demand: Demand::Md5,
            lifetime: Duration::from_secs(600),
            nonce_lifetime: Duration::from_secs(3_600),
            forbidden: Vec::new(),
            relayed: vec![relayed()],
            expires_at: None,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
            asked: Vec::new(),
            misdeeds: Vec::new(),
            refuse: Vec::new(),
            knows_dont_fragment: true,
        }
    }
}

const REALM: &str = "relay.example";
const FEATURES: SecurityFeatures =
    SecurityFeatures { password_algorithms: true, username_anonymity: true };

/// A response in the making: code or success, and what goes in.
type Answer = Result<Vec<SocketAddr>, Code>;

impl Relay {
    /// The name of the nonce that is good now.
    fn nonce(&self, now: Instant) -> String {
        let number = now.elapsed().as_nanos() / self.nonce_lifetime.as_nanos().max(1);
        match self.demand {
            Demand::Sha256 => format!("{}{number}", FEATURES.cookie()),
            _ => format!("nonce {number}"),
        }
    }

    fn key(&self) -> Key {
        match self.demand {
            Demand::Sha256 => {
                Key::long_term(provider(), Algorithm::SHA256, "user", REALM, "password").unwrap()
            }
            Demand::Token => Key::from_bytes(provider(), b"mac key"),
            _ => Key::long_term(provider(), Algorithm::MD5, "user", REALM, "password").unwrap(),
        }
    }

    /// Answers a request; indications and data get no answer.
    pub(crate) fn answer(&mut self, now: Instant, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Message::parse(bytes).ok()?;
        if request.class() != Class::Request {
            return None;
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            self.expires_at = None;
            self.permissions.clear();
            self.channels.clear();
        }
        if let Some(challenge) = self.challenge(now, &request) {
            return Some(challenge);
        }
        let line = request.attributes().fold(request.method().to_string(), |line, attribute| {
            match attribute.kind {
                AttributeType::LIFETIME
                | AttributeType::XOR_PEER_ADDRESS
                | AttributeType::CHANNEL_NUMBER
                | AttributeType::ACCESS_TOKEN => format!("{line} {}", attribute.kind),
                _ => line,
            }
        });
        self.asked.push((now, line));
        let refused = self.refuse.iter().position(|(method, _)| *method == request.method());
        let answer = match refused {
            Some(position) => Err(self.refuse.remove(position).1),
            None => self.act(now, &request),
        };
        Some(self.respond(&request, answer))
    }

    fn challenge(&self, now: Instant, request: &Message<'_>) -> Option<Vec<u8>> {
        let nonce = self.nonce(now);
        let is_signed = match self.demand {
            Demand::Nothing => return None,
            Demand::Sha256 => request.has_integrity_sha256(),
            _ => request.has_integrity(),
        };
        let code = if !is_signed {
            Code::UNAUTHENTICATED
        } else if request.get::<Nonce<'_>>().map(Nonce::as_str) != Some(nonce.as_str()) {
            Code::STALE_NONCE
        } else {
            let passed = match self.demand {
                Demand::Sha256 => {
                    let algorithm = request.get::<PasswordAlgorithm<'_>>().map(|it| it.algorithm);
                    request.has(AttributeType::USERHASH)
                        && algorithm == Some(Algorithm::SHA256)
                        && request.check_integrity_sha256(&self.key(), 32) == Check::Passed
                }
                Demand::Token => {
                    let about_allocation =
                        matches!(request.method(), Method::ALLOCATE | Method::REFRESH);
                    let token = request.get::<AccessToken<'_>>().map(|token| token.0);
                    token == about_allocation.then_some(&b"token"[..])
                        && request.get::<Username<'_>>().map(Username::as_str) == Some("kid")
                        && request.check_integrity(&self.key()) == Check::Passed
                }
                _ => request.check_integrity(&self.key()) == Check::Passed,
            };
            if passed {
                return None;
            }
            Code::UNAUTHENTICATED
        };
        Some(response(request, Class::Error, |builder| {
            builder.put(&ErrorCode::new(code)).put(&Realm::new(REALM).unwrap());
            builder.put(&Nonce::new(&nonce).unwrap());
            if self.demand == Demand::Sha256 {
                builder.put(&OfferedAlgorithms(&[Algorithm::MD5, Algorithm::SHA256]));
            }
            if self.demand == Demand::Token {
                builder.put(&ThirdPartyAuthorization::new("auth.example").unwrap());
            }
        }))
    }

    fn act(&mut self, now: Instant, request: &Message<'_>) -> Answer {
        let is_there = self.expires_at.is_some();
        let peers: Vec<SocketAddr> = request.get_all::<XorPeerAddress>().map(|it| it.0).collect();
        match request.method() {
            Method::ALLOCATE if is_there => Err(Code::ALLOCATION_MISMATCH),
            Method::ALLOCATE
                if request.has(AttributeType::DONT_FRAGMENT) && !self.knows_dont_fragment =>
            {
                Err(Code::UNKNOWN_ATTRIBUTE)
            }
            Method::ALLOCATE => {
                self.expires_at = Some(now + self.lifetime);
                Ok(self.relayed.clone())
            }
            _ if !is_there => Err(Code::ALLOCATION_MISMATCH),
            Method::REFRESH => {
                let is_release = request.get() == Some(Lifetime(0));
                self.expires_at = (!is_release).then_some(now + self.lifetime);
                Ok(Vec::new())
            }
            Method::CREATE_PERMISSION => self.permit(now, &peers),
            Method::CHANNEL_BIND => self.bind(now, request, &peers),
            _ => Err(Code::BAD_REQUEST),
        }
    }

    fn permit(&mut self, now: Instant, peers: &[SocketAddr]) -> Answer {
        if peers.is_empty() || peers.iter().any(|peer| peer.is_ipv4() != relayed().is_ipv4()) {
            self.misdeeds.push(format!("CreatePermission for {peers:?}"));
            return Err(Code::BAD_REQUEST);
        }
        if peers.iter().any(|peer| self.forbidden.contains(&peer.ip())) {
            return Err(Code::FORBIDDEN);
        }
        for peer in peers {
            self.permissions.insert(peer.ip(), now + Duration::from_secs(300));
        }
        Ok(Vec::new())
    }

    /// RFC 8656 §12: a number and a peer belong together until five minutes after they parted.
    fn bind(&mut self, now: Instant, request: &Message<'_>, peers: &[SocketAddr]) -> Answer {
        let number = request.get::<ChannelNumber>().map(|channel| channel.0).unwrap_or_default();
        let [peer] = peers else {
            self.misdeeds.push(format!("ChannelBind for {peers:?}"));
            return Err(Code::BAD_REQUEST);
        };
        if !(0x4000..=0x4fff).contains(&number) {
            self.misdeeds.push(format!("channel {number:#x}"));
        }
        let rest = Duration::from_secs(300);
        for (other, (whose, until)) in &self.channels {
            let clashes = (*other == number) != (whose == peer);
            if clashes && now < *until + rest {
                self.misdeeds.push(format!("{number:#x} to {peer}, while {other:#x} to {whose}"));
            }
        }
        if self.forbidden.contains(&peer.ip()) {
            return Err(Code::FORBIDDEN);
        }
        self.channels.retain(|other, (whose, _)| *other != number && whose != peer);
        self.channels.insert(number, (*peer, now + Duration::from_secs(600)));
        self.permit(now, peers)
    }

    /// A success response, or an error, signed as the server signs.
    pub(crate) fn respond(&self, request: &Message<'_>, answer: Answer) -> Vec<u8> {
        let class = if answer.is_ok() { Class::Success } else { Class::Error };
        self.signed(request, class, |builder| match answer {
            Ok(relayed) => {
                for address in relayed {
                    builder.put(&XorRelayedAddress(address));
                }
                if matches!(request.method(), Method::ALLOCATE | Method::REFRESH) {
                    let left = u32::try_from(self.lifetime.as_secs()).unwrap();
                    builder.put(&Lifetime(left)).put(&XorMappedAddress(local()));
                }
            }
            Err(code) => {
                builder.put(&ErrorCode::new(code));
                if code == Code::UNKNOWN_ATTRIBUTE {
                    builder.put(&NotUnderstood(&[AttributeType::DONT_FRAGMENT]));
                }
            }
        })
    }

    /// Any response, signed as the server signs.
    pub(crate) fn signed(
        &self,
        request: &Message<'_>,
        class: Class,
        fill: impl FnOnce(&mut Builder<'_>),
    ) -> Vec<u8> {
        response(request, class, |builder| {
            fill(builder);
            match self.demand {
                Demand::Nothing => builder,
                Demand::Sha256 => builder.integrity_sha256(&self.key()),
                _ => builder.integrity(&self.key()),
            };
        })
    }
}

/// A response without a signature.
pub(crate) fn response(
    request: &Message<'_>,
    class: Class,
    fill: impl FnOnce(&mut Builder<'_>),
) -> Vec<u8> {
    message(request.method(), class, request.transaction_id(), fill)
}

/// Any message.
pub(crate) fn message(
    method: Method,
    class: Class,
    id: TransactionId,
    fill: impl FnOnce(&mut Builder<'_>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(&mut bytes, method, class, id);
    fill(&mut builder);
    builder.finish().unwrap();
    bytes
}
