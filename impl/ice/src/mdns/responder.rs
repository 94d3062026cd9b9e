//! Answering for names of our own: RFC 6762 §6, §8.3.

use std::{net::IpAddr, net::SocketAddr, time::Duration};

use base::{Datagram, Instant};
use simple_dns::Name;

use super::{MAX_ANSWERS_PER_SECOND, Mdns, MdnsLink, PORT, Packet, wire};

/// Announcements of a name: RFC 6762 §8.3.
const ANNOUNCEMENTS: u8 = 2;
/// The time between them, and the least between any two multicasts of a record (RFC 6762 §6).
const SPACING: Duration = Duration::from_secs(1);
/// A record that was not multicast for this long is not answered by unicast alone: a quarter of its
/// life (RFC 6762 §5.4).
const STALE: Duration = Duration::from_secs((wire::TTL / 4) as u64);

/// A name of our own.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) ip: IpAddr,
    /// Announcements left, and when the next is due.
    announcements: (u8, Instant),
    /// When it was multicast last, and from where.
    multicasts: Vec<(SocketAddr, Instant)>,
}

impl Registration {
    pub(super) fn new(name: &str, ip: IpAddr, now: Instant) -> Self {
        let announcements = (ANNOUNCEMENTS, now);
        Self { name: name.to_owned(), ip, announcements, multicasts: Vec::new() }
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) const fn announce_from(&mut self, now: Instant) {
        self.announcements = (ANNOUNCEMENTS, now);
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.announcements {
            (0, _) => None,
            (_, at) => Some(at),
        }
    }

    pub(super) fn forget_link(&mut self, gone: SocketAddr) {
        self.multicasts.retain(|(local, _)| *local != gone);
    }

    fn since_multicast(&self, now: Instant, link: MdnsLink) -> Option<Duration> {
        let last = self.multicasts.iter().find(|(local, _)| *local == link.local);
        last.map(|&(_, at)| now.elapsed().saturating_sub(at.elapsed()))
    }

    fn note_multicast(&mut self, now: Instant, link: MdnsLink) {
        self.forget_link(link.local);
        self.multicasts.push((link.local, now));
    }
}

impl Mdns {
    /// Announces what is due.
    pub(super) fn announce(&mut self, now: Instant) {
        for index in 0..self.registrations.len() {
            let Some(registration) = self.registrations.get_mut(index) else { continue };
            let (left, at) = registration.announcements;
            if left > 0 && at <= now {
                registration.announcements = (left - 1, now + SPACING);
                for link in self.links_for(index) {
                    self.multicast(now, index, link);
                }
            }
        }
    }

    /// Says something about a name on every link where it is told.
    pub(super) fn say_to_all(&mut self, gone: &Registration, packet: Packet) {
        for (link, _) in &gone.multicasts {
            let known = self.links.iter().find(|known| known.local == *link).copied();
            if let Some(link) = known {
                self.stats.responses += 1;
                self.send(link, link.group(), packet.clone());
            }
        }
    }

    /// The links of the interface that has the address: nobody elsewhere could reach it, nor shall
    /// know.
    fn links_for(&self, index: usize) -> Vec<MdnsLink> {
        let Some(registration) = self.registrations.get(index) else {
            return Vec::new();
        };
        let mut own = self.links.iter().filter(|link| link.local.ip() == registration.ip);
        let Some(interface) = own.next().map(|link| link.interface) else {
            return Vec::new();
        };
        let links = self.links.iter().filter(|link| link.interface == interface);
        links.filter(|link| link.answers()).copied().collect()
    }

    /// Multicasts a record, unless that was done a moment ago.
    fn multicast(&mut self, now: Instant, index: usize, link: MdnsLink) {
        let Some(registration) = self.registrations.get_mut(index) else {
            return;
        };
        if registration.since_multicast(now, link).is_some_and(|since| since < SPACING) {
            self.stats.limited += 1;
            return;
        }
        registration.note_multicast(now, link);
        let packet = Packet::answer(&registration.name, registration.ip);
        self.stats.responses += 1;
        self.send(link, link.group(), packet);
    }

    /// Answers the questions about names of ours, and no others.
    pub(super) fn handle_query(
        &mut self,
        now: Instant,
        link: MdnsLink,
        datagram: &Datagram<'_>,
        query: &simple_dns::Packet<'_>,
    ) {
        if !link.answers() {
            return;
        }
        // RFC 6762 §5.5, §11: nobody beyond the link gets an answer of their own.
        let is_neighbour = link.has_neighbour(datagram.source.ip());
        let is_direct = !datagram.destination.ip().is_multicast();
        if is_direct && !is_neighbour {
            self.stats.strange += 1;
            return;
        }
        let is_legacy = datagram.source.port() != PORT;
        for index in 0..self.registrations.len() {
            let Some(registration) = self.registrations.get(index) else { continue };
            let name = Name::new_unchecked(&registration.name);
            let ip = registration.ip;
            let mut asked = query
                .questions
                .iter()
                .filter(|question| question.qname == name && wire::asks_for(question, ip));
            let Some(question) = asked.next() else { continue };
            let is_known = query.answers.iter().any(|known| {
                // RFC 6762 §7.1: one that knows for long enough is not told again.
                let is_same = known.name == name && wire::address(known) == Some(ip);
                is_same && known.ttl >= wire::TTL / 2
            });
            if is_known || !self.links_for(index).contains(&link) {
                continue;
            }
            let wants_unicast = question.unicast_response || is_direct;
            let (name, source) = (registration.name.clone(), datagram.source);
            let since = registration.since_multicast(now, link);
            if is_legacy && is_neighbour {
                let packet = Packet::legacy_answer(query.id(), &name, ip);
                self.answer_one(now, link, source, packet);
            } else if wants_unicast && is_neighbour && since.is_some_and(|since| since < STALE) {
                self.answer_one(now, link, source, Packet::answer(&name, ip));
            } else if !is_legacy {
                self.multicast(now, index, link);
            } else {
                self.stats.strange += 1;
            }
        }
    }

    /// Answers by unicast, within the limit.
    fn answer_one(
        &mut self,
        now: Instant,
        link: MdnsLink,
        destination: SocketAddr,
        packet: Packet,
    ) {
        let (since, given) = &mut self.answers;
        if now >= *since + Duration::from_secs(1) {
            (*since, *given) = (now, 0);
        }
        if *given >= MAX_ANSWERS_PER_SECOND {
            self.stats.limited += 1;
            return;
        }
        *given += 1;
        self.stats.responses += 1;
        self.send(link, destination, packet);
    }
}
