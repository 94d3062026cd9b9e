//! Asking for the address of a name: RFC 6762 §5.

use std::{net::IpAddr, time::Duration};

use base::{Datagram, Instant};

use super::{Mdns, MdnsEvent, MdnsLink, PORT, Packet, wire};

/// For how long after a question unicast answers are taken: RFC 6762 §6.
const UNICAST_WINDOW: Duration = Duration::from_secs(2);
/// The time before the first repetition; each later one is twice that (RFC 6762 §5.2).
const INTERVAL: Duration = Duration::from_secs(1);
/// How often a name is asked for.
const ATTEMPTS: u8 = 3;

/// A name that is asked for.
#[derive(Debug)]
pub(super) struct Query {
    name: String,
    id: u16,
    asked: u8,
    next: Instant,
    give_up: Instant,
    /// When unicast answers are no longer taken.
    unicast_until: Instant,
}

impl Query {
    pub(super) fn new(name: &str, id: u16, now: Instant, patience: Duration) -> Self {
        let name = name.to_owned();
        Self { name, id, asked: 0, next: now, give_up: now + patience, unicast_until: now }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn deadline(&self) -> Instant {
        if self.asked < ATTEMPTS { self.next.min(self.give_up) } else { self.give_up }
    }
}

impl Mdns {
    /// Asks on every link what is due. RFC 6762 §5.4: the first question wants unicast answers,
    /// since nobody else wants them (the draft says so too); the later ones want any.
    pub(super) fn ask(&mut self, now: Instant) {
        let mut questions = Vec::new();
        for query in &mut self.queries {
            if query.asked < ATTEMPTS && query.next <= now {
                let unicast = query.asked == 0;
                query.next = now + INTERVAL.saturating_mul(1 << query.asked);
                query.asked += 1;
                if unicast {
                    query.unicast_until = now + UNICAST_WINDOW;
                }
                questions.push((query.id, query.name.clone(), unicast));
            }
        }
        for (id, name, unicast) in questions {
            for index in 0..self.links.len() {
                let Some(&link) = self.links.get(index) else { continue };
                // RFC 6762 §18.1: the number is for those who answer like a unicast server.
                let id = if link.answers() { 0 } else { id };
                self.stats.queries += 1;
                self.send(link, link.group(), Packet::question(id, &name, unicast));
            }
        }
    }

    /// Gives up what took too long.
    pub(super) fn give_up(&mut self, now: Instant) {
        for query in self.queries.extract_if(.., |query| query.give_up <= now) {
            self.events.push_back(MdnsEvent::Resolved { name: query.name, ip: None });
        }
    }

    /// Takes the answers to what was asked, whatever made the other send them (RFC 6762 §18.1).
    pub(super) fn handle_response(
        &mut self,
        now: Instant,
        link: MdnsLink,
        datagram: &Datagram<'_>,
        response: &simple_dns::Packet<'_>,
    ) {
        let is_group = datagram.destination.ip().is_multicast();
        // RFC 6762 §6: answers come from the port alone; §11: and from the link.
        if datagram.source.port() != PORT || !(is_group || link.has_neighbour(datagram.source.ip()))
        {
            self.stats.strange += 1;
            return;
        }
        self.note_conflicts(response);
        let is_expected = |query: &Query| match (is_group, link.answers()) {
            (true, _) => true,
            (false, true) => now <= query.unicast_until,
            (false, false) => response.id() == query.id,
        };
        let mut answered = Vec::new();
        let mut is_unasked = !is_group;
        for query in self.queries.iter().filter(|query| is_expected(query)) {
            is_unasked = false;
            let found = addresses(response, &query.name);
            match found[..] {
                [] => {}
                [ip] if is_usable(ip) => answered.push((query.name.clone(), Some(ip))),
                _ => answered.push((query.name.clone(), None)),
            }
        }
        self.stats.strange += u64::from(is_unasked);
        for (name, ip) in answered {
            self.queries.retain(|query| query.name != name);
            self.events.push_back(MdnsEvent::Resolved { name, ip });
        }
    }

    /// Counts answers of others for names of ours.
    fn note_conflicts(&mut self, response: &simple_dns::Packet<'_>) {
        for registration in &self.registrations {
            let found = addresses(response, &registration.name);
            if found.iter().any(|&ip| ip != registration.ip) {
                self.stats.conflicts += 1;
            }
        }
    }
}

/// The different addresses that a message gives to a name.
fn addresses(response: &simple_dns::Packet<'_>, name: &str) -> Vec<IpAddr> {
    let name = simple_dns::Name::new_unchecked(name);
    let records = response.answers.iter().filter(|record| record.name == name);
    let mut found: Vec<_> = records.filter_map(wire::address).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a check may go there: not to groups, not to ourselves.
fn is_usable(ip: IpAddr) -> bool {
    let is_single = match ip {
        IpAddr::V4(ip) => !(ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast()),
        IpAddr::V6(ip) => {
            !(ip.is_unspecified() || ip.is_multicast() || ip.to_ipv4_mapped().is_some())
        }
    };
    is_single && !ip.is_loopback()
}
