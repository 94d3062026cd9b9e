//! Their endpoint as a machine of the suite.

use std::{collections::VecDeque, net::SocketAddr};

use base::{Datagram, Instant, Machine, Transmit};
use dimpl::{Dtls, Error, Output, ProtocolVersion, SrtpProfile};
use wire::dtls::{Identity, fingerprint};

use crate::{
    clock::ForeignClock,
    subjects::{
        dtls::{DtlsConfig, DtlsEndpoint, DtlsEvent, DtlsVersion},
        stun::Refusal,
    },
};

/// Room for what they hand over.
const BUFFER: usize = 32_768;

pub(super) struct Endpoint {
    dtls: Dtls,
    clock: ForeignClock,
    identity: Identity,
    local: SocketAddr,
    remote: SocketAddr,
    expected: Option<[u8; 32]>,
    outbox: VecDeque<Vec<u8>>,
    events: VecDeque<DtlsEvent>,
    wake: Option<Instant>,
    latest: Instant,
    /// Nothing is asked of it any more after an error, as their documentation wants it.
    is_dead: bool,
}

impl Endpoint {
    pub(super) fn new(
        dtls: Dtls,
        config: &DtlsConfig,
        identity: Identity,
        clock: ForeignClock,
    ) -> Self {
        let mut endpoint = Self {
            dtls,
            clock,
            identity,
            local: config.local,
            remote: config.remote,
            expected: config.fingerprint,
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            wake: None,
            latest: Instant::ZERO,
            is_dead: false,
        };
        endpoint.turn(Instant::ZERO, |_| Ok(()));
        endpoint
    }

    /// Tells them the time, lets them do something, and asks for everything they have.
    fn turn(&mut self, now: Instant, command: impl FnOnce(&mut Dtls) -> Result<(), Error>) {
        if self.is_dead {
            return;
        }
        self.latest = self.latest.max(now);
        let time = self.clock.at(self.latest);
        let told = self.dtls.handle_timeout(time).and_then(|()| command(&mut self.dtls));
        self.collect();
        if let Err(error) = told {
            self.die(error.to_string());
        }
    }

    fn die(&mut self, why: String) {
        self.is_dead = true;
        self.wake = None;
        self.events.push_back(DtlsEvent::Failed(why));
    }

    fn collect(&mut self) {
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => self.outbox.push_back(packet.to_vec()),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::Timeout(at) => {
                    let at = self.clock.from(at);
                    self.wake = (at > self.latest).then_some(at);
                    return;
                }
                Output::Connected => self.events.push_back(DtlsEvent::Connected),
                Output::PeerCert(der) => {
                    let der = der.to_vec();
                    if self.expected.is_some_and(|expected| expected != fingerprint(&der)) {
                        self.die("the certificate is another".to_owned());
                        return;
                    }
                    self.events.push_back(DtlsEvent::PeerCertificate(der));
                }
                Output::KeyingMaterial(keys, profile) => {
                    let profile = number(profile);
                    self.events.push_back(DtlsEvent::SrtpKeys { profile, keys: keys.to_vec() });
                }
                Output::ApplicationData(data) => {
                    self.events.push_back(DtlsEvent::Data(data.to_vec()));
                }
                Output::CloseNotify => self.events.push_back(DtlsEvent::CloseNotify),
                other => self.events.push_back(DtlsEvent::Other(format!("{other:?}"))),
            }
        }
    }
}

const fn number(profile: SrtpProfile) -> u16 {
    match profile {
        SrtpProfile::AES128_CM_SHA1_80 => 1,
        SrtpProfile::AEAD_AES_128_GCM => 7,
        SrtpProfile::AEAD_AES_256_GCM => 8,
        _ => 0,
    }
}

impl DtlsEndpoint for Endpoint {
    fn send(&mut self, now: Instant, data: &[u8]) -> Result<(), Refusal> {
        if self.is_dead {
            return Err(Refusal::because("it is over"));
        }
        let mut taken = Ok(0);
        self.turn(now, |dtls| {
            taken = dtls.send_application_data(data);
            Ok(())
        });
        match taken {
            Ok(count) if count == data.len() => Ok(()),
            Ok(_) => Err(Refusal::because("not yet")),
            Err(error) => Err(Refusal::because(error)),
        }
    }

    fn version(&self) -> Option<DtlsVersion> {
        match self.dtls.protocol_version()? {
            ProtocolVersion::DTLS1_2 => Some(DtlsVersion::Dtls12),
            ProtocolVersion::DTLS1_3 => Some(DtlsVersion::Dtls13),
            _ => None,
        }
    }

    fn certificate(&self) -> Vec<u8> {
        self.identity.certificate.clone()
    }

    fn close(&mut self, now: Instant) -> Result<(), Refusal> {
        self.turn(now, Dtls::close);
        Ok(())
    }
}

impl Machine for Endpoint {
    type Event = DtlsEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        if datagram.source == self.remote {
            self.turn(now, |dtls| dtls.handle_packet(datagram.payload));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.turn(now, |_| Ok(()));
        }
    }

    fn poll_transmit(&mut self, _now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let bytes = self.outbox.pop_front()?;
        buffer.extend(&bytes);
        Some(Transmit::new(self.remote, bytes.len()).from(self.local))
    }

    fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
