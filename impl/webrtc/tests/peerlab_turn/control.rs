//! A TURN client of few words, over UDP, that waits for every answer.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use crypto::Provider;
use stun::{
    Builder, Key, Message,
    wire::{
        Algorithm, ChannelNumber, Class, ErrorCode, Method, Nonce, Realm, RequestedTransport,
        TransactionId, Username, XorPeerAddress, XorRelayedAddress,
    },
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client and its socket.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) socket: UdpSocket,
    server: SocketAddr,
    username: String,
    password: String,
    challenge: Option<(String, String)>,
    next_id: u8,
}

impl Control {
    pub(crate) fn new(ip: IpAddr, server: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            socket,
            server,
            username: "alice".to_owned(),
            password: "hunter2".to_owned(),
            challenge: None,
            next_id: 0,
        })
    }

    pub(crate) fn with_password(self, password: &str) -> Self {
        Self { password: password.to_owned(), ..self }
    }

    /// Asks, with a credential once there was a challenge; returns the response.
    pub(crate) fn ask(
        &mut self,
        method: Method,
        put: impl Fn(&mut Builder<'_>),
    ) -> io::Result<Vec<u8>> {
        let response = self.ask_once(method, &put)?;
        let message = parse(&response)?;
        let (Some(nonce), Some(realm)) = (message.get::<Nonce<'_>>(), message.get::<Realm<'_>>())
        else {
            return Ok(response);
        };
        self.challenge = Some((realm.as_str().to_owned(), nonce.as_str().to_owned()));
        self.ask_once(method, &put)
    }

    fn ask_once(&mut self, method: Method, put: &impl Fn(&mut Builder<'_>)) -> io::Result<Vec<u8>> {
        self.next_id += 1;
        let id = TransactionId::new([self.next_id; 12]);
        let mut request = Vec::new();
        let mut builder = Builder::new(&mut request, method, Class::Request, id);
        put(&mut builder);
        if let Some((realm, nonce)) = &self.challenge {
            let (provider, md5) = (Provider::default(), Algorithm::MD5);
            let key = Key::long_term(provider, md5, &self.username, realm, &self.password);
            builder.put(&Username::new(&self.username).map_err(io::Error::other)?);
            builder.put(&Realm::new(realm).map_err(io::Error::other)?);
            builder.put(&Nonce::new(nonce).map_err(io::Error::other)?);
            builder.integrity(&key.map_err(io::Error::other)?);
        }
        self.socket.send_to(&request, self.server)?;
        let mut buffer = vec![0; 2_048];
        loop {
            let (size, from) = self.socket.recv_from(&mut buffer)?;
            let bytes = buffer.get(..size).unwrap_or_default();
            let is_answer = parse(bytes).is_ok_and(|message| message.transaction_id() == id);
            if from == self.server && is_answer {
                return Ok(bytes.to_vec());
            }
        }
    }

    /// The relayed address.
    pub(crate) fn allocate(&mut self) -> io::Result<SocketAddr> {
        let response = self.ask(Method::ALLOCATE, |builder| {
            builder.put(&RequestedTransport(17));
        })?;
        let message = parse(&response)?;
        let relayed: Option<XorRelayedAddress> = message.get();
        relayed.map(|it| it.0).ok_or_else(|| io::Error::other(message.to_string()))
    }

    /// Binds a channel; says with which code it failed.
    pub(crate) fn bind(&mut self, number: u16, peer: SocketAddr) -> io::Result<u16> {
        let response = self.ask(Method::CHANNEL_BIND, |builder| {
            builder.put(&ChannelNumber(number)).put(&XorPeerAddress(peer));
        })?;
        code_of(&response)
    }

    pub(crate) fn send(&self, number: u16, data: &[u8]) -> io::Result<()> {
        let length = u16::try_from(data.len()).map_err(io::Error::other)?;
        let frame = [&number.to_be_bytes()[..], &length.to_be_bytes(), data].concat();
        self.socket.send_to(&frame, self.server).map(drop)
    }
}

pub(crate) fn parse(bytes: &[u8]) -> io::Result<Message<'_>> {
    Message::parse(bytes).map_err(io::Error::other)
}

/// The number of the error, 0 for a success.
pub(crate) fn code_of(response: &[u8]) -> io::Result<u16> {
    let message = parse(response)?;
    Ok(match message.class() {
        Class::Success => 0,
        _ => message.get::<ErrorCode<'_>>().map_or(500, |error| error.code.number()),
    })
}
