//! A client or server that does as a case says.
//!
//! Left alone, a peer keeps to the rules: [`Peer::receive`] takes a datagram and gives the flights that
//! answer it, [`Peer::pack`] makes datagrams of a flight. A case steps in wherever it likes:
//!
//! * before a message is hashed, through an [editor](Peer::edit): both sides' transcripts agree on the lie;
//! * after that, by changing the [`Flight`]: as a forger on the path would;
//! * in the [packing](Packing): fragments, order, repetition, loss;
//! * below, with [`Peer::records`]: any record under any keys with any number.
//!
//! It has no clock and repeats nothing by itself. What it heard, and every fault it found, is in its
//! [`Log`].
//!
//! | file | holds |
//! |---|---|
//! | `profile.rs` | [`Profile`]: what it offers and asks for; [`Negotiated`]: what came of it |
//! | `log.rs` | [`Log`]: what it heard and sent |
//! | `flight.rs` | [`Flight`], [`Packing`]: what it sends, and how |
//! | `receive.rs` | from datagrams to messages |
//! | `client.rs`, `client12.rs`, `server.rs`, `server12.rs` | the handshakes |
//! | `after.rs` | what comes after the handshake |

use std::fmt;

use super::{
    ClientHello, Identity, Inbox, Message, Raw, Records, Side, Version,
    code::handshake,
    crypto::{Exchange, dice, sha256},
    schedule::{Application13, Master12, Schedule13},
};

mod after;
mod client;
mod client12;
mod flight;
mod log;
mod offer;
mod profile;
mod receive;
mod server;
mod server12;

pub use self::{
    flight::{Flight, Item, Packing},
    log::{Log, Sent},
    profile::{Negotiated, Profile},
};

/// What a case does to messages before they are hashed: one goes in, any number comes out. They are
/// numbered afterwards.
type Editor = Box<dyn FnMut(Message) -> Vec<Message>>;

/// A DTLS endpoint of the suite.
pub struct Peer {
    /// What it offers and asks for.
    pub profile: Profile,
    /// Its record layer.
    pub records: Records,
    /// What was negotiated so far.
    pub negotiated: Negotiated,
    /// What it heard and sent.
    pub log: Log,
    /// Who it is.
    pub identity: Identity,
    editor: Option<Editor>,
    transcript: Vec<Message>,
    inbox: Inbox,
    next_seq: u16,
    early: Vec<Raw>,
    to_acknowledge: Vec<(u64, u64)>,
    /// The client's last hello, whoever is the client.
    hello: Option<ClientHello>,
    client_random: [u8; 32],
    server_random: [u8; 32],
    exchanges: Vec<Exchange>,
    shared: Option<Vec<u8>>,
    master: Option<Master12>,
    schedule: Option<Schedule13>,
    application: Option<Application13>,
    /// The secrets that records are written and read with after the handshake in 1.3.
    write_secret: Vec<u8>,
    read_secret: Vec<u8>,
    former_secret: Vec<u8>,
    updating: bool,
    has_retried: bool,
    /// The context of the CertificateRequest that came.
    requested: Option<Vec<u8>>,
    connected: bool,
    drawn: u32,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("log", &self.log).finish_non_exhaustive()
    }
}

impl Peer {
    /// A peer that has not begun.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let identity = Identity::new(&profile.seed, profile.identity);
        Self {
            profile,
            records: Records::default(),
            negotiated: Negotiated::default(),
            log: Log::default(),
            identity,
            editor: None,
            transcript: Vec::new(),
            inbox: Inbox::default(),
            next_seq: 0,
            early: Vec::new(),
            to_acknowledge: Vec::new(),
            hello: None,
            client_random: [0; 32],
            server_random: [0; 32],
            exchanges: Vec::new(),
            shared: None,
            master: None,
            schedule: None,
            application: None,
            write_secret: Vec::new(),
            read_secret: Vec::new(),
            former_secret: Vec::new(),
            updating: false,
            has_retried: false,
            requested: None,
            connected: false,
            drawn: 0,
        }
    }

    /// Whether it has sent and heard everything that a handshake consists of.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Its side.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.profile.side
    }

    /// Changes every message with `editor` before it is hashed and sent. What comes out is numbered in
    /// its order.
    pub fn edit_all(&mut self, editor: impl FnMut(Message) -> Vec<Message> + 'static) {
        self.editor = Some(Box::new(editor));
    }

    /// Changes the bodies of messages of one type before they are hashed and sent.
    pub fn edit(&mut self, kind: u8, mut change: impl FnMut(&mut Vec<u8>) + 'static) {
        self.edit_all(move |mut message| {
            if message.kind == kind {
                change(&mut message.body);
            }
            vec![message]
        });
    }

    /// Leaves out messages of one type.
    pub fn omit(&mut self, kind: u8) {
        self.edit_all(move |message| if message.kind == kind { Vec::new() } else { vec![message] });
    }

    /// Changes its ClientHello before it is hashed and sent.
    pub fn edit_client_hello(&mut self, mut change: impl FnMut(&mut ClientHello) + 'static) {
        self.edit(handshake::CLIENT_HELLO, move |body| {
            if let Some(mut hello) = ClientHello::read(body) {
                change(&mut hello);
                *body = hello.write();
            }
        });
    }

    /// Changes its ServerHello or HelloRetryRequest before it is hashed and sent.
    pub fn edit_server_hello(&mut self, mut change: impl FnMut(&mut super::ServerHello) + 'static) {
        self.edit(handshake::SERVER_HELLO, move |body| {
            if let Some(mut hello) = super::ServerHello::read(body) {
                change(&mut hello);
                *body = hello.write();
            }
        });
    }

    /// Keying material (RFC 5705 §4, RFC 8446 §7.5).
    #[must_use]
    pub fn export(&self, label: &str, context: Option<&[u8]>, length: usize) -> Option<Vec<u8>> {
        match self.version() {
            Version::Dtls12 => Some(self.master.as_ref()?.export(label, context, length)),
            Version::Dtls13 => {
                let secrets = self.application.as_ref()?;
                Some(secrets.export(label, context.unwrap_or_default(), length))
            }
        }
    }

    /// The message_seq of the next message.
    #[must_use]
    pub const fn next_message_seq(&self) -> u16 {
        self.next_seq
    }

    /// The version in use; before the choice, the only or highest one offered.
    fn version(&self) -> Version {
        let offered = self.profile.versions.iter().max().copied();
        self.negotiated.version.or(offered).unwrap_or(Version::Dtls12)
    }

    /// The hash over all messages so far.
    fn hash(&self) -> [u8; 32] {
        sha256(&self.hashed())
    }

    /// All messages so far as they are hashed.
    fn hashed(&self) -> Vec<u8> {
        let of = match self.version() {
            Version::Dtls12 => Message::hashed12,
            Version::Dtls13 => Message::hashed13,
        };
        self.transcript.iter().flat_map(of).collect()
    }

    /// RFC 8446 §4.4.1: a hash stands for the first ClientHello.
    fn forget_first_hello(&mut self) {
        self.negotiated.version = Some(Version::Dtls13);
        let body = self.hash().to_vec();
        let hash =
            Message { epoch: 0, kind: handshake::MESSAGE_HASH, seq: 0, body, omitted: false };
        self.transcript = vec![hash];
    }

    /// Adds a message to a flight, as the case wants it.
    fn say(&mut self, flight: &mut Flight, epoch: u64, kind: u8, body: Vec<u8>) {
        let message = Message { epoch, kind, seq: self.next_seq, body, omitted: false };
        let messages = match &mut self.editor {
            Some(editor) => editor(message),
            None => vec![message],
        };
        for mut message in messages {
            message.seq = self.next_seq;
            self.next_seq = self.next_seq.wrapping_add(1);
            self.remember(&message);
            if !self.connected {
                self.transcript.push(message.clone());
            }
            flight.items.push(Item::Message(message));
        }
    }

    /// What a hello of its own says about randoms holds even if a case has changed it.
    fn remember(&mut self, message: &Message) {
        match message.kind {
            handshake::CLIENT_HELLO => {
                if let Some(hello) = ClientHello::read(&message.body) {
                    self.client_random = hello.random;
                    self.hello = Some(hello);
                }
            }
            handshake::SERVER_HELLO => {
                if let Some(hello) = super::ServerHello::read(&message.body) {
                    self.server_random = hello.random;
                }
            }
            _ => {}
        }
    }

    /// A fresh random of 32 bytes.
    fn draw(&mut self, name: &str) -> [u8; 32] {
        self.drawn += 1;
        dice(&self.profile.seed, name, self.drawn)
    }

    /// A key pair in `group`, if the suite computes in it.
    fn exchange(&mut self, group: u16) -> Option<Exchange> {
        (0..100).find_map(|_| {
            let dice = self.draw("exchange");
            Exchange::new(group, &dice)
        })
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.log.faults.push(what.into());
    }
}
