//! What some boxes do to packets besides translating them.

use std::net::IpAddr;

use base::{Dscp, Ecn};
use bytes::{Bytes, BytesMut};

use super::config::Meddling;
use crate::packet::{Body, Packet};

/// Replaces `from` by `to` in what the packet carries; `port` is that of its remote end.
pub(super) fn replace(
    packet: &mut Packet,
    meddling: &Meddling,
    port: u16,
    (from, to): (IpAddr, IpAddr),
) {
    let (IpAddr::V4(old), IpAddr::V4(new)) = (from, to) else { return };
    let in_text = meddling.text_addresses.contains(&port);
    let payload = match &mut packet.body {
        Body::Udp(udp) => {
            if in_text && let Some(changed) = in_words(&udp.payload, from, to) {
                udp.payload = changed;
            }
            &mut udp.payload
        }
        Body::Tcp(tcp) => &mut tcp.payload,
        Body::Trailing(bytes) => bytes,
        Body::Icmp(_) => return,
    };
    if meddling.binary_addresses
        && let Some(changed) = in_bytes(payload, old.octets(), new.octets())
    {
        *payload = changed;
    }
}

/// Does to the head of a packet what the box does to all of them.
pub(super) fn normalise(packet: &mut Packet, meddling: &Meddling) {
    if meddling.zero_checksum
        && let Body::Udp(udp) = &mut packet.body
    {
        udp.checksum_ok = true;
    }
    if let Some(hops) = meddling.hop_limit {
        packet.hop_limit = hops;
    }
    if meddling.bleach_dscp {
        packet.dscp = Dscp::default();
    }
    if meddling.bleach_ecn {
        packet.ecn = Ecn::NotEct;
    }
}

/// `payload` with every `old` replaced; nothing if there is none.
fn in_bytes(payload: &Bytes, old: [u8; 4], new: [u8; 4]) -> Option<Bytes> {
    let mut changed: Option<BytesMut> = None;
    let mut at = 0;
    while let Some(window) = payload.get(at..at + 4) {
        if window == old {
            let changed = changed.get_or_insert_with(|| BytesMut::from(&payload[..]));
            changed.get_mut(at..at + 4)?.copy_from_slice(&new);
            at += 4;
        } else {
            at += 1;
        }
    }
    changed.map(BytesMut::freeze)
}

/// `payload` with every address `from` that is written out replaced; nothing if there is none.
fn in_words(payload: &Bytes, from: IpAddr, to: IpAddr) -> Option<Bytes> {
    let (old, new) = (from.to_string(), to.to_string());
    let part_of_number = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let mut changed = BytesMut::with_capacity(payload.len());
    let (mut at, mut found) = (0, false);
    while let Some(&byte) = payload.get(at) {
        let end = at + old.len();
        let stands_alone =
            !part_of_number(at.checked_sub(1).and_then(|before| payload.get(before)))
                && !part_of_number(payload.get(end));
        if stands_alone && payload.get(at..end) == Some(old.as_bytes()) {
            changed.extend_from_slice(new.as_bytes());
            (at, found) = (end, true);
        } else {
            changed.extend_from_slice(&[byte]);
            at += 1;
        }
    }
    found.then(|| changed.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_where_they_stand_alone() {
        let payload = Bytes::from_static(b"c=IN IP4 10.0.0.2 10.0.0.25 110.0.0.2 10.0.0.2");
        let changed = in_words(&payload, [10, 0, 0, 2].into(), [11, 0, 0, 1].into()).unwrap();
        assert_eq!(&changed[..], b"c=IN IP4 11.0.0.1 10.0.0.25 110.0.0.2 11.0.0.1");
        assert_eq!(in_words(&changed, [10, 0, 0, 3].into(), [11, 0, 0, 1].into()), None);
        let changed = in_bytes(&Bytes::from_static(&[1, 10, 0, 0, 2, 9]), [10, 0, 0, 2], [11; 4]);
        assert_eq!(changed.as_deref(), Some(&[1, 11, 11, 11, 11, 9][..]));
    }
}
