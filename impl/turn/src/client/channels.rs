//! Which channels lead to which peers: RFC 8656 §12.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base::Instant;
use stun::FailReason;

use crate::Channel;

/// For how long a channel is bound at the server: RFC 8656 §12.
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
/// When a channel is bound again, counted from the last time: three transactions that get no answer
/// fit in what is left.
pub(crate) const CHANNEL_REFRESH: Duration = Duration::from_secs(480);
/// For how long a channel whose binding is over is bound to nobody else, and its peer to no other
/// channel: RFC 8656 §12.
pub(crate) const CHANNEL_REST: Duration = Duration::from_secs(300);
/// Most channels, resting ones included. Other peers are sent indications.
pub const MAX_CHANNELS: usize = 128;

/// The channels of an allocation.
#[derive(Debug)]
pub(crate) struct Channels {
    bindings: BTreeMap<SocketAddr, Binding>,
    peers: BTreeMap<Channel, SocketAddr>,
    /// Where to look for a free number first, so that numbers are used again as late as can be.
    next: Channel,
    /// Whether the server was ever in step: it bound a channel.
    was_bound: bool,
}

#[derive(Debug)]
struct Binding {
    channel: Channel,
    /// Until when the server certainly has it.
    until: Option<Instant>,
    /// Until when the server may have it.
    lingers_until: Option<Instant>,
    /// When to bind it next; never while that is being done, or was refused.
    ask_at: Option<Instant>,
    is_asked: bool,
    refusal: Option<FailReason>,
    /// Whether the layer above named it. Others are bound again as long as they are used.
    is_kept: bool,
    is_used: bool,
}

impl Default for Channels {
    fn default() -> Self {
        Self {
            bindings: BTreeMap::new(),
            peers: BTreeMap::new(),
            next: Channel::MIN,
            was_bound: false,
        }
    }
}

impl Channels {
    /// Asks for a channel to `peer`, on behalf of the layer above if `is_kept`. False if there are too
    /// many. A peer that has, or had until a while ago, a channel gets the same one.
    pub(crate) fn want(&mut self, now: Instant, peer: SocketAddr, is_kept: bool) -> bool {
        if !self.bindings.contains_key(&peer) && !self.add(now, peer) {
            return false;
        }
        let Some(binding) = self.bindings.get_mut(&peer) else {
            return false;
        };
        binding.is_kept |= is_kept;
        binding.is_used = true;
        let was_refused = binding.refusal.is_some();
        if was_refused && is_kept {
            binding.refusal = None;
        }
        let is_over = !binding.holds(now) && !binding.is_asked && binding.refusal.is_none();
        if is_over && binding.ask_at.is_none() {
            binding.ask_at = Some(now);
        }
        true
    }

    /// Lets the channel to `peer` lapse.
    pub(crate) fn unwant(&mut self, peer: SocketAddr) {
        if let Some(binding) = self.bindings.get_mut(&peer) {
            (binding.is_kept, binding.is_used) = (false, false);
        }
    }

    /// The channel through which to send to `peer`; notes that it is used.
    pub(crate) fn through(&mut self, now: Instant, peer: SocketAddr) -> Option<Channel> {
        let binding = self.bindings.get_mut(&peer)?;
        binding.is_used = true;
        binding.holds(now).then_some(binding.channel)
    }

    /// The channel that is bound to `peer`.
    pub(crate) fn bound(&self, now: Instant, peer: SocketAddr) -> Option<Channel> {
        let binding = self.bindings.get(&peer)?;
        binding.holds(now).then_some(binding.channel)
    }

    /// Who sends through `channel`: RFC 8656 §12. Data may come as soon as the request was sent, and
    /// as long as the server may think that the channel is bound.
    pub(crate) fn peer(&self, now: Instant, channel: Channel) -> Option<SocketAddr> {
        let peer = *self.peers.get(&channel)?;
        let binding = self.bindings.get(&peer)?;
        let lingers = binding.lingers_until.is_some_and(|until| now < until);
        (binding.is_asked || lingers).then_some(peer)
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.bindings.values().filter_map(|binding| binding.ask_at).min()
    }

    /// The next channel that is to be bound, taken as asked for.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(SocketAddr, Channel)> {
        for binding in self.bindings.values_mut() {
            let is_due = binding.ask_at.is_some_and(|at| at <= now);
            if is_due && !binding.is_kept && !binding.is_used {
                binding.ask_at = None;
            }
        }
        let is_due = |binding: &Binding| binding.ask_at.is_some_and(|at| at <= now);
        let (peer, binding) = self.bindings.iter_mut().find(|(_, binding)| is_due(binding))?;
        (binding.is_asked, binding.ask_at, binding.is_used) = (true, None, false);
        Some((*peer, binding.channel))
    }

    /// The server bound what it was asked to bind at `asked_at`. True if it was not bound before.
    pub(crate) fn granted(&mut self, now: Instant, asked_at: Instant, peer: SocketAddr) -> bool {
        self.was_bound = true;
        let Some(binding) = self.bindings.get_mut(&peer) else {
            return false;
        };
        let was_bound = binding.holds(now);
        binding.until = Some(asked_at + CHANNEL_LIFETIME);
        binding.lingers_until = Some(now + CHANNEL_LIFETIME);
        binding.ask_at = Some(asked_at + CHANNEL_REFRESH);
        (binding.is_asked, binding.refusal) = (false, None);
        !was_bound
    }

    /// The server refused for good. What it had bound before lingers.
    pub(crate) fn refused(&mut self, now: Instant, peer: SocketAddr, reason: FailReason) {
        if let Some(binding) = self.bindings.get_mut(&peer) {
            (binding.is_asked, binding.refusal) = (false, Some(reason));
            // It rests like one that was bound, so that nobody asks again at once.
            binding.lingers_until = binding.lingers_until.max(Some(now));
        }
    }

    /// There was no answer: the server may have bound it or not. Asks again at `at`. True if it is not
    /// bound for certain.
    pub(crate) fn try_again(&mut self, now: Instant, peer: SocketAddr, at: Instant) -> bool {
        let Some(binding) = self.bindings.get_mut(&peer) else {
            return false;
        };
        binding.lingers_until = Some(now + CHANNEL_LIFETIME);
        (binding.is_asked, binding.ask_at) = (false, Some(at));
        !binding.holds(now)
    }

    /// Whether the server ever bound a channel of this allocation.
    pub(crate) const fn was_bound(&self) -> bool {
        self.was_bound
    }

    fn add(&mut self, now: Instant, peer: SocketAddr) -> bool {
        self.forget_rested(now);
        if self.bindings.len() >= MAX_CHANNELS {
            return false;
        }
        // There are far more numbers than channels.
        let mut channel = self.next;
        while self.peers.contains_key(&channel) {
            channel = channel.next();
        }
        self.next = channel.next();
        self.peers.insert(channel, peer);
        self.bindings.insert(peer, Binding::new(now, channel));
        true
    }

    /// Forgets what has rested long enough to be bound otherwise.
    fn forget_rested(&mut self, now: Instant) {
        self.bindings.retain(|_, binding| !binding.has_rested(now));
        let bindings = &self.bindings;
        self.peers.retain(|_, peer| bindings.contains_key(peer));
    }
}

impl Binding {
    const fn new(now: Instant, channel: Channel) -> Self {
        Self {
            channel,
            until: None,
            lingers_until: None,
            ask_at: Some(now),
            is_asked: false,
            refusal: None,
            is_kept: false,
            is_used: true,
        }
    }

    fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    fn has_rested(&self, now: Instant) -> bool {
        let is_wanted = self.is_asked || self.ask_at.is_some();
        !is_wanted && self.lingers_until.is_none_or(|until| until + CHANNEL_REST <= now)
    }
}
