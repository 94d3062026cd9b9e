//! One end of a world: an endpoint, or a listener that asks for cookies.

use std::{sync::Arc, time::Duration};

use base::{Datagram, Instant, Machine as _, Rng, Transmit};
use dtls::{Association, Config, Endpoint, Event, Fingerprint, Listener, PeerId};

use super::app::Habits;

/// An end, and what it would do with an association that is not there yet.
pub(crate) struct End {
    kind: Kind,
    knows: (Option<usize>, Option<Duration>),
    fingerprint: Option<Fingerprint>,
}

enum Kind {
    Endpoint(Box<Endpoint>),
    /// With the peer that was let in.
    Listener(Box<Listener>, Option<PeerId>),
}

impl End {
    pub(crate) fn new(habits: &Habits, config: Arc<Config>, rng: Rng, now: Instant) -> Self {
        let endpoint =
            |association| Kind::Endpoint(Box::new(Endpoint::new(association, habits.peer)));
        let kind = match (habits.side, config.cookies) {
            (0, _) => endpoint(Association::client(config, rng, now)),
            (_, false) => endpoint(Association::server(config, rng, now)),
            (_, true) => Kind::Listener(Box::new(Listener::new(config, &rng)), None),
        };
        let mut end = Self { kind, knows: (habits.mtu, habits.round_trip), fingerprint: None };
        end.tell_path();
        end
    }

    /// The association, once there is one.
    pub(crate) fn association(&self) -> Option<&Association> {
        match &self.kind {
            Kind::Endpoint(endpoint) => Some(endpoint.state()),
            Kind::Listener(listener, peer) => listener.peer((*peer)?),
        }
    }

    fn command<T>(&mut self, act: impl FnOnce(&mut Association) -> T) -> Option<T> {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => Some(act(endpoint.association())),
            Kind::Listener(listener, peer) => listener.command((*peer)?, act),
        }
    }

    fn tell_path(&mut self) {
        let (mtu, round_trip) = self.knows;
        self.command(|association| {
            if let Some(mtu) = mtu {
                association.set_mtu(mtu);
            }
            if let Some(round_trip) = round_trip {
                association.set_rtt(round_trip);
            }
        });
    }

    pub(crate) fn receive(&mut self, now: Instant, datagram: Datagram<'_>) {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => endpoint.handle_datagram(now, datagram),
            Kind::Listener(listener, peer) => {
                listener.handle_datagram(now, datagram);
                if peer.is_some() || listener.is_empty() {
                    return;
                }
                // The first event would be late for what it knows.
                *peer = listener.peers().next();
                self.tell_path();
                if let Some(fingerprint) = self.fingerprint.take() {
                    self.set_remote_fingerprint(now, fingerprint);
                }
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => endpoint.handle_timeout(now),
            Kind::Listener(listener, _) => listener.handle_timeout(now),
        }
    }

    pub(crate) fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => endpoint.poll_transmit(now, buffer),
            Kind::Listener(listener, _) => listener.poll_transmit(now, buffer),
        }
    }

    pub(crate) fn send(
        &mut self,
        now: Instant,
        data: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Option<Transmit> {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => endpoint.send(now, data, buffer).ok(),
            Kind::Listener(listener, peer) => listener.send(now, (*peer)?, data, buffer).ok(),
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        match &mut self.kind {
            Kind::Endpoint(endpoint) => endpoint.poll_event(),
            Kind::Listener(listener, _) => listener.poll_event().map(|(_, event)| event),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match &self.kind {
            Kind::Endpoint(endpoint) => endpoint.poll_timeout(),
            Kind::Listener(listener, _) => listener.poll_timeout(),
        }
    }

    /// Whether the update has begun.
    pub(crate) fn update_keys(&mut self, now: Instant, asks: bool) -> bool {
        self.command(|association| association.update_keys(now, asks).is_ok()).unwrap_or(false)
    }

    /// It is told once, and only to an end that awaits it; an end that has failed takes none.
    pub(crate) fn set_remote_fingerprint(&mut self, now: Instant, fingerprint: Fingerprint) {
        let list = vec![fingerprint.clone()];
        let told = self.command(|association| association.set_remote_fingerprints(now, list));
        if told.is_none() {
            self.fingerprint = Some(fingerprint);
        }
    }
}
