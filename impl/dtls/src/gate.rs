//! What a server that wants cookies does with a datagram of somebody who has not shown one: it answers,
//! and keeps nothing.

use base::{Instant, Reader, Writer};
use crypto::Provider;

use crate::{
    CipherSuite, Config, DropReason, Misdeed, Version,
    cookie::{Cookies, Memory},
    flight::Transcript,
    handshake::{
        select,
        server::{Retried, choose_version},
        tls13,
    },
    wire::{
        Alert, ClientHello, ContentType, Cookie, HandshakeHeader, HandshakeType,
        HelloVerifyRequest, Message, ProtocolVersion,
    },
};

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
    /// What a HelloRetryRequest asked for, and the transcript up to that.
    pub(crate) retry: Option<(Retried, Transcript)>,
}

/// A whole ClientHello at the start of a datagram.
struct Knock<'a> {
    sequence: u64,
    message_seq: u16,
    body: &'a [u8],
    hello: ClientHello<'a>,
}

/// The random of the ClientHello at the start of a datagram, if there is one.
pub(crate) fn random_of(datagram: &[u8]) -> Option<[u8; 32]> {
    read(datagram).ok().map(|knock| knock.hello.random)
}

/// Whether a ClientHello, or a piece of one, is at the start of a datagram.
pub(crate) fn is_knock(datagram: &[u8]) -> bool {
    let header = read_record(datagram)
        .and_then(|(_, payload)| HandshakeHeader::read(&mut Reader::new(payload)).ok());
    header.is_some_and(|header| header.kind == HandshakeType::CLIENT_HELLO)
}

/// Judges a datagram of `address`.
pub(crate) fn examine(
    config: &Config,
    cookies: &Cookies,
    now: Instant,
    address: &[u8],
    datagram: &[u8],
) -> Verdict {
    let knock = match read(datagram) {
        Ok(knock) => knock,
        Err(reason) => return Verdict::Drop(reason),
    };
    let verdict = match choose_version(config, &knock.hello) {
        Ok(Version::Dtls12) => Ok(examine12(cookies, now, address, &knock)),
        Ok(Version::Dtls13) => examine13(config, cookies, now, address, &knock),
        Err(misdeed) => Err(misdeed),
    };
    let verdict = verdict.unwrap_or_else(|misdeed| refuse(&knock, misdeed));
    match verdict {
        // RFC 9147 §5.1: not more than three times what came.
        Verdict::Answer(answer) if answer.len() > MAX_AMPLIFICATION * datagram.len() => {
            Verdict::Drop(DropReason::BadHello)
        }
        verdict => verdict,
    }
}

/// RFC 6347 §4.2.1: a bad cookie is none.
fn examine12(cookies: &Cookies, now: Instant, address: &[u8], knock: &Knock<'_>) -> Verdict {
    let hello = &knock.hello;
    let takes_any = !hello.cookie.is_empty() && base::mutant::active("dtls-12-cookie-not-checked");
    if takes_any || cookies.open(now, address, hello, hello.cookie) == Some(Memory::Verify) {
        return Verdict::Admit(knock.admission(None));
    }
    let cookie = cookies.make(now, address, hello, &Memory::Verify);
    // RFC 6347 §4.2.1: the version says nothing, and DTLS 1.0 is the one to name.
    let request = HelloVerifyRequest { version: ProtocolVersion::DTLS_1_0, cookie: &cookie };
    Verdict::Answer(knock.answer(&request))
}

fn examine13(
    config: &Config,
    cookies: &Cookies,
    now: Instant,
    address: &[u8],
    knock: &Knock<'_>,
) -> Result<Verdict, Misdeed> {
    let hello = &knock.hello;
    if let Some(Cookie { cookie }) = hello.extensions.get::<Cookie<'_>>()? {
        let memory = cookies.open(now, address, hello, cookie);
        let Some(Memory::Retry { suite, group, hash }) = memory else {
            // RFC 9147 §5.1: the client may begin anew without it.
            return Err(Misdeed::BadCookie);
        };
        let extensions = tls13::retry_extensions(group, Some(cookie));
        let request = body(&tls13::retry_request(suite, &extensions));
        let mut transcript = Transcript::after_retry(config.provider, suite.hash(), &hash);
        transcript.add(HandshakeType::SERVER_HELLO, knock.message_seq, &request);
        let retried = Retried { suite, group };
        return Ok(Verdict::Admit(knock.admission(Some((retried, transcript)))));
    }
    let suite = select::suite(config, hello, Version::Dtls13)?;
    let group = tls13::missing_group(config, hello)?;
    let hash = hash(config.provider, suite, knock);
    let cookie = cookies.make(now, address, hello, &Memory::Retry { suite, group, hash });
    let extensions = tls13::retry_extensions(group, Some(&cookie));
    Ok(Verdict::Answer(knock.answer(&tls13::retry_request(suite, &extensions))))
}

/// The hash of the first ClientHello, which stands for it in the transcript (RFC 8446 §4.4.1).
fn hash(provider: Provider, suite: CipherSuite, knock: &Knock<'_>) -> Vec<u8> {
    let mut transcript = Transcript::new();
    transcript.add(HandshakeType::CLIENT_HELLO, knock.message_seq, knock.body);
    transcript.choose(provider, Version::Dtls13, suite.hash());
    transcript.digest().as_ref().to_vec()
}

/// Tells a client why there will be no handshake.
fn refuse(knock: &Knock<'_>, misdeed: Misdeed) -> Verdict {
    let alert = Alert::fatal(misdeed.alert()).to_bytes();
    Verdict::Answer(record(ContentType::ALERT, knock.sequence, &alert))
}

fn read(datagram: &[u8]) -> Result<Knock<'_>, DropReason> {
    let (sequence, payload) = read_record(datagram).ok_or(DropReason::UnknownPeer)?;
    let mut reader = Reader::new(payload);
    let header = HandshakeHeader::read(&mut reader).map_err(|_| DropReason::BadHello)?;
    let range = header.range().ok_or(DropReason::BadHello)?;
    // Pieces would have to be kept.
    if header.kind != HandshakeType::CLIENT_HELLO || !header.is_whole() {
        return Err(DropReason::BadHello);
    }
    let body = reader.bytes(range.len()).map_err(|_| DropReason::BadHello)?;
    let hello = ClientHello::parse(body).map_err(|_| DropReason::BadHello)?;
    Ok(Knock { sequence, message_seq: header.message_seq, body, hello })
}

/// Number and payload of a handshake record without protection.
fn read_record(datagram: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::new(datagram);
    let kind = ContentType::new(reader.u8().ok()?);
    let version = ProtocolVersion::new(reader.u16().ok()?);
    let [_, _, a, b, c, d, e, f] = number(&mut reader)?;
    let length = usize::from(reader.u16().ok()?);
    let payload = reader.bytes(length).ok()?;
    let sequence = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    (kind == ContentType::HANDSHAKE && version.is_dtls()).then_some((sequence, payload))
}

/// Epoch and sequence number, if the epoch is 0.
fn number(reader: &mut Reader<'_>) -> Option<[u8; 8]> {
    let number = reader.array::<8>().ok()?;
    number.starts_with(&[0, 0]).then_some(number)
}

impl Knock<'_> {
    fn admission(&self, retry: Option<(Retried, Transcript)>) -> Box<Admission> {
        let (message_seq, sequence) = (self.message_seq, self.sequence);
        Box::new(Admission { message_seq, sequence, retry })
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
