//! The DTLS server behind cookies: nothing is kept of a client before it has shown its own.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use ::dtls::{Association, CloseReason, Config, Event, Listener, PeerId, Version};
use base::{Datagram, Instant, Machine, Rng, Transmit};

use super::dtls::{fingerprint, srtp};
use crate::subjects::{
    dtls::{DtlsEndpoint, DtlsEvent, DtlsRole, DtlsVersion},
    stun::Refusal,
};

/// The listener, of whose peers the newest counts.
pub(super) struct Server {
    listener: Listener,
    peer: Option<PeerId>,
    certificate: Vec<u8>,
    local: SocketAddr,
    /// Data on its way out.
    outbox: VecDeque<(Transmit, Vec<u8>)>,
    events: VecDeque<DtlsEvent>,
    version: Option<DtlsVersion>,
}

impl Server {
    pub(super) fn new(
        config: Arc<Config>,
        certificate: Vec<u8>,
        local: SocketAddr,
        rng: &Rng,
    ) -> Self {
        Self {
            listener: Listener::new(config, rng),
            peer: None,
            certificate,
            local,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            version: None,
        }
    }

    /// Gives a command to the association with the newest peer.
    fn command<T>(&mut self, command: impl FnOnce(&mut Association) -> T) -> Option<T> {
        self.listener.command(self.peer?, command)
    }

    fn translate(&mut self, event: Event) -> DtlsEvent {
        match event {
            Event::Connected => {
                let known = self.command(|association| {
                    let leaf = association.session().peer_chain().first().cloned();
                    (leaf, association.srtp_keys(), association.session().version())
                });
                let (leaf, keys, version) = known.unwrap_or_default();
                self.version = version.map(|version| match version {
                    Version::Dtls12 => DtlsVersion::Dtls12,
                    Version::Dtls13 => DtlsVersion::Dtls13,
                });
                self.events.extend(leaf.map(DtlsEvent::PeerCertificate));
                self.events.extend(keys.map(|keys| srtp(DtlsRole::Server, &keys)));
                DtlsEvent::Connected
            }
            Event::Data(data) => DtlsEvent::Data(data),
            Event::Closed(CloseReason::Local) => DtlsEvent::Other("closed".to_owned()),
            Event::Closed(CloseReason::Peer) => DtlsEvent::CloseNotify,
            Event::Closed(reason) => DtlsEvent::Failed(reason.to_string()),
            other => DtlsEvent::Other(format!("{other:?}")),
        }
    }
}

impl DtlsEndpoint for Server {
    fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), Refusal> {
        let peer = self.peer.ok_or_else(|| Refusal::because("nobody is there"))?;
        let mut packet = Vec::new();
        let sent = self.listener.send(now, peer, data, &mut packet);
        self.outbox.push_back((sent.map_err(Refusal::because)?, packet));
        Ok(())
    }

    fn version(&self) -> Option<DtlsVersion> {
        self.version
    }

    fn certificate(&self) -> Vec<u8> {
        self.certificate.clone()
    }

    fn expect_peer(&mut self, now: Instant, expected: [u8; 32]) -> Result<(), Refusal> {
        let list: Vec<_> = fingerprint(expected).into_iter().collect();
        let told = self.command(|association| association.set_remote_fingerprints(now, list));
        told.ok_or_else(|| Refusal::because("nobody is there"))?.map_err(Refusal::because)
    }

    fn update_keys(&mut self, now: Instant, asks_peer: bool) -> Result<(), Refusal> {
        let told = self.command(|association| association.update_keys(now, asks_peer));
        told.ok_or_else(|| Refusal::because("nobody is there"))?.map_err(Refusal::because)
    }

    fn peers(&self) -> Result<usize, Refusal> {
        Ok(self.listener.len())
    }

    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        self.command(|association| association.close(now));
        Ok(())
    }
}

impl Machine for Server {
    type Event = DtlsEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.listener.handle_datagram(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.listener.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = match self.outbox.pop_front() {
            Some((transmit, packet)) => {
                buffer.extend(&packet);
                transmit
            }
            None => self.listener.poll_transmit(now, buffer)?,
        };
        Some(transmit.from(self.local))
    }

    fn poll_event(&mut self) -> Option<DtlsEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let (peer, event) = self.listener.poll_event()?;
        self.peer = Some(peer);
        Some(self.translate(event))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.listener.poll_timeout()
    }
}
