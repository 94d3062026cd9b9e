//! The association: set-up, shutdown, streams reset and added, packets in and out.
//!
//! | file | holds |
//! |---|---|
//! | `state.rs`, `link.rs` | the states of RFC 9260 §4 with what each keeps; what is shared with a known peer |
//! | `setup.rs`, `introduction.rs` | the handshake; what INIT and INIT ACK say |
//! | `cookie.rs`, `cookie_echo.rs` | the state cookie; what one that comes back means: collisions, restarts |
//! | `snap.rs` | set-up by INITs that signalling carried |
//! | `shutdown.rs` | the orderly end, and the end at once |
//! | `intake.rs`, `blue.rs` | packets in: which room takes a chunk; packets out of the blue |
//! | `reset.rs` | streams that begin anew, and more of them: RFC 6525 |
//! | `assemble.rs`, `answers.rs` | packets out: the order of chunks; what waits to be answered |
//! | `commands.rs` | what an application asks for: messages, thresholds, limits |
//! | `timing.rs`, `ecn.rs`, `watch.rs` | timers; congestion marks; whether large packets still pass |

mod answers;
mod assemble;
mod blue;
mod commands;
mod cookie;
mod cookie_echo;
mod ecn;
mod intake;
mod introduction;
mod link;
mod reset;
mod setup;
mod shutdown;
mod snap;
mod state;
#[cfg(test)]
mod tests;
mod timing;
mod watch;

use std::collections::VecDeque;

use base::{Instant, Rng, TimerTable};

pub use assemble::Outgoing;
pub use state::AssociationState;

use self::{
    answers::Answers,
    cookie::Cookies,
    state::{Local, State},
    timing::Timer,
};
use crate::{Config, DropReason, Event, Message, Stats};

/// Reports that a peer may cause and that wait to be polled at most; more of the kind are not told.
const MAX_EVENTS: usize = 1_024;

/// One end of an SCTP association, over packets.
///
/// It is told of packets and of time, and asked for packets, events, messages and its next deadline, like
/// any [machine](base::Machine). It knows no addresses: what carries its packets belongs to this
/// association alone.
///
/// After the end it is [`AssociationState::Closed`] as it was at first: either end may set it up anew.
#[derive(Debug)]
pub struct Association {
    config: Config,
    rng: Rng,
    now: Instant,
    /// What this end brings to the next association that it begins.
    local: Local,
    /// How many peers it has known.
    links: u64,
    /// The tag of the last association that ended: its cookie makes no other one.
    spent_tag: Option<u32>,
    /// The longest packet that the layer below carries, as far as it has said.
    limit: usize,
    state: State,
    cookies: Cookies,
    timers: TimerTable<{ Timer::COUNT }>,
    answers: Answers,
    events: VecDeque<Event>,
    /// Messages that were whole when their association ended.
    unread: VecDeque<Message>,
    stats: Stats,
}

impl Association {
    /// An end that waits for its peer, or for [`Association::connect`].
    #[must_use]
    pub fn new(config: Config, rng: Rng, now: Instant) -> Self {
        let rng = rng.fork("sctp");
        let cookies = Cookies::new(config.provider, &rng);
        let mut association = Self {
            config,
            rng,
            now,
            local: Local { tag: 1, tsn: crate::Tsn::new(0) },
            links: 0,
            spent_tag: None,
            limit: usize::MAX,
            state: State::Closed,
            cookies,
            timers: TimerTable::default(),
            answers: Answers::default(),
            events: VecDeque::new(),
            unread: VecDeque::new(),
            stats: Stats::default(),
        };
        association.local = association.new_local();
        association
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message that is whole and has its turn.
    pub fn poll_message(&mut self) -> Option<Message> {
        let unread = self.unread.pop_front();
        let message = unread.or_else(|| self.state.link_mut()?.receiver.poll_message())?;
        self.stats.messages_received += 1;
        Some(message)
    }

    /// The same, for a layer above that keeps messages until they are read: its bytes count against the
    /// window until [`Association::release`].
    pub fn take_message(&mut self) -> Option<Message> {
        let unread = self.unread.pop_front();
        let message = unread.or_else(|| self.state.link_mut()?.receiver.take_message())?;
        self.stats.messages_received += 1;
        Some(message)
    }

    /// A message that was taken, of `length` bytes, has been read.
    pub fn release(&mut self, length: usize) {
        if let Some(link) = self.state.link_mut() {
            link.receiver.release(length);
        }
    }

    /// Where the association stands.
    #[must_use]
    pub const fn state(&self) -> AssociationState {
        self.state.name()
    }

    /// What was counted, and what is measured at present.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        stats.rto = self.config.rto_initial;
        if let Some(link) = self.state.link() {
            stats.add_link(link);
        }
        stats
    }

    /// Whether the next event is the end.
    pub(crate) fn tells_of_its_end(&self) -> bool {
        matches!(self.events.front(), Some(Event::Closed(_)))
    }

    pub(crate) fn drop_for(&mut self, reason: DropReason) {
        self.stats.dropped.add(reason);
        tracing::trace!(?reason, "dropped");
    }

    /// Queues an event, unless so many wait that nobody seems to want them and the peer can make more.
    fn tell(&mut self, event: Event) {
        let is_endless = matches!(event, Event::PeerError(_) | Event::PathActive(_));
        if is_endless && self.events.len() >= MAX_EVENTS {
            return;
        }
        // Two restarts that nobody asked about are one.
        if event == Event::Restarted && self.events.back() == Some(&Event::Restarted) {
            return;
        }
        self.events.push_back(event);
    }

    /// Tells of what happened to messages, which may have been in a poll: those tell nothing themselves.
    fn collect(&mut self) {
        self.timers.stop(Timer::News as usize);
        let Some(sender) = self.state.sender_mut() else { return };
        self.events.extend(std::iter::from_fn(|| sender.poll_event()));
    }

    /// Whether the application has left so much unread that the peer is to cause no more of it. What is
    /// dropped for it comes again.
    fn is_overfull(&self) -> bool {
        let unread = || self.unread.iter().map(|message| message.payload.len()).sum::<usize>();
        let most = usize::try_from(self.config.max_receive_window).unwrap_or(usize::MAX);
        self.events.len() >= MAX_EVENTS || !self.unread.is_empty() && unread() > most
    }

    fn answer(&mut self, tag: u32, chunks: Vec<u8>) {
        if self.answers.push_packet(tag, chunks).is_err() {
            self.drop_for(DropReason::TooManyAnswers);
        }
    }

    fn answer_chunk(&mut self, chunk: Vec<u8>) {
        if self.answers.push_chunk(chunk).is_err() {
            self.drop_for(DropReason::TooManyAnswers);
        }
    }

    /// Keeps of a link that ends what outlives it: whole messages and counts.
    fn keep_unread(&mut self, mut state: State) {
        if let Some(sender) = state.sender_mut() {
            self.events.extend(std::iter::from_fn(|| sender.poll_event()));
        }
        let Some(link) = state.link_mut() else { return };
        self.unread.extend(std::iter::from_fn(|| link.receiver.poll_message()));
        self.stats.add_counts(link);
    }
}
