//! A logged-in client of the suite, and its allocation.

use std::net::{IpAddr, SocketAddr};

use wire::{
    stun::{Attribute, Class, Key, Message, Parsed, attribute, userhash},
    turn::{ChannelData, Piece, UDP, method},
};

use super::{RelayStage, shown};
use crate::{
    Ctl, Outcome, Stop,
    cases::stun::script::{REALM, fresh},
    subjects::stun::Credential,
};

/// The credential of a user of the stage's server.
pub(in crate::cases) fn user(name: &str) -> Credential {
    Credential::long_term(name, REALM, &format!("password of {name}"))
}

/// What a client needs to have its requests served. Every part may be spoilt.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Session {
    /// The client of the stage.
    pub(in crate::cases) line: usize,
    /// The user.
    pub(in crate::cases) username: String,
    /// The password.
    pub(in crate::cases) password: String,
    /// Whether the user goes by hash.
    pub(in crate::cases) hash: bool,
    /// The nonce.
    pub(in crate::cases) nonce: Vec<u8>,
    /// The password algorithms the server lists, as it lists them.
    pub(in crate::cases) list: Option<Vec<u16>>,
    /// The one that is used; without one the request is one of RFC 5389.
    pub(in crate::cases) algorithm: Option<u16>,
}

impl Session {
    /// Asks the stage's server for a challenge. The client prefers SHA-256.
    pub(in crate::cases) fn begin(
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        line: usize,
        name: &str,
    ) -> Result<Self, Stop> {
        let request =
            Message::asking(method::ALLOCATE, fresh(t)).with(Attribute::requested_transport(UDP));
        let reply = stage.ask(t, line, &request)?;
        let reply = t.expect(reply, "a challenge")?;
        let nonce = t.expect(reply.value(attribute::NONCE), "a nonce")?.to_vec();
        let list = reply.algorithms(attribute::PASSWORD_ALGORITHMS);
        let best = [2, 1].into_iter().find(|a| list.as_ref().is_some_and(|list| list.contains(a)));
        let credential = user(name);
        Ok(Self {
            line,
            username: credential.username,
            password: credential.password,
            hash: false,
            nonce,
            algorithm: best,
            list,
        })
    }

    /// The key.
    pub(in crate::cases) fn key(&self) -> Key {
        match self.algorithm {
            Some(2) => Key::long_term_sha256(&self.username, REALM, &self.password),
            _ => Key::long_term_md5(&self.username, REALM, &self.password),
        }
    }

    /// The request with everything that belongs to the credential.
    pub(in crate::cases) fn sign(&self, request: Message) -> Message {
        let user = match self.hash {
            true => Attribute::userhash(&userhash(&self.username, REALM)),
            false => Attribute::username(&self.username),
        };
        let key = self.key();
        let list = self.list.as_deref().filter(|_| self.algorithm.is_some());
        let tag = match self.algorithm {
            Some(_) => Attribute::integrity_sha256(&key),
            None => Attribute::integrity(&key),
        };
        request
            .with(user)
            .with(Attribute::realm(REALM))
            .with(Attribute::nonce(&self.nonce))
            .with_all(list.map(Attribute::password_algorithms))
            .with_all(self.algorithm.map(Attribute::password_algorithm))
            .with(tag)
    }

    /// Signs a request with these attributes and asks; says what was sent and what came back.
    pub(in crate::cases) fn ask(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        method: u16,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        let request = self.sign(Message::asking(method, fresh(t)).with_all(attributes));
        let reply = stage.ask(t, self.line, &request)?;
        Ok((request, reply))
    }

    /// Asks for an allocation of UDP with these attributes besides.
    pub(in crate::cases) fn try_allocate(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        let transport = Attribute::requested_transport(UDP);
        let attributes = std::iter::once(transport).chain(attributes);
        self.ask(t, stage, method::ALLOCATE, attributes)
    }
}

/// An allocation on the stage's server.
#[derive(Clone, Debug)]
pub(in crate::cases) struct Allocation {
    /// Who made it.
    pub(in crate::cases) session: Session,
    /// The request that made it.
    pub(in crate::cases) request: Message,
    /// The response.
    pub(in crate::cases) response: Parsed,
    /// The relayed addresses.
    pub(in crate::cases) relayed: Vec<SocketAddr>,
}

impl Allocation {
    /// Logs `alice` in over line 0 and makes an allocation, without which the case cannot go on.
    pub(in crate::cases) fn make(t: &mut Ctl<'_>, stage: &mut RelayStage) -> Result<Self, Stop> {
        let session = stage.login(t, 0, "alice")?;
        Self::by(t, stage, session, [])
    }

    /// Makes an allocation with these attributes.
    pub(in crate::cases) fn by(
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        session: Session,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<Self, Stop> {
        let (request, response) = session.try_allocate(t, stage, attributes)?;
        Self::of(t, session, request, response)
    }

    /// The allocation that a response tells of.
    pub(in crate::cases) fn of(
        t: &Ctl<'_>,
        session: Session,
        request: Message,
        response: Option<Parsed>,
    ) -> Result<Self, Stop> {
        let told = shown(response.as_ref());
        let response = response.filter(|response| response.class() == Class::Success);
        let response = t.expect(response, format_args!("an allocation, not {told}"))?;
        let relayed = response.relayed_addresses();
        t.precondition(!relayed.is_empty(), "a relayed address")?;
        Ok(Self { session, request, response, relayed })
    }

    /// The first relayed address.
    pub(in crate::cases) fn relay(&self) -> SocketAddr {
        let unset = SocketAddr::from(([0, 0, 0, 0], 0));
        self.relayed.first().copied().unwrap_or(unset)
    }

    /// The relayed address of the family of `ip`.
    pub(in crate::cases) fn relay_for(&self, ip: IpAddr) -> SocketAddr {
        let same = self.relayed.iter().find(|address| address.is_ipv4() == ip.is_ipv4());
        same.copied().unwrap_or_else(|| self.relay())
    }

    /// Asks something of the server.
    pub(in crate::cases) fn ask(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        method: u16,
        attributes: impl IntoIterator<Item = Attribute>,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        self.session.ask(t, stage, method, attributes)
    }

    /// Asks for a permission, without which the case cannot go on.
    pub(in crate::cases) fn permit(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        peer: usize,
    ) -> Outcome {
        let peer = Attribute::xor_peer_address(stage.peer(peer));
        let (_, reply) = self.ask(t, stage, method::CREATE_PERMISSION, [peer])?;
        granted(t, reply.as_ref(), "a permission")
    }

    /// Asks for a channel, without which the case cannot go on.
    pub(in crate::cases) fn bind(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        channel: u16,
        peer: usize,
    ) -> Outcome {
        let peer = stage.peer(peer);
        let (_, reply) = self.try_bind(t, stage, channel, peer)?;
        granted(t, reply.as_ref(), "a channel")
    }

    /// Asks for a channel.
    pub(in crate::cases) fn try_bind(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        channel: u16,
        peer: SocketAddr,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        let attributes = [Attribute::channel_number(channel), Attribute::xor_peer_address(peer)];
        self.ask(t, stage, method::CHANNEL_BIND, attributes)
    }

    /// Asks for a lifetime, in seconds.
    pub(in crate::cases) fn refresh(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        seconds: u32,
    ) -> Result<(Message, Option<Parsed>), Stop> {
        self.ask(t, stage, method::REFRESH, [Attribute::lifetime(seconds)])
    }

    /// A Send indication.
    pub(in crate::cases) fn send_indication(
        t: &mut Ctl<'_>,
        peer: SocketAddr,
        bytes: &[u8],
    ) -> Message {
        Message::of(Class::Indication, method::SEND, fresh(t))
            .with(Attribute::xor_peer_address(peer))
            .with(Attribute::data(bytes))
    }

    /// Sends a peer data in a Send indication; says what of it arrived there.
    pub(in crate::cases) fn send(
        &self,
        t: &mut Ctl<'_>,
        stage: &RelayStage,
        peer: usize,
        bytes: &[u8],
    ) -> Result<Vec<(SocketAddr, Vec<u8>)>, Stop> {
        let message = Self::send_indication(t, stage.peer(peer), bytes);
        self.relay_out(t, stage, peer, &message.encode())
    }

    /// Sends a peer data over a channel; says what of it arrived there.
    pub(in crate::cases) fn send_channel(
        &self,
        t: &mut Ctl<'_>,
        stage: &RelayStage,
        peer: usize,
        channel: u16,
        bytes: &[u8],
    ) -> Result<Vec<(SocketAddr, Vec<u8>)>, Stop> {
        let message = ChannelData::new(channel, bytes).padded();
        self.relay_out(t, stage, peer, &message.encode())
    }

    /// Gives the server bytes; says what arrived at a peer in consequence.
    pub(in crate::cases) fn relay_out(
        &self,
        t: &mut Ctl<'_>,
        stage: &RelayStage,
        peer: usize,
        bytes: &[u8],
    ) -> Result<Vec<(SocketAddr, Vec<u8>)>, Stop> {
        let _ = stage.peer_takes(t, peer);
        stage.give(t, self.session.line, bytes)?;
        stage.settle(t);
        Ok(stage.peer_takes(t, peer))
    }

    /// A peer sends data; says what the client got in consequence.
    pub(in crate::cases) fn relay_in(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        peer: usize,
        bytes: &[u8],
    ) -> Vec<Piece> {
        let _ = stage.take(t, self.session.line);
        let to = self.relay_for(stage.peer(peer).ip());
        stage.peer_sends(t, peer, to, bytes);
        stage.take(t, self.session.line)
    }

    /// Whether data of a peer reaches the client, in whatever form.
    pub(in crate::cases) fn hears(
        &self,
        t: &mut Ctl<'_>,
        stage: &mut RelayStage,
        peer: usize,
    ) -> bool {
        let payload: [u8; 16] = t.rng().public_array();
        let pieces = self.relay_in(t, stage, peer, &payload);
        pieces.iter().any(|piece| payload_of(piece).is_some_and(|bytes| bytes == payload))
    }

    /// Whether data in a Send indication reaches a peer.
    pub(in crate::cases) fn reaches(
        &self,
        t: &mut Ctl<'_>,
        stage: &RelayStage,
        peer: usize,
    ) -> Result<bool, Stop> {
        let payload: [u8; 16] = t.rng().public_array();
        let arrived = self.send(t, stage, peer, &payload)?;
        let from = self.relay_for(stage.peer(peer).ip());
        Ok(arrived.iter().any(|(source, bytes)| *source == from && bytes[..] == payload[..]))
    }

    /// Whether data over a channel reaches a peer.
    pub(in crate::cases) fn channel_reaches(
        &self,
        t: &mut Ctl<'_>,
        stage: &RelayStage,
        peer: usize,
        channel: u16,
    ) -> Result<bool, Stop> {
        let payload: [u8; 16] = t.rng().public_array();
        let arrived = self.send_channel(t, stage, peer, channel, &payload)?;
        Ok(arrived.iter().any(|(_, bytes)| bytes[..] == payload[..]))
    }
}

/// The application's bytes in what a client got.
fn payload_of(piece: &Piece) -> Option<&[u8]> {
    match piece {
        Piece::Stun(parsed) => parsed.value(attribute::DATA),
        Piece::Channel(message) => Some(&message.data),
        Piece::Junk(_) => None,
    }
}

fn granted(t: &Ctl<'_>, reply: Option<&Parsed>, what: &str) -> Outcome {
    let fine = reply.is_some_and(|reply| reply.class() == Class::Success);
    t.precondition(fine, format_args!("{what}, not {}", shown(reply)))
}
