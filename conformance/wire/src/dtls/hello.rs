//! The hellos: RFC 6347 §4.2.1, RFC 9147 §5.3, RFC 8446 §4.1.3.

use std::fmt;

use super::{
    Extensions, Version, code,
    cursor::{Cursor, read_u16s, u16s, vec8, vec16},
    extensions::extension,
};

/// The random of HelloRetryRequest (RFC 8446 §4.1.3).
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ClientHello.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// client_version, or legacy_version.
    pub version: u16,
    /// The random.
    pub random: [u8; 32],
    /// The session id.
    pub session_id: Vec<u8>,
    /// The cookie of 1.2.
    pub cookie: Vec<u8>,
    /// The cipher suites.
    pub suites: Vec<u16>,
    /// The compression methods.
    pub compression: Vec<u8>,
    /// The extensions.
    pub extensions: Extensions,
}

/// What a reader of a report wants to know. The random is left out: it says nothing, and stacks that throw
/// dice of their own would make every report another.
impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHello")
            .field("version", &self.version)
            .field("session_id", &self.session_id.len())
            .field("cookie", &self.cookie.len())
            .field("suites", &self.suites)
            .field("compression", &self.compression)
            .field(
                "extensions",
                &self.extensions.0.iter().map(|extension| extension.kind).collect::<Vec<_>>(),
            )
            .finish()
    }
}

impl ClientHello {
    /// Reads a body.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = cursor.u16()?;
        let random = cursor.array()?;
        let session_id = cursor.vec8()?.to_vec();
        let cookie = cursor.vec8()?.to_vec();
        let suites = read_u16s(cursor.vec16()?)?;
        let compression = cursor.vec8()?.to_vec();
        let extensions = read_block(&mut cursor)?;
        let hello = Self { version, random, session_id, cookie, suites, compression, extensions };
        cursor.done(hello)
    }

    /// The body.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [
            &self.version.to_be_bytes()[..],
            &self.random,
            &vec8(&self.session_id),
            &vec8(&self.cookie),
            &vec16(&u16s(&self.suites)),
            &vec8(&self.compression),
            &self.extensions.write(),
        ]
        .concat()
    }

    /// The versions it offers, best first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let offered = match self.extensions.get(code::ext::SUPPORTED_VERSIONS) {
            Some(data) => extension::read_list8(data).unwrap_or_default(),
            None => vec![self.version],
        };
        offered.into_iter().filter_map(Version::from_code).collect()
    }

    /// The groups it has sent keys for.
    #[must_use]
    pub fn shares(&self) -> Vec<(u16, Vec<u8>)> {
        let data = self.extensions.get(code::ext::KEY_SHARE);
        data.and_then(extension::read_key_shares).unwrap_or_default()
    }
}

/// A ServerHello, or a HelloRetryRequest.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// server_version, or legacy_version.
    pub version: u16,
    /// The random.
    pub random: [u8; 32],
    /// The session id.
    pub session_id: Vec<u8>,
    /// The cipher suite.
    pub suite: u16,
    /// The compression method.
    pub compression: u8,
    /// The extensions.
    pub extensions: Extensions,
}

/// As that of a ClientHello.
impl fmt::Debug for ServerHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHello")
            .field("version", &self.version)
            .field("session_id", &self.session_id.len())
            .field("suite", &self.suite)
            .field("compression", &self.compression)
            .field(
                "extensions",
                &self.extensions.0.iter().map(|extension| extension.kind).collect::<Vec<_>>(),
            )
            .finish()
    }
}

impl ServerHello {
    /// Reads a body.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = cursor.u16()?;
        let random = cursor.array()?;
        let session_id = cursor.vec8()?.to_vec();
        let suite = cursor.u16()?;
        let compression = cursor.u8()?;
        let extensions = read_block(&mut cursor)?;
        let hello = Self { version, random, session_id, suite, compression, extensions };
        cursor.done(hello)
    }

    /// The body.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [
            &self.version.to_be_bytes()[..],
            &self.random,
            &vec8(&self.session_id),
            &self.suite.to_be_bytes(),
            &[self.compression],
            &self.extensions.write(),
        ]
        .concat()
    }

    /// Whether it is a HelloRetryRequest.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == RETRY_RANDOM
    }

    /// The version it has chosen.
    #[must_use]
    pub fn chosen(&self) -> Option<Version> {
        let data = self.extensions.get(code::ext::SUPPORTED_VERSIONS);
        Version::from_code(match data {
            Some(data) => extension::read_u16(data)?,
            None => self.version,
        })
    }
}

/// A HelloVerifyRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest {
    /// server_version.
    pub version: u16,
    /// The cookie.
    pub cookie: Vec<u8>,
}

impl HelloVerifyRequest {
    /// Reads a body.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let request = Self { version: cursor.u16()?, cookie: cursor.vec8()?.to_vec() };
        cursor.done(request)
    }

    /// The body.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [&self.version.to_be_bytes()[..], &vec8(&self.cookie)].concat()
    }
}

/// A block of extensions that may be missing altogether.
fn read_block(cursor: &mut Cursor<'_>) -> Option<Extensions> {
    if cursor.is_done() {
        return Some(Extensions::default());
    }
    Extensions::read(cursor.vec16()?)
}
