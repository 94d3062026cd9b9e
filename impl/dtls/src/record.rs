//! The record layer: sealing and opening under the keys of an epoch.
//!
//! A record is sealed and opened straight into the caller's buffer; neither allocates.
//! Whatever cannot be opened is dropped with a reason and changes nothing, except that failures are
//! counted against the keys.
//!
//! | file | holds |
//! |---|---|
//! | `record/header.rs` | the two forms of headers |
//! | `record/protection.rs` | [`Protection`]: what the keys of an epoch do to a record |
//! | `record/epochs.rs` | what is kept per epoch, and which epoch a record belongs to |
//! | `record/window.rs` | which numbers came before |
//! | `record/connection_id.rs` | the ids in headers |
//! | `record/limits.rs` | how much a key may do |

mod connection_id;
mod epochs;
mod header;
mod limits;
mod protection;
mod window;

#[cfg(test)]
mod tests;

use std::fmt;

use self::{
    connection_id::{ConnectionId, ConnectionIds},
    epochs::{ReadEpochs, WriteEpochs},
    header::{Header, UnifiedHeader},
    protection::SealContext,
};
pub(crate) use self::{limits::Limits, protection::Protection};
use crate::{DropReason, RecordNumber, wire::ContentType};

/// Both directions of an association's records.
pub(crate) struct Records {
    read: ReadEpochs,
    write: WriteEpochs,
    /// What the peer's records must bear, if anything.
    own_ids: ConnectionIds,
    /// What ours bear, if anything.
    peer_id: ConnectionId,
    /// The longest plaintext that the peer takes in a protected record (RFC 8449 §4).
    send_limit: usize,
    /// The longest plaintext that we said we take.
    receive_limit: usize,
    /// The version in headers of records without protection.
    plain_version: u16,
    /// Protected plaintexts that have a place for padding are padded to multiples of this.
    padding: usize,
}

/// What a record was that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Its name.
    pub(crate) number: RecordNumber,
    /// What it carries. Number 0, which is no type, if it is padding and nothing else.
    pub(crate) kind: ContentType,
    /// Whether it is the newest so far: what RFC 9146 §6 asks of a record that changes the peer's
    /// address.
    pub(crate) is_newest: bool,
}

/// Why a record was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// The epoch has no keys, or no longer.
    #[error("no keys for the epoch")]
    NoKeys,
    /// The payload is longer than a record may be.
    #[error("longer than a record")]
    TooLong,
    /// The keys have sealed as many records as they may (RFC 9147 §4.5.3), or numbers have run out
    /// (RFC 9147 §4.2.1, RFC 6347 §4.1).
    #[error("the keys are used up")]
    KeysUsedUp,
}

impl Records {
    /// Epoch 0 in both directions: records without protection.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            read: ReadEpochs::new(limits),
            write: WriteEpochs::new(limits),
            own_ids: ConnectionIds::default(),
            peer_id: ConnectionId::default(),
            send_limit: MAX_INNER_PLAINTEXT,
            receive_limit: MAX_INNER_PLAINTEXT,
            plain_version: header::WIRE_VERSION,
            padding: 1,
        }
    }

    /// Whether our unprotected records bear the version of DTLS 1.0, which the first ClientHello may for
    /// servers that know no other (RFC 9147 §4, RFC 6347 §4.2.1).
    pub(crate) const fn look_old(&mut self, old: bool) {
        self.plain_version = if old { header::OLD_WIRE_VERSION } else { header::WIRE_VERSION };
    }

    /// Takes the keys that open the peer's records of `epoch`. An epoch has keys once: later ones are
    /// ignored. Epochs that the header could confuse with the new one are retired.
    pub(crate) fn install_read(&mut self, epoch: u64, protection: Protection) {
        self.read.install(epoch, protection);
    }

    /// Takes the keys that seal our records of `epoch`.
    pub(crate) fn install_write(&mut self, epoch: u64, protection: Protection) {
        self.write.install(epoch, protection);
    }

    /// Drops the keys that open records of `epoch`.
    pub(crate) fn retire_read(&mut self, epoch: u64) {
        self.read.retire(epoch);
    }

    /// Drops the keys that seal records of `epoch`.
    pub(crate) fn retire_write(&mut self, epoch: u64) {
        self.write.retire(epoch);
    }

    /// The newest epoch that the peer's records can be opened in.
    pub(crate) fn read_epoch(&self) -> u64 {
        self.read.newest()
    }

    /// Whether records of `epoch` can be opened.
    #[cfg(test)]
    pub(crate) fn reads(&self, epoch: u64) -> bool {
        self.read.has(epoch)
    }

    /// The newest epoch that records can be sealed in.
    pub(crate) fn write_epoch(&self) -> u64 {
        self.write.newest()
    }

    /// The number that the next record of `epoch` gets. A server that answered a first ClientHello
    /// without keeping anything goes on with the number of the second (RFC 6347 §4.2.1). Numbers
    /// never go back.
    pub(crate) fn set_next_sequence(&mut self, epoch: u64, sequence: u64) {
        self.write.set_next(epoch, sequence);
    }

    /// Accepts the peer's protected records with `id` in their headers, and from now on no others
    /// than with this and the ids accepted before. All ids are of one length; an id of another length
    /// and an empty one are ignored, and so is one more than [`connection_id::MAX_ACCEPTED`].
    pub(crate) fn accept_connection_id(&mut self, id: &[u8]) {
        self.own_ids.accept(id);
    }

    /// Puts `id` into the headers of our protected records from now on; none if it is empty. It is cut
    /// off at 255 bytes, which is as long as an id can be.
    pub(crate) fn use_connection_id(&mut self, id: &[u8]) {
        self.peer_id = ConnectionId::new(id);
    }

    /// The longest plaintext the peer takes in a protected record (RFC 8449 §4), padding and inner
    /// type included.
    pub(crate) fn set_send_limit(&mut self, limit: u16) {
        self.send_limit = usize::from(limit).min(MAX_INNER_PLAINTEXT);
        if base::mutant::active("dtls-13-limit-without-type") {
            self.send_limit += 1;
        }
    }

    /// The longest plaintext that we told the peer we take.
    pub(crate) fn set_receive_limit(&mut self, limit: u16) {
        self.receive_limit = usize::from(limit).min(MAX_INNER_PLAINTEXT);
    }

    /// Pads what has a place for padding to multiples of `unit` bytes (RFC 8446 §5.4): records of
    /// version 1.3, and those of 1.2 with a connection id.
    pub(crate) fn set_padding(&mut self, unit: u16) {
        self.padding = usize::from(unit).max(1);
    }

    /// Bytes that a record of `epoch` has beyond its payload, at most.
    pub(crate) fn overhead(&self, epoch: u64) -> usize {
        let overhead = self.write.get(epoch).map(|write| {
            let padding = if write.protection.has_inner(&self.peer_id) { self.padding } else { 1 };
            write.protection.overhead(&self.peer_id) + padding - 1
        });
        overhead.unwrap_or(header::LONG_HEADER_LEN)
    }

    /// The longest payload of a record of `epoch`.
    pub(crate) fn max_payload(&self, epoch: u64) -> usize {
        self.write
            .get(epoch)
            .map_or(0, |write| write.protection.max_payload(&self.peer_id, self.send_limit))
    }

    /// Whether the keys that seal `epoch` have done so much that it is time for new ones
    /// (RFC 9147 §4.5.3).
    pub(crate) fn needs_key_update(&self, epoch: u64) -> bool {
        self.write.get(epoch).is_some_and(|write| write.is_worn())
    }

    /// Whether so many records failed to open under the peer's newest keys that the peer should be
    /// asked for new ones (RFC 9147 §4.5.3).
    pub(crate) fn needs_peer_key_update(&self) -> bool {
        self.read.is_worn()
    }

    /// Appends one whole record of `epoch` to `out` and returns its number.
    ///
    /// # Errors
    ///
    /// `SealError`; then `out` is as it was.
    pub(crate) fn seal(
        &mut self,
        epoch: u64,
        kind: ContentType,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<RecordNumber, SealError> {
        let write = self.write.get_mut(epoch).ok_or(SealError::NoKeys)?;
        let longest = write.protection.max_payload(&self.peer_id, self.send_limit);
        if payload.len() > longest {
            return Err(SealError::TooLong);
        }
        let sequence = write.next(kind)?;
        let number = RecordNumber::new(epoch, sequence);
        // Padding never makes a record longer than the peer takes.
        let padding = match self.padding {
            0 | 1 => 0,
            unit => {
                let room = longest - payload.len();
                ((payload.len() + 1).next_multiple_of(unit) - payload.len() - 1).min(room)
            }
        };
        let context = SealContext {
            number,
            kind,
            id: &self.peer_id,
            padding,
            plain_version: self.plain_version,
        };
        write.protection.seal(&context, payload, out);
        Ok(number)
    }

    /// Takes the first record off `datagram`; `None` when nothing is left. What cannot be cut into
    /// records is dropped to the end of the datagram.
    pub(crate) fn split<'a>(
        &self,
        datagram: &mut &'a [u8],
    ) -> Option<Result<&'a [u8], DropReason>> {
        let whole = std::mem::take(datagram);
        if whole.is_empty() {
            return None;
        }
        let length = match Header::parse(whole, &self.own_ids) {
            Ok((_, length)) => length,
            Err(reason) => return Some(Err(reason)),
        };
        let (record, rest) = whole.split_at_checked(length)?;
        *datagram = rest;
        Some(Ok(record))
    }

    /// Opens `record`, one that [`Records::split`] took off a datagram: its payload becomes all that
    /// `out` holds. `out` allocates only if it never was that long.
    ///
    /// # Errors
    ///
    /// Why it is dropped; then what `out` holds means nothing. After `EarlyEpoch` the record can be
    /// tried again.
    pub(crate) fn open(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<Opened, DropReason> {
        let (header, length) = Header::parse(record, &self.own_ids)?;
        let record = record.get(..length).ok_or(DropReason::MalformedRecord)?;
        match header {
            Header::Long(header) => self.open_long(&header, record, out),
            Header::Unified(header) => self.open_unified(header, record, out),
        }
    }

    fn open_long(
        &mut self,
        header: &header::LongHeader,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, DropReason> {
        if !(20..=26).contains(&header.kind.number()) {
            return Err(DropReason::UnknownContentType);
        }
        let expects_id = !self.own_ids.is_empty();
        let (epoch, newest) = self.read.of_long_header(header.number.epoch)?;
        let (head, body) =
            record.split_at_checked(header.length).ok_or(DropReason::MalformedRecord)?;
        let (number, mut kind) = (header.number, header.kind);
        let cipher = match &epoch.protection {
            // Nobody vouches for the number of a record without protection, so none is remembered:
            // whoever made one up could shut out those that follow. The layer above knows messages
            // that it has seen.
            Protection::None if body.len() > MAX_PLAINTEXT => return Err(DropReason::TooLong),
            Protection::None => {
                out.clear();
                out.extend_from_slice(body);
                return Ok(Opened { number, kind, is_newest: false });
            }
            Protection::Tls12(cipher) => cipher,
            Protection::Tls13(_) => return Err(DropReason::UnknownEpoch),
            Protection::Spent => return Err(DropReason::FailureLimit),
        };
        if header.version != header::WIRE_VERSION {
            return Err(DropReason::UnknownVersion);
        }
        // RFC 9146 §3: where an id was agreed on, protected records have one.
        if expects_id != (kind == ContentType::TLS12_CID) {
            return Err(DropReason::UnknownConnectionId);
        }
        if cipher.open(header, header.id(head), body, out).is_err() {
            return Err(epoch.count_failure());
        }
        let is_newest = epoch.accept(number.sequence, newest)?;
        check_length(out, self.receive_limit.min(MAX_PLAINTEXT))?;
        if kind == ContentType::TLS12_CID {
            kind = protection::strip(out);
        }
        Ok(Opened { number, kind, is_newest })
    }

    fn open_unified(
        &mut self,
        header: UnifiedHeader,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, DropReason> {
        // RFC 9147 §9: where an id was agreed on, protected records have one.
        if header.has_id == self.own_ids.is_empty() {
            return Err(DropReason::UnknownConnectionId);
        }
        let (epoch, newest) = self.read.of_unified_header(header.epoch_bits)?;
        let (head, body) =
            record.split_at_checked(header.length).ok_or(DropReason::MalformedRecord)?;
        let cipher = match &epoch.protection {
            Protection::Tls13(cipher) => cipher,
            Protection::Spent => return Err(DropReason::FailureLimit),
            Protection::None | Protection::Tls12(_) => return Err(DropReason::UnknownEpoch),
        };
        let Ok(sequence) = cipher.open(header, epoch.window.next(), [head, body], out) else {
            return Err(epoch.count_failure());
        };
        // RFC 9147 §4.5.1: only now, so that the time it takes does not tell the number.
        let is_newest = epoch.accept(sequence, newest)?;
        let number = RecordNumber::new(epoch.number, sequence);
        check_length(out, self.receive_limit)?;
        Ok(Opened { number, kind: protection::strip(out), is_newest })
    }
}

/// RFC 8449 §4: a record longer than we said we take may be discarded.
const fn check_length(plaintext: &[u8], limit: usize) -> Result<(), DropReason> {
    if plaintext.len() > limit { Err(DropReason::TooLong) } else { Ok(()) }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("read_epoch", &self.read.newest())
            .field("write_epoch", &self.write.newest())
            .finish_non_exhaustive()
    }
}

/// The longest payload of a record (RFC 9147 §4, RFC 5246 §6.2.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;

/// The same with the inner content type of version 1.3 (RFC 8446 §5.4).
const MAX_INNER_PLAINTEXT: usize = MAX_PLAINTEXT + 1;
