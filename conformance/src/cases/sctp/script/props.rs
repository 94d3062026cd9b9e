//! Names and small helpers that many cases share.

use std::time::Duration;

use wire::sctp::{Chunk, Tlv};

use crate::Stop;
use crate::subjects::stun::Refusal;

/// A second.
pub(in crate::cases) const SECOND: Duration = Duration::from_secs(1);
/// A millisecond.
pub(in crate::cases) const MILLISECOND: Duration = Duration::from_millis(1);
/// Long enough for everything that is due at once to be said and heard, shorter than any delay of an
/// acknowledgement.
pub(in crate::cases) const SOON: Duration = Duration::from_millis(40);
/// Longer than any delay of an acknowledgement (RFC 9260 §6.2), shorter than any retransmission timeout of
/// an endpoint that keeps to the recommended least one.
pub(in crate::cases) const DELAYED: Duration = Duration::from_millis(520);
/// Longer than a set-up takes in which something was lost.
pub(in crate::cases) const LONG: Duration = Duration::from_secs(10);
/// What the suite says as data.
pub(in crate::cases) const DATA: &[u8] = b"data of the suite";
/// A first number of data close before the wrap.
pub(in crate::cases) const NEAR_WRAP: u32 = 0xffff_fff0;

/// `length` bytes that are not all the same.
pub(in crate::cases) fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

/// A chunk without a value.
pub(in crate::cases) fn bare(kind: u8) -> Chunk {
    Chunk::new(kind, [])
}

/// The number of the last packet but so many: numbers go down from there.
pub(in crate::cases) const fn before(tsn: u32, count: u32) -> u32 {
    tsn.wrapping_sub(count)
}

/// The types of these parameters or causes.
pub(in crate::cases) fn kinds(list: &[Tlv]) -> Vec<u16> {
    list.iter().map(|one| one.kind).collect()
}

/// Passes over an operation that the subject does not have, and stops at a refusal.
pub(in crate::cases) fn needed<T>(outcome: Result<T, Refusal>) -> Result<T, Stop> {
    outcome.map_err(|refusal| match refusal {
        Refusal::Unsupported => Stop::Unsupported("the endpoint has no such command".to_owned()),
        Refusal::Refused(why) => Stop::Inconclusive(format!("the endpoint refused: {why}")),
    })
}
