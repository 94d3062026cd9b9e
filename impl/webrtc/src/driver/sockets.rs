//! The UDP sockets of a machine.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSliceMut},
    net::SocketAddr,
    task::{Context, Poll},
};

use base::{SocketCommand, SocketError, SocketErrorKind, SocketInput, Transmit};
use runtime::{RecvMeta, Runtime, UdpSocket};

use super::DriverStats;

/// Most datagrams that wait at one socket because the system has no room; what comes then is dropped,
/// as the network would.
const MAX_QUEUED: usize = 256;
/// Most reports that wait to be told; the newest are lost first.
const MAX_ERRORS: usize = 64;

/// The sockets, in the order in which they were bound.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    all: Vec<Socket>,
    errors: VecDeque<SocketError>,
    stats: DriverStats,
    /// Which socket to look at first, so that a busy one does not silence the others.
    turn: usize,
}

#[derive(Debug)]
struct Socket {
    local: SocketAddr,
    socket: Box<dyn UdpSocket>,
    queue: VecDeque<(Transmit, Vec<u8>)>,
}

impl Sockets {
    pub(super) fn bind(
        &mut self,
        runtime: &dyn Runtime,
        local: SocketAddr,
    ) -> io::Result<SocketAddr> {
        let socket = runtime.bind_udp(local, None)?;
        let local = socket.local_address()?;
        self.all.push(Socket { local, socket, queue: VecDeque::new() });
        Ok(local)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.all.iter().map(|socket| socket.local)
    }

    pub(super) const fn stats(&self) -> DriverStats {
        self.stats
    }

    pub(super) fn obey(
        &mut self,
        runtime: &dyn Runtime,
        command: SocketCommand,
    ) -> Option<SocketInput> {
        match command {
            SocketCommand::Open { local: asked } => Some(match self.bind(runtime, asked) {
                Ok(local) => SocketInput::Opened { asked, local },
                Err(error) => {
                    let in_use = error.kind() == ErrorKind::AddrInUse;
                    SocketInput::Refused { asked, in_use }
                }
            }),
            SocketCommand::Close { local } => {
                // What was polled before still leaves, if the system has room.
                self.all.retain(|socket| socket.local != local);
                None
            }
        }
    }

    /// Sends a datagram, or a batch, now or when the system has room.
    pub(super) fn send(&mut self, transmit: &Transmit, payload: &[u8]) {
        let Some(socket) = self.all.iter_mut().find(|socket| socket.sends(transmit)) else {
            self.stats.without_socket += 1;
            return;
        };
        let segments = socket.socket.max_send_segments().max(1);
        match transmit.segment_size {
            Some(size) if size > 0 && size.saturating_mul(segments) < payload.len() => {
                for piece in payload.chunks(size.saturating_mul(segments)) {
                    let segment_size = Some(size).filter(|size| *size < piece.len());
                    let transmit = Transmit { size: piece.len(), segment_size, ..*transmit };
                    self.send(&transmit, piece);
                }
            }
            _ => {
                let sent = socket.send(transmit, payload);
                self.note(transmit, sent);
            }
        }
    }

    fn note(&mut self, transmit: &Transmit, sent: Result<bool, (SocketAddr, io::Error)>) {
        match sent {
            Ok(true) => {}
            Ok(false) => self.stats.queue_full += 1,
            Err((local, error)) => {
                self.stats.refused += 1;
                let remote = transmit.destination;
                if let Some(kind) = kind_of(&error)
                    && self.errors.len() < MAX_ERRORS
                {
                    self.errors.push_back(SocketError { local, remote, kind });
                }
            }
        }
    }

    /// Sends what waits, as far as there is room, and sees to being woken when there is more.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        for index in 0..self.all.len() {
            while let Some((transmit, sent)) = self.all.get_mut(index).and_then(|it| it.flush(cx)) {
                self.note(&transmit, sent);
            }
        }
    }

    /// What the network said about a datagram.
    pub(super) fn take_error(&mut self) -> Option<SocketError> {
        self.errors.pop_front()
    }

    /// What arrived at one of the sockets, in `buffer`, and at which.
    pub(super) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> io::Result<Option<(usize, RecvMeta)>> {
        let count = self.all.len();
        for offset in 0..count {
            let index = (self.turn + offset) % count;
            let Some(socket) = self.all.get(index) else {
                continue;
            };
            let mut meta = [RecvMeta::EMPTY];
            let received =
                socket.socket.poll_recv(cx, &mut [IoSliceMut::new(buffer)], &mut meta)?;
            while let Poll::Ready(error) = socket.socket.poll_error(cx) {
                if let Ok(error) = error
                    && self.errors.len() < MAX_ERRORS
                {
                    self.errors.push_back(error);
                }
            }
            if received.is_ready() {
                self.turn = (index + 1) % count;
                let [meta] = meta;
                return Ok(Some((index, meta)));
            }
        }
        Ok(None)
    }

    /// Where a datagram went, as well as that is known.
    pub(super) fn destination(&self, socket: usize, told: SocketAddr) -> SocketAddr {
        let bound = self.all.get(socket).map_or(told, |socket| socket.local);
        if bound.ip().is_unspecified() { told } else { bound }
    }
}

impl Socket {
    /// Whether a datagram leaves by this socket.
    fn sends(&self, transmit: &Transmit) -> bool {
        match transmit.source {
            None => self.local.is_ipv4() == transmit.destination.is_ipv4(),
            Some(source) => {
                let same_ip = self.local.ip() == source.ip();
                let any_ip =
                    self.local.ip().is_unspecified() && self.local.is_ipv4() == source.is_ipv4();
                (same_ip || any_ip) && self.local.port() == source.port()
            }
        }
    }

    /// False if it had to be dropped.
    fn send(
        &mut self,
        transmit: &Transmit,
        payload: &[u8],
    ) -> Result<bool, (SocketAddr, io::Error)> {
        if self.queue.is_empty() {
            match self.socket.try_send(transmit, payload) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result.map(|()| true).map_err(|error| (self.local, error)),
            }
        }
        if self.queue.len() >= MAX_QUEUED {
            return Ok(false);
        }
        self.queue.push_back((*transmit, payload.to_vec()));
        Ok(true)
    }

    /// Sends the datagram that waits longest; `None` if none waits, or there is no room.
    #[expect(clippy::type_complexity, reason = "one use, next to its like")]
    fn flush(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(Transmit, Result<bool, (SocketAddr, io::Error)>)> {
        let (transmit, payload) = self.queue.front()?;
        let Poll::Ready(sent) = self.socket.poll_send(cx, transmit, payload) else {
            return None;
        };
        let (transmit, _) = self.queue.pop_front()?;
        Some((transmit, sent.map(|()| true).map_err(|error| (self.local, error))))
    }
}

/// What a refusal of the system says about the network.
fn kind_of(error: &io::Error) -> Option<SocketErrorKind> {
    match error.kind() {
        ErrorKind::NetworkUnreachable => Some(SocketErrorKind::NetworkUnreachable),
        ErrorKind::HostUnreachable => Some(SocketErrorKind::HostUnreachable),
        ErrorKind::AddrNotAvailable => Some(SocketErrorKind::AddressNotAvailable),
        ErrorKind::PermissionDenied => Some(SocketErrorKind::Prohibited),
        _ if quinn_udp::is_msg_size_err(error) => Some(SocketErrorKind::TooBig { mtu: 0 }),
        _ => None,
    }
}
