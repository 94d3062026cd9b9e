//! All channels of one association.

mod absorb;
mod life;
mod receive;
mod settle;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{Ecn, Instant, Rng};
use sctp::{Association, ConnectError, Outgoing, SnapError};

use crate::{
    Channel, ChannelConfig, ChannelId, CloseError, CloseReason, Config, Data, Event, Input,
    OpenError, Origin, SendError, State, Stats, id::Ids, wire::Open,
};

/// All channels of one association, and the association below them.
///
/// ```
/// use base::{Ecn, Instant, Rng};
/// use datachannel::{ChannelConfig, Channels, Config, Data, Event, Role};
///
/// let now = Instant::ZERO;
/// let end = |role, seed| Channels::new(Config::new(role), Rng::from_seed([seed; 32]), now);
/// let (mut client, mut server) = (end(Role::Even, 1), end(Role::Odd, 2));
/// let chat = client.open(now, &ChannelConfig::new("chat"))?;
/// client.connect(now)?;
///
/// let mut greeted = false;
/// let mut packet = Vec::new();
/// loop {
///     let mut quiet = true;
///     while client.poll_packet(now, &mut packet).is_some() {
///         server.handle_packet(now, &packet, Ecn::NotEct);
///         packet.clear();
///         quiet = false;
///     }
///     while server.poll_packet(now, &mut packet).is_some() {
///         client.handle_packet(now, &packet, Ecn::NotEct);
///         packet.clear();
///         quiet = false;
///     }
///     while let Some(event) = client.poll_event() {
///         if event == Event::Open(chat) {
///             client.send(now, chat, Data::text("hello"))?;
///             quiet = false;
///         }
///     }
///     while let Some(event) = server.poll_event() {
///         greeted |= event == Event::Message { id: chat, data: Data::text("hello") };
///     }
///     if quiet {
///         break;
///     }
/// }
/// assert!(greeted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Channels {
    association: Association,
    phase: Phase,
    ids: Ids,
    slots: BTreeMap<ChannelId, Channel>,
    /// Channels that count towards the limit.
    live: usize,
    max_channels: usize,
    max_message: usize,
    peer_max_message: usize,
    /// Longest message that the association takes to be sent.
    send_limit: usize,
    /// Channels that owe the peer a message, which must go before all others.
    owing: BTreeSet<ChannelId>,
    /// Channels whose own stream is to be reset, and was not asked to be.
    unasked: BTreeSet<ChannelId>,
    /// Numbers that are not given out again, since their streams cannot be reset.
    burnt: BTreeSet<ChannelId>,
    /// Channels that are closed while nobody has fetched the event that says so, and how many of a number: who
    /// still speaks of them must not mean others.
    untold: BTreeMap<ChannelId, u32>,
    /// The channel for which more streams were asked for, and are not all there yet.
    adding: Option<ChannelId>,
    /// Bytes of parts of messages, of all channels.
    parts_held: usize,
    /// Whether the application was refused for want of room.
    refused_for_room: bool,
    events: VecDeque<Told>,
    stats: Stats,
}

/// How far the association is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Up,
    Ended,
}

/// An event, and the bytes of the message that brought it: they count against the window of the association
/// until the application has read it, so that the queue is bounded by the window.
#[derive(Debug)]
struct Told {
    event: Event,
    charge: Option<usize>,
}

impl Channels {
    /// Channels of an association that is yet to be set up.
    ///
    /// RFC 8831 §6.4 has priorities be weights of fair queueing, which is the scheduler of the association
    /// unless its configuration says otherwise.
    #[must_use]
    pub fn new(config: Config, rng: Rng, now: Instant) -> Self {
        let Config { role, association, max_channels, peer_max_message } = config;
        let (max_message, send_limit) = (association.max_message, association.send_buffer);
        let association = Association::new(association, rng, now);
        Self {
            association,
            phase: Phase::Before,
            ids: Ids::new(role),
            slots: BTreeMap::new(),
            live: 0,
            max_channels,
            max_message,
            peer_max_message,
            send_limit: if max_message == 0 { send_limit } else { send_limit.min(max_message) },
            owing: BTreeSet::new(),
            unasked: BTreeSet::new(),
            burnt: BTreeSet::new(),
            untold: BTreeMap::new(),
            adding: None,
            parts_held: 0,
            refused_for_room: false,
            events: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// A packet of the association arrived.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8], ecn: Ecn) {
        self.association.handle_packet(now, packet, ecn);
        self.absorb(now);
    }

    /// The deadline has come. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.absorb(now);
    }

    /// Sets the association up.
    ///
    /// # Errors
    ///
    /// `ConnectError` if that is under way, or was.
    pub fn connect(&mut self, now: Instant) -> Result<(), ConnectError> {
        self.association.connect(now)
    }

    /// This end's INIT, to be carried by signalling.
    #[must_use]
    pub fn init_chunk(&self) -> Vec<u8> {
        self.association.init_chunk()
    }

    /// Sets the association up from the INITs that signalling carried: this end's own and `peer_init`.
    ///
    /// # Errors
    ///
    /// As [`Association::connect_with`]; set-up by packets is still possible then.
    pub fn connect_with(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), SnapError> {
        let taken = self.association.connect_with(now, peer_init);
        self.absorb(now);
        taken
    }

    /// Opens a channel, which the peer learns as soon as the association stands.
    ///
    /// # Errors
    ///
    /// `OpenError` says why not.
    pub fn open(&mut self, now: Instant, config: &ChannelConfig) -> Result<ChannelId, OpenError> {
        if self.phase == Phase::Ended {
            return Err(OpenError::Closed);
        }
        if config.label.len().max(config.protocol.len()) > Open::MAX_TEXT {
            return Err(OpenError::TextTooLong);
        }
        if config.negotiated.is_none() && config.to_open().size() > self.longest_message() {
            return Err(OpenError::TooLong);
        }
        if self.live >= self.max_channels {
            return Err(OpenError::TooManyChannels);
        }
        let Self { ids, slots, burnt, untold, .. } = self;
        let is_taken = |id| burnt.contains(&id) || untold.contains_key(&id);
        let is_free = |id| !slots.contains_key(&id) && !is_taken(id);
        let id = match config.negotiated {
            // RFC 8831 §6.5: the number of a channel that exists cannot be used again.
            Some(id) if is_free(id) || base::mutant::active("datachannel-number-taken-twice") => id,
            Some(_) => return Err(OpenError::Taken),
            None => ids.next(is_free).ok_or(OpenError::NoNumbers)?,
        };
        self.insert(id, Channel::new(config));
        self.owing.insert(id);
        self.absorb(now);
        Ok(id)
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// `SendError` says why not; nothing of the message is kept then.
    pub fn send(&mut self, now: Instant, id: ChannelId, data: Data) -> Result<(), SendError> {
        let limit = self.longest_message();
        let channel = self.slots.get(&id).filter(|it| it.is_told());
        let channel = channel.ok_or(SendError::NoSuchChannel)?;
        if channel.state.is_closing() {
            return Err(SendError::Closing);
        }
        if !channel.state.can_send() {
            return Err(SendError::NotOpen);
        }
        if data.len() > limit {
            return Err(SendError::TooLong { limit });
        }
        if matches!(data, Data::Text(_)) && data.as_text().is_none() {
            return Err(SendError::NotUtf8);
        }
        let options = channel.options();
        let length = data.len();
        let (ppid, payload) = data.into_wire();
        let sent = self.association.send(now, id.stream(), ppid, payload, &options);
        sent.map_err(|error| self.explain(error, limit))?;
        if let Some(channel) = self.slots.get_mut(&id) {
            channel.has_sent = true;
        }
        self.stats.messages_sent += 1;
        self.stats.bytes_sent += u64::try_from(length).unwrap_or(u64::MAX);
        self.absorb(now);
        Ok(())
    }

    /// Closes a channel: what waits to be sent still goes, then its streams are reset (RFC 8831 §6.7), and
    /// [`Event::Closed`] tells when both are. Messages that the peer sent before it learned of it still
    /// arrive until then.
    ///
    /// # Errors
    ///
    /// `CloseError` if there is no such channel. One that is being closed already is closed once.
    pub fn close(&mut self, now: Instant, id: ChannelId) -> Result<(), CloseError> {
        let channel = self.slots.get_mut(&id).filter(|it| it.is_told());
        let channel = channel.ok_or(CloseError::NoSuchChannel)?;
        channel.reason.get_or_insert(CloseReason::Local);
        self.apply(id, Input::Close);
        self.absorb(now);
        Ok(())
    }

    /// Has [`Event::BufferedLow`] tell when no more than `bytes` wait on a channel.
    ///
    /// # Errors
    ///
    /// `CloseError` if there is no such channel.
    pub fn set_buffered_low(&mut self, id: ChannelId, bytes: usize) -> Result<(), CloseError> {
        if self.state(id).is_none() {
            return Err(CloseError::NoSuchChannel);
        }
        self.association.set_buffered_low(id.stream(), bytes);
        Ok(())
    }

    /// Signalling told how long a message the peer takes, in bytes; 0 for any (RFC 8841 §6.1).
    pub const fn set_peer_max_message(&mut self, bytes: usize) {
        self.peer_max_message = bytes;
    }

    /// Ends the association once all that waits was delivered, and every channel with it.
    pub fn shutdown(&mut self, now: Instant) {
        self.association.shutdown(now);
        self.absorb(now);
    }

    /// Ends the association at once and tells the peer `reason`.
    pub fn abort(&mut self, now: Instant, reason: &[u8]) {
        self.association.abort(now, reason);
        self.absorb(now);
    }

    /// The path carries packets of so many bytes of SCTP, and no longer ones.
    pub fn set_max_packet(&mut self, now: Instant, bytes: usize) {
        self.association.set_max_packet(now, bytes);
    }

    /// Appends the next packet to `buffer`, if there is one.
    pub fn poll_packet(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Option<Outgoing> {
        self.association.poll_packet(now, buffer)
    }

    /// The next thing that happened. Messages that nobody fetches keep the peer from sending more than the
    /// window of the association.
    pub fn poll_event(&mut self) -> Option<Event> {
        let Told { event, charge } = self.events.pop_front()?;
        if let Some(bytes) = charge {
            self.association.release(bytes);
        }
        match event {
            Event::Opened { id, .. } => self.introduce(id),
            Event::Closed { id, .. } => self.farewell(id),
            _ => {}
        }
        Some(event)
    }

    /// When to call [`Channels::handle_timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    /// Where a channel is in its life; `None` if there is none with this number.
    #[must_use]
    pub fn state(&self, id: ChannelId) -> Option<State> {
        self.slots.get(&id).filter(|it| it.is_told()).map(|it| it.state)
    }

    /// Every channel, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (ChannelId, State)> + '_ {
        self.slots.iter().filter(|(_, it)| it.is_told()).map(|(id, it)| (*id, it.state))
    }

    /// Bytes of messages of a channel that wait to be sent.
    #[must_use]
    pub fn buffered_amount(&self, id: ChannelId) -> usize {
        self.association.buffered_amount(id.stream())
    }

    /// Longest message that can be sent, in bytes: the peer takes no longer one, or there is no room for it
    /// at all.
    #[must_use]
    pub const fn longest_message(&self) -> usize {
        match self.peer_max_message {
            0 => self.send_limit,
            limit if limit < self.send_limit => limit,
            _ => self.send_limit,
        }
    }

    /// The association below, to be asked.
    #[must_use]
    pub const fn association(&self) -> &Association {
        &self.association
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Why the association did not take a message.
    fn explain(&mut self, error: sctp::SendError, limit: usize) -> SendError {
        match error {
            sctp::SendError::QueueFull => {
                self.refused_for_room = true;
                SendError::Full
            }
            sctp::SendError::TooLong => SendError::TooLong { limit },
            sctp::SendError::Closed | sctp::SendError::StreamResetting => SendError::Closing,
            _ => SendError::NotOpen,
        }
    }

    /// The application has learned of a channel that the peer opened.
    fn introduce(&mut self, id: ChannelId) {
        if self.untold.contains_key(&id) {
            // It is closed already.
            return;
        }
        if let Some(channel) = self.slots.get_mut(&id) {
            channel.is_new = false;
        }
    }

    /// The application has learned that a channel is closed.
    fn farewell(&mut self, id: ChannelId) {
        if let Some(count) = self.untold.get_mut(&id) {
            *count -= 1;
            if *count == 0 {
                self.untold.remove(&id);
                self.ids.give_back(id);
            }
        }
    }

    fn tell(&mut self, event: Event, charge: Option<usize>) {
        self.events.push_back(Told { event, charge });
    }

    fn is_known(&self, id: ChannelId) -> bool {
        self.slots.get(&id).is_some_and(|it| it.origin != Origin::Refused)
    }
}
