//! DTLS endpoints in the network.

use std::time::Duration;

use base::Instant;

use super::{Ctl, Stop, network::unsupported};
use crate::{
    Subject,
    subjects::dtls::{DtlsConfig, DtlsEndpoint, DtlsEvent},
    world::{DtlsReport, Player, Seat, later},
};

impl Ctl<'_> {
    /// Starts the subject's DTLS endpoint on `host`, bound to its local address.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none that is set up so, [`Stop::Harness`] if it cannot be
    /// bound.
    pub fn start_dtls(&mut self, host: &str, config: &DtlsConfig) -> Result<Seat, Stop> {
        let subject = self.subject;
        self.start_dtls_of(subject, "subject", host, config)
    }

    /// The same for an endpoint of another subject, which the one under test meets. `label` names its
    /// dice.
    ///
    /// # Errors
    ///
    /// As [`start_dtls`](Ctl::start_dtls).
    pub fn start_dtls_of(
        &mut self,
        subject: &dyn Subject,
        label: &str,
        host: &str,
        config: &DtlsConfig,
    ) -> Result<Seat, Stop> {
        let endpoint = subject.dtls_endpoint(config, self.fork(label));
        let endpoint = endpoint.ok_or_else(|| unsupported("DTLS endpoint"))?;
        self.seat(host, &[config.local], Player::Dtls(endpoint, Default::default()))
    }

    /// Gives an endpoint a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not an endpoint's: a mistake in the case, reported as `harness`.
    pub fn dtls<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn DtlsEndpoint, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::Dtls(endpoint, _)) = world.player(seat) else {
            panic!("{seat:?} is not a DTLS endpoint");
        };
        let outcome = command(endpoint.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing an endpoint reports, with its time, if it has reported it already.
    pub fn dtls_event(&mut self, seat: Seat) -> Option<DtlsReport> {
        match self.world().player(seat) {
            Some(Player::Dtls(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until an endpoint reports something that `wanted` accepts, and takes it with
    /// everything reported before; gives up after `limit`.
    pub fn dtls_event_within(
        &mut self,
        seat: Seat,
        limit: Duration,
        wanted: impl Fn(&DtlsEvent) -> bool,
    ) -> Option<DtlsReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::Dtls(_, reports)) => reports.iter().any(|(_, event)| wanted(event)),
            _ => false,
        });
        std::iter::from_fn(|| self.dtls_event(seat)).find(|(_, event)| wanted(event))
    }

    /// Everything an endpoint has reported so far and nobody has taken.
    pub fn dtls_events(&mut self, seat: Seat) -> Vec<DtlsReport> {
        std::iter::from_fn(|| self.dtls_event(seat)).collect()
    }
}
