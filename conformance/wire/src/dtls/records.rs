//! Records sealed and opened: RFC 5288 §3, RFC 6347 §4.1.2, RFC 9146 §5, RFC 9147 §4.

use std::collections::BTreeMap;

pub use super::schedule::TrafficKeys as Protection;
use super::{
    code::content,
    crypto,
    record::{Header, Raw, Shape, number12, plain, unified},
};

/// A record that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its content type.
    pub content: u8,
    /// Its epoch.
    pub epoch: u64,
    /// Its sequence number.
    pub sequence: u64,
    /// What it carries.
    pub payload: Vec<u8>,
    /// How many zeros followed the content.
    pub padding: usize,
    /// The record as it came.
    pub raw: Raw,
}

/// How one record is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Under the keys of this epoch.
    pub epoch: u64,
    /// The sequence number.
    pub sequence: u64,
    /// The content type.
    pub content: u8,
    /// The version in a header of thirteen bytes.
    pub version: u16,
    /// How many zeros follow the content, in 1.3.
    pub padding: usize,
}

/// The keys of an endpoint, and its counters.
#[derive(Clone, Debug, Default)]
pub struct Records {
    read: BTreeMap<u64, Protection>,
    write: BTreeMap<u64, Protection>,
    next: BTreeMap<u64, u64>,
    seen: BTreeMap<u64, u64>,
    /// How unified headers are written.
    pub shape: Shape,
    /// The connection id in records that arrive.
    pub read_cid: Option<Vec<u8>>,
    /// The connection id in records that are sent.
    pub write_cid: Option<Vec<u8>>,
}

impl Records {
    /// Reads records of an epoch with these keys.
    pub fn install_read(&mut self, epoch: u64, keys: Protection) {
        self.read.insert(epoch, keys);
    }

    /// Seals records of an epoch with these keys.
    pub fn install_write(&mut self, epoch: u64, keys: Protection) {
        self.write.insert(epoch, keys);
    }

    /// Forgets the keys of the highest epoch it can write in.
    pub fn forget_newest_write(&mut self) {
        self.write.pop_last();
    }

    /// The highest epoch there are keys to write with; 0 without keys.
    #[must_use]
    pub fn write_epoch(&self) -> u64 {
        self.write.last_key_value().map_or(0, |(epoch, _)| *epoch)
    }

    /// The highest epoch there are keys to read with; 0 without keys.
    #[must_use]
    pub fn read_epoch(&self) -> u64 {
        self.read.last_key_value().map_or(0, |(epoch, _)| *epoch)
    }

    /// The sequence number that the next record of an epoch gets.
    #[must_use]
    pub fn next_sequence(&self, epoch: u64) -> u64 {
        self.next.get(&epoch).copied().unwrap_or_default()
    }

    /// Sets the sequence number that the next record of an epoch gets.
    pub fn set_next_sequence(&mut self, epoch: u64, sequence: u64) {
        self.next.insert(epoch, sequence);
    }

    /// The next record of an epoch.
    pub fn seal(&mut self, epoch: u64, content: u8, payload: &[u8]) -> Vec<u8> {
        let sequence = self.next_sequence(epoch);
        self.set_next_sequence(epoch, sequence + 1);
        let seal = Seal { epoch, sequence, content, version: 0xfefd, padding: 0 };
        self.seal_as(&seal, payload)
    }

    /// A record with everything chosen. Without keys for its epoch it is not protected.
    #[must_use]
    pub fn seal_as(&self, seal: &Seal, payload: &[u8]) -> Vec<u8> {
        match self.write.get(&seal.epoch) {
            None => plain((seal.content, seal.version), seal.epoch, seal.sequence, &[], payload),
            Some(Protection::Tls12 { key, salt }) => self.seal12(seal, payload, key, *salt),
            Some(Protection::Tls13 { key, iv, sn }) => self.seal13(seal, payload, (key, iv, sn)),
        }
    }

    fn seal12(&self, seal: &Seal, payload: &[u8], key: &[u8; 16], salt: [u8; 4]) -> Vec<u8> {
        let number = number12(seal.epoch, seal.sequence);
        let (content, inner, cid) = match self.write_cid.as_deref() {
            Some(cid) if !cid.is_empty() => {
                let inner = [payload, &[seal.content], &vec![0; seal.padding]].concat();
                (content::TLS12_CID, inner, cid)
            }
            _ => (seal.content, payload.to_vec(), &[][..]),
        };
        let aad = aad12(content, seal.version, number, cid, inner.len());
        let sealed = crypto::seal(key, nonce12(salt, number), &aad, &inner);
        let body = [&number[..], &sealed].concat();
        plain((content, seal.version), seal.epoch, seal.sequence, cid, &body)
    }

    fn seal13(
        &self,
        seal: &Seal,
        payload: &[u8],
        (key, iv, sn): (&[u8; 16], &[u8; 12], &[u8; 16]),
    ) -> Vec<u8> {
        let inner = [payload, &[seal.content], &vec![0; seal.padding]].concat();
        let cid = self.write_cid.as_deref().filter(|cid| !cid.is_empty());
        let (shape, length) = (self.shape, inner.len() + 16);
        let head = unified(shape, seal.epoch, seal.sequence, cid, length);
        let sealed = crypto::seal(key, nonce13(*iv, seal.sequence), &head, &inner);
        let hidden = hide(&head, 1 + cid.map_or(0, <[u8]>::len), shape.long_sequence, sn, &sealed);
        [hidden, sealed].concat()
    }

    /// Opens a record.
    ///
    /// # Errors
    ///
    /// Why it cannot be opened.
    pub fn open(&mut self, raw: Raw) -> Result<Heard, (Raw, &'static str)> {
        let opened = match &raw.header {
            Header::Plain { content, epoch: 0, sequence, .. } => {
                Ok((*content, 0, *sequence, raw.body.clone(), 0))
            }
            Header::Plain { .. } => self.open12(&raw),
            Header::Unified { .. } => self.open13(&raw),
        };
        match opened {
            Ok((content, epoch, sequence, payload, padding)) => {
                let seen = self.seen.entry(epoch).or_default();
                *seen = sequence.max(*seen);
                Ok(Heard { content, epoch, sequence, payload, padding, raw })
            }
            Err(why) => Err((raw, why)),
        }
    }

    fn open12(&self, raw: &Raw) -> Result<Opened, &'static str> {
        let Header::Plain { content, version, epoch, sequence, cid } = &raw.header else {
            return Err("a unified header in 1.2");
        };
        let epoch = u64::from(*epoch);
        let Some(Protection::Tls12 { key, salt }) = self.read.get(&epoch) else {
            return Err("no keys for its epoch");
        };
        let Some((explicit, sealed)) = raw.body.split_first_chunk::<8>() else {
            return Err("no room for a nonce");
        };
        let Some(length) = sealed.len().checked_sub(16) else { return Err("no room for a tag") };
        if *content == content::TLS12_CID && self.read_cid.as_ref() != Some(cid) {
            return Err("another connection id");
        }
        let aad = aad12(*content, *version, number12(epoch, *sequence), cid, length);
        let plain = crypto::open(key, nonce12(*salt, *explicit), &aad, sealed);
        let plain = plain.ok_or("the tag is wrong")?;
        if *content == content::TLS12_CID {
            let (content, payload, padding) = strip(&plain)?;
            return Ok((content, epoch, *sequence, payload, padding));
        }
        Ok((*content, epoch, *sequence, plain, 0))
    }

    fn open13(&self, raw: &Raw) -> Result<Opened, &'static str> {
        let Header::Unified { epoch_bits, sequence, cid, .. } = &raw.header else {
            return Err("a plain header in 1.3");
        };
        if *cid != self.read_cid.clone().filter(|cid| !cid.is_empty()) {
            return Err("another connection id");
        }
        let mut epochs = self.read.iter().rev();
        let found = epochs.find(|(epoch, _)| **epoch & 3 == u64::from(*epoch_bits));
        let Some((&epoch, Protection::Tls13 { key, iv, sn })) = found else {
            return Err("no keys for its epoch");
        };
        let at = 1 + cid.as_ref().map_or(0, Vec::len);
        let head = hide(&raw.head, at, sequence.len() == 2, sn, &raw.body);
        let bits = head.get(at..at + sequence.len()).unwrap_or_default();
        let low = bits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let next = self.seen.get(&epoch).map_or(0, |seen| seen + 1);
        let sequence = nearest(next, low, 1 << (8 * sequence.len()));
        let plain = crypto::open(key, nonce13(*iv, sequence), &head, &raw.body);
        let (content, payload, padding) = strip(&plain.ok_or("the tag is wrong")?)?;
        Ok((content, epoch, sequence, payload, padding))
    }
}

type Opened = (u8, u64, u64, Vec<u8>, usize);

/// The number nearest to `expected` with these low bits (RFC 9147 §4.2.2).
fn nearest(expected: u64, low: u64, modulus: u64) -> u64 {
    let base = expected - expected % modulus;
    let candidates =
        [(base + low).checked_sub(modulus), Some(base + low), Some(base + low + modulus)];
    let distance = |candidate: &u64| candidate.abs_diff(expected);
    candidates.into_iter().flatten().min_by_key(distance).unwrap_or(low)
}

fn nonce12(salt: [u8; 4], explicit: [u8; 8]) -> [u8; 12] {
    let [a, b, c, d] = salt;
    let [e, f, g, h, i, j, k, l] = explicit;
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

fn nonce13(iv: [u8; 12], sequence: u64) -> [u8; 12] {
    let mut nonce = iv;
    for (byte, number) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
        *byte ^= number;
    }
    nonce
}

/// RFC 5246 §6.2.3.3; with a connection id RFC 9146 §5.3.
fn aad12(content: u8, version: u16, number: [u8; 8], cid: &[u8], length: usize) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let version = version.to_be_bytes();
    if content != content::TLS12_CID {
        return [&number, &[content][..], &version, &length].concat();
    }
    let cid_length = u8::try_from(cid.len()).unwrap_or(u8::MAX);
    let fixed = [content, cid_length, content];
    [&[0xff; 8], &fixed[..], &version, &number, cid, &length].concat()
}

/// The header with its sequence number hidden, or shown again.
fn hide(head: &[u8], at: usize, long: bool, sn: &[u8; 16], sealed: &[u8]) -> Vec<u8> {
    let mut head = head.to_vec();
    let mask = crypto::mask(sn, sealed).unwrap_or_default();
    let places = head.iter_mut().skip(at).take(if long { 2 } else { 1 });
    for (place, byte) in places.zip(mask) {
        *place ^= byte;
    }
    head
}

/// Takes zeros and the content type off the end.
fn strip(plain: &[u8]) -> Result<(u8, Vec<u8>, usize), &'static str> {
    let end = plain.iter().rposition(|byte| *byte != 0).ok_or("no content type")?;
    let (payload, tail) = plain.split_at(end);
    let content = tail.first().copied().unwrap_or_default();
    Ok((content, payload.to_vec(), tail.len() - 1))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::dtls::split;

    #[rstest]
    #[case(5, 0x05, 256, 5)]
    #[case(256, 0xff, 256, 255)]
    #[case(300, 0x2d, 256, 301)]
    #[case(0, 0xff, 256, 255)]
    #[case(511, 0x00, 256, 512)]
    fn the_nearest_number_is_meant(
        #[case] expected: u64,
        #[case] low: u64,
        #[case] modulus: u64,
        #[case] meant: u64,
    ) {
        assert_eq!(nearest(expected, low, modulus), meant);
    }

    #[rstest]
    #[case::tls12(Protection::Tls12 { key: [1; 16], salt: [2; 4] }, None)]
    #[case::tls12_cid(Protection::Tls12 { key: [1; 16], salt: [2; 4] }, Some(vec![7, 8]))]
    #[case::tls13(Protection::of_secret(&[1; 32]), None)]
    #[case::tls13_cid(Protection::of_secret(&[1; 32]), Some(vec![7, 8]))]
    fn what_is_sealed_opens(#[case] keys: Protection, #[case] cid: Option<Vec<u8>>) {
        for (long_sequence, has_length) in [(true, true), (false, true), (true, false)] {
            let shape = Shape { long_sequence, has_length };
            let mut one = Records { shape, ..Records::default() };
            one.install_write(3, keys.clone());
            one.write_cid.clone_from(&cid);
            let mut two = Records::default();
            two.install_read(3, keys.clone());
            two.read_cid.clone_from(&cid);
            for number in 0..300 {
                let record = one.seal(3, content::APPLICATION_DATA, b"hello");
                let (mut raws, whole) = split(&record, cid.as_ref().map_or(0, Vec::len));
                assert!(whole);
                let heard = two.open(raws.remove(0)).unwrap();
                assert_eq!((heard.epoch, heard.sequence), (3, number));
                assert_eq!((heard.content, &heard.payload[..]), (23, &b"hello"[..]));
            }
        }
    }
}
