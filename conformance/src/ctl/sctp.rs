//! SCTP endpoints in the network.

use std::time::Duration;

use base::Instant;

use super::{Ctl, Stop, network::unsupported};
use crate::{
    Subject,
    subjects::sctp::{SctpConfig, SctpEndpoint, SctpEvent},
    world::{Player, SctpReport, Seat, later},
};

impl Ctl<'_> {
    /// Starts the subject's SCTP endpoint on `host`, bound to its local address.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none that is set up so, [`Stop::Harness`] if it cannot be
    /// bound.
    pub fn start_sctp(&mut self, host: &str, config: &SctpConfig) -> Result<Seat, Stop> {
        let subject = self.subject;
        self.start_sctp_of(subject, "subject", host, config)
    }

    /// The same for an endpoint of another subject, which the one under test meets. `label` names its
    /// dice.
    ///
    /// # Errors
    ///
    /// As [`start_sctp`](Ctl::start_sctp).
    pub fn start_sctp_of(
        &mut self,
        subject: &dyn Subject,
        label: &str,
        host: &str,
        config: &SctpConfig,
    ) -> Result<Seat, Stop> {
        let endpoint = subject.sctp_endpoint(config, self.fork(label));
        let endpoint = endpoint.ok_or_else(|| unsupported("SCTP endpoint"))?;
        self.seat(host, &[config.local], Player::Sctp(endpoint, Default::default()))
    }

    /// Gives an endpoint a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not an endpoint's: a mistake in the case, reported as `harness`.
    pub fn sctp<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn SctpEndpoint, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::Sctp(endpoint, _)) = world.player(seat) else {
            panic!("{seat:?} is not an SCTP endpoint");
        };
        let outcome = command(endpoint.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing an endpoint reports, with its time, if it has reported it already.
    pub fn sctp_event(&mut self, seat: Seat) -> Option<SctpReport> {
        match self.world().player(seat) {
            Some(Player::Sctp(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until an endpoint reports something that `wanted` accepts, and takes it with
    /// everything reported before; gives up after `limit`.
    pub fn sctp_event_within(
        &mut self,
        seat: Seat,
        limit: Duration,
        wanted: impl Fn(&SctpEvent) -> bool,
    ) -> Option<SctpReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::Sctp(_, reports)) => reports.iter().any(|(_, event)| wanted(event)),
            _ => false,
        });
        std::iter::from_fn(|| self.sctp_event(seat)).find(|(_, event)| wanted(event))
    }

    /// Everything an endpoint has reported so far and nobody has taken.
    pub fn sctp_events(&mut self, seat: Seat) -> Vec<SctpReport> {
        std::iter::from_fn(|| self.sctp_event(seat)).collect()
    }
}
