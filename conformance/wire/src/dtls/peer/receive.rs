//! From datagrams to messages.

use std::collections::VecDeque;

use super::{Flight, Item, Peer};
use crate::dtls::{
    Fragment, Heard, Message, Raw, Side, Version, body,
    code::{alert, content, handshake},
    split,
};

/// Most records kept until there are keys for them.
const EARLY_LIMIT: usize = 64;

impl Peer {
    /// Takes a datagram; gives the flights that answer it.
    pub fn receive(&mut self, datagram: &[u8]) -> Vec<Flight> {
        // The records after a ServerHello in its datagram may have connection ids already.
        let cid = self.profile.connection_id.as_ref().map_or(0, Vec::len);
        let (raws, is_whole) = split(datagram, cid);
        if !is_whole {
            self.fault("a datagram does not end with a record");
        }
        let mut flights = Vec::new();
        let mut queue = VecDeque::from(raws);
        while let Some(raw) = queue.pop_front() {
            let epoch = self.records.read_epoch();
            match self.records.open(raw) {
                Ok(heard) => self.hear(heard, &mut flights),
                Err((raw, why)) => self.put_aside(raw, why),
            }
            if self.records.read_epoch() != epoch {
                queue.extend(std::mem::take(&mut self.early));
            }
        }
        flights.extend(self.acknowledge());
        flights
    }

    fn put_aside(&mut self, raw: Raw, why: &'static str) {
        if why == "no keys for its epoch" && self.early.len() < EARLY_LIMIT && !self.connected {
            self.early.push(raw);
        } else {
            self.log.unread.push((raw, why));
        }
    }

    fn hear(&mut self, heard: Heard, flights: &mut Vec<Flight>) {
        self.log.records.push(heard.clone());
        let (epoch, payload) = (heard.epoch, &heard.payload);
        match heard.content {
            content::HANDSHAKE => self.hear_handshake(&heard, flights),
            content::ALERT => match payload[..] {
                [level, description] => self.log.alerts.push((epoch, level, description)),
                _ => self.fault("an alert does not have two bytes"),
            },
            content::APPLICATION_DATA => self.log.data.push((epoch, payload.clone())),
            content::ACK => match body::read_ack(payload) {
                Some(numbers) => {
                    self.log.acks.push((epoch, numbers));
                    self.hear_acknowledged();
                }
                None => self.fault("an ACK does not parse"),
            },
            content::CHANGE_CIPHER_SPEC => {
                if payload[..] != [1] {
                    self.fault("a ChangeCipherSpec is not the byte 1");
                }
            }
            other => self.fault(format!("a record has content type {other}")),
        }
    }

    fn hear_handshake(&mut self, heard: &Heard, flights: &mut Vec<Flight>) {
        let Some(fragments) = Fragment::read_all(&heard.payload) else {
            self.fault("a handshake record does not parse");
            return;
        };
        if fragments.is_empty() {
            self.fault("a handshake record is empty");
        }
        if heard.epoch > 0 {
            self.to_acknowledge.push((heard.epoch, heard.sequence));
        }
        for fragment in fragments {
            self.inbox.insert(heard.epoch, &fragment);
        }
        while let Some(message) = self.inbox.take() {
            self.log.messages.push(message.clone());
            let flight = match (self.connected, self.side()) {
                (true, _) => self.hear_afterwards(&message),
                (false, Side::Client) => self.hear_as_client(message),
                (false, Side::Server) => self.hear_as_server(message),
            };
            flights.extend(flight);
        }
    }

    /// An ACK of what was heard after the handshake, or of its last flight (RFC 9147 §7.1).
    fn acknowledge(&mut self) -> Option<Flight> {
        let is_due = self.connected
            && self.negotiated.version == Some(Version::Dtls13)
            && self.profile.acknowledges
            && !self.to_acknowledge.is_empty();
        if !is_due {
            return None;
        }
        let payload = body::ack(&std::mem::take(&mut self.to_acknowledge));
        let epoch = self.records.write_epoch();
        Some(Flight { items: vec![Item::Record { epoch, content: content::ACK, payload }] })
    }

    /// A message that nothing is done with.
    pub(super) fn hear_unexpected(&mut self, message: &Message) -> Option<Flight> {
        self.fault(format!("{} where none belongs", message.name()));
        None
    }

    /// Ends the handshake with a fault and a fatal alert.
    pub(super) fn refuse(&mut self, why: &str, description: u8) -> Option<Flight> {
        self.fault(why);
        let epoch = self.records.write_epoch();
        let (content, payload) = (content::ALERT, vec![2, description]);
        Some(Flight { items: vec![Item::Record { epoch, content, payload }] })
    }

    /// Takes a message into the transcript.
    pub(super) fn take_in(&mut self, message: Message) {
        self.transcript.push(message);
    }

    /// Whether verify_data is what it should be.
    pub(super) fn check_finished(&mut self, message: &Message, expected: &[u8]) -> bool {
        debug_assert_eq!(message.kind, handshake::FINISHED);
        let is_right = message.body == expected;
        if !is_right {
            self.fault("Finished is wrong");
        }
        is_right
    }

    /// A message that does not parse.
    pub(super) fn malformed(&mut self, message: &Message) -> Option<Flight> {
        self.refuse(&format!("{} does not parse", message.name()), alert::DECODE_ERROR)
    }
}
