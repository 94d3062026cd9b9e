//! The server of 1.2 after the hello: RFC 5246 §7.3, RFC 8422 §2, RFC 7627 §4.

use super::{Flight, Peer};
use crate::dtls::{
    ClientHello, Cursor, Extensions, Message, Version, body,
    code::{alert, ext, handshake, scheme},
    cursor::vec8,
    extension,
};

/// The suite that stands for an empty renegotiation_info (RFC 5746 §3.3).
const RENEGOTIATION_SUITE: u16 = 0x00ff;

impl Peer {
    pub(super) fn answer_hello12(&mut self, hello: &ClientHello) -> Option<Flight> {
        let offered = hello.extensions.get(ext::SUPPORTED_GROUPS).and_then(extension::read_list16);
        let offered = offered.unwrap_or_default();
        let group = self.profile.groups.iter().copied().find(|group| offered.contains(group));
        let Some(exchange) = group.and_then(|group| self.exchange(group)) else {
            return self.refuse("no common group", alert::HANDSHAKE_FAILURE);
        };
        self.negotiated.group = group;
        let random = self.draw("server random");
        let mut answer = self.choice(Version::Dtls12, random);
        answer.extensions = self.answers12(hello);
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::SERVER_HELLO, answer.write());
        self.note_connection_id(&hello.extensions);
        let chain = [self.identity.certificate.clone()];
        self.say(&mut flight, 0, handshake::CERTIFICATE, body::certificate12(&chain));
        let parameters = body::ecdhe_parameters(exchange.group, &exchange.share);
        let signed = [&self.client_random[..], &self.server_random, &parameters].concat();
        let signature = self.identity.sign(&signed);
        let key = body::server_key_exchange(&parameters, scheme::ECDSA_P256_SHA256, &signature);
        self.say(&mut flight, 0, handshake::SERVER_KEY_EXCHANGE, key);
        self.exchanges = vec![exchange];
        if self.profile.requests_certificate {
            let request = body::certificate_request12(&self.profile.schemes);
            self.say(&mut flight, 0, handshake::CERTIFICATE_REQUEST, request);
        }
        self.say(&mut flight, 0, handshake::SERVER_HELLO_DONE, Vec::new());
        Some(flight)
    }

    fn answers12(&mut self, hello: &ClientHello) -> Extensions {
        let mut answers = Extensions::default();
        let asked = &hello.extensions;
        if asked.has(ext::RENEGOTIATION_INFO) || hello.suites.contains(&RENEGOTIATION_SUITE) {
            answers.add(ext::RENEGOTIATION_INFO, vec![0]);
        }
        if asked.has(ext::EC_POINT_FORMATS) {
            answers.add(ext::EC_POINT_FORMATS, vec![1, 0]);
        }
        if self.profile.extended_master_secret && asked.has(ext::EXTENDED_MASTER_SECRET) {
            answers.add(ext::EXTENDED_MASTER_SECRET, Vec::new());
            self.negotiated.extended_master_secret = true;
        }
        self.answer_common(hello, &mut answers);
        if let (Some(cid), true) = (&self.profile.connection_id, asked.has(ext::CONNECTION_ID)) {
            answers.add(ext::CONNECTION_ID, vec8(cid));
        }
        answers
    }

    pub(super) fn hear_as_server12(&mut self, message: Message) -> Option<Flight> {
        match message.kind {
            handshake::CERTIFICATE => match body::read_certificate12(&message.body) {
                Some(chain) => self.negotiated.certificates = chain,
                None => return self.malformed(&message),
            },
            handshake::CLIENT_KEY_EXCHANGE => {
                let share = Cursor::new(&message.body).vec8();
                let exchange = self.exchanges.first();
                self.shared = share.and_then(|share| exchange?.agree(share));
                if self.shared.is_none() {
                    return self.refuse("a key that does not fit", alert::ILLEGAL_PARAMETER);
                }
                self.take_in(message);
                self.derive12();
                return None;
            }
            handshake::CERTIFICATE_VERIFY => {
                let signed = self.hashed();
                self.check_proof(&message, &signed);
            }
            handshake::FINISHED => return self.finish_as_server12(message),
            _ => return self.hear_unexpected(&message),
        }
        self.take_in(message);
        None
    }

    fn finish_as_server12(&mut self, message: Message) -> Option<Flight> {
        let expected = self.master.as_ref()?.finished(true, self.hash());
        if message.epoch != 1 {
            self.fault(format!("Finished in epoch {}", message.epoch));
        }
        if !self.check_finished(&message, &expected) {
            return self.refuse("so it ends", alert::DECRYPT_ERROR);
        }
        self.take_in(message);
        let mut flight = Flight::default();
        flight.change_cipher_spec();
        let verify_data = self.master.as_ref()?.finished(false, self.hash());
        self.say(&mut flight, 1, handshake::FINISHED, verify_data);
        self.connected = true;
        Some(flight)
    }
}
