//! What a peer heard and sent.

use crate::dtls::{ClientHello, Heard, Message, Raw, ServerHello, code::handshake};

/// What a peer heard and sent, in order.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Every record that opened.
    pub records: Vec<Heard>,
    /// Every record that did not, and why.
    pub unread: Vec<(Raw, &'static str)>,
    /// Every message, put together and in order.
    pub messages: Vec<Message>,
    /// Alerts: epoch, level, description.
    pub alerts: Vec<(u64, u8, u8)>,
    /// Application data: epoch and bytes.
    pub data: Vec<(u64, Vec<u8>)>,
    /// ACKs: epoch, and the numbers acknowledged.
    pub acks: Vec<(u64, Vec<(u64, u64)>)>,
    /// Records it sent.
    pub sent: Vec<Sent>,
    /// What is wrong with what it heard.
    pub faults: Vec<String>,
}

/// A record that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its epoch.
    pub epoch: u64,
    /// Its sequence number.
    pub sequence: u64,
    /// Its content type.
    pub content: u8,
    /// The message it carries a piece of: type, message_seq, offset, length.
    pub piece: Option<(u8, u16, usize, usize)>,
}

impl Log {
    /// The messages of one type.
    pub fn of(&self, kind: u8) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.kind == kind)
    }

    /// The last message of one type.
    #[must_use]
    pub fn last(&self, kind: u8) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.kind == kind)
    }

    /// Its ClientHellos.
    #[must_use]
    pub fn client_hellos(&self) -> Vec<ClientHello> {
        self.of(handshake::CLIENT_HELLO)
            .filter_map(|message| ClientHello::read(&message.body))
            .collect()
    }

    /// Its ServerHellos and HelloRetryRequests.
    #[must_use]
    pub fn server_hellos(&self) -> Vec<ServerHello> {
        self.of(handshake::SERVER_HELLO)
            .filter_map(|message| ServerHello::read(&message.body))
            .collect()
    }

    /// The description of the first fatal alert.
    #[must_use]
    pub fn fatal(&self) -> Option<u8> {
        self.alerts.iter().find(|(_, level, _)| *level == 2).map(|(_, _, description)| *description)
    }

    /// All numbers that were acknowledged, in order.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<(u64, u64)> {
        self.acks.iter().flat_map(|(_, numbers)| numbers.clone()).collect()
    }

    /// The records sent that carry pieces of messages of one type.
    #[must_use]
    pub fn sent_of(&self, kind: u8) -> Vec<Sent> {
        let carries = |sent: &&Sent| sent.piece.is_some_and(|piece| piece.0 == kind);
        self.sent.iter().filter(carries).copied().collect()
    }
}
