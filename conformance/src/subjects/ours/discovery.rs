//! The client of NAT behaviour discovery.

use std::collections::VecDeque;

use base::{Datagram, Instant, Machine, Rng, SocketError, Transmit};
use crypto::Provider;
use stun::{DiscoveryFailure, FailReason, Hairpinning, LifetimeSearch, NatBehavior};

use crate::subjects::stun::{Authentication, Discovery, DiscoveryConfig, DiscoveryEvent};

/// The client with the words of the suite for what it reports.
pub(super) struct Client {
    machine: stun::Discovery,
    events: VecDeque<DiscoveryEvent>,
}

/// The configuration in our words.
pub(super) fn config(
    provider: Provider,
    config: &DiscoveryConfig,
) -> Option<stun::DiscoveryConfig> {
    let locals = std::iter::once(config.local).chain(config.others.iter().copied()).collect();
    let search = |(longest, precision)| LifetimeSearch { longest, precision };
    Some(stun::DiscoveryConfig {
        credential: credential(provider, &config.authentication)?,
        uses_fingerprint: config.fingerprint,
        lifetime: config.lifetime.map(search),
        padding: config.padding,
        ..stun::DiscoveryConfig::new(provider, config.server, locals)
    })
}

#[expect(clippy::option_option, reason = "no credential is one answer, an impossible one another")]
fn credential(
    provider: Provider,
    authentication: &Authentication,
) -> Option<Option<stun::Credential>> {
    match authentication {
        Authentication::None => Some(None),
        Authentication::ShortTerm(known) => {
            let both = stun::Integrity::Both;
            stun::Credential::short_term(provider, &known.username, &known.password, both)
                .ok()
                .map(Some)
        }
        Authentication::LongTerm(known) => {
            stun::Credential::long_term(&known.username, &known.password).ok().map(Some)
        }
    }
}

impl Client {
    pub(super) fn new(config: stun::DiscoveryConfig, rng: Rng, now: Instant) -> Self {
        Self { machine: stun::Discovery::new(config, rng, now), events: VecDeque::new() }
    }
}

impl Discovery for Client {}

impl Machine for Client {
    type Event = DiscoveryEvent;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.machine.handle_datagram(now, datagram);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.machine.handle_socket_error(now, error);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        self.machine.poll_transmit(now, buffer)
    }

    fn poll_event(&mut self) -> Option<Self::Event> {
        match self.machine.poll_event() {
            Some(stun::DiscoveryEvent::Finished(found)) => self.events.extend(words(&found)),
            Some(stun::DiscoveryEvent::Failed(failure)) => {
                let code = match failure {
                    DiscoveryFailure::NoConnectivity(FailReason::Rejected(code)) => {
                        Some(code.number())
                    }
                    _ => None,
                };
                self.events.push_back(DiscoveryEvent::Failed { code });
            }
            _ => {}
        }
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }
}

/// What was found, property by property.
fn words(found: &NatBehavior) -> Vec<DiscoveryEvent> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let lifetime = found.lifetime.map(|bounds| {
        let stun::Lifetime { at_least, at_most } = bounds;
        DiscoveryEvent::Lifetime { at_least, at_most }
    });
    let ports = found.port_assignment.map(|rule| format!("{rule:?}").to_lowercase());
    [
        ("translated", Some(yes_no(found.is_translated))),
        ("mapping", found.mapping.map(|value| value.to_string())),
        ("filtering", found.filtering.map(|value| value.to_string())),
        ("hairpinning", found.hairpin.map(hairpinning)),
        ("ports", ports),
        ("fragments", found.passes_fragments.map(yes_no)),
    ]
    .into_iter()
    .filter_map(|(property, value)| Some(DiscoveryEvent::Found { property, value: value? }))
    .chain(lifetime)
    .chain([DiscoveryEvent::Done])
    .collect()
}

fn hairpinning(seen: Hairpinning) -> String {
    match seen {
        Hairpinning::Absent => "none",
        Hairpinning::InternalSource => "internal-source",
        Hairpinning::ExternalSource => "external-source",
    }
    .to_owned()
}
