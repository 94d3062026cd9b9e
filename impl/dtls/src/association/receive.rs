//! What arrives: a datagram, its records, what they carry.

use base::Instant;

use super::{Association, Phase};
use crate::{
    CloseReason, DropReason, Event, Misdeed, RecordNumber, Side, Version,
    flight::{Inserted, Message},
    gate::{self, Verdict},
    handshake::Handshake,
    wire::{Ack, ChangeCipherSpec, ContentType, HandshakeType},
};

impl Association {
    /// A packet of the peer arrived, or of whoever else can send to us. What is wrong with it is counted
    /// in [`Association::stats`], and not held against the peer unless only the peer can have sent it.
    pub fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.advance(now);
        self.saw_newest = false;
        self.stats.datagrams_received += 1;
        self.stats.bytes_received += u64::try_from(packet.len()).unwrap_or(u64::MAX);
        if matches!(self.phase, Phase::Ended { .. }) {
            self.drop_for(DropReason::Ended);
            return;
        }
        if !self.passes_gate(packet) {
            return;
        }
        self.expire();
        let mut payload = std::mem::take(&mut self.scratch);
        let epoch = self.records.read_epoch();
        self.walk(packet, &mut payload);
        if self.records.read_epoch() > epoch {
            self.replay(&mut payload);
        }
        self.scratch = payload;
        self.report_key_log();
        self.ask_for_new_keys();
    }

    /// RFC 9147 §4.5.3: too many records failed to open under the peer's keys for it to keep them. It is asked
    /// once for each of its epochs.
    fn ask_for_new_keys(&mut self) {
        let epoch = self.records.read_epoch();
        if !self.records.needs_peer_key_update() || self.asked_in_epoch == Some(epoch) {
            return;
        }
        let (handshake, mut cx) = self.split();
        if let Some(Handshake::Connected13(connected)) = handshake
            && connected.update_keys(&mut cx, true).is_ok()
        {
            self.asked_in_epoch = Some(epoch);
        }
    }

    /// The same for a packet that came from another address than the peer's, when records name their
    /// association: nothing but records under keys is looked at. Returns whether one was newer than all
    /// before, so that the peer has to be where it came from (RFC 9146 §6).
    pub(crate) fn receive_elsewhere(&mut self, now: Instant, packet: &[u8]) -> bool {
        let names_us = packet.first().is_some_and(|&first| {
            first == ContentType::TLS12_CID.number() || first & 0xf0 == UNIFIED_WITH_ID
        });
        if !names_us {
            self.drop_for(DropReason::UnknownPeer);
            return false;
        }
        self.is_elsewhere = true;
        self.receive(now, packet);
        self.is_elsewhere = false;
        self.saw_newest
    }

    /// Whether a record newer than all before was in the last datagram, which the peer alone can have
    /// sent.
    pub(crate) const fn saw_newest(&self) -> bool {
        self.saw_newest
    }

    /// Whether a packet may be looked at: not before the client has shown its cookie, if one is wanted.
    fn passes_gate(&mut self, packet: &[u8]) -> bool {
        let Some(cookies) = &self.cookies else { return true };
        // There is one peer and no address; the code covers the ClientHello alone.
        match gate::examine(&self.config, cookies, self.now, &[], packet) {
            Verdict::Admit(admission) => {
                self.admit(*admission);
                true
            }
            Verdict::Answer(answer) => {
                self.answer = Some(answer);
                false
            }
            Verdict::Drop(reason) => {
                self.drop_for(reason);
                false
            }
        }
    }

    /// Takes the records of a datagram one after the other, each opened into `payload`.
    fn walk(&mut self, datagram: &[u8], payload: &mut Vec<u8>) {
        let mut rest = datagram;
        while !self.is_closed() {
            match self.records.split(&mut rest) {
                Some(Ok(record)) => self.take_record(record, payload),
                // Where the next record begins is not known.
                Some(Err(reason)) => self.drop_for(reason),
                None => return,
            }
        }
    }

    fn take_record(&mut self, bytes: &[u8], payload: &mut Vec<u8>) {
        match self.records.open(bytes, payload) {
            Ok(opened) => {
                let (number, kind) = (opened.number, opened.kind);
                self.saw_newest |= opened.is_newest;
                self.stats.records_received += 1;
                self.take(number, kind, payload);
            }
            // After the handshake, a sender waits with new keys until it knows that we have them (RFC 9147
            // §8): what comes in them before that is somebody else's, or a mistake.
            Err(DropReason::EarlyEpoch)
                if self.handshake.as_ref().is_some_and(Handshake::is_connected) =>
            {
                self.drop_for(DropReason::EarlyEpoch);
            }
            Err(DropReason::EarlyEpoch) => {
                let kept = self.early.push(bytes);
                // RFC 9147 §7.1: a client that misses the ServerHello says so. What a server cannot read
                // is what the client says after its last flight, which has a timer.
                if self.side == Side::Client {
                    self.acks.note_unreadable(self.now);
                }
                self.drop_for(if kept {
                    DropReason::EarlyEpoch
                } else {
                    DropReason::TooManyEarlyRecords
                });
            }
            // RFC 8446 §5.2, RFC 8449 §4: under keys it was the peer, which knows how long records may be.
            Err(DropReason::TooLong) if is_protected(bytes) && bytes.len() <= MAX_PROTECTED => {
                self.fail(Misdeed::RecordTooLong);
            }
            Err(DropReason::FailureLimit) => {
                self.drop_for(DropReason::FailureLimit);
                self.end(CloseReason::KeysUsedUp);
            }
            Err(DropReason::BadTag) if base::mutant::active("dtls-bad-tag-fatal") => {
                self.fail(Misdeed::UnexpectedRecord);
            }
            Err(reason) => self.drop_for(reason),
        }
    }

    /// New keys came: what waited for them is looked at again, once.
    fn replay(&mut self, payload: &mut Vec<u8>) {
        for record in self.early.take() {
            if !self.is_closed() {
                self.walk(&record, payload);
            }
        }
    }

    fn take(&mut self, number: RecordNumber, kind: ContentType, payload: &mut Vec<u8>) {
        if number.epoch == 0 && self.is_elsewhere {
            self.drop_for(DropReason::UnknownPeer);
            return;
        }
        self.note_opened(number, kind);
        match kind {
            ContentType::HANDSHAKE => self.take_handshake(number, payload),
            ContentType::APPLICATION_DATA => self.take_data(number, payload),
            ContentType::ALERT => self.take_alert(number, payload),
            ContentType::ACK => self.take_ack(number, payload),
            ContentType::CHANGE_CIPHER_SPEC => self.take_change_cipher_spec(number, payload),
            _ if number.epoch == 0 => self.drop_for(DropReason::UnknownContentType),
            // RFC 8446 §5: under keys, it was the peer.
            _ => self.fail(Misdeed::UnexpectedRecord),
        }
    }

    /// Version 1.3 keeps the keys of an old epoch until the next one is seen in use.
    fn note_opened(&mut self, number: RecordNumber, kind: ContentType) {
        if let Some(Handshake::Connected13(connected)) = &mut self.handshake {
            let is_data = kind == ContentType::APPLICATION_DATA;
            connected.opened(self.now, number.epoch, is_data);
        }
    }

    fn take_handshake(&mut self, number: RecordNumber, payload: &[u8]) {
        // RFC 9147 §5.11, RFC 6347 §4.2.8: a new ClientHello does no harm to an association that has keys,
        // nor does anything else that anybody can send.
        if number.epoch == 0 && self.handshake.as_ref().is_some_and(Handshake::is_connected) {
            self.drop_for(DropReason::Unprotected);
            if base::mutant::active("dtls-hello-ends-association") {
                self.fail(Misdeed::UnexpectedMessage);
            }
            return;
        }
        match self.inbox.insert(number, payload) {
            Ok(inserted) => self.note_inserted(number, &inserted),
            // Under keys it was the peer, and it has said that it would use newer ones.
            Err(DropReason::Unprotected) if number.epoch > 0 => {
                self.fail(Misdeed::DataAcrossKeyChange);
                return;
            }
            Err(reason) => {
                self.drop_for(reason);
                return;
            }
        }
        self.start_clock();
        while let Some(message) = self.inbox.next() {
            self.step(&message);
            if self.is_closed() {
                return;
            }
        }
    }

    /// What a handshake record says beside its messages: which records arrived, and whether ours did.
    fn note_inserted(&mut self, number: RecordNumber, inserted: &Inserted) {
        if let Some(reason) = inserted.dropped {
            self.drop_for(reason);
        }
        let is_connected = self.handshake.as_ref().is_some_and(Handshake::is_connected);
        // Messages after the handshake are not in a hurry, in whatever order they come.
        let is_ahead = inserted.is_ahead && !is_connected;
        let is_repeat = !inserted.is_new && is_connected;
        if !(is_repeat && base::mutant::active("dtls-13-last-ack-once")) {
            self.acks.note(self.now, number, &Inserted { is_ahead, ..*inserted });
        }
        let is_deaf = is_connected && base::mutant::active("dtls-last-flight-not-repeated");
        if let Some(place) = inserted.repeats_earlier_flight.filter(|_| !is_deaf) {
            self.outbox.repeat(self.now, place);
        }
        let ends_ours = self.session.version == Some(Version::Dtls13)
            && !base::mutant::active("dtls-13-answer-ends-nothing");
        if inserted.is_new && ends_ours && !is_connected {
            // RFC 9147 §7.1: a part of the peer's next flight acknowledges all of ours.
            self.outbox.answered(self.now);
        }
    }

    /// Whether nothing new of the peer may come under the keys of `message` after it (RFC 8446 §5.1). A
    /// KeyUpdate does not end its epoch at once: the peer keeps to the keys until it has our
    /// acknowledgement (RFC 9147 §8).
    fn ends_its_epoch(&self, message: &Message) -> bool {
        let is_tls13 = self.session.version == Some(Version::Dtls13);
        message.kind == HandshakeType::FINISHED && is_tls13
    }

    /// Has the handshake take a message, and sees what follows from it.
    fn step(&mut self, message: &Message) {
        if self.ends_its_epoch(message) && self.inbox.holds(message.epoch) {
            // Before anything follows from the message, so that the peer can read the alert.
            self.fail(Misdeed::DataAcrossKeyChange);
            return;
        }
        let Some(handshake) = self.handshake.take() else { return };
        let was_connected = handshake.is_connected();
        let next_message = self.outbox.next_message_seq();
        let read_epoch = self.records.read_epoch();
        let (slot, mut cx) = self.split();
        match handshake.handle(&mut cx, message.incoming()) {
            Ok(next) => *slot = Some(next),
            Err(misdeed) => {
                self.fail(misdeed);
                return;
            }
        }
        let spoke = self.outbox.next_message_seq() != next_message;
        let is_connected = self.handshake.as_ref().is_some_and(Handshake::is_connected);
        if self.session.version == Some(Version::Dtls13)
            && !base::mutant::active("dtls-13-never-acknowledges")
        {
            self.acks.enable();
        }
        match (was_connected, is_connected, spoke) {
            // What comes after the handshake is acknowledged by the timer, so that several messages
            // share an acknowledgement.
            (true, ..) => {}
            // A flight of ours answers the peer's.
            (false, _, true) => {
                self.inbox.end_flight();
                self.acks.answered();
            }
            // The peer's last flight is complete, and nothing but an acknowledgement answers it.
            (false, true, false) => {
                self.outbox.answered(self.now);
                self.acks.complete();
            }
            // RFC 9147 §7.2: the peer has begun to answer. In version 1.2 that stops nothing until all of
            // the answer is there.
            (false, false, false)
                if self.session.version == Some(Version::Dtls13)
                    && !base::mutant::active("dtls-13-answer-ends-nothing") =>
            {
                self.outbox.answered(self.now);
            }
            (false, false, false) => {}
        }
        if was_connected && self.records.read_epoch() > read_epoch {
            self.stats.key_updates_received += 1;
            let receiving = self.records.read_epoch();
            self.report(Event::PeerKeysUpdated { receiving });
        }
        // In version 1.2 the keys may come before the last message that has none.
        let is_tls13 = self.session.version == Some(Version::Dtls13);
        // After the handshake, it is its next message that shows that the peer has left an epoch.
        let floor = if was_connected { message.epoch } else { self.records.read_epoch() };
        if is_tls13 && self.inbox.raise_floor(floor) {
            self.fail(Misdeed::DataAcrossKeyChange);
        } else if is_connected && !was_connected {
            self.connected();
        }
    }

    fn take_data(&mut self, number: RecordNumber, payload: &mut Vec<u8>) {
        if number.epoch == 0 && !base::mutant::active("dtls-plain-data-delivered") {
            self.drop_for(DropReason::UnprotectedData);
            return;
        }
        if self.session.version == Some(Version::Dtls13) && number.epoch < FIRST_DATA_EPOCH {
            // RFC 9147 §6.1: the keys of the handshake are for the handshake, whenever it comes.
            self.fail(Misdeed::EarlyData);
            return;
        }
        if !self.handshake.as_ref().is_some_and(Handshake::is_connected) {
            // In version 1.2, data can overtake the Finished that vouches for its keys. It is lost then, as
            // anything can be (RFC 6347 §4.1).
            self.drop_for(DropReason::EarlyData);
            return;
        }
        // An empty record says nothing.
        let is_verified = self.phase == Phase::Connected;
        if !payload.is_empty() && !self.data.push(payload, is_verified) {
            self.drop_for(DropReason::InboxFull);
        }
    }

    fn take_ack(&mut self, number: RecordNumber, payload: &[u8]) {
        // A client that has no ServerHello does not know the version: there is nothing to acknowledge but
        // what any answer will.
        let is_tls13 = self.session.version == Some(Version::Dtls13);
        let ack = Ack::parse(payload).ok().filter(|_| is_tls13);
        let Some(ack) = ack else {
            self.drop_for(DropReason::BadAcknowledgement);
            return;
        };
        let numbers: Vec<RecordNumber> = ack.records().take(MAX_ACKNOWLEDGED).collect();
        let acknowledged = self.outbox.handle_ack(self.now, number.epoch, &numbers);
        if acknowledged.is_improper {
            self.drop_for(DropReason::BadAcknowledgement);
        }
        let is_idle = self.outbox.is_idle();
        let (handshake, mut cx) = self.split();
        if let Some(Handshake::Connected13(connected)) = handshake
            && is_idle
            && connected.acknowledged(&mut cx)
        {
            self.stats.key_updates_sent += 1;
            let sending = self.records.write_epoch();
            // Nothing that was sent under the old keys is repeated any more.
            self.records.retire_write(sending.saturating_sub(1));
            self.report(Event::KeysUpdated { sending });
        }
    }

    /// In version 1.2 it announces the peer's keys; in version 1.3 it is for middleboxes of TLS, and DTLS
    /// has none (RFC 9147 §5).
    fn take_change_cipher_spec(&mut self, number: RecordNumber, payload: &[u8]) {
        // Once the peer's keys are there, anybody may have sent what came without any.
        if number.epoch == 0 && self.records.read_epoch() > 0 {
            self.drop_for(DropReason::UselessChangeCipherSpec);
            return;
        }
        if ChangeCipherSpec::parse(payload).is_err() {
            self.fail(Misdeed::BadChangeCipherSpec);
            return;
        }
        if number.epoch > 0 || self.session.version != Some(Version::Dtls12) {
            self.drop_for(DropReason::UselessChangeCipherSpec);
            return;
        }
        let (slot, mut cx) = self.split();
        if let Some(handshake) = slot.take() {
            *slot = Some(handshake.handle_change_cipher_spec(&mut cx));
        }
    }

    /// Lets go of keys whose time is over.
    pub(super) fn expire(&mut self) {
        let (handshake, mut cx) = self.split();
        if let Some(Handshake::Connected13(connected)) = handshake {
            connected.expire(&mut cx);
        }
    }

    pub(super) fn report_key_log(&mut self) {
        for line in std::mem::take(&mut self.session.key_log) {
            self.report(Event::KeyLog(line));
        }
    }

    pub(crate) fn drop_for(&mut self, reason: DropReason) {
        tracing::trace!(side = ?self.side, ?reason, "dropped");
        self.stats.dropped.add(reason);
    }
}

/// The first epoch of version 1.3 that has application data (RFC 9147 §6.1).
const FIRST_DATA_EPOCH: u64 = 3;

/// Most record numbers that are read out of one acknowledgement: those of any flight of ours.
const MAX_ACKNOWLEDGED: usize = 64;

/// The first four bits of a record of version 1.3 with a connection id (RFC 9147 §4).
const UNIFIED_WITH_ID: u8 = 0x30;

/// Longest record that any cipher makes of an allowed payload, its header included (RFC 8446 §5.2). One that is
/// longer is dropped like whatever else is no record.
const MAX_PROTECTED: usize = 16_384 + 256 + 13;

/// Whether a record bears the number of an epoch that has keys.
const fn is_protected(record: &[u8]) -> bool {
    match record {
        // RFC 9147 §4: the unified header is for protected records alone.
        [first, ..] if *first >> 5 == 1 => true,
        [_, _, _, high, low, ..] => *high > 0 || *low > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
