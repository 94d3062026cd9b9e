//! The operating system, as drivers see it: [`runtime::Runtime`] on tokio.

mod tcp;
mod timer;
mod udp;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use base::{Instant, Interface, WallTime};
use runtime::{BoxFuture, InterfaceIndex, Runtime};
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// The sockets, clocks and names of this host.
///
/// Must be used within a tokio runtime with I/O and time enabled. Interfaces are those it is told of: the
/// system has no portable way to list them.
///
/// ```no_run
/// use peerlab::System;
/// use runtime::Runtime;
///
/// let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// let _guard = tokio.enter();
/// let system = System::new(Vec::new());
/// let socket = system.bind_udp("127.0.0.1:0".parse().unwrap(), None)?;
/// assert_ne!(socket.local_address()?.port(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct System {
    began: tokio::time::Instant,
    interfaces: Arc<Mutex<Interfaces>>,
}

#[derive(Default)]
struct Interfaces {
    all: Vec<Interface>,
    changes: u64,
    watching: Vec<Waker>,
}

impl System {
    /// This host from now on, with these interfaces.
    #[must_use]
    pub fn new(interfaces: Vec<Interface>) -> Self {
        let interfaces = Interfaces { all: interfaces, ..Interfaces::default() };
        Self { began: tokio::time::Instant::now(), interfaces: Arc::new(Mutex::new(interfaces)) }
    }

    /// The interfaces are these from now on; whoever watches them is told.
    pub fn set_interfaces(&self, interfaces: Vec<Interface>) {
        let mut shared = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        shared.all = interfaces;
        shared.changes += 1;
        shared.watching.drain(..).for_each(Waker::wake);
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").finish_non_exhaustive()
    }
}

impl Runtime for System {
    fn now(&self) -> Instant {
        let nanos = self.began.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    #[expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "the clock of the system is read here, and told to everybody else"
    )]
    fn wall_time(&self) -> WallTime {
        let now = std::time::SystemTime::now();
        now.duration_since(std::time::UNIX_EPOCH).map_or(WallTime::UNIX_EPOCH, WallTime::from_unix)
    }

    fn seed(&self) -> io::Result<[u8; 32]> {
        let mut seed = [0; 32];
        let filled = aws_lc_rs::default_provider().secure_random.fill(&mut seed);
        filled.map_err(|_| io::Error::other("the system has no entropy"))?;
        Ok(seed)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }

    fn timer(&self, deadline: Instant) -> Pin<Box<dyn runtime::Timer>> {
        Box::pin(timer::Timer::new(self.began, deadline))
    }

    fn bind_udp(
        &self,
        address: SocketAddr,
        interface: Option<InterfaceIndex>,
    ) -> io::Result<Box<dyn runtime::UdpSocket>> {
        if interface.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "sockets are bound to addresses, not to interfaces",
            ));
        }
        Ok(Box::new(udp::UdpSocket::bind(address)?))
    }

    fn listen_tcp(&self, address: SocketAddr) -> io::Result<Box<dyn runtime::TcpListener>> {
        Ok(Box::new(tcp::TcpListener::bind(address)?))
    }

    fn connect_tcp(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Box<dyn runtime::TcpStream>>> {
        Box::pin(async move {
            let stream = tcp::TcpStream::connect(local, remote).await?;
            Ok(Box::new(stream) as Box<dyn runtime::TcpStream>)
        })
    }

    fn resolver(&self) -> Box<dyn runtime::Resolver> {
        Box::new(Resolver)
    }

    fn interfaces(&self) -> io::Result<Vec<(InterfaceIndex, Interface)>> {
        let shared = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        let all = shared.all.iter();
        Ok(all.map(|interface| (InterfaceIndex(interface.index), interface.clone())).collect())
    }

    fn watch_interfaces(&self) -> io::Result<Box<dyn runtime::InterfaceWatch>> {
        let shared = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = shared.changes;
        Ok(Box::new(InterfaceWatch { interfaces: self.interfaces.clone(), seen }))
    }
}

/// Hears of changes that the system was told of.
struct InterfaceWatch {
    interfaces: Arc<Mutex<Interfaces>>,
    seen: u64,
}

impl fmt::Debug for InterfaceWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterfaceWatch").finish_non_exhaustive()
    }
}

impl runtime::InterfaceWatch for InterfaceWatch {
    fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.changes != self.seen {
            self.seen = shared.changes;
            return Poll::Ready(Ok(()));
        }
        if !shared.watching.iter().any(|waker| waker.will_wake(cx.waker())) {
            shared.watching.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Asks the system's resolver.
#[derive(Debug)]
struct Resolver;

impl runtime::Resolver for Resolver {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        Box::pin(async move {
            let mut found: Vec<IpAddr> = Vec::new();
            for address in tokio::net::lookup_host((name.as_str(), 0)).await? {
                if !found.contains(&address.ip()) {
                    found.push(address.ip());
                }
            }
            let none = || io::Error::new(io::ErrorKind::NotFound, "no such name");
            if found.is_empty() { Err(none()) } else { Ok(found) }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use runtime::Runtime as _;

    use super::*;

    #[tokio::test]
    async fn tells_who_watches_that_interfaces_changed() {
        let system = System::new(Vec::new());
        let mut watch = system.watch_interfaces().unwrap();
        let pending = poll_fn(|cx| Poll::Ready(watch.poll_changed(cx).is_pending())).await;
        assert!(pending);
        let waits = tokio::spawn(async move { poll_fn(|cx| watch.poll_changed(cx)).await });
        tokio::task::yield_now().await;
        system.set_interfaces(vec![Interface {
            name: "eth0".into(),
            index: 2,
            kind: base::InterfaceKind::Ethernet,
            mtu: 1_500,
            addresses: Vec::new(),
        }]);
        waits.await.unwrap().unwrap();
        assert_eq!(system.interfaces().unwrap()[0].0, InterfaceIndex(2));
    }

    #[tokio::test]
    async fn resolves_the_text_of_an_address() {
        let system = System::new(Vec::new());
        let found = system.resolver().resolve("127.0.0.1").await.unwrap();
        assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[tokio::test]
    async fn seeds_differ() {
        let system = System::new(Vec::new());
        assert_ne!(system.seed().unwrap(), system.seed().unwrap());
    }
}
