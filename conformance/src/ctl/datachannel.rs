//! Data channels in the network.

use std::time::Duration;

use base::Instant;

use super::{Ctl, Stop, network::unsupported};
use crate::{
    subjects::datachannel::{DataChannelConfig, DataChannelEndpoint, DataChannelEvent},
    world::{DataChannelReport, Player, Seat, later},
};

impl Ctl<'_> {
    /// Starts the subject's data channels on `host`, bound to its local address.
    ///
    /// # Errors
    ///
    /// [`Stop::Unsupported`] if the subject has none that are set up so, [`Stop::Harness`] if they cannot be
    /// bound.
    pub fn start_channels(
        &mut self,
        label: &str,
        host: &str,
        config: &DataChannelConfig,
    ) -> Result<Seat, Stop> {
        let endpoint = self.subject.data_channels(config, self.fork(label));
        let endpoint = endpoint.ok_or_else(|| unsupported("data channels"))?;
        self.seat(host, &[config.local], Player::DataChannel(endpoint, Default::default()))
    }

    /// Gives an endpoint a command; what it sends in consequence is on its way afterwards.
    ///
    /// # Panics
    ///
    /// If `seat` is not an endpoint's: a mistake in the case, reported as `harness`.
    pub fn channels<R>(
        &mut self,
        seat: Seat,
        command: impl FnOnce(&mut dyn DataChannelEndpoint, Instant) -> R,
    ) -> R {
        let world = self.world();
        let now = world.net.now();
        let Some(Player::DataChannel(endpoint, _)) = world.player(seat) else {
            panic!("{seat:?} has no data channels");
        };
        let outcome = command(endpoint.as_mut(), now);
        world.settle();
        outcome
    }

    /// The next thing an endpoint reports, with its time, if it has reported it already.
    pub fn channel_event(&mut self, seat: Seat) -> Option<DataChannelReport> {
        match self.world().player(seat) {
            Some(Player::DataChannel(_, reports)) => reports.pop_front(),
            _ => None,
        }
    }

    /// Lets time pass until an endpoint reports something that `wanted` accepts, and takes it with
    /// everything reported before; gives up after `limit`.
    pub fn channel_event_within(
        &mut self,
        seat: Seat,
        limit: Duration,
        wanted: impl Fn(&DataChannelEvent) -> bool,
    ) -> Option<DataChannelReport> {
        let world = self.world();
        let limit = later(&world.net, limit);
        world.run_until_event(limit, |world| match world.player(seat) {
            Some(Player::DataChannel(_, reports)) => reports.iter().any(|(_, event)| wanted(event)),
            _ => false,
        });
        std::iter::from_fn(|| self.channel_event(seat)).find(|(_, event)| wanted(event))
    }

    /// Everything an endpoint has reported so far and nobody has taken.
    pub fn channel_events(&mut self, seat: Seat) -> Vec<DataChannelReport> {
        std::iter::from_fn(|| self.channel_event(seat)).collect()
    }
}
