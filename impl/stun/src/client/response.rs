//! What a client does with what comes: RFC 8489 §6.3.

use std::{net::SocketAddr, sync::Arc};

use base::{Datagram, Instant};

use super::{
    Client, ClientEvent, FailReason, Phase, Response, Transaction, Verdict, server_error_backoff,
};
use crate::{
    Credential, DropReason, Integrity, Message,
    credential::LongTerm,
    wire::{
        AlternateDomain, AlternateServer, AttributeType, Check, Class, Code, ErrorCode,
        MappedAddress, Method, XorMappedAddress,
    },
};

/// Most nonces in a row that may be stale before the server is taken for broken.
const MAX_STALE_NONCES: u8 = 4;
/// Within this time a server that got a request does not get it again by redirection: RFC 8489 §10.
const REDIRECT_MEMORY: std::time::Duration = std::time::Duration::from_secs(300);
/// Most servers a request is sent to by redirection.
const MAX_REDIRECTS: usize = 8;

/// What the class and the attributes of a response amount to.
enum Outcome {
    Success,
    Fail(FailReason),
    Redirect(SocketAddr, Option<String>),
    ServerError(Code),
}

impl Client {
    /// Takes a message in.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        datagram: Datagram<'_>,
    ) -> Result<(), DropReason> {
        let message = Message::parse(datagram.payload).map_err(|_| DropReason::Malformed)?;
        match message.class() {
            Class::Request => return Err(DropReason::UnexpectedClass),
            Class::Indication => return self.receive_indication(&message),
            Class::Success | Class::Error => {}
        }
        let index = self.find(&message)?;
        let transaction = self.transactions.get(index).ok_or(DropReason::UnknownTransaction)?;
        if transaction.request.method != message.method() {
            return Err(DropReason::UnknownTransaction);
        }
        if !transaction.is_on_path(datagram.source, datagram.destination) {
            return Err(DropReason::WrongPath);
        }
        self.check_fingerprint(&message)?;
        match transaction.auth.judge(&self.config, &message) {
            Verdict::Accept(integrity) => self.accept(now, index, integrity, &message, datagram),
            Verdict::Discard(reason) => self.discard(index, reason)?,
            Verdict::Fail(reason) => self.fail(now, index, reason, &message, datagram),
            Verdict::Retry(auth) => {
                let mut finished = self.finish(now, index);
                let code = message.get::<ErrorCode<'_>>().map(|error| error.code);
                if code == Some(Code::STALE_NONCE) {
                    finished.attempts.stale_nonces += 1;
                }
                if finished.attempts.stale_nonces > MAX_STALE_NONCES {
                    let reason = FailReason::Rejected(Code::STALE_NONCE);
                    self.report_failure(&finished, reason, None, &message, datagram);
                } else {
                    self.begin_again(now, finished, auth);
                }
            }
        }
        Ok(())
    }

    fn receive_indication(&mut self, message: &Message<'_>) -> Result<(), DropReason> {
        self.check_fingerprint(message)?;
        // RFC 8489 §6.3.2. A Binding indication has done its work by arriving.
        if message.has_not_understood(AttributeType::is_known) {
            return Err(DropReason::UnknownAttribute);
        }
        self.stats.indications_received += 1;
        Ok(())
    }

    fn find(&self, message: &Message<'_>) -> Result<usize, DropReason> {
        let id = message.transaction_id();
        let any = base::mutant::active("stun-transaction-id-not-checked");
        self.transactions
            .iter()
            .position(|transaction| transaction.is_in_flight() && (any || transaction.id == id))
            .ok_or(DropReason::UnknownTransaction)
    }

    fn check_fingerprint(&self, message: &Message<'_>) -> Result<(), DropReason> {
        match message.check_fingerprint() {
            Check::Passed => Ok(()),
            Check::Absent if !self.config.uses_fingerprint => Ok(()),
            Check::Absent | Check::Failed => Err(DropReason::BadFingerprint),
        }
    }

    /// Passes over a response. RFC 8489 §9.1.4, §9.2.5: over UDP the request goes on, but if nothing
    /// better comes, it ends as a violation; a reliable transport brings nothing better.
    fn discard(&mut self, index: usize, reason: DropReason) -> Result<(), DropReason> {
        let is_violation = matches!(
            reason,
            DropReason::IntegrityMissing
                | DropReason::IntegrityInvalid
                | DropReason::IntegrityOfOtherAlgorithm
        );
        let Some(transaction) = self.transactions.get_mut(index) else {
            return Err(reason);
        };
        if !is_violation {
            return Err(reason);
        }
        if let Phase::Unreliable { is_violated, .. } = &mut transaction.phase {
            *is_violated = true;
            return Err(reason);
        }
        let request = self.transactions.remove(index).request_id;
        let violated = FailReason::IntegrityViolated;
        self.events.push_back(ClientEvent::Failed { request, reason: violated, response: None });
        Err(reason)
    }

    /// Acts upon a response that passed the credential mechanism.
    fn accept(
        &mut self,
        now: Instant,
        index: usize,
        integrity: Option<Integrity>,
        message: &Message<'_>,
        datagram: Datagram<'_>,
    ) {
        let outcome = match self.transactions.get(index) {
            Some(transaction) => self.judge(now, transaction, integrity.is_some(), message),
            None => return,
        };
        let rtt = self.transactions.get(index).and_then(|it| it.rtt(now));
        let finished = self.finish(now, index);
        self.remember(now, &finished, integrity);
        match outcome {
            Outcome::Success => {
                let is_authenticated = integrity.is_some();
                let response = respond(datagram, rtt, is_authenticated);
                let request = finished.request_id;
                self.events.push_back(ClientEvent::Succeeded { request, response });
            }
            Outcome::Fail(reason) => {
                self.report_failure(&finished, reason, integrity, message, datagram);
            }
            Outcome::Redirect(server, domain) => self.redirect(now, finished, server, domain),
            Outcome::ServerError(code) => {
                self.wait_or_fail(now, finished, (code, integrity), message, datagram);
            }
        }
    }

    /// Decides what a response amounts to: RFC 8489 §6.3.3, §6.3.4.
    fn judge(
        &self,
        now: Instant,
        transaction: &Transaction,
        is_authenticated: bool,
        message: &Message<'_>,
    ) -> Outcome {
        let classic = self.config.accepts_classic_servers;
        let understands = |kind: AttributeType| kind.is_known() || (classic && kind.is_classic());
        if message.has_not_understood(understands) {
            return Outcome::Fail(FailReason::UnknownAttributes);
        }
        if message.class() == Class::Success {
            let has_address = message.get::<XorMappedAddress>().is_some()
                || (classic && message.get::<MappedAddress>().is_some());
            return if message.method() == Method::BINDING && !has_address {
                Outcome::Fail(FailReason::NoMappedAddress)
            } else {
                Outcome::Success
            };
        }
        let Some(ErrorCode { code, .. }) = message.get() else {
            return Outcome::Fail(FailReason::NoErrorCode);
        };
        match code.number() {
            // RFC 8489 §14.8: only an authentic 300 is followed.
            300 if self.config.follows_alternate_server && is_authenticated => {
                redirection(now, transaction, message)
            }
            500..=599 => Outcome::ServerError(code),
            _ => Outcome::Fail(FailReason::Rejected(code)),
        }
    }

    /// Keeps for later requests what this one has shown.
    fn remember(&mut self, now: Instant, finished: &Transaction, integrity: Option<Integrity>) {
        let server = finished.request.server;
        match (&finished.auth, integrity) {
            // RFC 8489 §9.1.5.
            (super::Auth::Short(..), Some(integrity)) => {
                self.known.set_integrity(now, server, integrity);
            }
            // RFC 8489 §9.2.3.2.
            (super::Auth::Long(long, session), _) if self.is_current(long) => {
                self.known.set_session(now, server, session.clone());
            }
            _ => {}
        }
    }

    /// Whether the credential was not changed since.
    fn is_current(&self, used: &Arc<LongTerm>) -> bool {
        match &self.config.credential {
            Some(Credential::LongTerm(long)) => Arc::ptr_eq(long, used),
            _ => false,
        }
    }

    fn redirect(
        &mut self,
        now: Instant,
        mut finished: Transaction,
        server: SocketAddr,
        domain: Option<String>,
    ) {
        let request = finished.request_id;
        finished.request.server = server;
        let auth = self.first_auth(server);
        self.events.push_back(ClientEvent::Redirected { request, server, domain });
        self.begin_again(now, finished, auth);
    }

    /// RFC 8489 §6.3.4: after an error of the server's own the request may be made again a few times.
    /// Each wait is twice the one before.
    fn wait_or_fail(
        &mut self,
        now: Instant,
        mut finished: Transaction,
        (code, integrity): (Code, Option<Integrity>),
        message: &Message<'_>,
        datagram: Datagram<'_>,
    ) {
        if finished.attempts.server_errors >= self.config.server_error_retries {
            let reason = FailReason::Rejected(code);
            self.report_failure(&finished, reason, integrity, message, datagram);
            return;
        }
        let wait = server_error_backoff(self.config.timing.rto, finished.attempts.server_errors);
        finished.attempts.server_errors += 1;
        finished.phase = Phase::Waiting { until: now + wait };
        finished.is_unsent = false;
        self.transactions.push(finished);
    }

    fn fail(
        &mut self,
        now: Instant,
        index: usize,
        reason: FailReason,
        message: &Message<'_>,
        datagram: Datagram<'_>,
    ) {
        let finished = self.finish(now, index);
        self.report_failure(&finished, reason, None, message, datagram);
    }

    fn report_failure(
        &mut self,
        finished: &Transaction,
        reason: FailReason,
        integrity: Option<Integrity>,
        message: &Message<'_>,
        datagram: Datagram<'_>,
    ) {
        tracing::debug!(?reason, response = %message, "request failed");
        let request = finished.request_id;
        let response = Some(respond(datagram, None, integrity.is_some()));
        self.events.push_back(ClientEvent::Failed { request, reason, response });
    }

    /// Takes a transaction out because a response has come.
    fn finish(&mut self, now: Instant, index: usize) -> Transaction {
        let finished = self.transactions.remove(index);
        let rtt = finished.rtt(now).filter(|_| !finished.request.is_reliable);
        self.known.completed(now, finished.request.server, rtt);
        finished
    }
}

impl Transaction {
    /// Time since the request was sent, if it was sent only once and over UDP.
    fn rtt(&self, now: Instant) -> Option<std::time::Duration> {
        match self.phase {
            Phase::Unreliable { began_at, was_resent: false, .. } => Some(now - began_at),
            Phase::Reliable { began_at, .. } => Some(now - began_at),
            Phase::Unreliable { .. } | Phase::Waiting { .. } => None,
        }
    }
}

fn respond(
    datagram: Datagram<'_>,
    rtt: Option<std::time::Duration>,
    is_authenticated: bool,
) -> Response {
    Response {
        bytes: datagram.payload.to_vec(),
        source: datagram.source,
        destination: datagram.destination,
        rtt,
        is_authenticated,
    }
}

/// Where a 300 points: RFC 8489 §10.
fn redirection(now: Instant, transaction: &Transaction, message: &Message<'_>) -> Outcome {
    let rejected = Outcome::Fail(FailReason::Rejected(Code::TRY_ALTERNATE));
    let is_ipv4 = transaction.request.server.is_ipv4();
    let offers = || message.get_all::<AlternateServer>().map(|offer| offer.0);
    let same_family = offers().find(|server| server.is_ipv4() == is_ipv4);
    let Some(server) = same_family.or_else(|| offers().next()) else {
        return rejected;
    };
    let servers = &transaction.attempts.servers;
    let was_asked =
        servers.iter().any(|(asked, at)| *asked == server && now - *at < REDIRECT_MEMORY);
    if was_asked || servers.len() > MAX_REDIRECTS {
        return Outcome::Fail(FailReason::RedirectLoop);
    }
    let domain = message.get::<AlternateDomain<'_>>();
    Outcome::Redirect(server, domain.map(|domain| domain.as_str().to_owned()))
}
