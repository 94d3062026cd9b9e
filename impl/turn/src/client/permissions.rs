//! Which addresses may send and be sent to: RFC 8656 §9, §10.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use base::Instant;
use smallvec::SmallVec;
use stun::FailReason;

/// For how long a permission holds at the server: RFC 8656 §9.
pub(crate) const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
/// When a permission is asked for again, counted from the last time: two transactions that get no
/// answer, of 39.5 s each, fit in what is left.
pub(crate) const PERMISSION_REFRESH: Duration = Duration::from_secs(210);
/// Permissions that are due this soon are asked for together with one that is due.
const TOGETHER: Duration = Duration::from_secs(30);
/// Most addresses in one request: with IPv6 they take 192 bytes, so that the request stays well below
/// the smallest MTU.
pub(crate) const MAX_PEERS_PER_REQUEST: usize = 8;
/// Most permissions. An ICE agent takes 64 remote candidates at most, and servers allow as many.
pub const MAX_PERMISSIONS: usize = 128;

/// Addresses that go into one request.
pub(crate) type Peers = SmallVec<[IpAddr; MAX_PEERS_PER_REQUEST]>;

/// The permissions of an allocation.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    entries: BTreeMap<IpAddr, Permission>,
}

#[derive(Debug)]
struct Permission {
    /// Until when the server certainly has it.
    until: Option<Instant>,
    /// When to ask for it next; never while it is asked for or refused.
    ask_at: Option<Instant>,
    is_asked: bool,
    refusal: Option<FailReason>,
    /// Whether the layer above named it. Others are asked for again as long as they are used.
    is_kept: bool,
    /// Whether it was used since it was last asked for.
    is_used: bool,
    /// Whether it must stand alone in its request, because a request with others was refused.
    is_alone: bool,
}

/// How things stand with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may be sent to.
    Granted,
    /// The server was, or is about to be, asked.
    Pending,
    /// The server refused.
    Refused(FailReason),
    /// Nobody asked.
    Unknown,
}

/// What to do about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The layer above is to know.
    Report,
    /// It knew before, or will know later.
    Silence,
}

impl Permissions {
    /// Asks for `peer`, on behalf of the layer above if `is_kept`. False if there are too many.
    pub(crate) fn want(&mut self, now: Instant, peer: IpAddr, is_kept: bool) -> bool {
        if !self.make_room(now, peer) {
            return false;
        }
        let entry = self.entries.entry(peer).or_insert_with(|| Permission::new(now));
        entry.is_kept |= is_kept;
        entry.is_used = true;
        // Named again: what was refused may be allowed by now.
        if entry.refusal.is_some() && is_kept {
            entry.refusal = None;
            entry.ask_at = Some(now);
        }
        if entry.until.is_some_and(|until| until <= now) && !entry.is_asked {
            entry.ask_at = Some(now);
        }
        true
    }

    /// Lets `peer` lapse.
    pub(crate) fn unwant(&mut self, peer: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&peer) {
            entry.is_kept = false;
            entry.is_used = false;
        }
    }

    /// A ChannelBind asks for it as well: RFC 8656 §12.1. False if there are too many.
    pub(crate) fn asked_by_channel(&mut self, now: Instant, peer: IpAddr) -> bool {
        if !self.make_room(now, peer) {
            return false;
        }
        let entry = self.entries.entry(peer).or_insert_with(|| Permission::new(now));
        if entry.refusal.is_none() {
            entry.is_asked = true;
            entry.ask_at = None;
        }
        true
    }

    /// How things stand with `peer`.
    pub(crate) fn standing(&self, now: Instant, peer: IpAddr) -> Standing {
        match self.entries.get(&peer) {
            None => Standing::Unknown,
            Some(entry) if entry.holds(now) => Standing::Granted,
            Some(Permission { refusal: Some(reason), .. }) => Standing::Refused(*reason),
            Some(entry) if entry.is_asked || entry.ask_at.is_some() => Standing::Pending,
            Some(_) => Standing::Unknown,
        }
    }

    /// Whether data from `peer` is welcome: RFC 8656 §11.4. While the answer is on its way, the server
    /// may relay already.
    pub(crate) fn admits(&self, now: Instant, peer: IpAddr) -> bool {
        self.entries.get(&peer).is_some_and(|entry| entry.holds(now) || entry.is_asked)
    }

    /// Notes that `peer` was sent to.
    pub(crate) fn used(&mut self, peer: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&peer) {
            entry.is_used = true;
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.entries.values().filter_map(|entry| entry.ask_at).min()
    }

    /// The addresses of the next request that is due, taken as asked for.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Peers> {
        self.let_unused_lapse(now);
        let is_due = |entry: &Permission| entry.ask_at.is_some_and(|at| at <= now);
        let (first, entry) = self.entries.iter().find(|(_, entry)| is_due(entry))?;
        let mut peers = Peers::new();
        if entry.is_alone {
            peers.push(*first);
        } else {
            let soon = |entry: &Permission| entry.ask_at.is_some_and(|at| at <= now + TOGETHER);
            let all = self.entries.iter().filter(|(_, entry)| soon(entry) && !entry.is_alone);
            peers.extend(all.map(|(peer, _)| *peer).take(MAX_PEERS_PER_REQUEST));
        }
        for peer in &peers {
            if let Some(entry) = self.entries.get_mut(peer) {
                (entry.is_asked, entry.ask_at, entry.is_used) = (true, None, false);
            }
        }
        Some(peers)
    }

    /// The server granted what it was asked for at `asked_at`.
    pub(crate) fn granted(&mut self, now: Instant, asked_at: Instant, peer: IpAddr) -> Verdict {
        let Some(entry) = self.entries.get_mut(&peer) else {
            return Verdict::Silence;
        };
        let was_granted = entry.holds(now);
        entry.until = Some(asked_at + PERMISSION_LIFETIME);
        let late = if base::mutant::active("turn-client-lets-permissions-lapse") { 2 } else { 1 };
        entry.ask_at = Some(asked_at + PERMISSION_REFRESH * late);
        (entry.is_asked, entry.is_alone, entry.refusal) = (false, false, None);
        if was_granted { Verdict::Silence } else { Verdict::Report }
    }

    /// The server refused for good; `together` if other addresses were in the request, so that nobody
    /// knows which of them it disliked.
    pub(crate) fn refused(
        &mut self,
        now: Instant,
        peer: IpAddr,
        reason: FailReason,
        together: bool,
    ) -> Verdict {
        let Some(entry) = self.entries.get_mut(&peer) else {
            return Verdict::Silence;
        };
        entry.is_asked = false;
        if together {
            (entry.is_alone, entry.ask_at) = (true, Some(now));
            return Verdict::Silence;
        }
        entry.refusal = Some(reason);
        Verdict::Report
    }

    /// There was no answer, or one that says nothing about the address: asks again at `at`.
    pub(crate) fn try_again(&mut self, now: Instant, peer: IpAddr, at: Instant) -> Verdict {
        let Some(entry) = self.entries.get_mut(&peer) else {
            return Verdict::Silence;
        };
        (entry.is_asked, entry.ask_at) = (false, Some(at));
        if entry.holds(now) { Verdict::Silence } else { Verdict::Report }
    }

    /// The client is somebody else now: what was refused to the former may be granted.
    pub(crate) fn forgive(&mut self, now: Instant) {
        for entry in self.entries.values_mut().filter(|entry| entry.refusal.is_some()) {
            (entry.refusal, entry.ask_at) = (None, Some(now));
        }
    }

    /// What nobody named and nobody used is not asked for again, and forgotten when it is over.
    fn let_unused_lapse(&mut self, now: Instant) {
        self.entries.retain(|_, entry| {
            let is_due = entry.ask_at.is_some_and(|at| at <= now);
            if is_due && !entry.is_kept && !entry.is_used {
                entry.ask_at = None;
            }
            let is_waiting = entry.is_asked || entry.ask_at.is_some() || entry.refusal.is_some();
            is_waiting || entry.holds(now)
        });
    }

    fn make_room(&mut self, now: Instant, peer: IpAddr) -> bool {
        if self.entries.contains_key(&peer) || self.entries.len() < MAX_PERMISSIONS {
            return true;
        }
        self.entries
            .retain(|_, entry| entry.is_asked || entry.ask_at.is_some() || entry.holds(now));
        self.entries.len() < MAX_PERMISSIONS
    }
}

impl Permission {
    const fn new(now: Instant) -> Self {
        Self {
            until: None,
            ask_at: Some(now),
            is_asked: false,
            refusal: None,
            is_kept: false,
            is_used: true,
            is_alone: false,
        }
    }

    fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}
