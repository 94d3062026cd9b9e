//! The client of 1.2 after the hellos: RFC 5246 §7.3, RFC 8422 §2, RFC 7627 §4.

use super::{Flight, Peer};
use crate::dtls::{
    Message, Side, body, certificate,
    code::{alert, handshake, scheme},
    crypto,
    cursor::vec8,
    schedule::Master12,
};

impl Peer {
    pub(super) fn hear_as_client12(&mut self, message: Message) -> Option<Flight> {
        match message.kind {
            handshake::CERTIFICATE => match body::read_certificate12(&message.body) {
                Some(chain) => self.negotiated.certificates = chain,
                None => return self.malformed(&message),
            },
            handshake::SERVER_KEY_EXCHANGE => {
                let refusal = self.server_key_exchange(&message);
                if refusal.is_some() {
                    return refusal;
                }
            }
            handshake::CERTIFICATE_REQUEST => {
                if body::read_certificate_request12(&message.body).is_none() {
                    return self.malformed(&message);
                }
                self.requested = Some(Vec::new());
            }
            handshake::SERVER_HELLO_DONE => {
                self.take_in(message);
                return self.answer_as_client12();
            }
            handshake::FINISHED => {
                let expected = self.master.as_ref()?.finished(false, self.hash());
                if message.epoch != 1 {
                    self.fault(format!("Finished in epoch {}", message.epoch));
                }
                if !self.check_finished(&message, &expected) {
                    return self.refuse("so it ends", alert::DECRYPT_ERROR);
                }
                self.connected = true;
            }
            handshake::NEW_SESSION_TICKET => {}
            _ => return self.hear_unexpected(&message),
        }
        self.take_in(message);
        None
    }

    fn server_key_exchange(&mut self, message: &Message) -> Option<Flight> {
        let Some(exchange) = body::read_server_key_exchange(&message.body) else {
            return self.malformed(message);
        };
        self.negotiated.group = Some(exchange.group);
        let point =
            self.negotiated.certificates.first().and_then(|leaf| certificate::public_point(leaf));
        let signed = [&self.client_random[..], &self.server_random, &exchange.parameters].concat();
        let is_right = exchange.scheme == scheme::ECDSA_P256_SHA256
            && point.is_some_and(|point| crypto::verify(&point, &signed, &exchange.signature));
        self.negotiated.is_proved = is_right;
        if !is_right {
            return self
                .refuse("the signature over the server's key is wrong", alert::DECRYPT_ERROR);
        }
        let Some(own) = self.exchange(exchange.group) else {
            return self.refuse("a group that was not offered", alert::ILLEGAL_PARAMETER);
        };
        self.shared = own.agree(&exchange.share);
        self.exchanges = vec![own];
        if self.shared.is_none() {
            return self.refuse("a key that does not fit", alert::ILLEGAL_PARAMETER);
        }
        None
    }

    fn answer_as_client12(&mut self) -> Option<Flight> {
        let mut flight = Flight::default();
        let is_asked = self.requested.take().is_some();
        let presents = is_asked && self.profile.presents_certificate;
        if is_asked {
            let chain: Vec<Vec<u8>> =
                presents.then(|| self.identity.certificate.clone()).into_iter().collect();
            self.say(&mut flight, 0, handshake::CERTIFICATE, body::certificate12(&chain));
        }
        let share = self.exchanges.first().map(|exchange| exchange.share.clone());
        let Some(share) = share else {
            return self.refuse("ServerHelloDone without a key", alert::UNEXPECTED_MESSAGE);
        };
        self.say(&mut flight, 0, handshake::CLIENT_KEY_EXCHANGE, vec8(&share));
        self.derive12();
        if presents {
            let signature = self.identity.sign(&self.hashed());
            let proof = body::certificate_verify(scheme::ECDSA_P256_SHA256, &signature);
            self.say(&mut flight, 0, handshake::CERTIFICATE_VERIFY, proof);
        }
        flight.change_cipher_spec();
        let verify_data = self.master.as_ref()?.finished(true, self.hash());
        self.say(&mut flight, 1, handshake::FINISHED, verify_data);
        Some(flight)
    }

    /// The keys of 1.2, once ClientKeyExchange is hashed.
    pub(super) fn derive12(&mut self) {
        let Some(shared) = self.shared.clone() else { return };
        let extended = self.negotiated.extended_master_secret.then(|| self.hash());
        let master = Master12::new(&shared, extended, self.client_random, self.server_random);
        let (client, server) = master.keys();
        let (read, write) = match self.side() {
            Side::Client => (server, client),
            Side::Server => (client, server),
        };
        self.records.install_read(1, read);
        self.records.install_write(1, write);
        self.master = Some(master);
    }
}
