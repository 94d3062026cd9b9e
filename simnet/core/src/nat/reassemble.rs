//! Fragments that are put together before they pass: RFC 4787 §11.

use std::{collections::VecDeque, time::Duration};

use base::Instant;
use bytes::BytesMut;

use super::{Nat, fragment::Key, passage::refuse, refusal::Refusal};
use crate::{
    middlebox::{Outlet, Side},
    packet::{Body, Packet, UDP_HEADER},
};

/// How long fragments wait for the others: the shortest time that RFC 6146 §4 allows.
const LIFETIME: Duration = Duration::from_secs(2);
/// Bytes an IP packet can carry.
const MAX_LENGTH: usize = 65_535;

/// Packets of which some fragments are here, in the order of their deadlines.
#[derive(Default)]
pub(super) struct Assembly {
    partial: VecDeque<Partial>,
    /// Fragments in all.
    held: usize,
}

struct Partial {
    deadline: Instant,
    key: Key,
    /// In the order of their offsets, without overlaps.
    parts: Vec<Packet>,
}

impl Assembly {
    /// When [`Nat::give_up_fragments`] has something to do.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.partial.front().map(|partial| partial.deadline)
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Packet> {
        self.held = 0;
        std::mem::take(&mut self.partial).into_iter().flat_map(|partial| partial.parts)
    }
}

impl Nat {
    /// Takes a fragment; gives back the whole packet if it was the last that was missing.
    pub(super) fn assemble(
        &mut self,
        side: Side,
        packet: Packet,
        out: &mut Outlet<'_>,
    ) -> Option<Packet> {
        let Some(key) = Key::of(side, &packet) else { return Some(packet) };
        let limits = self.translator.config.limits;
        self.watchful = true;
        let assembly = &mut self.assembly;
        if assembly.held >= limits.held_fragments {
            refuse(packet, Refusal::FragmentLimit(limits.held_fragments), out);
            return None;
        }
        let at = match assembly.partial.iter().position(|partial| partial.key == key) {
            Some(at) => at,
            None => {
                let deadline = out.now() + LIFETIME;
                assembly.partial.push_back(Partial { deadline, key, parts: Vec::new() });
                assembly.partial.len() - 1
            }
        };
        let partial = assembly.partial.get_mut(at)?;
        let (start, end) = (offset(&packet), offset(&packet) + packet.body_length());
        let place = partial.parts.partition_point(|part| offset(part) < start);
        let before = place.checked_sub(1).and_then(|before| partial.parts.get(before));
        let overlaps = before.is_some_and(|part| offset(part) + part.body_length() > start)
            || partial.parts.get(place).is_some_and(|part| offset(part) < end)
            || end > MAX_LENGTH;
        if overlaps {
            // RFC 8200 §4.5: nothing of such a packet is to be trusted.
            let parts = std::mem::take(&mut partial.parts);
            assembly.partial.remove(at);
            assembly.held -= parts.len();
            for part in parts.into_iter().chain([packet]) {
                refuse(part, Refusal::BadFragments, out);
            }
            return None;
        }
        partial.parts.insert(place, packet);
        assembly.held += 1;
        if !is_complete(&partial.parts) {
            return None;
        }
        let parts = assembly.partial.remove(at).map(|partial| partial.parts)?;
        assembly.held -= parts.len();
        merge(parts, out)
    }

    /// Ends fragments that have waited too long.
    pub(super) fn give_up_fragments(&mut self, out: &mut Outlet<'_>) {
        while let Some(partial) = self.assembly.partial.front()
            && partial.deadline <= out.now()
        {
            let Some(partial) = self.assembly.partial.pop_front() else { break };
            self.assembly.held -= partial.parts.len();
            for part in partial.parts {
                refuse(part, Refusal::IncompleteFragments, out);
            }
        }
    }
}

/// Where the fragment starts in the payload of the packet.
fn offset(packet: &Packet) -> usize {
    packet.fragment.map_or(0, |fragment| fragment.offset.into())
}

/// Whether the parts leave no gap, from the first byte to the last.
fn is_complete(parts: &[Packet]) -> bool {
    let mut next = 0;
    for part in parts {
        if offset(part) != next {
            return false;
        }
        next += part.body_length();
    }
    parts.last().and_then(|part| part.fragment).is_some_and(|fragment| !fragment.more)
}

/// The packet of which these are the parts, in order.
fn merge(parts: Vec<Packet>, out: &mut Outlet<'_>) -> Option<Packet> {
    let mut parts = parts.into_iter();
    let mut whole = parts.next()?;
    whole.fragment = None;
    let mut rest = BytesMut::new();
    let mut damaged = whole.damaged;
    for part in parts {
        rest.extend_from_slice(part.payload());
        damaged |= part.damaged;
        out.absorb(part);
    }
    if let Body::Udp(udp) = &mut whole.body {
        let mut payload = BytesMut::with_capacity(UDP_HEADER + udp.payload.len() + rest.len());
        payload.extend_from_slice(&udp.payload);
        payload.extend_from_slice(&rest);
        udp.payload = payload.freeze();
        udp.checksum_ok &= !damaged;
        whole.damaged = false;
    }
    Some(whole)
}
