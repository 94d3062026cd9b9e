//! Extensions.

use super::cursor::{Cursor, read_u16s, u16s, vec8, vec16};

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its type.
    pub kind: u16,
    /// Its body.
    pub data: Vec<u8>,
}

/// A block of extensions, in the order of the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(pub Vec<Extension>);

impl Extensions {
    /// Reads a block without its length.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let mut all = Vec::new();
        while !cursor.is_done() {
            let kind = cursor.u16()?;
            all.push(Extension { kind, data: cursor.vec16()?.to_vec() });
        }
        Some(Self(all))
    }

    /// The block with its length.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let all: Vec<u8> = self
            .0
            .iter()
            .flat_map(|extension| {
                [&extension.kind.to_be_bytes()[..], &vec16(&extension.data)].concat()
            })
            .collect();
        vec16(&all)
    }

    /// The body of the first extension of this type.
    #[must_use]
    pub fn get(&self, kind: u16) -> Option<&[u8]> {
        self.0.iter().find(|extension| extension.kind == kind).map(|found| &found.data[..])
    }

    /// Whether there is an extension of this type.
    #[must_use]
    pub fn has(&self, kind: u16) -> bool {
        self.get(kind).is_some()
    }

    /// Replaces the extension of this type, or adds it at the end.
    pub fn set(&mut self, kind: u16, data: Vec<u8>) {
        match self.0.iter_mut().find(|extension| extension.kind == kind) {
            Some(extension) => extension.data = data,
            None => self.add(kind, data),
        }
    }

    /// Adds an extension at the end, whatever is there.
    pub fn add(&mut self, kind: u16, data: Vec<u8>) {
        self.0.push(Extension { kind, data });
    }

    /// Takes away every extension of this type.
    pub fn remove(&mut self, kind: u16) {
        self.0.retain(|extension| extension.kind != kind);
    }

    /// The types, in order.
    #[must_use]
    pub fn kinds(&self) -> Vec<u16> {
        self.0.iter().map(|extension| extension.kind).collect()
    }
}

/// Bodies of extensions. The readers give `None` for what is malformed.
pub mod extension {
    use super::{Cursor, read_u16s, u16s, vec8, vec16};

    /// A list of numbers after its length in two bytes: supported_groups, signature_algorithms.
    #[must_use]
    pub fn list16(numbers: &[u16]) -> Vec<u8> {
        vec16(&u16s(numbers))
    }

    /// Reads such a list.
    #[must_use]
    pub fn read_list16(data: &[u8]) -> Option<Vec<u16>> {
        let mut cursor = Cursor::new(data);
        let list = read_u16s(cursor.vec16()?)?;
        cursor.done(list)
    }

    /// A list of numbers after its length in one byte: the client's supported_versions.
    #[must_use]
    pub fn list8(numbers: &[u16]) -> Vec<u8> {
        vec8(&u16s(numbers))
    }

    /// Reads such a list.
    #[must_use]
    pub fn read_list8(data: &[u8]) -> Option<Vec<u16>> {
        let mut cursor = Cursor::new(data);
        let list = read_u16s(cursor.vec8()?)?;
        cursor.done(list)
    }

    /// A single number: the server's supported_versions, HelloRetryRequest's key_share.
    #[must_use]
    pub fn read_u16(data: &[u8]) -> Option<u16> {
        data.try_into().ok().map(u16::from_be_bytes)
    }

    /// The client's key_share.
    #[must_use]
    pub fn key_shares(shares: &[(u16, Vec<u8>)]) -> Vec<u8> {
        vec16(
            &shares.iter().flat_map(|(group, share)| key_share(*group, share)).collect::<Vec<_>>(),
        )
    }

    /// The server's key_share.
    #[must_use]
    pub fn key_share(group: u16, share: &[u8]) -> Vec<u8> {
        [&group.to_be_bytes()[..], &vec16(share)].concat()
    }

    /// Reads the client's key_share.
    #[must_use]
    pub fn read_key_shares(data: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
        let mut outer = Cursor::new(data);
        let mut cursor = Cursor::new(outer.vec16()?);
        let mut shares = Vec::new();
        while !cursor.is_done() {
            shares.push((cursor.u16()?, cursor.vec16()?.to_vec()));
        }
        outer.done(shares)
    }

    /// Reads the server's key_share.
    #[must_use]
    pub fn read_key_share(data: &[u8]) -> Option<(u16, Vec<u8>)> {
        let mut cursor = Cursor::new(data);
        let share = (cursor.u16()?, cursor.vec16()?.to_vec());
        cursor.done(share)
    }

    /// use_srtp (RFC 5764 §4.1.1).
    #[must_use]
    pub fn use_srtp(profiles: &[u16], mki: &[u8]) -> Vec<u8> {
        [list16(profiles), vec8(mki)].concat()
    }

    /// Reads use_srtp: the profiles and the MKI.
    #[must_use]
    pub fn read_use_srtp(data: &[u8]) -> Option<(Vec<u16>, Vec<u8>)> {
        let mut cursor = Cursor::new(data);
        let profiles = read_u16s(cursor.vec16()?)?;
        let mki = cursor.vec8()?.to_vec();
        cursor.done((profiles, mki))
    }

    /// ALPN (RFC 7301 §3.1).
    #[must_use]
    pub fn alpn(names: &[Vec<u8>]) -> Vec<u8> {
        vec16(&names.iter().flat_map(|name| vec8(name)).collect::<Vec<_>>())
    }

    /// Reads ALPN.
    #[must_use]
    pub fn read_alpn(data: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut outer = Cursor::new(data);
        let mut cursor = Cursor::new(outer.vec16()?);
        let mut names = Vec::new();
        while !cursor.is_done() {
            names.push(cursor.vec8()?.to_vec());
        }
        outer.done(names)
    }
}
