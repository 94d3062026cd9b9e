//! Version 1.3 after the handshake: new keys, new connection ids, tickets that nobody keeps
//! (RFC 9147 §5.8.4, §8, §9; RFC 8446 §4.6).

use std::collections::VecDeque;

use base::{Instant, Writer};

use super::{
    connection_ids::ConnectionIds,
    key_update::{Reading, Reason, Writing},
    keys::APPLICATION,
};
use crate::{
    Misdeed, Side, UpdateKeysError,
    flight::{Expect, Incoming},
    handshake::Context,
    schedule::tls13::ExporterSecret,
    wire::{
        ConnectionIdUsage, HandshakeType, KeyUpdate, Message, NewConnectionId, NewSessionTicket,
        RequestConnectionId,
    },
};

/// Messages that wait until the one before is acknowledged. Answers to requests are among them, and a
/// peer that does not acknowledge gets no more answers.
const MAX_QUEUED: usize = 4;

/// An association of version 1.3 whose handshake is over.
pub(crate) struct Connected {
    reading: Reading,
    writing: Writing,
    exporter: ExporterSecret,
    ids: ConnectionIds,
    /// What is to be said once everything before is acknowledged.
    queue: VecDeque<Queued>,
}

/// A message after the handshake.
enum Queued {
    Give { ids: Vec<Vec<u8>>, usage: ConnectionIdUsage },
    Ask { count: u8 },
}

impl Connected {
    /// Both ends have proved themselves.
    pub(super) fn start(reading: Reading, writing: Writing, exporter: ExporterSecret) -> Self {
        let ids = ConnectionIds::default();
        Self { reading, writing, exporter, ids, queue: VecDeque::new() }
    }

    /// Takes a message after the handshake; the caller acknowledges it (RFC 9147 §7.1).
    pub(crate) fn handle(
        mut self,
        cx: &mut Context<'_>,
        message: Incoming<'_>,
    ) -> Result<Self, Misdeed> {
        if !self.may_come_in(message.kind, message.epoch) {
            return Err(Misdeed::DataAcrossKeyChange);
        }
        match (message.kind, cx.side) {
            (HandshakeType::KEY_UPDATE, _) => self.take_key_update(cx, message.body)?,
            (HandshakeType::NEW_SESSION_TICKET, Side::Client) => {
                // Sessions are not resumed: a ticket is read, acknowledged and forgotten.
                let _ticket = NewSessionTicket::parse(message.body)?;
            }
            (HandshakeType::NEW_CONNECTION_ID, _) => self.ids.take(cx, message.body)?,
            (HandshakeType::REQUEST_CONNECTION_ID, _) => {
                let ids = self.ids.answer(cx, message.body)?;
                self.enqueue(Queued::Give { ids, usage: ConnectionIdUsage::CID_SPARE });
            }
            _ => return Err(Misdeed::UnexpectedMessage),
        }
        self.speak(cx);
        Ok(self)
    }

    /// Whether a message may come in `epoch`.
    ///
    /// Until its KeyUpdate is acknowledged, the peer has no other keys than the old ones to say what is
    /// independent of it (RFC 9147 §5.8.4, §8), and it repeats that under the same keys later. Connection
    /// ids are; the next KeyUpdate is not. A ticket would be too, and is refused all the same: BoGo wants
    /// one that follows a KeyUpdate in its epoch to end the association.
    fn may_come_in(&self, kind: HandshakeType, epoch: u64) -> bool {
        let is_about_ids = [HandshakeType::NEW_CONNECTION_ID, HandshakeType::REQUEST_CONNECTION_ID]
            .contains(&kind);
        let present = self.reading.epoch();
        epoch == present || (is_about_ids && epoch >= APPLICATION && epoch + 1 == present)
    }

    fn take_key_update(&mut self, cx: &mut Context<'_>, body: &[u8]) -> Result<(), Misdeed> {
        let update = KeyUpdate::parse(body).map_err(|malformed| {
            // RFC 8446 §4.6.3 has an alert of its own for this.
            if malformed.what == KeyUpdate::UNKNOWN_REQUEST
                && !base::mutant::active("dtls-13-update-value-ill-named")
            {
                Misdeed::BadKeyUpdate
            } else {
                malformed.into()
            }
        })?;
        self.reading.advance(cx.records)?;
        // RFC 9147 §8: a request that would lead past the last epoch is ignored.
        let asked = update.update_requested && !base::mutant::active("dtls-13-update-unanswered");
        if asked && self.writing.can_update() {
            self.writing.want(Reason::Asked);
        }
        Ok(())
    }

    /// Everything that was sent is acknowledged: what waited for that happens now. Returns whether that
    /// changed the keys that records are sealed with.
    pub(crate) fn acknowledged(&mut self, cx: &mut Context<'_>) -> bool {
        let changed = self.writing.acknowledged(cx.records);
        self.speak(cx);
        changed
    }

    /// Begins an update of our keys, and asks the peer for one of its own if `request` is set.
    ///
    /// # Errors
    ///
    /// `UnderWay` if the last one is not acknowledged, `UsedUp` if there are no epochs left.
    pub(crate) fn update_keys(
        &mut self,
        cx: &mut Context<'_>,
        request: bool,
    ) -> Result<(), UpdateKeysError> {
        if self.writing.is_updating() {
            return Err(UpdateKeysError::UnderWay);
        }
        if !self.writing.can_update() || cx.outbox.next_message_seq().is_none() {
            return Err(UpdateKeysError::UsedUp);
        }
        self.writing.want(Reason::Own { request });
        self.speak(cx);
        Ok(())
    }

    /// A record of `epoch` was opened; `is_data` if it was application data.
    pub(crate) fn opened(&mut self, now: Instant, epoch: u64, is_data: bool) {
        self.reading.opened(now, epoch, is_data);
    }

    /// Forgets what is too old to matter, before a datagram is looked at.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_>) {
        self.reading.expire(cx.now, cx.records);
    }

    /// What keys for applications come from.
    pub(crate) const fn exporter(&self) -> &ExporterSecret {
        &self.exporter
    }

    /// Asks the peer for `count` connection ids. Returns whether it may be asked.
    pub(crate) fn request_connection_ids(&mut self, cx: &mut Context<'_>, count: u8) -> bool {
        let may = self.ids.may_ask(cx);
        if may {
            self.ids.ask();
            self.enqueue(Queued::Ask { count });
            self.speak(cx);
        }
        may
    }

    /// Gives the peer up to `count` connection ids, to be used at once or later.
    pub(crate) fn give_connection_ids(
        &mut self,
        cx: &mut Context<'_>,
        count: usize,
        usage: ConnectionIdUsage,
    ) -> bool {
        if cx.session.own_connection_id().is_empty() {
            return false;
        }
        let ids = self.ids.draw(cx, count);
        self.enqueue(Queued::Give { ids, usage });
        self.speak(cx);
        true
    }

    /// Sends with the next connection id that the peer gave, as RFC 9147 §9 wants on a new path.
    pub(crate) fn change_connection_id(&mut self, cx: &mut Context<'_>) -> bool {
        self.ids.change(cx)
    }

    fn enqueue(&mut self, message: Queued) {
        if self.queue.len() < MAX_QUEUED {
            self.queue.push_back(message);
        }
    }

    /// Sends what is due, if nothing is unacknowledged.
    ///
    /// One message at a time: RFC 9147 §5.8.4 forbids two of a kind, and not every peer takes anything in the
    /// old epoch after a KeyUpdate. An update comes last, so that nothing has to be repeated in an epoch that
    /// the peer may have forgotten.
    fn speak(&mut self, cx: &mut Context<'_>) {
        // Message numbers do not begin anew (RFC 9147 §5.2): when they are used up, no more is said.
        if cx.outbox.is_waiting() || cx.outbox.next_message_seq().is_none() {
            return;
        }
        let epoch = self.writing.epoch();
        match self.queue.pop_front() {
            Some(Queued::Give { ids, usage }) => {
                let mut list = Vec::new();
                ids.iter().for_each(|id| NewConnectionId::append(&mut list, id));
                if let Ok(message) = NewConnectionId::from_list(&list, usage) {
                    say(cx, epoch, &message);
                }
            }
            Some(Queued::Ask { count }) => say(cx, epoch, &RequestConnectionId { count }),
            None => {
                if let Some(update_requested) = self.writing.take_wanted() {
                    if update_requested {
                        self.reading.ask();
                    }
                    say(cx, epoch, &KeyUpdate { update_requested });
                    if base::mutant::active("dtls-13-update-hasty") {
                        self.writing.acknowledged(cx.records);
                    }
                }
            }
        }
    }
}

/// Sends a message as a flight of its own, which is repeated until it is acknowledged. It is in no
/// transcript (RFC 8446 §4.4.1).
fn say<'m, M: Message<'m>>(cx: &mut Context<'_>, epoch: u64, message: &M) {
    let mut body = Vec::new();
    message.write(&mut Writer::new(&mut body));
    cx.outbox.begin_flight();
    let _message_seq = cx.outbox.push(epoch, M::KIND, &body);
    cx.outbox.end_flight(cx.now, Expect::Acknowledgement);
}
