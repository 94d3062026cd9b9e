//! The sockets on the addresses of the host.

use std::net::{IpAddr, SocketAddr};

use base::SocketCommand;
use ice::priority::NetworkCost;

use super::addresses::Usable;

/// A socket on an address of the host, for one component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) ip: IpAddr,
    pub(super) component: u8,
    pub(super) cost: NetworkCost,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Open(SocketAddr),
    Refused,
}

impl Base {
    /// Its address and port, once it is open.
    pub(super) const fn local(&self) -> Option<SocketAddr> {
        match self.state {
            State::Open(local) => Some(local),
            State::Opening | State::Refused => None,
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Bases {
    all: Vec<Base>,
}

impl Bases {
    /// Whether it is known of every base whether it can be used.
    pub(super) fn are_settled(&self) -> bool {
        self.all.iter().all(|base| base.state != State::Opening)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Base> {
        self.all.iter()
    }

    /// Takes note of the addresses that are to be used; says which sockets to open,
    /// and for which component.
    pub(super) fn want(
        &mut self,
        usable: &[Usable],
        components: u8,
        port: u16,
    ) -> Vec<(u8, SocketCommand)> {
        let mut commands = Vec::new();
        for Usable { ip, cost } in usable.iter().copied() {
            for component in 1..=components {
                let place = |base: &Base| base.ip == ip && base.component == component;
                let known = self.all.iter_mut().find(|base| place(base));
                if known.as_ref().is_some_and(|base| base.state != State::Refused) {
                    continue;
                }
                match known {
                    Some(base) => base.state = State::Opening,
                    None => self.all.push(Base { ip, component, cost, state: State::Opening }),
                }
                let local = SocketAddr::new(ip, port_of(port, component));
                commands.push((component, SocketCommand::Open { local }));
            }
        }
        commands
    }

    /// Forgets the bases on addresses that are gone, and returns them.
    pub(super) fn forget(&mut self, is_gone: impl Fn(IpAddr) -> bool) -> Vec<Base> {
        self.all.extract_if(.., |base| is_gone(base.ip)).collect()
    }

    /// A socket that was asked for is there. `None` if nobody waits for it any more.
    pub(super) fn opened(
        &mut self,
        component: u8,
        asked: SocketAddr,
        local: SocketAddr,
    ) -> Option<Base> {
        let base = self.waiting(component, asked)?;
        base.state = State::Open(local);
        Some(*base)
    }

    /// A socket that was asked for cannot be had. Says whether another port is to be asked for.
    pub(super) fn refused(
        &mut self,
        component: u8,
        asked: SocketAddr,
        in_use: bool,
    ) -> Option<SocketCommand> {
        let base = self.waiting(component, asked)?;
        if in_use && asked.port() != 0 {
            return Some(SocketCommand::Open { local: SocketAddr::new(base.ip, 0) });
        }
        base.state = State::Refused;
        None
    }

    fn waiting(&mut self, component: u8, asked: SocketAddr) -> Option<&mut Base> {
        let waits = |base: &&mut Base| {
            base.state == State::Opening && base.component == component && base.ip == asked.ip()
        };
        self.all.iter_mut().find(waits)
    }
}

fn port_of(first: u16, component: u8) -> u16 {
    if first == 0 { 0 } else { first.saturating_add(u16::from(component) - 1) }
}
