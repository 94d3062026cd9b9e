//! The client until the server has answered: its ClientHello, and which version takes over.

use super::{Context, Handshake, Offer, tls12, tls13};
use crate::{
    CipherSuite, Misdeed, Version,
    flight::{Expect, Incoming},
    wire::{HandshakeType, HelloVerifyRequest, Message as _, ServerHello, ServerVersion},
};

/// Most HelloVerifyRequests that are answered. A second one comes when the server has changed its key
/// in between; anybody may have sent more.
const MAX_VERIFY_REQUESTS: u8 = 3;

/// A client that has sent its ClientHello.
pub(crate) struct Waiting {
    offer: Offer,
    verify_requests: u8,
}

impl Waiting {
    /// Sends the first ClientHello.
    pub(crate) fn start(cx: &mut Context<'_>) -> Self {
        let offer = Offer::new(cx);
        cx.session.client_random = offer.random;
        let mut waiting = Self { offer, verify_requests: 0 };
        waiting.send_hello(cx);
        waiting
    }

    /// Sends a ClientHello as its one-message flight.
    fn send_hello(&mut self, cx: &mut Context<'_>) {
        cx.outbox.begin_flight();
        self.offer.send(cx);
        cx.outbox.end_flight(cx.now, Expect::Answer);
    }

    /// Takes the server's answer.
    pub(crate) fn handle(
        self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Handshake, Misdeed> {
        match message.kind {
            HandshakeType::HELLO_VERIFY_REQUEST => self.verify(cx, message),
            HandshakeType::SERVER_HELLO => self.answered(cx, message),
            _ => Err(Misdeed::UnexpectedMessage),
        }
    }

    /// RFC 6347 §4.2.1: the same ClientHello again, with the cookie. Neither the first nor the request
    /// is part of the handshake.
    fn verify(mut self, cx: &mut Context<'_>, message: Incoming<'_>) -> Result<Handshake, Misdeed> {
        if !self.offer.speaks(Version::Dtls12) {
            // Whoever asks in this way does not speak version 1.3 (RFC 9147 §5.1).
            return Err(Misdeed::UnsupportedVersion);
        }
        if self.offer.retry.is_some() || self.verify_requests == MAX_VERIFY_REQUESTS {
            return Err(Misdeed::UnexpectedMessage);
        }
        // The version in it says nothing about the one to come.
        let request = HelloVerifyRequest::parse(message.body)?;
        self.verify_requests += 1;
        self.offer.cookie = request.cookie.to_vec();
        cx.transcript.forget();
        self.send_hello(cx);
        Ok(Handshake::ServerHello(self))
    }

    fn answered(
        mut self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Handshake, Misdeed> {
        let hello = ServerHello::parse(message.body)?;
        let version = chosen_version(&self.offer, &hello)?;
        if version == Version::Dtls13 && self.verify_requests > 0 {
            // RFC 9147 §5.3: no server of version 1.3 goes on with a cookie of version 1.2.
            return Err(Misdeed::VersionNotOffered);
        }
        let suite = chosen_suite(&self.offer, &hello, version)?;
        if hello.compression != 0 {
            return Err(Misdeed::Compression);
        }
        cx.records.look_old(false);
        cx.session.version = Some(version);
        cx.session.suite = Some(suite);
        cx.transcript.choose(cx.config.provider, version, suite.hash());
        match version {
            Version::Dtls12 => {
                cx.hear(&message);
                cx.session.server_random = hello.random;
                tls12::Client::start(cx, self.offer, &hello).map(Handshake::Client12)
            }
            Version::Dtls13 if hello.is_retry() => {
                if self.offer.retry.is_some() && !base::mutant::active("dtls-13-takes-second-retry")
                {
                    return Err(Misdeed::SecondRetry);
                }
                cx.transcript.restart_with_message_hash();
                cx.hear(&message);
                tls13::retry(cx, &mut self.offer, &hello)?;
                cx.session.retried = true;
                self.send_hello(cx);
                Ok(Handshake::ServerHello(self))
            }
            Version::Dtls13 => {
                cx.hear(&message);
                cx.session.server_random = hello.random;
                tls13::Client::start(cx, self.offer, &hello).map(Handshake::Client13)
            }
        }
    }
}

/// The version that the server chose, if it was ours to offer.
fn chosen_version(offer: &Offer, hello: &ServerHello<'_>) -> Result<Version, Misdeed> {
    let version = if let Some(chosen) = hello.extensions.get::<ServerVersion>()? {
        if !offer.speaks(Version::Dtls13) {
            return Err(Misdeed::ExtensionNotOffered);
        }
        // RFC 8446 §4.2.1: the extension chooses no older version, and none that was not offered.
        // The field before it is not looked at. RFC 9147 §5.4: no session is named.
        let heeds = base::mutant::active("dtls-13-heeds-old-version-field");
        if chosen.version.known() != Some(Version::Dtls13)
            || (heeds && hello.legacy_version.known() != Some(Version::Dtls12))
        {
            return Err(Misdeed::VersionNotOffered);
        }
        if !hello.session_id.is_empty() {
            return Err(Misdeed::BadSessionId);
        }
        Version::Dtls13
    } else {
        match hello.legacy_version.known() {
            Some(Version::Dtls12) if offer.speaks(Version::Dtls12) => Version::Dtls12,
            _ => return Err(Misdeed::UnsupportedVersion),
        }
    };
    // RFC 8446 §4.1.3: a server that speaks more than it chose says so in its random.
    let downgraded = hello.downgraded_from().is_some_and(|from| offer.speaks(from));
    if version == Version::Dtls12 && downgraded && !base::mutant::active("dtls-13-sentinel-ignored")
    {
        return Err(Misdeed::Downgrade);
    }
    if offer.retry.is_some() && version != Version::Dtls13 {
        return Err(Misdeed::VersionNotOffered);
    }
    Ok(version)
}

/// The suite that the server chose, if it was ours to offer.
fn chosen_suite(
    offer: &Offer,
    hello: &ServerHello<'_>,
    version: Version,
) -> Result<CipherSuite, Misdeed> {
    let offered = |suite: &CipherSuite| suite.version() == version && offer.suites.contains(suite);
    let suite = hello.suite.known().filter(offered).ok_or(Misdeed::SuiteNotOffered)?;
    match &offer.retry {
        // RFC 8446 §4.1.4: the suite of the HelloRetryRequest stays.
        Some(retry)
            if retry.suite != suite && !base::mutant::active("dtls-13-takes-changed-suite") =>
        {
            Err(Misdeed::SuiteChanged)
        }
        _ => Ok(suite),
    }
}
