//! UDP of the system, through `quinn-udp`: ECN, batches, local addresses, what ICMP said.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use base::{Ecn, SocketError, SocketErrorKind, Transmit};
use quinn_udp::{EcnCodepoint, TransportErrorPayload, UdpSockRef, UdpSocketState};
use runtime::{InterfaceIndex, RecvMeta};
use tokio::io::Interest;

/// Most reports of the network that are kept until somebody asks; the oldest is lost first.
const MAX_ERRORS: usize = 16;
/// Most destinations that are remembered, for telling which of them a report is about.
const MAX_DESTINATIONS: usize = 16;
/// How often an operation is tried again because reports of the network got in its way.
const MAX_INTERRUPTIONS: usize = 16;

/// A UDP socket.
pub(super) struct UdpSocket {
    local: SocketAddr,
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    errors: Mutex<Errors>,
}

#[derive(Default)]
struct Errors {
    queue: VecDeque<SocketError>,
    waker: Option<Waker>,
    /// Where datagrams went lately, the latest last.
    destinations: VecDeque<SocketAddr>,
}

impl Errors {
    fn note_destination(&mut self, destination: SocketAddr) {
        if self.destinations.back() == Some(&destination) {
            return;
        }
        self.destinations.retain(|other| *other != destination);
        if self.destinations.len() >= MAX_DESTINATIONS {
            self.destinations.pop_front();
        }
        self.destinations.push_back(destination);
    }

    /// Which destination a report is about. All that is known is who sent it: the host itself, or a
    /// router on the way. Nothing is invented where that leaves a choice.
    fn destination(&self, reporter: Option<SocketAddr>) -> Option<SocketAddr> {
        let of_host = |address: &&SocketAddr| reporter.is_some_and(|it| it.ip() == address.ip());
        let one_of = |mut found: Box<dyn Iterator<Item = &SocketAddr> + '_>| {
            let first = found.next().copied();
            first.filter(|_| found.next().is_none())
        };
        let all = || self.destinations.iter();
        match all().any(|address| of_host(&address)) {
            true => one_of(Box::new(all().filter(of_host))),
            false => one_of(Box::new(all())),
        }
    }
}

impl UdpSocket {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let domain = socket2::Domain::for_address(address);
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let io = tokio::net::UdpSocket::from_std(socket.into())?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        state.enable_transport_errors(UdpSockRef::from(&io))?;
        Ok(Self { local: io.local_addr()?, io, state, errors: Mutex::default() })
    }

    /// Fetches what the network reported. Until it is fetched, the next send or receive fails with it.
    /// Says whether there was anything.
    fn fetch_errors(&self) -> bool {
        let mut shared = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = false;
        while let Ok(Some(error)) = self.state.recv_transport_error(UdpSockRef::from(&self.io)) {
            found = true;
            let Some(remote) = shared.destination(error.addr) else {
                continue;
            };
            if shared.queue.len() >= MAX_ERRORS {
                shared.queue.pop_front();
            }
            let kind = kind_of(error.payload, error.raw_errno);
            shared.queue.push_back(SocketError { local: self.local, remote, kind });
        }
        if found && let Some(waker) = shared.waker.take() {
            waker.wake();
        }
        found
    }

    /// Performs a system call; what the network reported about earlier datagrams is no error of it.
    fn uninterrupted<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        for _ in 0..MAX_INTERRUPTIONS {
            match act() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock && self.fetch_errors() => {}
                result => return result,
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn send(&self, transmit: &Transmit, payload: &[u8]) -> io::Result<()> {
        let ip = transmit.source_ip().filter(|ip| !ip.is_unspecified());
        let quinn = quinn_udp::Transmit {
            destination: transmit.destination,
            ecn: EcnCodepoint::from_bits(transmit.ecn.bits()),
            contents: payload,
            segment_size: transmit.segment_size,
            src_ip: ip.filter(|_| self.local.ip().is_unspecified()),
        };
        let mut shared = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        shared.note_destination(transmit.destination);
        drop(shared);
        self.uninterrupted(|| self.state.try_send(UdpSockRef::from(&self.io), &quinn))
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local", &self.local).finish_non_exhaustive()
    }
}

impl runtime::UdpSocket for UdpSocket {
    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut told = [quinn_udp::RecvMeta::default(); quinn_udp::BATCH_SIZE];
        let most = buffers.len().min(meta.len()).min(told.len());
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let (Some(buffers), Some(told)) = (buffers.get_mut(..most), told.get_mut(..most))
            else {
                return Poll::Ready(Ok(0));
            };
            let received = self.io.try_io(Interest::READABLE, || {
                self.uninterrupted(|| self.state.recv(UdpSockRef::from(&self.io), buffers, told))
            });
            match received {
                Ok(count) => {
                    for (to, from) in meta.iter_mut().zip(told.iter().take(count)) {
                        *to = translate(from, self.local);
                    }
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        transmit: &Transmit,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.io.poll_send_ready(cx))?;
            match self.io.try_io(Interest::WRITABLE, || self.send(transmit, payload)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn try_send(&self, transmit: &Transmit, payload: &[u8]) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || self.send(transmit, payload))
    }

    fn poll_error(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketError>> {
        let mut shared = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.queue.pop_front() {
            Some(error) => Poll::Ready(Ok(error)),
            None => {
                shared.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn max_send_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    fn set_may_fragment(&self, allowed: bool) -> io::Result<()> {
        if allowed == self.may_fragment() { Ok(()) } else { Err(unsupported()) }
    }

    fn set_hop_limit(&self, hops: u8) -> io::Result<()> {
        let socket = socket2::SockRef::from(&self.io);
        match self.local.ip() {
            IpAddr::V4(_) => socket.set_ttl_v4(u32::from(hops)),
            IpAddr::V6(_) => socket.set_unicast_hops_v6(u32::from(hops)),
        }
    }

    fn join(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()> {
        match (group, interface) {
            (IpAddr::V4(group), None) => {
                self.io.join_multicast_v4(group, std::net::Ipv4Addr::UNSPECIFIED)
            }
            (IpAddr::V4(_), Some(_)) => Err(unsupported()),
            (IpAddr::V6(group), interface) => {
                self.io.join_multicast_v6(&group, interface.map_or(0, |index| index.0))
            }
        }
    }

    fn leave(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()> {
        match (group, interface) {
            (IpAddr::V4(group), None) => {
                self.io.leave_multicast_v4(group, std::net::Ipv4Addr::UNSPECIFIED)
            }
            (IpAddr::V4(_), Some(_)) => Err(unsupported()),
            (IpAddr::V6(group), interface) => {
                self.io.leave_multicast_v6(&group, interface.map_or(0, |index| index.0))
            }
        }
    }
}

fn unsupported() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

/// Numbers of errors that Linux reports through ICMP: `EACCES`, `EHOSTUNREACH`, `ENETUNREACH`.
const PROHIBITED: i32 = 13;
const NO_HOST: i32 = 113;
const NO_NETWORK: i32 = 101;

fn kind_of(payload: TransportErrorPayload, number: i32) -> SocketErrorKind {
    match (payload, number) {
        (TransportErrorPayload::TooBig { mtu }, _) => SocketErrorKind::TooBig { mtu },
        (_, PROHIBITED) => SocketErrorKind::Prohibited,
        (_, NO_HOST) => SocketErrorKind::HostUnreachable,
        (_, NO_NETWORK) => SocketErrorKind::NetworkUnreachable,
        (TransportErrorPayload::Unreachable, _) => SocketErrorKind::PortUnreachable,
        _ => SocketErrorKind::HostUnreachable,
    }
}

fn translate(meta: &quinn_udp::RecvMeta, local: SocketAddr) -> RecvMeta {
    let ip = if local.ip().is_unspecified() {
        meta.dst_ip.unwrap_or_else(|| local.ip())
    } else {
        local.ip()
    };
    let mut told = RecvMeta::new(meta.addr, SocketAddr::new(ip, local.port()), meta.len);
    told.segment_size = meta.stride;
    told.interface = meta.interface_index.map(InterfaceIndex);
    told.ecn = meta.ecn.map_or(Ecn::NotEct, |ecn| Ecn::from_bits(ecn as u8));
    told
}
