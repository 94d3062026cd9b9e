//! What a server that wants cookies does with a datagram of somebody who has not shown one: it answers,
//! and keeps nothing.

mod beginning;
mod knock;

use base::{Instant, Writer};
use crypto::Provider;

use crate::{
    CipherSuite, Config, DropReason, Misdeed, Version,
    cookie::{Cookies, Memory, extensions_digest},
    flight::Transcript,
    handshake::{
        select,
        server::{First, Retried, choose_version},
        tls13,
    },
    wire::{
        Alert, ClientHello, ContentType, Cookie, HandshakeHeader, HandshakeType,
        HelloVerifyRequest, Message, ProtocolVersion,
    },
};
use knock::Knock;
pub(crate) use knock::is_knock;

/// What becomes of a datagram.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Nothing.
    Drop(DropReason),
    /// This goes back to where it came from.
    Answer(Vec<u8>),
    /// Its sender is where it says, and an association may begin with it.
    Admit(Box<Admission>),
}

/// Where an association begins whose first answer was given without keeping anything.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The number of the ClientHello that brought the cookie, and of our ServerHello (RFC 6347 §4.2.2).
    pub(crate) message_seq: u16,
    /// The number of its record, and of our first one (RFC 6347 §4.2.1).
    pub(crate) sequence: u64,
    /// The client's random.
    pub(crate) client_random: [u8; 32],
    /// What a HelloRetryRequest asked for, and the transcript up to that, as far as it is known.
    pub(crate) retry: Option<(Retried, Transcript)>,
}

/// The random of the ClientHello at the start of a datagram, if there is one.
pub(crate) fn random_of(datagram: &[u8]) -> Option<[u8; 32]> {
    Knock::read(datagram).ok().map(|knock| knock.hello.random)
}

/// Judges a datagram of `address`.
pub(crate) fn examine(
    config: &Config,
    cookies: &Cookies,
    now: Instant,
    address: &[u8],
    datagram: &[u8],
) -> Verdict {
    let knock = match Knock::read(datagram) {
        Ok(knock) => knock,
        Err(reason) => return Verdict::Drop(reason),
    };
    let guard = Guard { config, cookies, now, address };
    let verdict = match knock.body {
        Some(body) => guard.examine_whole(&knock, body),
        None => beginning::examine(&guard, &knock),
    };
    let verdict = verdict.unwrap_or_else(|misdeed| refuse(&knock, misdeed));
    // RFC 9147 §5.1: not more than three times what came. There is no need for more than came where that
    // is a datagram of several.
    let factor = if knock.is_whole() { MAX_AMPLIFICATION } else { 1 };
    match verdict {
        Verdict::Answer(answer) if answer.len() > factor * datagram.len() => {
            Verdict::Drop(DropReason::BadHello)
        }
        verdict => verdict,
    }
}

/// Who looks at a datagram.
struct Guard<'a> {
    config: &'a Config,
    cookies: &'a Cookies,
    now: Instant,
    address: &'a [u8],
}

impl Guard<'_> {
    fn make(&self, hello: &ClientHello<'_>, memory: &Memory) -> Vec<u8> {
        self.cookies.make(self.now, self.address, hello, memory)
    }

    fn open(&self, hello: &ClientHello<'_>, cookie: &[u8]) -> Option<Memory> {
        self.cookies.open(self.now, self.address, hello, cookie)
    }

    /// Judges a ClientHello that is all there.
    fn examine_whole(&self, knock: &Knock<'_>, body: &[u8]) -> Result<Verdict, Misdeed> {
        let hello = &knock.hello;
        match choose_version(self.config, hello)? {
            Version::Dtls12 if self.is_verified(hello) => Ok(Verdict::Admit(knock.admission(None))),
            Version::Dtls12 => Ok(self.ask_to_verify(knock)),
            Version::Dtls13 => match self.check_cookie13(knock)? {
                Some(verdict) => Ok(verdict),
                None => self.ask_to_retry(knock, body),
            },
        }
    }

    /// Whether the cookie of version 1.2 is ours.
    fn is_verified(&self, hello: &ClientHello<'_>) -> bool {
        let takes_any =
            !hello.cookie.is_empty() && base::mutant::active("dtls-12-cookie-not-checked");
        takes_any || self.open(hello, hello.cookie) == Some(Memory::Verify)
    }

    /// RFC 6347 §4.2.1: a bad cookie is none.
    fn ask_to_verify(&self, knock: &Knock<'_>) -> Verdict {
        let cookie = self.make(&knock.hello, &Memory::Verify);
        // RFC 6347 §4.2.1: the version says nothing, and DTLS 1.0 is the one to name.
        let request = HelloVerifyRequest { version: ProtocolVersion::DTLS_1_0, cookie: &cookie };
        Verdict::Answer(knock.answer(&request))
    }

    fn ask_to_retry(&self, knock: &Knock<'_>, body: &[u8]) -> Result<Verdict, Misdeed> {
        let (config, hello) = (self.config, &knock.hello);
        let suite = select::suite(config, hello, Version::Dtls13)?;
        let group = tls13::missing_group(config, hello)?;
        let digest = extensions_digest(config.provider, hello);
        let hash = hash(config.provider, suite, body);
        let cookie = self.make(hello, &Memory::Retry { suite, group, digest, hash });
        let extensions = tls13::retry_extensions(group, Some(&cookie));
        Ok(Verdict::Answer(knock.answer(&tls13::retry_request(suite, &extensions))))
    }

    /// Judges the cookie of version 1.3, if it is in sight.
    fn check_cookie13(&self, knock: &Knock<'_>) -> Result<Option<Verdict>, Misdeed> {
        let (provider, hello) = (self.config.provider, &knock.hello);
        let Some(Cookie { cookie }) = hello.extensions.get::<Cookie<'_>>()? else {
            return Ok(None);
        };
        let retry = match self.open(hello, cookie) {
            Some(Memory::Retry { suite, group, digest, hash }) => {
                // The association looks once more, when it has all of the extensions.
                if knock.is_whole() && extensions_digest(provider, hello) != digest {
                    return Err(Misdeed::BadCookie);
                }
                let extensions = tls13::retry_extensions(group, Some(cookie));
                let request = body(&tls13::retry_request(suite, &extensions));
                let mut transcript = Transcript::after_retry(provider, suite.hash(), &hash);
                transcript.add(HandshakeType::SERVER_HELLO, knock.message_seq, &request);
                (Retried { suite, group, first: First::Whole(digest) }, transcript)
            }
            Some(Memory::Beginning { suite }) => {
                (Retried { suite, group: None, first: First::Beginning }, Transcript::new())
            }
            // RFC 9147 §5.1: the client may begin anew without it.
            Some(Memory::Verify) | None => return Err(Misdeed::BadCookie),
        };
        Ok(Some(Verdict::Admit(knock.admission(Some(retry)))))
    }
}

/// The hash of the first ClientHello, which stands for it in the transcript (RFC 8446 §4.4.1).
fn hash(provider: Provider, suite: CipherSuite, body: &[u8]) -> Vec<u8> {
    let mut transcript = Transcript::new();
    transcript.add(HandshakeType::CLIENT_HELLO, 0, body);
    transcript.choose(provider, Version::Dtls13, suite.hash());
    transcript.digest().as_ref().to_vec()
}

/// Tells a client why there will be no handshake.
fn refuse(knock: &Knock<'_>, misdeed: Misdeed) -> Verdict {
    let alert = Alert::fatal(misdeed.alert()).to_bytes();
    Verdict::Answer(record(ContentType::ALERT, knock.sequence, &alert))
}

impl Knock<'_> {
    fn admission(&self, retry: Option<(Retried, Transcript)>) -> Box<Admission> {
        let (message_seq, sequence) = (self.message_seq, self.sequence);
        let client_random = self.hello.random;
        Box::new(Admission { message_seq, sequence, client_random, retry })
    }

    /// The record of a message that answers it. RFC 6347 §4.2.1: under the number of the one that it
    /// answers, since none is remembered.
    fn answer<'m, M: Message<'m>>(&self, message: &M) -> Vec<u8> {
        let body = body(message);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut payload = Vec::new();
        let mut writer = Writer::new(&mut payload);
        HandshakeHeader::whole(M::KIND, self.message_seq, length).write(&mut writer);
        writer.bytes(&body);
        let is_fixed = base::mutant::active("dtls-12-cookie-request-from-zero");
        let sequence = if is_fixed { 0 } else { self.sequence };
        record(ContentType::HANDSHAKE, sequence, &payload)
    }
}

fn body<'m, M: Message<'m>>(message: &M) -> Vec<u8> {
    let mut body = Vec::new();
    message.write(&mut Writer::new(&mut body));
    body
}

/// A record without protection.
fn record(kind: ContentType, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::new();
    let mut writer = Writer::new(&mut record);
    writer.u8(kind.number());
    writer.u16(ProtocolVersion::DTLS_1_2.number());
    writer.u64(sequence);
    writer.u16_length().writer().bytes(payload);
    record
}

/// How many times as long as what came an answer may be (RFC 9147 §5.1).
const MAX_AMPLIFICATION: usize = 3;
