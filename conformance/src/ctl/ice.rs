//! ICE agents in the network.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use simnet::{Received, SocketId};

use super::{Ctl, Stop, network::unsupported};
use crate::{
    Subject,
    subjects::ice::{IceAgent, IceCodec, IceConfig, IceEvent},
    subjects::stun::Refusal,
    world::{IceReport, Player, Seat, later},
};

impl Ctl<'_> {
    /// Starts the subject's ICE agent on `host` with a socket for each of `locals`, which are addresses with
    /// the component they are for.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none, [`Stop::Harness`] if it cannot be bound.
    pub fn start_ice(
        &mut self,
        host: &str,
        config: &IceConfig,
        locals: &[(u8, SocketAddr)],
    ) -> Result<Seat, Stop> {
        let subject = self.subject;
        self.start_ice_of(subject, "subject", host, config, locals)
    }

    /// The same for an agent of another subject, which the one under test meets. `label` names its dice.
    ///
    /// # Errors
    ///
    /// As [`start_ice`](Ctl::start_ice).
    pub fn start_ice_of(
        &mut self,
        subject: &dyn Subject,
        label: &str,
        host: &str,
        config: &IceConfig,
        locals: &[(u8, SocketAddr)],
    ) -> Result<Seat, Stop> {
        let agent = subject.ice_agent(config, self.fork(label));
        let agent = agent.ok_or_else(|| unsupported("ICE agent"))?;
        let addresses: Vec<SocketAddr> = locals.iter().map(|(_, address)| *address).collect();
        let seat = self.seat(host, &addresses, Player::Ice(agent, Default::default()))?;
        for &(component, address) in locals {
            let added = self.ice(seat, |agent, now| agent.add_local(now, component, address));
            if let Err(Refusal::Refused(why)) = added {
                self.note(format_args!("{address} is not taken: {why}"));
            }
        }
        Ok(seat)
    }

    /// The subject's reader and writer of candidates.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if it has none.
    pub fn ice_codec(&self) -> Result<Box<dyn IceCodec>, Stop> {
        self.subject.ice_codec().ok_or_else(|| unsupported("codec of candidates"))
    }

    /// Gives an agent a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not an agent's: a mistake in the case, reported as `harness`.
    pub fn ice<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn IceAgent, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::Ice(agent, _)) = world.player(seat) else {
            panic!("{seat:?} is not an ICE agent");
        };
        let outcome = command(agent.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing an agent reports, with its time, if it has reported it already.
    pub fn ice_event(&mut self, seat: Seat) -> Option<IceReport> {
        match self.world().player(seat) {
            Some(Player::Ice(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until an agent reports something that `wanted` accepts, and takes it with everything
    /// reported before; gives up after `limit`.
    pub fn ice_event_within(
        &mut self,
        seat: Seat,
        limit: Duration,
        wanted: impl Fn(&IceEvent) -> bool,
    ) -> Option<IceReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::Ice(_, reports)) => reports.iter().any(|(_, event)| wanted(event)),
            _ => false,
        });
        std::iter::from_fn(|| self.ice_event(seat)).find(|(_, event)| wanted(event))
    }

    /// Everything an agent has reported so far and nobody has taken.
    pub fn ice_events(&mut self, seat: Seat) -> Vec<IceReport> {
        std::iter::from_fn(|| self.ice_event(seat)).collect()
    }

    /// Lets time pass until a datagram waits in one of `sockets`, and takes it; says in which, and gives up
    /// after `limit`.
    pub fn receive_any_within(
        &mut self,
        sockets: &[SocketId],
        limit: Duration,
    ) -> Option<(usize, Received)> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.receive_any_until(sockets, limit)
    }
}
