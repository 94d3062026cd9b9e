//! From test to test: what each one asks, and what its outcome means.

use std::net::SocketAddr;

use base::Instant;

use super::{
    Dependence, Discovery, DiscoveryEvent, DiscoveryFailure, Hairpin, Hairpinning, Outcome, PACE,
    Probe, Search, Stage, Trial, behavior::classify,
};
use crate::{
    Request, Response,
    wire::{ChangeRequest, OtherAddress, Padding, ResponsePort},
};

impl Discovery {
    /// The request the present test makes.
    pub(super) fn next_request(&self) -> Option<Request> {
        let server = self.config.server;
        let first = *self.config.locals.first()?;
        let from_first = |to| Request::binding(to).from_source(first);
        let probe = self.config.probe_timing;
        let change = |ip, port| {
            let request = from_first(server).with(&ChangeRequest { ip, port });
            request.answered_on_any_path().timed(probe)
        };
        Some(match &self.stage {
            Stage::Ports(_) => {
                let local = *self.config.locals.get(self.mapped.len())?;
                Request::binding(server).from_source(local)
            }
            Stage::FilteringBoth(_) => change(true, true),
            Stage::FilteringPort(_) => change(false, true),
            Stage::MappingAddress(_) => {
                from_first(SocketAddr::new(self.other?.ip(), server.port()))
            }
            Stage::MappingBoth(_) => from_first(self.other?),
            Stage::Fragments(_) => {
                let padding = Padding::filling(self.config.padding?);
                from_first(server).with(&padding).timed(probe)
            }
            Stage::LifetimeRefresh(..) => from_first(server),
            Stage::LifetimeProbe(_, _, trial) => {
                let last = *self.config.locals.last()?;
                Request::binding(server)
                    .from_source(last)
                    .with(&ResponsePort(trial.mapped.port()))
                    .answered_on_any_path()
                    .timed(probe)
            }
            Stage::Hairpin(_) | Stage::Over => return None,
        })
    }

    /// Takes the outcome of the present test in and goes on to the next.
    pub(super) fn step(&mut self, now: Instant, outcome: Outcome) {
        let next = Probe::At(now + PACE);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Ports(_) => self.on_port(now, outcome),
            Stage::FilteringBoth(_) => self.on_filtering_both(next, outcome),
            Stage::FilteringPort(_) => self.on_filtering_port(next, outcome),
            Stage::MappingAddress(_) => self.on_mapping_address(next, outcome),
            Stage::MappingBoth(_) => self.on_mapping_both(next, outcome),
            Stage::Fragments(_) => {
                self.found.passes_fragments = match outcome {
                    Outcome::Answered(_) => Some(true),
                    Outcome::Failed(reason) => is_silence(reason).then_some(false),
                };
                self.after_fragments(next);
            }
            Stage::LifetimeRefresh(_, search) => self.on_refresh(now, search, outcome),
            Stage::LifetimeProbe(_, search, trial) => {
                self.on_lifetime(next, search, trial, outcome);
            }
            Stage::Hairpin(_) | Stage::Over => {}
        }
    }

    /// RFC 5780 §4.2, and test I of §4.3 and §4.4.
    fn on_port(&mut self, now: Instant, outcome: Outcome) {
        let local = self.config.locals.get(self.mapped.len()).copied();
        let is_first = self.mapped.is_empty();
        match (outcome, local) {
            (Outcome::Answered(response), Some(local)) => {
                let mapped = response.mapped_address().unwrap_or(local);
                if is_first {
                    self.found.mapped = Some(mapped);
                    self.found.is_translated = mapped != local;
                    self.other = other_address(&response, self.config.server);
                }
                self.mapped.push((local, mapped));
            }
            (Outcome::Failed(reason), _) if is_first => {
                let failure = DiscoveryFailure::NoConnectivity(reason);
                return self.end(DiscoveryEvent::Failed(failure));
            }
            // Without this port the ones behind it tell less, but the rest can go on.
            _ => self.config.locals.truncate(self.mapped.len()),
        }
        if self.mapped.len() < self.config.locals.len() {
            self.stage = Stage::Ports(Probe::At(now + PACE));
            return;
        }
        if self.found.is_translated {
            self.found.port_assignment = classify(&self.mapped);
        }
        self.begin_hairpin(now);
    }

    fn begin_hairpin(&mut self, now: Instant) {
        match *self.mapped.as_slice() {
            [first, second, ..] if self.found.is_translated && self.config.tests_hairpin => {
                self.stage = Stage::Hairpin(Hairpin::new([first, second], &mut self.rng, now));
                self.continue_hairpin(now);
            }
            _ => self.begin_filtering(Probe::At(now + PACE)),
        }
    }

    /// Ends the hairpin test.
    pub(super) fn end_hairpin(&mut self, now: Instant, seen: Hairpinning) {
        self.shots.clear();
        self.found.hairpin = Some(seen);
        self.begin_filtering(Probe::At(now + PACE));
    }

    /// Without a second address at the server, nothing can be said of mapping and filtering.
    fn begin_filtering(&mut self, next: Probe) {
        self.stage = match self.other {
            Some(_) => Stage::FilteringBoth(next),
            None => return self.after_mapping(next),
        };
    }

    /// Test II of RFC 5780 §4.4.
    fn on_filtering_both(&mut self, next: Probe, outcome: Outcome) {
        self.stage = match outcome {
            Outcome::Answered(response) => {
                // A server that answers from where it was asked has not done as it was told.
                let is_from_other = Some(response.source) == self.other
                    || base::mutant::active("stun-discovery-ignores-response-source");
                self.found.filtering = is_from_other.then_some(Dependence::EndpointIndependent);
                Stage::MappingAddress(next)
            }
            Outcome::Failed(reason) if is_silence(reason) => Stage::FilteringPort(next),
            Outcome::Failed(_) => Stage::MappingAddress(next),
        };
    }

    /// Test III of RFC 5780 §4.4.
    fn on_filtering_port(&mut self, next: Probe, outcome: Outcome) {
        let other_port = self.other.map(|other| other.port());
        self.found.filtering = match outcome {
            Outcome::Answered(response) if Some(response.source.port()) == other_port => {
                Some(Dependence::AddressDependent)
            }
            Outcome::Failed(reason) if is_silence(reason) => {
                Some(Dependence::AddressAndPortDependent)
            }
            Outcome::Answered(_) | Outcome::Failed(_) => None,
        };
        self.stage = Stage::MappingAddress(next);
    }

    /// Test II of RFC 5780 §4.3.
    fn on_mapping_address(&mut self, next: Probe, outcome: Outcome) {
        let Outcome::Answered(response) = outcome else {
            return self.after_mapping(next);
        };
        let mapped = response.mapped_address();
        if mapped == self.found.mapped {
            self.found.mapping = Some(Dependence::EndpointIndependent);
            return self.after_mapping(next);
        }
        // Kept until test III tells it apart.
        self.mapped.extend(self.config.locals.first().copied().zip(mapped));
        self.stage = Stage::MappingBoth(next);
    }

    /// Test III of RFC 5780 §4.3.
    fn on_mapping_both(&mut self, next: Probe, outcome: Outcome) {
        if let (Outcome::Answered(response), Some((_, before))) = (outcome, self.mapped.last()) {
            let is_same = response.mapped_address() == Some(*before);
            self.found.mapping = Some(match is_same {
                true => Dependence::AddressDependent,
                false => Dependence::AddressAndPortDependent,
            });
        }
        self.after_mapping(next);
    }

    fn after_mapping(&mut self, next: Probe) {
        match self.config.padding {
            Some(_) => self.stage = Stage::Fragments(next),
            None => self.after_fragments(next),
        }
    }

    fn after_fragments(&mut self, next: Probe) {
        match self.config.lifetime {
            Some(search) if self.found.is_translated && self.config.locals.len() >= 2 => {
                self.stage = Stage::LifetimeRefresh(next, Search::new(search));
            }
            _ => self.finish(),
        }
    }

    fn on_refresh(&mut self, now: Instant, search: Search, outcome: Outcome) {
        let (Outcome::Answered(response), Some(wait)) = (outcome, search.next_wait()) else {
            return self.finish();
        };
        let Some(mapped) = response.mapped_address() else {
            return self.finish();
        };
        let rtt = response.rtt.unwrap_or_default();
        let used_at = Instant::ZERO + now.elapsed().saturating_sub(rtt);
        let trial = Trial { idle_from: now, used_at, mapped };
        self.stage = Stage::LifetimeProbe(Probe::At(now + wait), search, trial);
    }

    /// RFC 5780 §4.6: an answer where the mapping was made shows that it lasts; one elsewhere, or
    /// none, that it does not.
    fn on_lifetime(&mut self, next: Probe, mut search: Search, trial: Trial, outcome: Outcome) {
        let first = self.config.locals.first().copied();
        let Some(wait) = search.next_wait() else {
            return self.finish();
        };
        match outcome {
            Outcome::Answered(response) => {
                // From another external address the answer could not have gone to the mapping.
                let is_comparable =
                    response.mapped_address().map(|mapped| mapped.ip()) == Some(trial.mapped.ip());
                if !is_comparable {
                    return self.finish();
                }
                let is_alive = Some(response.destination) == first;
                let slack = trial.idle_from - trial.used_at;
                search.learn(if is_alive { wait } else { wait + slack }, is_alive);
            }
            Outcome::Failed(reason) if is_silence(reason) => {
                search.learn(wait + (trial.idle_from - trial.used_at), false);
            }
            Outcome::Failed(_) => return self.finish(),
        }
        self.found.lifetime = Some(search.found());
        match search.next_wait() {
            Some(_) => self.stage = Stage::LifetimeRefresh(next, search),
            None => self.finish(),
        }
    }

    fn finish(&mut self) {
        self.end(DiscoveryEvent::Finished(Box::new(self.found.clone())));
    }
}

/// Whether a request failed because nothing came back.
fn is_silence(reason: crate::FailReason) -> bool {
    matches!(reason, crate::FailReason::TimedOut | crate::FailReason::Unreachable(_))
        || base::mutant::active("stun-discovery-takes-refusal-for-silence")
}

/// The server's second address and port, if both differ from the first (RFC 5780 §7.4).
fn other_address(response: &Response, server: SocketAddr) -> Option<SocketAddr> {
    let other = response.message()?.get::<OtherAddress>()?.0;
    (other.ip() != server.ip() && other.port() != server.port()).then_some(other)
}
