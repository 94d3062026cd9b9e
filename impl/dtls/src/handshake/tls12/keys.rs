//! What the two sides of version 1.2 compute alike.

use crypto::{PublicKey, SharedSecret, SignatureAlgorithm};

use super::{
    super::{Context, Step},
    CLEAR, Connected, PROTECTED,
};
use crate::{
    CipherSuite, Misdeed, Side, Version,
    flight::Incoming,
    record::Protection,
    schedule::{TrafficKeys, tls12::MasterSecret},
    wire::{
        Certificate12, Finished, HandshakeType, Message as _, NamedGroupId, ServerKeyExchange,
        SignatureScheme,
    },
};

/// The peer's change to its new keys. A ChangeCipherSpec announces it, and may overtake the message
/// that our half of the keys is waiting for: both have to be there (RFC 5246 §7.1).
#[derive(Debug, Default)]
pub(super) enum Change {
    /// Neither.
    #[default]
    Awaited,
    /// The ChangeCipherSpec has come, the keys have not.
    Announced,
    /// The keys are there, the ChangeCipherSpec is not.
    Ready(Box<TrafficKeys>),
    /// Records of the new epoch are opened.
    Made,
}

impl Change {
    /// A ChangeCipherSpec came. Another one changes nothing: the peer repeats it with its flight.
    pub(super) fn announce(self, cx: &mut Context<'_>) -> Self {
        match self {
            Self::Awaited | Self::Announced => Self::Announced,
            Self::Ready(keys) => Self::make(cx, *keys),
            Self::Made => Self::Made,
        }
    }

    /// The peer's keys are known.
    pub(super) fn ready(self, cx: &mut Context<'_>, keys: TrafficKeys) -> Self {
        match self {
            Self::Awaited | Self::Ready(_) => Self::Ready(Box::new(keys)),
            Self::Announced | Self::Made => Self::make(cx, keys),
        }
    }

    fn make(cx: &mut Context<'_>, keys: TrafficKeys) -> Self {
        // RFC 9146 §3: ids stand in every record under the new keys, and in none before.
        if let Some(id) = &cx.session.own_connection_id {
            cx.records.accept_connection_id(id);
        }
        cx.records.install_read(PROTECTED, Protection::tls12(keys));
        Self::Made
    }
}

/// Changes to our new keys: says so, and seals everything from here on.
pub(super) fn change_own(cx: &mut Context<'_>, keys: TrafficKeys) {
    cx.outbox.push_change_cipher_spec(CLEAR);
    if let Some(id) = &cx.session.peer_connection_id {
        cx.records.use_connection_id(id);
    }
    cx.records.install_write(PROTECTED, Protection::tls12(keys));
}

/// The suite, which the hellos settled.
pub(super) fn suite(cx: &Context<'_>) -> Result<CipherSuite, Misdeed> {
    cx.session.suite.ok_or(Misdeed::Internal)
}

/// The master secret. With its extension it covers all messages so far, the last of which is the
/// ClientKeyExchange (RFC 7627 §3, §4).
pub(super) fn master_secret(
    cx: &mut Context<'_>,
    pre_master: &SharedSecret,
) -> Result<MasterSecret, Misdeed> {
    let (provider, suite) = (cx.config.provider, suite(cx)?);
    let session = &*cx.session;
    let master = if session.extended_master_secret {
        MasterSecret::extended(provider, suite, pre_master, &cx.transcript.digest())
    } else {
        let randoms = (&session.client_random, &session.server_random);
        MasterSecret::legacy(provider, suite, pre_master, randoms.0, randoms.1)
    };
    cx.log_key(|random| master.key_log_line(random));
    Ok(master)
}

/// What a server signs: both randoms, then its share (RFC 8422 §5.4).
pub(super) fn signed_params(cx: &Context<'_>, group: NamedGroupId, share: &[u8]) -> Vec<u8> {
    let mut signed = Vec::with_capacity(64 + 4 + share.len());
    signed.extend_from_slice(&cx.session.client_random);
    signed.extend_from_slice(&cx.session.server_random);
    ServerKeyExchange::write_params(group, share, &mut base::Writer::new(&mut signed));
    signed
}

/// Sends our chain of certificates, or none if there is no credential.
pub(super) fn send_certificate(cx: &mut Context<'_>, is_wanted: bool) -> Result<(), Misdeed> {
    let mut list = Vec::new();
    let credential = cx.config.credential.as_ref().filter(|_| is_wanted);
    let chain = credential.map(|credential| credential.chain()).unwrap_or_default();
    chain.iter().for_each(|der| Certificate12::append(&mut list, der));
    let message = Certificate12::from_list(&list).map_err(|_| Misdeed::Internal)?;
    cx.send(CLEAR, &message);
    Ok(())
}

/// Signs with our private key.
pub(super) fn sign(
    cx: &mut Context<'_>,
    (scheme, algorithm): (SignatureScheme, SignatureAlgorithm),
    message: &[u8],
) -> Result<Vec<u8>, Misdeed> {
    let credential = cx.config.credential.as_ref().ok_or(Misdeed::Internal)?;
    cx.session.own_scheme = Some(scheme);
    credential.key().sign_with(algorithm, message, cx.rng).map_err(|_| Misdeed::Internal)
}

/// Checks a signature of the peer, which must be made in one of the ways we `offered`.
pub(super) fn verify(
    cx: &mut Context<'_>,
    offered: &[SignatureScheme],
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Misdeed> {
    let algorithm = scheme.algorithm(Version::Dtls12, key.kind());
    let algorithm =
        algorithm.filter(|_| offered.contains(&scheme)).ok_or(Misdeed::SchemeNotOffered)?;
    if !base::mutant::active("dtls-12-signature-unchecked") {
        key.verify(algorithm, message, signature).map_err(|_| Misdeed::BadSignature)?;
    }
    cx.session.peer_scheme = Some(scheme);
    Ok(())
}

/// Sends our Finished over everything so far (RFC 5246 §7.4.9).
pub(super) fn send_finished(cx: &mut Context<'_>, master: &MasterSecret) {
    let verify_data = master.verify_data(cx.side, &cx.transcript.digest());
    cx.send(PROTECTED, &Finished { verify_data: &verify_data });
}

/// Checks the Finished of the peer and adds it to the transcript.
pub(super) fn check_finished(
    cx: &mut Context<'_>,
    master: &MasterSecret,
    message: &Incoming<'_>,
) -> Result<(), Misdeed> {
    expect(message, HandshakeType::FINISHED)?;
    let finished = Finished::parse(message.body)?;
    let expected = master.verify_data(cx.side.peer(), &cx.transcript.digest());
    let is_right = crypto::constant_time_eq(finished.verify_data, &expected);
    if !is_right && !base::mutant::active("dtls-12-finished-unchecked") {
        return Err(Misdeed::BadFinished);
    }
    cx.hear(message);
    Ok(())
}

/// The handshake is over: applications may have keys of the master secret.
pub(super) fn connect<S>(cx: &mut Context<'_>, master: MasterSecret) -> Step<S, Connected> {
    cx.session.exporter = Some(master);
    Step::Connected(Connected::new())
}

/// Refuses a message of another kind, or one in the wrong epoch: only the Finished is protected.
pub(super) fn expect(message: &Incoming<'_>, kind: HandshakeType) -> Result<(), Misdeed> {
    if message.kind != kind {
        return Err(Misdeed::UnexpectedMessage);
    }
    let epoch = if kind == HandshakeType::FINISHED { PROTECTED } else { CLEAR };
    if message.epoch == epoch { Ok(()) } else { Err(Misdeed::WrongEpoch) }
}

/// Our keys and the peer's.
pub(super) fn own_keys(
    side: Side,
    block: crate::schedule::tls12::KeyBlock,
) -> (TrafficKeys, TrafficKeys) {
    match side {
        Side::Client => (block.client, block.server),
        Side::Server => (block.server, block.client),
    }
}
