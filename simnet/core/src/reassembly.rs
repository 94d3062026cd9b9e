//! Fragments, put together again: RFC 791 §3.2, RFC 8200 §4.5.

use std::{net::IpAddr, time::Duration};

use base::Instant;
use bytes::{Bytes, BytesMut};

use crate::{
    packet::{Body, Fragment, Packet, UDP_HEADER},
    slab::{Slab, Slot},
};

/// Packets a host puts together at a time. With 64 KiB each that is 4 MiB, what Linux allows.
const MAX_PACKETS: usize = 64;
/// Fragments of one packet: 64 KiB in the smallest pieces that a link of 68 bytes makes are more, but
/// such links do not exist and the bound keeps an attacker from growing the list.
const MAX_FRAGMENTS: usize = 256;
/// How long fragments wait for the rest: RFC 8200 §4.5 says 60 seconds, and RFC 1122 §3.3.2 allows
/// IPv4 the same.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes an IP packet can carry.
const MAX_LENGTH: usize = 65_535;

/// The packets of one host that are being put together.
#[derive(Debug, Default)]
pub(crate) struct Reassembly {
    partial: Vec<Partial>,
}

#[derive(Debug)]
struct Partial {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    deadline: Instant,
    /// In order of offset, without overlaps.
    parts: Vec<(Fragment, usize, Slot)>,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Others are missing.
    Waiting,
    /// A duplicate of one that is there.
    Duplicate,
    /// It does not fit those before it: all of them are lost (RFC 8200 §4.5; RFC 5722 for overlaps).
    Bad(Vec<Slot>),
    /// Too many packets are being put together.
    Full,
    /// All fragments, in order.
    Complete(Vec<Slot>),
}

impl Reassembly {
    /// Takes the fragment at `slot`.
    pub(crate) fn add(&mut self, now: Instant, packet: &Packet, slot: Slot) -> Progress {
        let Some(fragment) = packet.fragment else { return Progress::Complete(vec![slot]) };
        let length = packet.body_length();
        let key = (packet.source_ip, packet.destination_ip, fragment.identification);
        let same = |p: &Partial| (p.source, p.destination, p.identification) == key;
        let at = match self.partial.iter().position(same) {
            Some(at) => at,
            None if self.partial.len() == MAX_PACKETS => return Progress::Full,
            None => {
                self.partial.push(Partial {
                    source: key.0,
                    destination: key.1,
                    identification: key.2,
                    deadline: now + TIMEOUT,
                    parts: Vec::new(),
                });
                self.partial.len() - 1
            }
        };
        let Some(partial) = self.partial.get_mut(at) else { return Progress::Full };
        let progress = partial.add(fragment, length, slot);
        if matches!(progress, Progress::Complete(_) | Progress::Bad(_)) {
            self.partial.remove(at);
        }
        progress
    }

    /// When the oldest unfinished packet is given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.partial.iter().map(|partial| partial.deadline).min()
    }

    /// The fragments of all packets, which are given up.
    pub(crate) fn clear(&mut self) -> Vec<Slot> {
        let all = self.partial.drain(..).flat_map(|partial| partial.parts);
        all.map(|part| part.2).collect()
    }

    /// The fragments of a packet whose time is up.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Vec<Slot>> {
        let at = self.partial.iter().position(|partial| partial.deadline <= now)?;
        Some(self.partial.remove(at).parts.into_iter().map(|part| part.2).collect())
    }
}

impl Partial {
    fn add(&mut self, fragment: Fragment, length: usize, slot: Slot) -> Progress {
        let (start, end) = (usize::from(fragment.offset), usize::from(fragment.offset) + length);
        let duplicate = |part: &(Fragment, usize, Slot)| (part.0, part.1) == (fragment, length);
        if self.parts.iter().any(duplicate) {
            return Progress::Duplicate;
        }
        let overlaps = |part: &(Fragment, usize, Slot)| {
            let (other, other_end) =
                (usize::from(part.0.offset), usize::from(part.0.offset) + part.1);
            (start < other_end && other < end)
                || (!part.0.more && start >= other_end)
                || (!fragment.more && other >= end)
        };
        let misfit = self.parts.iter().any(overlaps)
            || end > MAX_LENGTH
            || length == 0
            || (fragment.more && !length.is_multiple_of(8))
            || self.parts.len() == MAX_FRAGMENTS;
        let at = self.parts.partition_point(|part| part.0.offset < fragment.offset);
        self.parts.insert(at, (fragment, length, slot));
        if misfit {
            return Progress::Bad(self.slots());
        }
        if self.is_complete() { Progress::Complete(self.slots()) } else { Progress::Waiting }
    }

    fn is_complete(&self) -> bool {
        let mut expected = 0;
        for (fragment, length, _) in &self.parts {
            if usize::from(fragment.offset) != expected {
                return false;
            }
            expected += length;
        }
        self.parts.last().is_some_and(|part| !part.0.more)
    }

    fn slots(&self) -> Vec<Slot> {
        self.parts.iter().map(|part| part.2).collect()
    }
}

/// Splits `packet` into fragments of at most `mtu` bytes, headers included, all with
/// `identification`. The packet may itself be a fragment. `None` if `mtu` is too small for any.
pub(crate) fn split(packet: &Packet, mtu: usize, identification: u32) -> Option<Vec<Packet>> {
    let whole = packet.fragment;
    let place = |offset, more| Fragment {
        identification: whole.map_or(identification, |part| part.identification),
        offset,
        more,
    };
    let header = Packet { fragment: Some(place(0, true)), ..packet.clone() }.header_length();
    let room = mtu.checked_sub(header)? / 8 * 8;
    let (base, last_has_more) = whole.map_or((0, false), |part| (part.offset, part.more));
    let payload = packet.payload();
    let total = packet.body_length();
    if room < 8 || total <= room {
        return None;
    }
    let mut fragments = Vec::with_capacity(total.div_ceil(room));
    let mut start = 0;
    while start < total {
        let end = total.min(start + room);
        let more = end < total || last_has_more;
        let offset = base.checked_add(u16::try_from(start).ok()?)?;
        let body = match &packet.body {
            Body::Udp(udp) if start == 0 => {
                let mut first = udp.clone();
                first.payload = payload.slice(..end - UDP_HEADER);
                Body::Udp(first)
            }
            Body::Udp(_) => Body::Trailing(payload.slice(start - UDP_HEADER..end - UDP_HEADER)),
            Body::Trailing(_) => Body::Trailing(payload.slice(start..end)),
            Body::Icmp(_) | Body::Tcp(_) => return None,
        };
        fragments.push(Packet { fragment: Some(place(offset, more)), body, ..packet.clone() });
        start = end;
    }
    Some(fragments)
}

/// The packet that `slots`, all fragments of it in order, make: the first with the bytes of the others
/// behind its own. `None` if the first is not the head of a datagram.
pub(crate) fn join(packets: &Slab, slots: &[Slot]) -> Option<Packet> {
    let first = packets.get(*slots.first()?);
    let Body::Udp(head) = &first.body else { return None };
    let mut udp = head.clone();
    let length = slots.iter().map(|&slot| packets.get(slot).payload().len()).sum();
    let mut payload = BytesMut::with_capacity(length);
    for &slot in slots {
        let part = packets.get(slot);
        payload.extend_from_slice(part.payload());
        udp.checksum_ok &= !part.damaged;
    }
    udp.payload = Bytes::from(payload);
    // RFC 3168 §5.3: a mark on any fragment marks the whole.
    let marked = slots.iter().any(|&slot| packets.get(slot).ecn == base::Ecn::Ce);
    let ecn = if marked { base::Ecn::Ce } else { first.ecn };
    Some(Packet { fragment: None, ecn, body: Body::Udp(udp), ..first.clone() })
}
