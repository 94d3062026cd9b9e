//! The traits of the driver's border, over the simulated network.

use std::{
    fmt,
    future::Future,
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::{Context, Poll, ready},
};

use base::{Instant, Interface, SocketError, Transmit, WallTime};
use runtime::{BoxFuture, InterfaceIndex, RecvMeta};
use simnet::{HopId, Received, SocketOption};

use crate::{
    home::{self, Home},
    socket::{UdpSocket, copy},
    stream::{TcpListener, TcpStream},
    world::{World, number_of},
};

/// The surroundings of one simulated host: what an asynchronous driver runs on.
///
/// Software asks for its own with [`Surroundings::here`], runners give those of any host. It outlives
/// crashes; sockets made through it do not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    pub(crate) home: Home,
}

impl Surroundings {
    /// The surroundings of the host whose software is running.
    ///
    /// # Errors
    ///
    /// If no simulated host is running here.
    pub fn here() -> io::Result<Self> {
        Ok(Self { home: home::current()? })
    }

    fn with<R>(&self, act: impl FnOnce(&mut World) -> R) -> io::Result<R> {
        home::with_world(self.home.world, act)
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Surroundings").field(&self.home.host).finish()
    }
}

impl runtime::Runtime for Surroundings {
    /// What the clock of the host shows: whole milliseconds while software runs, if the clock is right; the
    /// end of time once the world has ended.
    fn now(&self) -> Instant {
        self.with(|world| world.net.local_time(self.home.host)).unwrap_or(Instant::MAX)
    }

    fn wall_time(&self) -> WallTime {
        let told = self
            .with(|world| world.epoch.after(Instant::ZERO, world.net.local_time(self.home.host)));
        told.unwrap_or(WallTime::UNIX_EPOCH)
    }

    /// Follows from the seed of the world, the name of the host, and how many seeds it drew before.
    fn seed(&self) -> io::Result<[u8; 32]> {
        self.with(|world| world.seed(self.home.host))
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        spawn_at(self.home, task);
    }

    fn timer(&self, deadline: Instant) -> Pin<Box<dyn runtime::Timer>> {
        Box::pin(Timer { home: self.home, deadline, sleep: None })
    }

    fn bind_udp(
        &self,
        address: SocketAddr,
        interface: Option<InterfaceIndex>,
    ) -> io::Result<Box<dyn runtime::UdpSocket>> {
        let Home { world, host } = self.home;
        let id = self.with(|world| {
            let hop = interface.map(|index| world.interface(host, index)).transpose()?;
            world.bind_udp(host, address, hop)
        })??;
        Ok(Box::new(UdpSocket { world, id }))
    }

    fn listen_tcp(&self, address: SocketAddr) -> io::Result<Box<dyn runtime::TcpListener>> {
        Ok(Box::new(TcpListener::bind_on(self.home, address)?))
    }

    fn connect_tcp(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn runtime::TcpStream>>> {
        let home = self.home;
        Box::pin(async move {
            let stream = TcpStream::connect_on(home, local, remote).await?;
            Ok(Box::new(stream) as Box<dyn runtime::TcpStream>)
        })
    }

    fn resolver(&self) -> Box<dyn runtime::Resolver> {
        Box::new(*self)
    }

    fn interfaces(&self) -> io::Result<Vec<(InterfaceIndex, Interface)>> {
        self.with(|world| world.interfaces(self.home.host))
    }

    fn watch_interfaces(&self) -> io::Result<Box<dyn runtime::InterfaceWatch>> {
        let seen = self.with(|world| world.changes(self.home.host))?;
        Ok(Box::new(InterfaceWatch { home: self.home, seen }))
    }
}

/// The names of the world, at once: no packet is sent. A driver that is to speak DNS over the network is
/// given a resolver that does.
impl runtime::Resolver for Surroundings {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.with(|world| world.resolve(self.home.host, name)).and_then(|found| found);
        Box::pin(std::future::ready(found))
    }
}

/// Runs `task` on the host, beside its software.
pub(crate) fn spawn_at(home: Home, task: BoxFuture<'static, ()>) {
    if home::is_polled(home) {
        tokio::task::spawn_local(task);
    } else if home::current().is_ok_and(|here| here == home) {
        tokio::spawn(task);
    } else {
        // A world that has ended runs no tasks.
        let _ = home::with_world(home.world, |world| world.spawn(home.host, task));
    }
}

/// A timer of tokio that is told instants of the host's clock. It is as good as the clock when it is set:
/// a change of drift counts from the next time on.
#[derive(Debug)]
struct Timer {
    home: Home,
    deadline: Instant,
    /// Made when it is first polled, on the runtime that polls it.
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Timer {
    fn target(&self) -> tokio::time::Instant {
        let left = home::with_world(self.home.world, |world| {
            world.net.time_when(self.home.host, self.deadline) - world.net.now()
        });
        tokio::time::Instant::now() + left.unwrap_or_default()
    }
}

impl runtime::Timer for Timer {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.deadline = deadline;
        let target = self.sleep.is_some().then(|| self.target());
        if let (Some(sleep), Some(target)) = (&mut self.sleep, target) {
            sleep.as_mut().reset(target);
        }
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.sleep.is_none() {
            let target = self.target();
            self.sleep = Some(Box::pin(tokio::time::sleep_until(target)));
        }
        self.sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }
}

/// Counts changes of a host's interfaces.
#[derive(Debug)]
struct InterfaceWatch {
    home: Home,
    seen: u64,
}

impl runtime::InterfaceWatch for InterfaceWatch {
    fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Home { world, host } = self.home;
        self.seen =
            ready!(home::with_world(world, |world| world.poll_changed(host, self.seen, cx))?)?;
        Poll::Ready(Ok(()))
    }
}

impl runtime::UdpSocket for UdpSocket {
    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.poll(|world| {
            let mut count = 0;
            for (buffer, meta) in buffers.iter_mut().zip(meta) {
                match world.try_receive_only(self.id) {
                    Ok(datagram) => *meta = describe(&datagram, copy(&datagram, buffer)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Poll::Ready(Err(error)),
                }
                count += 1;
            }
            if count == 0 {
                world.udp(self.id)?.readers.add(cx);
                return Poll::Pending;
            }
            Poll::Ready(Ok(count))
        })
    }

    fn poll_send(
        &self,
        _: &mut Context<'_>,
        transmit: &Transmit,
        payload: &[u8],
    ) -> Poll<io::Result<()>> {
        Poll::Ready(runtime::UdpSocket::try_send(self, transmit, payload))
    }

    fn try_send(&self, transmit: &Transmit, payload: &[u8]) -> io::Result<()> {
        self.with(|world| world.send_udp(self.id, transmit, payload))
    }

    fn poll_error(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketError>> {
        self.poll(|world| world.poll_report(self.id, cx))
    }

    fn max_send_segments(&self) -> usize {
        MAX_SEND_SEGMENTS
    }

    fn may_fragment(&self) -> bool {
        self.of(|udp| udp.may_fragment).unwrap_or(true)
    }

    fn set_may_fragment(&self, allowed: bool) -> io::Result<()> {
        self.with(|world| {
            world.udp(self.id)?.may_fragment = allowed;
            world.net.set_option(self.id, SocketOption::DontFragment(!allowed));
            Ok(())
        })
    }

    fn set_hop_limit(&self, hops: u8) -> io::Result<()> {
        self.with(|world| {
            world.udp(self.id)?.hop_limit = hops;
            world.net.set_option(self.id, SocketOption::HopLimit(hops));
            world.net.set_option(self.id, SocketOption::MulticastHopLimit(hops));
            Ok(())
        })
    }

    fn join(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()> {
        let hop = self.hop(interface)?;
        self.with(|world| world.join(self.id, group, hop))
    }

    fn leave(&self, group: IpAddr, interface: Option<InterfaceIndex>) -> io::Result<()> {
        let hop = self.hop(interface)?;
        self.with(|world| world.leave(self.id, group, hop))
    }
}

impl UdpSocket {
    /// The interface of the socket's host that has this number.
    fn hop(&self, interface: Option<InterfaceIndex>) -> io::Result<Option<HopId>> {
        let Some(index) = interface else { return Ok(None) };
        self.with(|world| {
            let host = world.udp(self.id)?.host;
            world.interface(host, index).map(Some)
        })
    }
}

impl runtime::TcpListener for TcpListener {
    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Box<dyn runtime::TcpStream>>> {
        let (stream, _) = ready!(Self::poll_accept(self, cx))?;
        Poll::Ready(Ok(Box::new(stream)))
    }
}

impl runtime::TcpStream for TcpStream {
    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn remote_address(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    fn set_nodelay(&self, on: bool) -> io::Result<()> {
        Self::set_nodelay(self, on)
    }

    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.read(cx, buffer)
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write(cx, bytes)
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shut())
    }
}

fn describe(datagram: &Received, len: usize) -> RecvMeta {
    let mut meta = RecvMeta::new(datagram.source, datagram.destination, len);
    meta.interface = Some(number_of(datagram.hop));
    meta.ecn = datagram.ecn;
    meta.dscp = Some(datagram.dscp);
    meta.hop_limit = Some(datagram.ttl);
    meta
}

/// As many as Linux takes in one call.
const MAX_SEND_SEGMENTS: usize = 64;
