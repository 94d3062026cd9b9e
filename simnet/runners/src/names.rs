//! Names, and everything else that stands for addresses.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
};

use crate::home;

/// What can be turned into addresses: the same types as with `tokio::net::ToSocketAddrs`.
///
/// Names are looked up in the table of the simulated world, which knows each host by its own name.
pub trait ToSocketAddrs {
    /// The addresses, with `lookup` to turn names into them.
    ///
    /// # Errors
    ///
    /// If the text cannot be understood (`InvalidInput`), or `lookup` fails.
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>>;
}

/// Turns a name into addresses.
pub type Lookup<'a> = &'a dyn Fn(&str) -> io::Result<Vec<IpAddr>>;

/// The addresses of a host and port, such as `"server:3478"`, as the running host knows them.
///
/// # Errors
///
/// If there is no such name (`NotFound`), or no simulated host is running here.
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(addresses(&host)?.into_iter())
}

/// The addresses that `given` stands for on the running host.
pub(crate) fn addresses(given: &(impl ToSocketAddrs + ?Sized)) -> io::Result<Vec<SocketAddr>> {
    let lookup = |name: &str| {
        let home = home::current()?;
        home::with_world(home.world, |world| world.resolve(home.host, name))?
    };
    given.addresses(&lookup)
}

macro_rules! plain {
    ($($given:ty),*) => {$(
                impl ToSocketAddrs for $given {
            fn addresses(&self, _: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
                Ok(vec![SocketAddr::from(*self)])
            }
        }
    )*};
}

plain!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for [SocketAddr] {
    fn addresses(&self, _: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        Ok(self.to_vec())
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        let &(name, port) = self;
        Ok(lookup(name)?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

impl ToSocketAddrs for (String, u16) {
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        (self.0.as_str(), self.1).addresses(lookup)
    }
}

impl ToSocketAddrs for str {
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.parse() {
            return Ok(vec![address]);
        }
        let wrong = || {
            let says = format!("`{self}` is not a name and a port, such as `server:3478`");
            io::Error::new(io::ErrorKind::InvalidInput, says)
        };
        let (name, port) = self.rsplit_once(':').ok_or_else(wrong)?;
        (name, port.parse().map_err(|_| wrong())?).addresses(lookup)
    }
}

impl ToSocketAddrs for String {
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        self.as_str().addresses(lookup)
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn addresses(&self, lookup: Lookup<'_>) -> io::Result<Vec<SocketAddr>> {
        (**self).addresses(lookup)
    }
}
