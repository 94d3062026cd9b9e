//! The UDP sockets of a machine on a host.

use std::{collections::BTreeMap, net::SocketAddr};

use base::{SocketCommand, SocketInput, Transmit};

use crate::{endpoint::Cx, id::SocketId, socket::BindError};

/// Sockets that were bound for the machine when time began, and those it opened itself.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// Where to bind when time begins.
    wanted: Vec<SocketAddr>,
    /// Bound when time began, in the order they were asked for.
    given: Vec<(SocketAddr, SocketId)>,
    failed: Vec<(SocketAddr, BindError)>,
    /// Opened by the machine.
    opened: BTreeMap<SocketAddr, SocketId>,
}

impl Sockets {
    pub(super) fn want(&mut self, local: SocketAddr) {
        self.wanted.push(local);
    }

    pub(super) fn failed(&self) -> &[(SocketAddr, BindError)] {
        &self.failed
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.given.iter().map(|entry| entry.0).chain(self.opened.keys().copied())
    }

    /// Binds what was wanted before time began.
    pub(super) fn bind_wanted(&mut self, cx: &mut Cx<'_>) {
        for local in std::mem::take(&mut self.wanted) {
            match cx.bind(local) {
                Ok(socket) => self.given.push((cx.local_address(socket), socket)),
                Err(error) => self.failed.push((local, error)),
            }
        }
    }

    /// Does what the machine asks for; says what came of it, if it waits for that.
    pub(super) fn obey(&mut self, cx: &mut Cx<'_>, command: SocketCommand) -> Option<SocketInput> {
        match command {
            SocketCommand::Open { local: asked } => Some(match cx.bind(asked) {
                Ok(socket) => {
                    let local = cx.local_address(socket);
                    self.opened.insert(local, socket);
                    SocketInput::Opened { asked, local }
                }
                Err(error) => {
                    let in_use = matches!(error, BindError::InUse(_) | BindError::NoFreePort);
                    SocketInput::Refused { asked, in_use }
                }
            }),
            SocketCommand::Close { local } => {
                let given = self.given.iter().position(|entry| entry.0 == local);
                let socket = match given {
                    Some(at) => Some(self.given.remove(at).1),
                    None => self.opened.remove(&local),
                };
                if let Some(socket) = socket {
                    cx.close(socket);
                }
                None
            }
        }
    }

    /// The socket that a packet leaves by: the one bound to its source, else the first of its family.
    pub(super) fn serving(&self, transmit: &Transmit) -> Option<SocketId> {
        let Some(source) = transmit.source else {
            let family = |local: &SocketAddr| local.is_ipv4() == transmit.destination.is_ipv4();
            let given = self.given.iter().find(|entry| family(&entry.0));
            let opened = || self.opened.iter().find(|entry| family(entry.0));
            return given.map(|entry| entry.1).or_else(|| opened().map(|entry| *entry.1));
        };
        if let Some(&socket) = self.opened.get(&source) {
            return Some(socket);
        }
        let serves = |local: &SocketAddr| {
            let anywhere = local.ip().is_unspecified() || source.ip().is_unspecified();
            (anywhere || local.ip() == source.ip())
                && local.port() == source.port()
                && local.is_ipv4() == source.is_ipv4()
        };
        let given = self.given.iter().find(|entry| serves(&entry.0)).map(|entry| entry.1);
        given.or_else(|| self.opened.iter().find(|entry| serves(entry.0)).map(|entry| *entry.1))
    }
}
