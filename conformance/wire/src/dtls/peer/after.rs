//! What comes after the handshake: data, alerts, and the messages of RFC 8446 §4.6 and RFC 9147 §8, §9.

use super::{Flight, Item, Peer};
use crate::dtls::{
    Message, TrafficKeys, Version,
    code::{content, handshake},
    schedule::next_secret,
};

impl Peer {
    /// A record of application data under the newest keys.
    pub fn data(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.record(self.records.write_epoch(), content::APPLICATION_DATA, bytes)
    }

    /// A record with an alert under the newest keys.
    pub fn alert(&mut self, level: u8, description: u8) -> Vec<u8> {
        self.record(self.records.write_epoch(), content::ALERT, &[level, description])
    }

    /// A message after the handshake.
    pub fn post_handshake(&mut self, kind: u8, body: Vec<u8>) -> Flight {
        let mut flight = Flight::default();
        self.say(&mut flight, self.records.write_epoch(), kind, body);
        flight
    }

    /// A KeyUpdate. The keys change when it is acknowledged.
    pub fn key_update(&mut self, asks_for_one: bool) -> Flight {
        self.updating = true;
        self.post_handshake(handshake::KEY_UPDATE, vec![u8::from(asks_for_one)])
    }

    /// Goes back to the keys before the last [`Peer::advance_write`].
    pub fn retreat_write(&mut self) {
        self.write_secret.clone_from(&self.former_secret);
        self.records.forget_newest_write();
    }

    /// Writes with the next keys from now on (RFC 8446 §7.2).
    pub fn advance_write(&mut self) {
        self.updating = false;
        self.former_secret.clone_from(&self.write_secret);
        self.write_secret = next_secret(&self.write_secret);
        let epoch = self.records.write_epoch() + 1;
        self.records.install_write(epoch, TrafficKeys::of_secret(&self.write_secret));
    }

    /// Reads with the next keys as well from now on.
    pub fn advance_read(&mut self) {
        self.read_secret = next_secret(&self.read_secret);
        let epoch = self.records.read_epoch() + 1;
        self.records.install_read(epoch, TrafficKeys::of_secret(&self.read_secret));
    }

    /// Whether a KeyUpdate of its own waits for its ACK.
    #[must_use]
    pub const fn is_updating(&self) -> bool {
        self.updating
    }

    /// An ACK was heard.
    pub(super) fn hear_acknowledged(&mut self) {
        let updates = self.log.sent_of(handshake::KEY_UPDATE);
        let Some(update) = updates.last().filter(|_| self.updating) else { return };
        if self.log.acknowledged().contains(&(update.epoch, update.sequence)) {
            self.advance_write();
        }
    }

    /// A message after the handshake was heard.
    pub(super) fn hear_afterwards(&mut self, message: &Message) -> Option<Flight> {
        match (message.kind, self.negotiated.version, &message.body[..]) {
            (handshake::KEY_UPDATE, Some(Version::Dtls13), [asks @ 0..=1]) => {
                self.advance_read();
                (*asks == 1 && !self.updating).then(|| self.key_update(false))
            }
            (
                handshake::NEW_SESSION_TICKET
                | handshake::NEW_CONNECTION_ID
                | handshake::REQUEST_CONNECTION_ID,
                Some(Version::Dtls13),
                _,
            )
            | (handshake::HELLO_REQUEST, Some(Version::Dtls12), _) => None,
            _ => self.hear_unexpected(message),
        }
    }

    /// An ACK of these records under the newest keys.
    #[must_use]
    pub fn ack(&self, numbers: &[(u64, u64)]) -> Flight {
        let (epoch, payload) = (self.records.write_epoch(), crate::dtls::body::ack(numbers));
        Flight { items: vec![Item::Record { epoch, content: content::ACK, payload }] }
    }
}
