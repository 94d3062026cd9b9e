//! UDP sockets of a server: a task receives for as long as the socket is there.

use std::{
    cell::RefCell,
    future::poll_fn,
    io::{self, IoSliceMut},
    rc::{Rc, Weak},
    task::{Context, Poll},
};

use base::{Datagram, Machine as _, Transmit};
use runtime::{Runtime as _, UdpSocket};
use tokio::task::JoinHandle;

use super::{BATCH, BUFFER, Host, MAX_ROUNDS};

/// A UDP socket. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Udp {
    socket: Rc<dyn UdpSocket>,
    task: RefCell<Option<JoinHandle<()>>>,
}

impl Udp {
    pub(super) fn new(socket: Box<dyn UdpSocket>) -> Self {
        Self { socket: socket.into(), task: RefCell::default() }
    }

    /// Begins to receive for `host`.
    pub(super) fn start(&self, host: &Rc<Host>) {
        let (host, socket) = (Rc::downgrade(host), Rc::clone(&self.socket));
        let receive = async move { poll_fn(|cx| receive(&host, &*socket, cx)).await };
        self.task.replace(Some(tokio::task::spawn_local(receive)));
    }

    /// Sends a datagram, or a batch as one where the system can, else one by one.
    pub(super) fn send(&self, transmit: &Transmit, bytes: &[u8]) -> io::Result<()> {
        let most = self.socket.max_send_segments();
        let Some(segment) = transmit.segment_size else {
            return self.socket.try_send(transmit, bytes);
        };
        if bytes.len() <= segment.saturating_mul(most) && most > 1 {
            return self.socket.try_send(transmit, bytes);
        }
        for piece in bytes.chunks(segment.max(1)) {
            let one = Transmit { size: piece.len(), segment_size: None, ..*transmit };
            self.socket.try_send(&one, piece)?;
        }
        Ok(())
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Tells the server what came, until nothing is left or others should get a turn.
fn receive(host: &Weak<Host>, socket: &dyn UdpSocket, cx: &mut Context<'_>) -> Poll<()> {
    let Some(host) = host.upgrade() else { return Poll::Ready(()) };
    for _ in 0..MAX_ROUNDS {
        let heard = hear(&host, socket, cx) | hear_errors(&host, socket, cx);
        if !heard {
            return Poll::Pending;
        }
        host.settle();
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

fn hear(host: &Host, socket: &dyn UdpSocket, cx: &mut Context<'_>) -> bool {
    let mut memory = host.buffers.borrow_mut();
    let mut pieces = memory.chunks_mut(BUFFER);
    let mut buffers: [IoSliceMut<'_>; BATCH] =
        std::array::from_fn(|_| IoSliceMut::new(pieces.next().unwrap_or_default()));
    let mut meta = host.meta.borrow_mut();
    let count = match socket.poll_recv(cx, &mut buffers, &mut meta) {
        Poll::Ready(Ok(count)) => count,
        Poll::Ready(Err(error)) => {
            tracing::warn!(%error, "cannot receive");
            return false;
        }
        Poll::Pending => return false,
    };
    let mut stats = host.stats.get();
    stats.receives += 1;
    host.stats.set(stats);
    let now = host.system.now();
    let mut server = host.server.borrow_mut();
    let mut packets = 0;
    for (meta, buffer) in meta.iter().zip(&buffers).take(count) {
        for payload in meta.datagrams(buffer) {
            let (source, destination, ecn) = (meta.source, meta.destination, meta.ecn);
            server.handle_datagram(now, Datagram { source, destination, ecn, payload });
            packets += 1;
        }
    }
    host.load.add(packets);
    true
}

fn hear_errors(host: &Host, socket: &dyn UdpSocket, cx: &mut Context<'_>) -> bool {
    let Poll::Ready(Ok(error)) = socket.poll_error(cx) else { return false };
    let now = host.system.now();
    host.server.borrow_mut().handle_socket_error(now, error);
    true
}
