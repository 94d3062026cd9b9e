//! Packets of multicast DNS to a machine that answers for one name and asks for another.

use std::net::{IpAddr, SocketAddr};

use base::{Datagram, Ecn, Instant, Machine, Rng};
use ice::{Mdns, MdnsConfig, MdnsEvent, MdnsLink};

/// The name it answers for.
const OURS: &str = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";
/// The name it asks for.
const THEIRS: &str = "2f4712db-ea17-4bcf-a596-105139dfd8bf.local";

/// Lets packets come in: the first byte of each piece says how, the second how long it is. Answers are
/// of our own name, at most one for a packet, and hardly longer than it; news is of the name that was
/// asked for, once.
pub fn mdns_packets(data: &[u8]) {
    let mut mdns = machine();
    let mut resolved = 0;
    let mut rest = data;
    let mut now = Instant::ZERO + std::time::Duration::from_secs(10);
    while let [how, length, more @ ..] = rest {
        let length = usize::from(*length).min(more.len());
        let (payload, later) = more.split_at(length);
        rest = later;
        now += std::time::Duration::from_millis(u64::from(how >> 4) * 100);
        let source = match how & 3 {
            0 => SocketAddr::from(([192, 168, 1, 9], 40_000)),
            1 => SocketAddr::from(([203, 0, 113, 9], 5_353)),
            _ => SocketAddr::from(([192, 168, 1, 9], 5_353)),
        };
        let destination = if how & 4 == 0 { ice::GROUP_V4 } else { local() };
        mdns.handle_datagram(now, Datagram { source, destination, ecn: Ecn::NotEct, payload });
        let answers = drain(&mut mdns, now);
        let own: Vec<_> = answers.iter().filter(|bytes| is_response(bytes)).collect();
        assert!(own.len() <= 1, "one name, one answer");
        for answer in own {
            assert!(names(answer, OURS) && !names(answer, THEIRS), "nobody else's name");
            assert!(answer.len() <= payload.len() + 64, "hardly longer than the question");
        }
        while let Some(MdnsEvent::Resolved { name, ip }) = mdns.poll_event() {
            assert_eq!(name, THEIRS);
            assert!(ip.is_none_or(is_usable), "{ip:?}");
            resolved += 1;
        }
    }
    assert!(resolved <= 1, "one question, one answer");
    while let Some(deadline) = mdns.poll_timeout() {
        mdns.handle_timeout(deadline);
        assert!(mdns.poll_timeout().is_none_or(|next| next > deadline), "deadlines move on");
    }
}

fn local() -> SocketAddr {
    SocketAddr::from(([192, 168, 1, 3], 5_353))
}

fn machine() -> Mdns {
    let start = Instant::ZERO;
    let mut mdns = Mdns::new(MdnsConfig::default(), Rng::from_seed([4; 32]), start);
    mdns.add_link(start, MdnsLink { local: local(), prefix: 24, interface: 1 });
    mdns.register(start, OURS, local().ip()).expect("it is the first");
    mdns.handle_timeout(start + std::time::Duration::from_secs(1));
    let now = start + std::time::Duration::from_secs(10);
    mdns.resolve(now, THEIRS).expect("it is the first");
    drain(&mut mdns, now);
    mdns
}

fn drain(mdns: &mut Mdns, now: Instant) -> Vec<Vec<u8>> {
    let next = || {
        let mut bytes = Vec::new();
        let sent = mdns.poll_transmit(now, &mut bytes)?;
        assert_eq!(sent.size, bytes.len());
        Some(bytes)
    };
    std::iter::from_fn(next).collect()
}

fn is_response(bytes: &[u8]) -> bool {
    bytes.get(2).is_some_and(|flags| flags & 0x80 != 0)
}

/// Whether the first label of the name stands in the packet.
fn names(bytes: &[u8], name: &str) -> bool {
    let label = name.strip_suffix(".local").unwrap_or(name).as_bytes();
    bytes.windows(label.len()).any(|window| window == label)
}

fn is_usable(ip: IpAddr) -> bool {
    !(ip.is_unspecified() || ip.is_multicast() || ip.is_loopback())
}
