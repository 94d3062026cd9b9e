//! Subjects in the laboratory: an ICE agent of any subject as an endpoint of the NAT matrix.
//!
//! The agent is the subject's. What such agents leave to their user is done here in the plain way: a
//! socket for each address of the host, a question from each to each STUN server, and every candidate
//! told as soon as it is known. Relays are left out.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use base::{
    Datagram, Instant, Interface, InterfaceKind, Machine, SocketCommand, SocketError, SocketInput,
    Transmit,
};
use ice::{Candidate, Kind, Parameters, Ufrag};
use lab::roles::ice::{Factory, IceEndpoint, IceFigures, Letter, News, Server, Setup};
use stun::{Client, ClientConfig, ClientEvent, Request, RequestId};

use super::ice::{IceAgent, IceConfig, IceEvent, IceParameters, IceRole, IceState};
use crate::Subject;

/// Makes endpoints of `subject`, or of nobody if it has no ICE agent.
#[must_use]
pub fn factory(subject: &'static dyn Subject) -> Option<Factory> {
    subject.ice_agent(&IceConfig::new(IceRole::Controlling), base::Rng::from_seed([0; 32]))?;
    Some(Arc::new(move |setup, now| Box::new(Endpoint::new(subject, setup, now))))
}

struct Endpoint {
    agent: Option<Box<dyn IceAgent>>,
    client: Client,
    servers: Vec<SocketAddr>,
    port: u16,
    addresses: Vec<IpAddr>,
    has_begun: bool,
    is_finished: bool,
    /// Sockets that are still to be there.
    opening: usize,
    /// Questions to STUN servers, with the address they left.
    asked: Vec<(RequestId, SocketAddr)>,
    heard: Vec<Candidate>,
    sockets: VecDeque<SocketCommand>,
    news: VecDeque<News>,
}

impl Endpoint {
    fn new(subject: &dyn Subject, setup: Setup, now: Instant) -> Self {
        let role = if setup.controlling { IceRole::Controlling } else { IceRole::Controlled };
        let mut config = IceConfig::new(role);
        config.lite = setup.lite;
        let agent = subject.ice_agent(&config, setup.rng.fork("agent"));
        let client = ClientConfig::new(crypto::rust_crypto());
        let servers = setup.servers.iter().map(|server| match server {
            Server::Stun(address) | Server::Turn { address, .. } => *address,
        });
        Self {
            agent,
            client: Client::new(client, setup.rng.fork("stun"), now),
            servers: servers.collect(),
            port: setup.port,
            addresses: Vec::new(),
            has_begun: false,
            is_finished: false,
            opening: 0,
            asked: Vec::new(),
            heard: Vec::new(),
            sockets: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    fn with_agent(&mut self, act: impl FnOnce(&mut dyn IceAgent)) {
        if let Some(agent) = &mut self.agent {
            act(agent.as_mut());
        }
    }

    fn parameters(&self) -> Option<Parameters> {
        let IceParameters { ufrag, pwd, lite, .. } = self.agent.as_ref()?.parameters();
        let options = "ice2 trickle".parse().ok()?;
        Some(Parameters { ufrag: ufrag.parse().ok()?, pwd: pwd.parse().ok()?, options, lite })
    }

    fn ufrag(&self) -> Option<Ufrag> {
        self.parameters().map(|parameters| parameters.ufrag)
    }

    fn open(&mut self) {
        for ip in &self.addresses {
            let local = SocketAddr::new(*ip, self.port);
            self.sockets.push_back(SocketCommand::Open { local });
            self.opening += 1;
        }
    }

    /// A socket is there: it is a candidate, and asks the servers what it looks like.
    fn use_socket(&mut self, now: Instant, local: SocketAddr) {
        // What the agent does not take is no candidate.
        self.with_agent(|agent| {
            let _ = agent.add_local(now, 1, local);
        });
        let servers: Vec<SocketAddr> = self
            .servers
            .iter()
            .copied()
            .filter(|server| server.is_ipv4() == local.is_ipv4())
            .collect();
        for server in servers {
            let request = Request::binding(server).from_source(local);
            if let Ok(id) = self.client.request(now, request) {
                self.asked.push((id, local));
            }
        }
    }

    /// Makes news of what the agent and the STUN client report.
    fn digest(&mut self, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            let (request, mapped) = match event {
                ClientEvent::Succeeded { request, response } => {
                    (request, response.mapped_address())
                }
                ClientEvent::Failed { request, .. } => (request, None),
                _ => continue,
            };
            let place = self.asked.iter().position(|(known, _)| *known == request);
            let Some((_, local)) = place.map(|place| self.asked.remove(place)) else { continue };
            if let Some(mapped) = mapped.filter(|mapped| *mapped != local) {
                // A reflexive candidate that the agent does not take is no candidate.
                self.with_agent(|agent| {
                    let _ = agent.add_reflexive(now, local, mapped);
                });
            }
        }
        while let Some(event) = self.agent.as_mut().and_then(|agent| agent.poll_event()) {
            self.report(event);
        }
        let is_finished = self.has_begun && self.opening == 0 && self.asked.is_empty();
        if is_finished
            && !self.is_finished
            && let Some(ufrag) = self.ufrag()
        {
            self.is_finished = true;
            self.news.push_back(News::Tell(Letter::End { ufrag }));
        }
    }

    fn report(&mut self, event: IceEvent) {
        match event {
            IceEvent::Candidate(text) => {
                if let (Ok(candidate), Some(ufrag)) = (text.parse(), self.ufrag()) {
                    self.news.push_back(News::Tell(Letter::Candidate { ufrag, candidate }));
                }
            }
            IceEvent::Selected { remote, .. } => {
                let known = self.heard.iter().find(|one| one.address.ip() == Some(remote));
                let remote = known.map_or(Kind::PeerReflexive, |candidate| candidate.kind);
                self.news.push_back(News::Selected { local: Kind::Host, remote });
            }
            IceEvent::State(IceState::Disconnected) => self.news.push_back(News::Lost),
            IceEvent::State(IceState::Failed) => self.news.push_back(News::Failed),
            IceEvent::Data { payload, .. } => self.news.push_back(News::Data(payload)),
            _ => {}
        }
    }
}

impl IceEndpoint for Endpoint {
    fn begin(&mut self, now: Instant) {
        self.has_begun = true;
        if let Some(parameters) = self.parameters() {
            self.news.push_back(News::Tell(Letter::Parameters(parameters)));
        }
        self.open();
        self.digest(now);
    }

    fn hear(&mut self, now: Instant, letter: &Letter) {
        // Letters that the agent does not take change nothing.
        match letter {
            Letter::Parameters(parameters) => {
                let parameters = IceParameters {
                    ufrag: parameters.ufrag.to_string(),
                    pwd: parameters.pwd.to_string(),
                    options: vec!["ice2".to_owned(), "trickle".to_owned()],
                    lite: parameters.lite,
                };
                self.with_agent(|agent| {
                    let _ = agent.set_remote(now, &parameters);
                });
            }
            Letter::Candidate { candidate, .. } => {
                self.heard.push(candidate.clone());
                let text = candidate.to_string();
                self.with_agent(|agent| {
                    let _ = agent.add_candidate(now, &text);
                });
            }
            Letter::End { .. } => self.with_agent(|agent| {
                let _ = agent.end_of_candidates(now);
            }),
        }
        self.digest(now);
    }

    fn send(&mut self, now: Instant, payload: &[u8]) -> bool {
        let sent = self.agent.as_mut().map(|agent| agent.send(now, 1, payload));
        self.digest(now);
        sent.is_some_and(|sent| sent.is_ok())
    }

    fn figures(&self) -> IceFigures {
        IceFigures::default()
    }
}

impl Machine for Endpoint {
    type Event = News;

    fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        match self.servers.contains(&datagram.source) {
            true => self.client.handle_datagram(now, datagram),
            false => self.with_agent(|agent| agent.handle_datagram(now, datagram)),
        }
        self.digest(now);
    }

    fn handle_socket_error(&mut self, now: Instant, error: SocketError) {
        self.with_agent(|agent| agent.handle_socket_error(now, error));
        self.digest(now);
    }

    fn handle_socket(&mut self, now: Instant, input: SocketInput) {
        self.opening = self.opening.saturating_sub(1);
        if let SocketInput::Opened { local, .. } = input {
            self.use_socket(now, local);
        }
        self.digest(now);
    }

    fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        let outward = interfaces.iter().filter(|one| one.kind != InterfaceKind::Loopback);
        let addresses = outward.flat_map(|one| one.addresses.iter().map(|address| address.ip));
        self.addresses = addresses.filter(|ip| is_global(*ip)).collect();
        self.digest(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
        self.with_agent(|agent| agent.handle_timeout(now));
        self.digest(now);
    }

    fn poll_transmit(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Transmit> {
        let own = self.client.poll_transmit(now, buffer);
        own.or_else(|| self.agent.as_mut().and_then(|agent| agent.poll_transmit(now, buffer)))
    }

    fn poll_socket(&mut self) -> Option<SocketCommand> {
        self.sockets.pop_front()
    }

    fn poll_event(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let agent = self.agent.as_ref().and_then(|agent| agent.poll_timeout());
        match (self.client.poll_timeout(), agent) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    }
}
