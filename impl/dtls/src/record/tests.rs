//! Records of both versions, sealed by one end and opened by the other.

mod connection_ids;
mod drops;
mod known;
mod limits;
mod sealing;

use crypto::{HashAlgorithm, Provider};

use super::*;
use crate::{
    CipherSuite,
    schedule::{
        tls12::MasterSecret,
        tls13::{KeySchedule, TrafficLabel, TrafficSecret},
    },
};

const DATA: ContentType = ContentType::APPLICATION_DATA;

/// The suites of version 1.2, one per cipher.
const SUITES_12: [CipherSuite; 3] = [
    CipherSuite::EcdheEcdsaAes128GcmSha256,
    CipherSuite::EcdheEcdsaAes256GcmSha384,
    CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256,
];

/// The suites of version 1.3.
const SUITES_13: [CipherSuite; 3] = [
    CipherSuite::Aes128GcmSha256,
    CipherSuite::Aes256GcmSha384,
    CipherSuite::ChaCha20Poly1305Sha256,
];

const PROVIDERS: [Provider; 2] = [crypto::aws_lc_rs(), crypto::rust_crypto()];

/// Every combination of provider and suite.
fn all() -> impl Iterator<Item = (Provider, CipherSuite)> {
    let suites = || SUITES_12.into_iter().chain(SUITES_13);
    PROVIDERS.into_iter().flat_map(move |provider| suites().map(move |suite| (provider, suite)))
}

/// The secret of the client's application data, after `epoch` updates.
fn secret(provider: Provider, suite: CipherSuite, epoch: u64) -> TrafficSecret {
    let hash = provider.hash(suite.hash(), &[b"messages"]);
    let schedule = KeySchedule::new(provider, suite).into_handshake([5; 32]).into_master();
    let mut secret = schedule.traffic_secret(TrafficLabel::ClientApplication, &hash);
    for _ in 0..epoch {
        secret = secret.next();
    }
    secret
}

/// The client's keys of `epoch`, for either version.
fn protection(provider: Provider, suite: CipherSuite, epoch: u64) -> Protection {
    if suite.authentication().is_none() {
        return Protection::tls13(&secret(provider, suite, epoch));
    }
    let hash = provider.hash(HashAlgorithm::Sha256, &[b"messages"]);
    let master = MasterSecret::extended(provider, suite, [5; 32], &hash);
    Protection::tls12(master.key_block(&[1; 32], &[2; 32]).client)
}

/// The first epoch of application data.
fn data_epoch(suite: CipherSuite) -> u64 {
    if suite.authentication().is_none() { 3 } else { 1 }
}

/// An end that seals and one that opens under the same keys, and the epoch of the keys.
fn pair_with(provider: Provider, suite: CipherSuite, limits: Limits) -> (Records, Records, u64) {
    let epoch = data_epoch(suite);
    let (mut ours, mut theirs) = (Records::new(limits), Records::new(limits));
    ours.install_write(epoch, protection(provider, suite, epoch));
    theirs.install_read(epoch, protection(provider, suite, epoch));
    (ours, theirs, epoch)
}

fn pair(provider: Provider, suite: CipherSuite) -> (Records, Records, u64) {
    pair_with(provider, suite, Limits::default())
}

/// The two versions with AES-128-GCM in the deterministic provider: enough where the cipher does not
/// matter.
fn both_versions() -> [(Records, Records, u64); 2] {
    let provider = crypto::rust_crypto();
    [
        pair(provider, CipherSuite::EcdheEcdsaAes128GcmSha256),
        pair(provider, CipherSuite::Aes128GcmSha256),
    ]
}

/// One sealed record.
fn sealed(records: &mut Records, epoch: u64, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    records.seal(epoch, DATA, payload, &mut out).unwrap();
    out
}

/// What a datagram of one record opens to.
fn opened(records: &mut Records, datagram: &[u8]) -> Result<(RecordNumber, Vec<u8>), DropReason> {
    let mut rest = datagram;
    let record = records.split(&mut rest).unwrap()?;
    assert!(rest.is_empty(), "one record");
    let mut payload = b"what was there before".to_vec();
    records.open(record, &mut payload).map(|opened| (opened.number, payload))
}
