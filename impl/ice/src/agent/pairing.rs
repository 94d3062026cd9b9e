//! Candidates that come and go, on both sides, and the pairs they form.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use base::{Instant, Interface, Machine as _};

use super::{
    Agent,
    checklist::can_pair,
    local::{Base, BaseId, LocalSocket, Relayed, is_host_address},
    remote::Remote,
};
use crate::{
    AddCandidateError, AddLocalError, Candidate, Event, FailReason, GatherEvent, Kind, PairId,
    State, Transport, candidate::priority::NetworkCost, mdns_name, stats::DropReason,
};

impl Agent {
    /// Takes a socket in: it becomes a host candidate, and for UDP the STUN servers are asked about it.
    ///
    /// # Errors
    ///
    /// `AddLocalError` if it is no use, or there already.
    pub fn add_socket(&mut self, now: Instant, socket: LocalSocket) -> Result<(), AddLocalError> {
        let now = self.begin(now);
        self.check_local(socket.component, socket.address)?;
        if self.locals.has(&socket) {
            return Err(AddLocalError::Known);
        }
        if let Transport::Tcp(tcp_type) = socket.transport {
            self.add_tcp(now, socket, tcp_type);
            self.settle(now);
            return Ok(());
        }
        self.add_host(&socket);
        // Checks go before questions to servers: the peer waits for them.
        self.settle(now);
        if self.is_full() {
            // After the pairs are chosen nothing is asked any more, but about a new address all is.
            if std::mem::take(&mut self.is_gathering_concluded) {
                self.gatherer.begin_again(now);
            }
            self.gatherer.add_base(now, socket.address);
        }
        self.settle(now);
        Ok(())
    }

    /// Takes a relayed address in. What the agent sends from there is for the TURN client to relay, and
    /// what the client receives there is a datagram to that address.
    ///
    /// # Errors
    ///
    /// `AddLocalError` if it is no use, or there already.
    pub fn add_relayed(&mut self, now: Instant, relayed: Relayed) -> Result<(), AddLocalError> {
        let now = self.begin(now);
        self.check_local(relayed.component, relayed.address)?;
        if self.locals.at(relayed.address).is_some() {
            return Err(AddLocalError::Known);
        }
        let id = self.locals.add_relayed(&relayed);
        self.introduce(id);
        self.settle(now);
        Ok(())
    }

    /// Asks one more STUN server for server-reflexive addresses.
    pub fn add_stun_server(&mut self, now: Instant, server: SocketAddr) {
        let now = self.begin(now);
        if self.is_full() && self.state != State::Closed {
            self.gatherer.add_server(now, server);
            self.settle(now);
        }
    }

    /// The host, or the TURN server, no longer has this address. Its pairs die at once, and if one of
    /// them carried data, the others are checked anew.
    pub fn remove_local(&mut self, now: Instant, address: SocketAddr) {
        let now = self.begin(now);
        self.gatherer.remove_base(now, address);
        self.outbox.forget(address);
        self.listening.retain(|socket| socket.address != address);
        let gone = self.locals.remove(address);
        self.tcp.stop_listening(now, address);
        if gone.is_empty() {
            return;
        }
        gone.iter().for_each(|base| self.early.remove_base(*base));
        let pairs = self.checklist.pairs().iter();
        let dead = pairs.filter(|pair| gone.contains(&pair.base)).map(|pair| pair.id);
        let dead: Vec<PairId> = dead.collect();
        for id in dead {
            self.lose_pair(now, id, FailReason::AddressLost);
            self.close_stream(id);
            self.checklist.remove(id);
            self.transactions.retain(|transaction| transaction.pair != id);
        }
        self.settle(now);
    }

    /// Forgets every socket of the host on this IP address, over UDP and TCP, as
    /// [`remove_local`](Agent::remove_local) does.
    pub fn remove_ip(&mut self, now: Instant, ip: IpAddr) {
        let bases = self.locals.bases().iter().filter(|base| base.kind == Kind::Host);
        let listening = self.listening.iter().map(|socket| socket.address);
        let all = bases.map(|base| base.address).chain(listening);
        let gone: BTreeSet<SocketAddr> = all.filter(|address| address.ip() == ip).collect();
        for address in gone {
            self.remove_local(now, address);
        }
    }

    /// No more addresses will be added for now. [`Event::GatheringFinished`] follows once the STUN servers
    /// have answered or were given up.
    pub fn finish_gathering(&mut self, now: Instant) {
        let now = self.begin(now);
        self.is_gathered = true;
        self.settle(now);
    }

    /// Takes a candidate of the peer. One that came before, or was discovered, is no error.
    ///
    /// # Errors
    ///
    /// `AddCandidateError` if it is of no use. No harm is done by going on with the next one.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        candidate: Candidate,
    ) -> Result<(), AddCandidateError> {
        let now = self.begin(now);
        let component = self.check_remote(&candidate)?;
        if self.is_ahead(&candidate) {
            if self.ahead.len() >= self.config.max_remote_candidates {
                return Err(AddCandidateError::TooMany);
            }
            self.ahead.push(candidate);
            return Ok(());
        }
        self.take_candidate(candidate, component)?;
        self.settle(now);
        Ok(())
    }

    /// Whether a candidate names a generation whose parameters are not known yet: signalling need not keep
    /// candidates and parameters in order.
    fn is_ahead(&self, candidate: &Candidate) -> bool {
        let Some(ufrag) = &candidate.ufrag else { return false };
        self.remote_parameters().is_none_or(|remote| remote.ufrag != *ufrag)
    }

    /// Takes the candidates that came ahead of the parameters that are known now.
    pub(super) fn take_ahead(&mut self) {
        // They were told before the end was, even if it came before the parameters.
        let is_finished = std::mem::take(&mut self.remotes.is_finished);
        for candidate in std::mem::take(&mut self.ahead) {
            let component = self.check_remote(&candidate);
            if let Ok(component) = component.and_then(|component| match self.is_ahead(&candidate) {
                true => Err(AddCandidateError::OtherGeneration),
                false => Ok(component),
            }) {
                let _ = self.take_candidate(candidate, component);
            }
        }
        self.remotes.is_finished = is_finished;
    }

    fn take_candidate(
        &mut self,
        candidate: Candidate,
        component: u8,
    ) -> Result<(), AddCandidateError> {
        let name = candidate.address.name().map(str::to_owned);
        let is_awaited = name.as_ref().is_some_and(|name| self.remotes.awaits(name));
        let limit = self.config.max_remote_candidates;
        let known = self.remotes.list().len();
        let added = self.remotes.add(candidate, component, limit)?;
        match (added, name) {
            (Some(remote), _) => self.pair_remote(&remote),
            (None, Some(name)) if !is_awaited && self.remotes.list().len() > known => {
                self.report(Event::Resolve { name });
            }
            _ => {}
        }
        Ok(())
    }

    /// The peer has no more candidates: RFC 8838 §14.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        let now = self.begin(now);
        self.remotes.is_finished = true;
        self.settle(now);
    }

    /// Makes a host candidate of a socket, under a name if addresses are hidden.
    pub(super) fn add_host(&mut self, socket: &LocalSocket) {
        let name = self.config.hides_host_addresses.then(|| self.name_for(socket.address.ip()));
        let id = self.locals.add_host(socket, name);
        self.introduce(id);
    }

    /// The name that stands for an address of ours; a new one is reported, so that it is answered for.
    fn name_for(&mut self, ip: IpAddr) -> String {
        let same = |base: &&Base| base.kind == Kind::Host && base.address.ip() == ip;
        let known = self.locals.bases().iter().find(same);
        if let Some(name) = known.and_then(|base| base.candidate.address.name()) {
            return name.to_owned();
        }
        let name = mdns_name(&mut self.rng);
        self.report(Event::NameMade { name: name.clone(), ip });
        name
    }

    fn check_local(&self, component: u8, address: SocketAddr) -> Result<(), AddLocalError> {
        if self.state == State::Closed {
            return Err(AddLocalError::Closed);
        }
        if !(1..=self.config.components).contains(&component) {
            return Err(AddLocalError::NoSuchComponent);
        }
        if !is_host_address(address) {
            return Err(AddLocalError::NotUnicast);
        }
        if self.locals.is_full() {
            return Err(AddLocalError::TooMany);
        }
        Ok(())
    }

    /// Says which component a candidate is for, if it can be used.
    fn check_remote(&self, candidate: &Candidate) -> Result<u8, AddCandidateError> {
        if self.state == State::Closed {
            return Err(AddCandidateError::Closed);
        }
        // RFC 8838 §9: a candidate that names a former generation is late.
        let former = self.former.as_ref().and_then(|former| former.generation.remote.as_ref());
        let former = former.map(|remote| &remote.parameters.ufrag);
        if candidate.ufrag.is_some() && candidate.ufrag.as_ref() == former {
            return Err(AddCandidateError::OtherGeneration);
        }
        let is_over = self.remotes.is_finished && !base::mutant::active("ice-candidates-after-end");
        if is_over && !self.is_ahead(candidate) {
            return Err(AddCandidateError::AfterTheEnd);
        }
        if !candidate.address.is_unicast() {
            return Err(AddCandidateError::NotUnicast);
        }
        if candidate.address.name().is_some() && !candidate.address.is_mdns() {
            return Err(AddCandidateError::DomainName);
        }
        match u8::try_from(candidate.component) {
            Ok(component) if (1..=self.config.components).contains(&component) => Ok(component),
            _ => Err(AddCandidateError::NoSuchComponent),
        }
    }

    pub(super) fn resolve_remote(&mut self, name: &str, ip: Option<IpAddr>) {
        let ip = ip.filter(|ip| is_host_address(SocketAddr::new(*ip, 1)));
        for remote in self.remotes.resolve(name, ip) {
            self.pair_remote(&remote);
        }
    }

    /// Has the peer told of a candidate, with the generation it belongs to (RFC 8838 §9).
    pub(super) fn tell(&mut self, candidate: Candidate) {
        let ufrag = Some(self.local_parameters().ufrag.clone());
        self.report(Event::LocalCandidate(Candidate { ufrag, ..candidate }));
    }

    /// Tells the peer of a base, and pairs it: RFC 8838 §10.
    fn introduce(&mut self, id: BaseId) {
        let Some(base) = self.locals.get(id).cloned() else { return };
        self.tell(base.candidate.clone());
        if self.is_full() {
            for remote in self.remotes.list().to_vec() {
                self.pair(&base, &remote);
            }
        }
    }

    /// Pairs a remote candidate: RFC 8838 §11. If it was discovered before, its pairs stay as they are and
    /// get what the peer told of it.
    pub(super) fn pair_remote(&mut self, remote: &Remote) {
        let (role, generation) = (self.role, self.generation.number);
        let known = self.checklist.iter_mut().filter(|pair| {
            pair.generation == generation
                && pair.component == remote.component
                && pair.transport.is_tcp() == remote.transport.is_tcp()
                && Some(pair.remote) == remote.address
        });
        for pair in known {
            pair.remote_kind = remote.kind;
            pair.remote_priority = remote.priority;
            pair.foundation.1 = remote.foundation;
            pair.compute_priority(role);
        }
        if self.is_full() {
            for base in self.locals.bases().to_vec() {
                self.pair(&base, remote);
            }
        }
    }

    fn pair(&mut self, base: &Base, remote: &Remote) {
        // A peer behind another NAT may have the very address we have here; what is sent there stays here.
        let is_own = |address| !base.transport.is_tcp() && self.locals.at(address).is_some();
        let fits = |address: &SocketAddr| can_pair(base, remote, *address) && !is_own(*address);
        if let Some(address) = remote.address.filter(fits) {
            self.form(base, remote, address);
        }
    }

    /// Forms a pair, if there is room.
    pub(super) fn form(
        &mut self,
        base: &Base,
        remote: &Remote,
        address: SocketAddr,
    ) -> Option<PairId> {
        let (generation, role, max_pairs) =
            (self.generation.number, self.role, self.config.max_pairs);
        let formed = self.checklist.form(generation, base, remote, address, role, max_pairs);
        if formed.is_none() {
            self.dropped.count(DropReason::TooManyPairs);
        }
        let pairs = &self.checklist;
        self.transactions.retain(|transaction| pairs.get(transaction.pair).is_some());
        formed
    }

    /// Takes what the STUN servers said.
    pub(super) fn gather(&mut self, now: Instant) {
        while let Some(event) = self.gatherer.poll_event() {
            match event {
                GatherEvent::Found { base, server, mapped } => {
                    self.add_server_reflexive(base, server, mapped);
                }
                GatherEvent::Failed(failure) => self.report(Event::GatheringFailed(failure)),
            }
        }
        let is_over = self.gatherer.is_finished() && self.listening.is_empty();
        if self.is_gathered && !self.is_gathering_reported && is_over {
            self.is_gathering_reported = true;
            self.report(Event::GatheringFinished);
        }
        if self.state == State::Completed
            && self.gatherer.is_finished()
            && !std::mem::replace(&mut self.is_gathering_concluded, true)
        {
            self.gatherer.conclude(now);
        }
    }

    fn add_server_reflexive(&mut self, base: SocketAddr, server: SocketAddr, mapped: SocketAddr) {
        let Some(base) = self.locals.at(base).map(|base| base.id) else { return };
        let hides = self.config.hides_host_addresses;
        let added = self.locals.add_server_reflexive(base, mapped, (server, 0), hides).cloned();
        if let Some(candidate) = added {
            self.tell(candidate);
        }
    }

    pub(super) fn rank_interfaces(&mut self, interfaces: &[Interface]) {
        let addresses: Vec<_> = interfaces
            .iter()
            .flat_map(|interface| {
                let cost = NetworkCost::of(interface.kind);
                interface.addresses.iter().map(move |address| (address.ip, cost))
            })
            .collect();
        self.locals.plan(&addresses);
    }

    /// Whether a component is still expected to be used: RFC 8445 §6.1.2.2 takes the fewer of both sides.
    pub(super) fn is_expected(&self, component: u8) -> bool {
        component == 1 || !self.remotes.is_finished || self.remotes.has_component(component)
    }

    /// Whether a better pair than one through a relay may still come.
    pub(super) fn expects_candidates(&self) -> bool {
        !self.remotes.is_finished || !self.gatherer.is_finished() || !self.is_gathered
    }
}

/// Whether one end of a pair is a relay.
pub(super) const fn is_relayed(kind: Kind) -> bool {
    matches!(kind, Kind::Relayed)
}
