//! The client: the hellos, and the handshake of 1.3.

use super::{Flight, Peer};
use crate::dtls::{
    HelloVerifyRequest, Message, ServerHello, TrafficKeys, Version, body, certificate,
    code::{alert, ext, handshake, scheme},
    crypto, extension,
    schedule::{Schedule13, finished13, signed13},
};

impl Peer {
    /// Begins, as a client: the first ClientHello.
    pub fn start(&mut self) -> Flight {
        self.client_random = self.draw("client random");
        let shares = self.profile.shares.clone();
        let hello = self.offer(&shares, Vec::new());
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::CLIENT_HELLO, hello.write());
        flight
    }

    pub(super) fn hear_as_client(&mut self, message: Message) -> Option<Flight> {
        match (message.kind, self.negotiated.version) {
            (handshake::HELLO_REQUEST, _) => None,
            (handshake::HELLO_VERIFY_REQUEST, None) => self.verify_request(&message),
            (handshake::SERVER_HELLO, _) => self.server_hello(message),
            (_, Some(Version::Dtls12)) => self.hear_as_client12(message),
            (_, Some(Version::Dtls13)) => self.hear_as_client13(message),
            _ => self.hear_unexpected(&message),
        }
    }

    /// RFC 6347 §4.2.1: the same hello again, with the cookie; neither the first nor this is hashed.
    fn verify_request(&mut self, message: &Message) -> Option<Flight> {
        let Some(request) = HelloVerifyRequest::read(&message.body) else {
            return self.malformed(message);
        };
        self.transcript.clear();
        let mut hello = self.hello.clone()?;
        hello.cookie = request.cookie;
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::CLIENT_HELLO, hello.write());
        Some(flight)
    }

    fn server_hello(&mut self, message: Message) -> Option<Flight> {
        let Some(hello) = ServerHello::read(&message.body) else {
            return self.malformed(&message);
        };
        let chosen = hello.chosen().filter(|version| self.profile.versions.contains(version));
        let Some(version) = chosen else {
            return self.refuse("a version that was not offered", alert::PROTOCOL_VERSION);
        };
        if hello.is_retry() {
            return self.retry(message, &hello);
        }
        self.negotiated.version = Some(version);
        self.negotiated.suite = Some(hello.suite);
        self.server_random = hello.random;
        self.take_in(message);
        self.note_connection_id(&hello.extensions);
        match version {
            Version::Dtls12 => {
                self.note_common(&hello.extensions);
                let extended = hello.extensions.has(ext::EXTENDED_MASTER_SECRET);
                self.negotiated.extended_master_secret = extended;
                None
            }
            Version::Dtls13 => self.derive_handshake(&hello),
        }
    }

    /// RFC 8446 §4.1.4: another ClientHello with what is asked for.
    fn retry(&mut self, message: Message, request: &ServerHello) -> Option<Flight> {
        self.forget_first_hello();
        self.take_in(message);
        let mut hello = self.hello.clone()?;
        if let Some(group) = request.extensions.get(ext::KEY_SHARE).and_then(extension::read_u16) {
            self.exchanges.clear();
            let again = self.offer(&[group], Vec::new());
            let shares = again.extensions.get(ext::KEY_SHARE).unwrap_or_default().to_vec();
            hello.extensions.set(ext::KEY_SHARE, shares);
        }
        if let Some(cookie) = request.extensions.get(ext::COOKIE) {
            hello.extensions.set(ext::COOKIE, cookie.to_vec());
        }
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::CLIENT_HELLO, hello.write());
        Some(flight)
    }

    fn derive_handshake(&mut self, hello: &ServerHello) -> Option<Flight> {
        let share = hello.extensions.get(ext::KEY_SHARE).and_then(extension::read_key_share);
        let Some((group, share)) = share else {
            return self.refuse("ServerHello without a key", alert::MISSING_EXTENSION);
        };
        self.negotiated.group = Some(group);
        let exchange = self.exchanges.iter().find(|exchange| exchange.group == group);
        let Some(shared) = exchange.and_then(|exchange| exchange.agree(&share)) else {
            return self.refuse("a key that does not fit", alert::ILLEGAL_PARAMETER);
        };
        let schedule = Schedule13::new(&shared, self.hash());
        self.records.install_read(2, TrafficKeys::of_secret(&schedule.server));
        self.records.install_write(2, TrafficKeys::of_secret(&schedule.client));
        self.schedule = Some(schedule);
        None
    }

    fn hear_as_client13(&mut self, message: Message) -> Option<Flight> {
        if message.epoch != 2 {
            self.fault(format!("{} in epoch {}", message.name(), message.epoch));
        }
        match message.kind {
            handshake::ENCRYPTED_EXTENSIONS => {
                let mut cursor = crate::dtls::Cursor::new(&message.body);
                let read = cursor.vec16().and_then(crate::dtls::Extensions::read);
                let Some(extensions) = read else { return self.malformed(&message) };
                self.note_common(&extensions);
            }
            handshake::CERTIFICATE_REQUEST => {
                match body::read_certificate_request13(&message.body) {
                    Some((context, _)) => self.requested = Some(context),
                    None => return self.malformed(&message),
                }
            }
            handshake::CERTIFICATE => match body::read_certificate13(&message.body) {
                Some((_, chain)) => self.negotiated.certificates = chain,
                None => return self.malformed(&message),
            },
            handshake::CERTIFICATE_VERIFY => {
                let signed = signed13(false, self.hash());
                self.check_proof(&message, &signed);
            }
            handshake::FINISHED => return self.finish_as_client13(message),
            _ => return self.hear_unexpected(&message),
        }
        self.take_in(message);
        None
    }

    /// Checks a CertificateVerify over `signed`.
    pub(super) fn check_proof(&mut self, message: &Message, signed: &[u8]) {
        let point =
            self.negotiated.certificates.first().and_then(|leaf| certificate::public_point(leaf));
        match (body::read_certificate_verify(&message.body), point) {
            (Some((scheme::ECDSA_P256_SHA256, signature)), Some(point)) => {
                self.negotiated.is_proved = crypto::verify(&point, signed, &signature);
                if !self.negotiated.is_proved {
                    self.fault("CertificateVerify is wrong");
                }
            }
            (Some((other, _)), Some(_)) => self.fault(format!("CertificateVerify in {other:#06x}")),
            (None, _) => self.fault("CertificateVerify does not parse"),
            (_, None) => self.fault("CertificateVerify without a certificate on P-256"),
        }
    }

    fn finish_as_client13(&mut self, message: Message) -> Option<Flight> {
        let schedule = self.schedule.clone()?;
        let expected = finished13(&schedule.server, self.hash());
        if !self.check_finished(&message, &expected) {
            return self.refuse("so it ends", alert::DECRYPT_ERROR);
        }
        self.take_in(message);
        let application = schedule.application(self.hash());
        self.write_secret.clone_from(&application.client);
        self.read_secret.clone_from(&application.server);
        self.records.install_read(3, TrafficKeys::of_secret(&self.read_secret));
        let mut flight = Flight::default();
        if let Some(context) = self.requested.take() {
            self.present13(&mut flight, &context);
        }
        let verify_data = finished13(&schedule.client, self.hash());
        self.say(&mut flight, 2, handshake::FINISHED, verify_data);
        self.records.install_write(3, TrafficKeys::of_secret(&self.write_secret));
        self.application = Some(application);
        self.to_acknowledge.clear();
        self.connected = true;
        Some(flight)
    }

    /// Certificate and CertificateVerify of 1.3, or an empty Certificate.
    pub(super) fn present13(&mut self, flight: &mut Flight, context: &[u8]) {
        let is_client = self.side() == crate::dtls::Side::Client;
        let presents = !is_client || self.profile.presents_certificate;
        let chain: Vec<Vec<u8>> =
            presents.then(|| self.identity.certificate.clone()).into_iter().collect();
        self.say(flight, 2, handshake::CERTIFICATE, body::certificate13(context, &chain));
        if presents {
            let signature = self.identity.sign(&signed13(is_client, self.hash()));
            let proof = body::certificate_verify(scheme::ECDSA_P256_SHA256, &signature);
            self.say(flight, 2, handshake::CERTIFICATE_VERIFY, proof);
        }
    }
}
