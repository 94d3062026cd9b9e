//! The server: the hellos, and the handshake of 1.3.

use super::{Flight, Peer};
use crate::dtls::{
    ClientHello, Extensions, HelloVerifyRequest, Message, RETRY_RANDOM, TrafficKeys, Version, body,
    code::{alert, ext, handshake},
    cursor::{vec8, vec16},
    extension,
    schedule::{Schedule13, finished13, signed13},
};

impl Peer {
    pub(super) fn hear_as_server(&mut self, message: Message) -> Option<Flight> {
        match (message.kind, self.negotiated.version) {
            (handshake::CLIENT_HELLO, _) => self.client_hello(message),
            (_, Some(Version::Dtls12)) => self.hear_as_server12(message),
            (_, Some(Version::Dtls13)) => self.hear_as_server13(message),
            _ => self.hear_unexpected(&message),
        }
    }

    fn client_hello(&mut self, message: Message) -> Option<Flight> {
        let Some(hello) = ClientHello::read(&message.body) else {
            return self.malformed(&message);
        };
        let offered = hello.versions();
        let chosen = self.profile.versions.iter().find(|version| offered.contains(version));
        let Some(&version) = chosen else {
            return self.refuse("no common version", alert::PROTOCOL_VERSION);
        };
        self.client_random = hello.random;
        self.hello = Some(hello.clone());
        self.take_in(message);
        match version {
            Version::Dtls12 => {
                if let Some(cookie) = self.profile.cookie.clone().filter(|c| *c != hello.cookie) {
                    return Some(self.ask_for_cookie12(cookie));
                }
                self.negotiated.version = Some(version);
                self.answer_hello12(&hello)
            }
            Version::Dtls13 => self.answer_hello13(&hello),
        }
    }

    /// RFC 6347 §4.2.1: neither the hello nor this is hashed.
    fn ask_for_cookie12(&mut self, cookie: Vec<u8>) -> Flight {
        let request = HelloVerifyRequest { version: 0xfefd, cookie };
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::HELLO_VERIFY_REQUEST, request.write());
        self.transcript.clear();
        flight
    }

    fn answer_hello13(&mut self, hello: &ClientHello) -> Option<Flight> {
        let shares = hello.shares();
        let has = |group: u16| shares.iter().any(|(offered, _)| *offered == group);
        let cookie = self
            .profile
            .cookie
            .clone()
            .filter(|cookie| hello.extensions.get(ext::COOKIE) != Some(&vec16(cookie)[..]));
        let usable = self.profile.groups.iter().copied().find(|group| has(*group));
        let wanted = match self.profile.retry_group {
            Some(group) => (!has(group)).then_some(group),
            None if usable.is_some() => None,
            None => self.profile.groups.first().copied(),
        };
        if (cookie.is_some() || wanted.is_some()) && !self.has_retried {
            self.has_retried = true;
            return Some(self.ask_again(cookie, wanted));
        }
        let group = self.profile.retry_group.filter(|group| has(*group)).or(usable);
        let found = shares.iter().find(|(offered, _)| Some(*offered) == group);
        let exchange = group.and_then(|group| self.exchange(group));
        let (Some((group, theirs)), Some(exchange)) = (found, exchange) else {
            return self.refuse("no common group", alert::HANDSHAKE_FAILURE);
        };
        let Some(shared) = exchange.agree(theirs) else {
            return self.refuse("a key that does not fit", alert::ILLEGAL_PARAMETER);
        };
        self.negotiated.version = Some(Version::Dtls13);
        self.negotiated.group = Some(*group);
        self.speak13(hello, &shared, &extension::key_share(*group, &exchange.share))
    }

    /// HelloRetryRequest (RFC 8446 §4.1.4).
    fn ask_again(&mut self, cookie: Option<Vec<u8>>, group: Option<u16>) -> Flight {
        self.forget_first_hello();
        let mut request = self.choice(Version::Dtls13, RETRY_RANDOM);
        if let Some(group) = group {
            request.extensions.add(ext::KEY_SHARE, group.to_be_bytes().to_vec());
        }
        if let Some(cookie) = cookie {
            request.extensions.add(ext::COOKIE, vec16(&cookie));
        }
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::SERVER_HELLO, request.write());
        flight
    }

    fn speak13(&mut self, hello: &ClientHello, shared: &[u8], share: &[u8]) -> Option<Flight> {
        let random = self.draw("server random");
        let mut answer = self.choice(Version::Dtls13, random);
        answer.extensions.add(ext::KEY_SHARE, share.to_vec());
        if let (Some(cid), true) =
            (&self.profile.connection_id, hello.extensions.has(ext::CONNECTION_ID))
        {
            answer.extensions.add(ext::CONNECTION_ID, vec8(cid));
        }
        let mut flight = Flight::default();
        self.say(&mut flight, 0, handshake::SERVER_HELLO, answer.write());
        self.note_connection_id(&hello.extensions);
        let schedule = Schedule13::new(shared, self.hash());
        self.records.install_read(2, TrafficKeys::of_secret(&schedule.client));
        self.records.install_write(2, TrafficKeys::of_secret(&schedule.server));
        let mut answers = Extensions::default();
        self.answer_common(hello, &mut answers);
        self.say(&mut flight, 2, handshake::ENCRYPTED_EXTENSIONS, answers.write());
        if self.profile.requests_certificate {
            let mut wanted = Extensions::default();
            let schemes = extension::list16(&self.profile.schemes);
            wanted.add(ext::SIGNATURE_ALGORITHMS, schemes);
            let request = body::certificate_request13(&[], &wanted);
            self.say(&mut flight, 2, handshake::CERTIFICATE_REQUEST, request);
        }
        self.present13(&mut flight, &[]);
        let verify_data = finished13(&schedule.server, self.hash());
        self.say(&mut flight, 2, handshake::FINISHED, verify_data);
        let application = schedule.application(self.hash());
        self.write_secret.clone_from(&application.server);
        self.read_secret.clone_from(&application.client);
        self.records.install_write(3, TrafficKeys::of_secret(&self.write_secret));
        (self.schedule, self.application) = (Some(schedule), Some(application));
        Some(flight)
    }

    fn hear_as_server13(&mut self, message: Message) -> Option<Flight> {
        if message.epoch != 2 {
            self.fault(format!("{} in epoch {}", message.name(), message.epoch));
        }
        match message.kind {
            handshake::CERTIFICATE => match body::read_certificate13(&message.body) {
                Some((_, chain)) => self.negotiated.certificates = chain,
                None => return self.malformed(&message),
            },
            handshake::CERTIFICATE_VERIFY => {
                let signed = signed13(true, self.hash());
                self.check_proof(&message, &signed);
            }
            handshake::FINISHED => {
                let expected = finished13(&self.schedule.as_ref()?.client, self.hash());
                if !self.check_finished(&message, &expected) {
                    return self.refuse("so it ends", alert::DECRYPT_ERROR);
                }
                self.records.install_read(3, TrafficKeys::of_secret(&self.read_secret));
                self.connected = true;
            }
            _ => return self.hear_unexpected(&message),
        }
        self.take_in(message);
        None
    }
}
