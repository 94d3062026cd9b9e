//! All allocations of a transport.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use base::{
    Instant, Machine as _, Rng, SocketError, StreamCommand, StreamId, StreamInput, Transmit,
};
use crypto::Provider;
use turn::{Families, Outgoing};

use super::{
    config::TurnServer,
    relay::{Phase, Relay},
};

/// Most allocations of a transport: four servers for each of eight sockets.
pub const MAX_RELAYS: usize = 32;
/// Bits of an outer stream number that are the client's own; those above name the allocation.
const STREAM_BITS: u32 = 32;

/// The allocations, and what is common to them.
#[derive(Debug)]
pub(super) struct Relays {
    servers: Vec<TurnServer>,
    families: Families,
    provider: Provider,
    rng: Rng,
    /// Time between two first requests: RFC 8445 §14.2 paces gathering as it does checks.
    pacing: Duration,
    all: Vec<Relay>,
    last_id: u32,
    next_start: Instant,
}

impl Relays {
    pub(super) fn new(
        servers: Vec<TurnServer>,
        families: Families,
        (provider, rng): (Provider, Rng),
        pacing: Duration,
    ) -> Self {
        let (all, last_id, next_start) = (Vec::new(), 0, Instant::ZERO);
        Self { servers, families, provider, rng, pacing, all, last_id, next_start }
    }

    /// Whether every allocation is there or has failed once.
    pub(super) fn are_settled(&self) -> bool {
        self.all.iter().all(|relay| relay.is_settled)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Relay> {
        self.all.iter()
    }

    pub(super) const fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Relay> {
        self.all.get_mut(index)
    }

    pub(super) fn named(&mut self, id: u32) -> Option<&mut Relay> {
        self.all.iter_mut().find(|relay| relay.id == id)
    }

    /// Plans an allocation for a socket at every server of its family.
    pub(super) fn plan(&mut self, now: Instant, component: u8, base: SocketAddr) {
        for server in &self.servers {
            if server.address.is_ipv4() != base.is_ipv4() || self.all.len() >= MAX_RELAYS {
                continue;
            }
            let at = self.next_start.max(now);
            self.next_start = at + self.pacing;
            self.last_id += 1;
            let id = self.last_id;
            let rng = self.rng.fork_numbered("relay", u64::from(id));
            let made_of = (self.provider, rng);
            let place = (component, base);
            self.all.push(Relay::new(id, server.clone(), place, self.families, made_of, at));
        }
    }

    /// Forgets those for sockets of an address that is gone, and returns them.
    pub(super) fn forget(&mut self, is_gone: impl Fn(IpAddr) -> bool) -> Vec<Relay> {
        self.all.extract_if(.., |relay| is_gone(relay.base.ip())).collect()
    }

    /// Lets the server know that it may let go of everything.
    pub(super) fn leave(&mut self, now: Instant) {
        for relay in &mut self.all {
            relay.leave(now);
        }
    }

    /// Whether nothing is left to be given back.
    pub(super) fn are_gone(&self) -> bool {
        self.all.iter().all(|relay| relay.phase == Phase::Gone)
    }

    /// Tries again at once what failed, and asks whether what there is is still there.
    pub(super) fn hurry(&mut self, now: Instant) {
        for relay in &mut self.all {
            relay.hurry(now);
        }
    }

    /// Permits a peer at every allocation that has an address of its family.
    pub(super) fn permit(&mut self, now: Instant, peer: IpAddr) {
        for relay in &mut self.all {
            // Without an allocation of that family there is nothing to permit, and beyond the limit of
            // permissions the client asks for those it needs.
            let _ = relay.client.permit(now, peer);
        }
    }

    /// Lets permissions lapse, unless they are used.
    pub(super) fn forbid(&mut self, now: Instant, peer: IpAddr) {
        for relay in &mut self.all {
            relay.client.forbid(now, peer);
        }
    }

    /// The allocation that has a relayed address.
    pub(super) fn with_address(&mut self, relayed: SocketAddr) -> Option<&mut Relay> {
        self.all.iter_mut().find(|relay| relay.has(relayed))
    }

    /// The allocation that datagrams between these addresses may belong to.
    pub(super) fn speaking(&mut self, local: SocketAddr, remote: SocketAddr) -> Option<&mut Relay> {
        self.all.iter_mut().find(|relay| relay.speaks(local, remote))
    }

    pub(super) fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        if let Some(relay) = self.speaking(error.local, error.remote) {
            relay.client.handle_socket_error(now, error);
        }
    }

    /// Hands what happened to a stream to the client it belongs to; false if it is of none.
    pub(super) fn handle_stream(&mut self, now: Instant, input: StreamInput<'_>) -> bool {
        let outer = id_of(&input);
        let Some((relay, id)) = split(outer) else { return false };
        if let Some(relay) = self.named(relay) {
            if let StreamInput::Closed { .. } = input {
                relay.streams.retain(|&open| open != id);
            }
            relay.client.handle_stream(now, renumber(input, id));
        }
        true
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for relay in &mut self.all {
            relay.client.handle_timeout(now);
            relay.act(now);
        }
    }

    /// Asks those servers whose time has come.
    pub(super) fn act(&mut self, now: Instant) {
        for relay in &mut self.all {
            relay.act(now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let each = |relay: &Relay| [relay.client.poll_timeout(), relay.deadline()];
        self.all.iter().flat_map(each).flatten().min()
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.all.iter_mut().find_map(|relay| {
            let transmit = relay.client.poll_transmit(now, buffer)?;
            Some(transmit.from(relay.local))
        })
    }

    pub(super) fn poll_stream(
        &mut self,
        now: Instant,
        buffer: &mut Vec<u8>,
    ) -> Option<StreamCommand> {
        self.all.iter_mut().find_map(|relay| {
            let mut command = relay.client.poll_stream(now, buffer)?;
            relay.note_command(&command);
            let id = stream_of(&mut command);
            *id = join(relay.id, *id);
            Some(command)
        })
    }
}

impl Relay {
    /// The connections it has, as the driver knows them.
    pub(super) fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.streams.iter().map(|&id| join(self.id, id))
    }

    /// Takes note of connections that begin and end.
    fn note_command(&mut self, command: &StreamCommand) {
        match *command {
            StreamCommand::Connect { id, .. } => self.streams.push(id),
            StreamCommand::Close { id } | StreamCommand::Abort { id } => {
                self.streams.retain(|&open| open != id);
            }
            _ => {}
        }
    }

    /// Sends to a peer from a relayed address; appends what goes to the server.
    pub(super) fn send(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        payload: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<ice::Outgoing, turn::SendError> {
        Ok(match self.client.send(now, peer, payload, buffer)? {
            Outgoing::Datagram(transmit) => ice::Outgoing::Datagram(transmit.from(self.local)),
            Outgoing::Stream { id, size } => ice::Outgoing::Stream { id: join(self.id, id), size },
        })
    }
}

/// The number of a client's stream among those of the transport. The agent's are below all of them.
const fn join(relay: u32, id: StreamId) -> StreamId {
    StreamId::own(((relay as u64) << STREAM_BITS) | id.number())
}

/// The allocation that a stream belongs to, and its number there; `None` for streams of the agent.
fn split(id: StreamId) -> Option<(u32, StreamId)> {
    let relay = u32::try_from(id.number() >> STREAM_BITS).ok().filter(|&relay| relay > 0)?;
    let own = StreamId::own(id.number() & ((1 << STREAM_BITS) - 1));
    (!id.is_accepted()).then_some((relay, own))
}

/// The connection or listener of a command.
const fn stream_of(command: &mut StreamCommand) -> &mut StreamId {
    match command {
        StreamCommand::Listen { id, .. }
        | StreamCommand::Connect { id, .. }
        | StreamCommand::Send { id, .. }
        | StreamCommand::Pause { id }
        | StreamCommand::Resume { id }
        | StreamCommand::Close { id }
        | StreamCommand::Abort { id } => id,
    }
}

/// The connection that an input is about, or the listener.
const fn id_of(input: &StreamInput<'_>) -> StreamId {
    match *input {
        StreamInput::Accepted { listener, .. } => listener,
        StreamInput::Listening { id, .. }
        | StreamInput::Connected { id, .. }
        | StreamInput::Received { id, .. }
        | StreamInput::Unsent { id, .. }
        | StreamInput::Closed { id, .. } => id,
    }
}

/// The same input about the stream as its client numbers it. Clients do not listen.
const fn renumber(input: StreamInput<'_>, id: StreamId) -> StreamInput<'_> {
    match input {
        StreamInput::Listening { local, .. } => StreamInput::Listening { id, local },
        StreamInput::Connected { local, remote, .. } => {
            StreamInput::Connected { id, local, remote }
        }
        StreamInput::Accepted { local, remote, .. } => {
            StreamInput::Accepted { listener: id, id, local, remote }
        }
        StreamInput::Received { bytes, .. } => StreamInput::Received { id, bytes },
        StreamInput::Unsent { bytes, .. } => StreamInput::Unsent { id, bytes },
        StreamInput::Closed { reason, .. } => StreamInput::Closed { id, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_streams_find_their_way_back() {
        for (relay, inner) in [(1, 0), (7, 12_345), (u32::MAX >> 1, u64::from(u32::MAX))] {
            let outer = join(relay, StreamId::own(inner));
            assert_eq!(split(outer), Some((relay, StreamId::own(inner))));
        }
        assert_eq!(split(StreamId::own(3)), None, "it is the agent's");
        assert_eq!(split(StreamId::accepted(3)), None, "only the agent listens");
    }
}
