//! What the client asks of the server, and who is told the answer.

use std::net::SocketAddr;

use base::{Instant, Machine};
use stun::{
    FailReason, Request, RequestError, Response,
    wire::{ChannelNumber, Code, Method, XorPeerAddress},
};

use super::{
    Client, ClientConfig, ClientEvent, ConnectionId, LostReason, State, may_pass,
    permissions::{Peers, Verdict},
    retry_after,
};
use crate::Channel;

/// Most requests for permissions and channels at a time. It leaves room below
/// [`stun::MAX_OUTSTANDING_PER_SERVER`] for those about the allocation and for connections.
const MAX_ROUTINE: usize = 6;

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: stun::RequestId,
    pub(super) purpose: Purpose,
    /// When it was first sent. Lifetimes are counted from here, because the server began to count
    /// later.
    pub(super) at: Instant,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Allocate,
    Refresh,
    Release,
    Permit(Peers),
    Bind(SocketAddr, Channel),
    Connect(ConnectionId),
    ConnectionBind(ConnectionId),
}

/// The answer to a request: a success response, or why there is none.
pub(super) type Answer = Result<Response, (FailReason, Option<Response>)>;

/// The transactions' side of the configuration.
pub(super) fn stun_config(config: &ClientConfig) -> stun::ClientConfig {
    stun::ClientConfig {
        timing: config.timing,
        credential: config.credential.clone(),
        // RFC 8656 §7.4: 508 asks for a minute of silence, and what comes of the others depends on what
        // was asked.
        server_error_retries: 0,
        prefers_sha256: true,
        software: config.software.clone(),
        ..stun::ClientConfig::new(config.provider)
    }
}

impl Client {
    /// A request to the server over its connection, or from the configured address.
    pub(super) fn request(&self, method: Method) -> Request {
        let request = Request::new(method, self.server);
        match &self.control {
            Some(control) => request.over_reliable_transport().from_source(control.local),
            None => match self.config.local {
                Some(local) => request.from_source(local),
                None => request,
            },
        }
    }

    /// Sends a request. False if it could not be made.
    pub(super) fn ask(&mut self, now: Instant, request: Request, purpose: Purpose) -> bool {
        self.try_ask(now, request, purpose).is_ok()
    }

    /// The same, with the reason.
    pub(super) fn try_ask(
        &mut self,
        now: Instant,
        request: Request,
        purpose: Purpose,
    ) -> Result<(), RequestError> {
        match self.stun.request(now, request) {
            Ok(request) => {
                self.asked.push(Asked { request, purpose, at: now });
                self.sent_at = now;
                Ok(())
            }
            Err(error) => {
                tracing::debug!(?error, ?purpose, "request not made");
                Err(error)
            }
        }
    }

    /// Forgets the requests that `is_hit` picks; late answers to them are dropped.
    pub(super) fn cancel(&mut self, now: Instant, is_hit: impl Fn(&Purpose) -> bool) {
        for asked in self.asked.extract_if(.., |asked| is_hit(&asked.purpose)) {
            self.stun.cancel(now, asked.request);
        }
    }

    /// Acts upon what the transactions have come to, and asks what is to be asked next.
    pub(super) fn digest(&mut self, now: Instant) {
        while let Some((request, answer)) = next_answer(&mut self.stun) {
            let position = self.asked.iter().position(|asked| asked.request == request);
            let Some(asked) = position.map(|position| self.asked.remove(position)) else {
                continue;
            };
            self.answered(now, asked, answer);
        }
        self.pump(now);
    }

    fn answered(&mut self, now: Instant, asked: Asked, answer: Answer) {
        let is_unknown =
            matches!(answer, Err((FailReason::Rejected(Code::ALLOCATION_MISMATCH), _)));
        match asked.purpose {
            Purpose::Allocate => self.answered_allocate(now, asked.at, answer),
            Purpose::Release => self.answered_release(now),
            // RFC 8656 §5: whatever was asked, there is no allocation any more.
            _ if is_unknown && !base::mutant::active("turn-client-ignores-437") => {
                self.lose(now, LostReason::Unknown);
            }
            Purpose::Refresh => self.answered_refresh(now, asked.at, answer),
            Purpose::Permit(peers) => self.answered_permit(now, asked.at, &peers, answer),
            Purpose::Bind(peer, channel) => {
                self.answered_bind(now, asked.at, (peer, channel), answer);
            }
            Purpose::Connect(connection) => self.answered_connect(now, connection, answer),
            Purpose::ConnectionBind(connection) => {
                self.answered_connection_bind(now, connection, answer);
            }
        }
    }

    /// Whether there is room for requests for permissions and channels.
    pub(super) fn has_room(&self) -> bool {
        self.stun.requests_in_progress() < MAX_ROUTINE
    }

    /// Asks for the permissions and channels that are due.
    pub(super) fn pump(&mut self, now: Instant) {
        while self.has_room() {
            let State::Live(live) = &mut self.state else {
                return;
            };
            if let Some((peer, channel)) = live.channels.take_due(now) {
                live.permissions.asked_by_channel(now, peer.ip());
                let request = self.request(Method::CHANNEL_BIND);
                let request = request.with(&ChannelNumber(channel.number()));
                let request = request.with(&XorPeerAddress(peer));
                self.ask_routine(now, request, Purpose::Bind(peer, channel));
            } else if let Some(peers) = live.permissions.take_due(now) {
                let mut request = self.request(Method::CREATE_PERMISSION);
                for peer in &peers {
                    // RFC 8656 §10.1: the port counts for nothing.
                    request = request.with(&XorPeerAddress(SocketAddr::new(*peer, 0)));
                }
                self.ask_routine(now, request, Purpose::Permit(peers));
            } else {
                return;
            }
        }
    }

    /// A request that cannot be made is one that failed.
    fn ask_routine(&mut self, now: Instant, request: Request, purpose: Purpose) {
        if self.ask(now, request, purpose.clone()) {
            return;
        }
        let failed = Err((FailReason::TooLong, None));
        match purpose {
            Purpose::Permit(peers) => self.answered_permit(now, now, &peers, failed),
            Purpose::Bind(peer, channel) => self.answered_bind(now, now, (peer, channel), failed),
            _ => {}
        }
    }

    fn answered_permit(&mut self, now: Instant, at: Instant, peers: &Peers, answer: Answer) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let together = peers.len() > 1;
        let mut reports: Vec<ClientEvent> = Vec::new();
        for peer in peers.iter().copied() {
            let (verdict, event) = match &answer {
                Ok(_) => {
                    let verdict = live.permissions.granted(now, at, peer);
                    (verdict, ClientEvent::Permitted { peer })
                }
                Err((reason, _)) => {
                    let verdict = if may_pass(*reason) {
                        live.permissions.try_again(now, peer, now + retry_after(*reason))
                    } else {
                        live.permissions.refused(now, peer, *reason, together)
                    };
                    (verdict, ClientEvent::PermissionFailed { peer, reason: *reason })
                }
            };
            if verdict == Verdict::Report {
                reports.push(event);
            }
        }
        for event in reports {
            self.report_if_room(event);
        }
        if let Err((reason, _)) = answer {
            self.doubt_if_odd(now, reason);
        }
    }

    fn answered_bind(
        &mut self,
        now: Instant,
        at: Instant,
        (peer, channel): (SocketAddr, Channel),
        answer: Answer,
    ) {
        let State::Live(live) = &mut self.state else {
            return;
        };
        let (channels, permissions) = (&mut live.channels, &mut live.permissions);
        match answer {
            Ok(_) => {
                // RFC 8656 §12.1: the permission came with it.
                let permitted = permissions.granted(now, at, peer.ip()) == Verdict::Report;
                let is_new = channels.granted(now, at, peer);
                if permitted {
                    self.report_if_room(ClientEvent::Permitted { peer: peer.ip() });
                }
                if is_new {
                    self.report_if_room(ClientEvent::ChannelBound { peer, channel });
                }
            }
            Err((reason, _)) if may_pass(reason) => {
                let at = now + retry_after(reason);
                // The permission is asked for by itself; the answer may come sooner.
                permissions.try_again(now, peer.ip(), now);
                if channels.try_again(now, peer, at) {
                    self.report_if_room(ClientEvent::ChannelFailed { peer, reason });
                }
            }
            // RFC 8656 §12.3: a 400 from a server that bound channels before.
            Err((FailReason::Rejected(Code::BAD_REQUEST), _)) if channels.was_bound() => {
                self.lose_step(now);
            }
            Err((reason, _)) => {
                permissions.try_again(now, peer.ip(), now);
                channels.refused(now, peer, reason);
                self.report_if_room(ClientEvent::ChannelFailed { peer, reason });
                self.doubt_if_odd(now, reason);
            }
        }
    }

    /// A 400 where nothing is wrong with the request: some servers that know nothing of the allocation
    /// any more say that, and not 437.
    fn doubt_if_odd(&mut self, now: Instant, reason: FailReason) {
        if reason == FailReason::Rejected(Code::BAD_REQUEST) {
            self.doubt(now);
        }
    }
}

/// The next answer to a request.
fn next_answer(stun: &mut stun::Client) -> Option<(stun::RequestId, Answer)> {
    loop {
        match stun.poll_event()? {
            stun::ClientEvent::Succeeded { request, response } => {
                return Some((request, Ok(response)));
            }
            stun::ClientEvent::Failed { request, reason, response } => {
                return Some((request, Err((reason, response))));
            }
            // Redirections are the client's own affair.
            _ => {}
        }
    }
}
