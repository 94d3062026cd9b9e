//! The bodies of messages other than the hellos. The readers give `None` for what is malformed.

use super::{
    Extensions,
    cursor::{Cursor, u24, vec8, vec16, vec24},
};

/// Certificate of 1.2 (RFC 5246 §7.4.2).
#[must_use]
pub fn certificate12(chain: &[Vec<u8>]) -> Vec<u8> {
    vec24(&chain.iter().flat_map(|der| vec24(der)).collect::<Vec<_>>())
}

/// Reads a Certificate of 1.2: the chain.
#[must_use]
pub fn read_certificate12(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut outer = Cursor::new(body);
    let mut cursor = Cursor::new(outer.vec24()?);
    let mut chain = Vec::new();
    while !cursor.is_done() {
        chain.push(cursor.vec24()?.to_vec());
    }
    outer.done(chain)
}

/// Certificate of 1.3 (RFC 8446 §4.4.2).
#[must_use]
pub fn certificate13(context: &[u8], chain: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> =
        chain.iter().flat_map(|der| [vec24(der), Extensions::default().write()].concat()).collect();
    [vec8(context), vec24(&list)].concat()
}

/// Reads a Certificate of 1.3: the context and the chain.
#[must_use]
pub fn read_certificate13(body: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut outer = Cursor::new(body);
    let context = outer.vec8()?.to_vec();
    let mut cursor = Cursor::new(outer.vec24()?);
    let mut chain = Vec::new();
    while !cursor.is_done() {
        chain.push(cursor.vec24()?.to_vec());
        Extensions::read(cursor.vec16()?)?;
    }
    outer.done((context, chain))
}

/// CertificateRequest of 1.2 for ECDSA certificates (RFC 5246 §7.4.4).
#[must_use]
pub fn certificate_request12(schemes: &[u16]) -> Vec<u8> {
    [vec8(&[64]), super::extension::list16(schemes), vec16(&[])].concat()
}

/// CertificateRequest of 1.3 (RFC 8446 §4.3.2).
#[must_use]
pub fn certificate_request13(context: &[u8], extensions: &Extensions) -> Vec<u8> {
    [vec8(context), extensions.write()].concat()
}

/// Reads a CertificateRequest of 1.3: the context and the extensions.
#[must_use]
pub fn read_certificate_request13(body: &[u8]) -> Option<(Vec<u8>, Extensions)> {
    let mut cursor = Cursor::new(body);
    let context = cursor.vec8()?.to_vec();
    let extensions = Extensions::read(cursor.vec16()?)?;
    cursor.done((context, extensions))
}

/// Reads a CertificateRequest of 1.2: certificate types and signature schemes.
#[must_use]
pub fn read_certificate_request12(body: &[u8]) -> Option<(Vec<u8>, Vec<u16>)> {
    let mut cursor = Cursor::new(body);
    let types = cursor.vec8()?.to_vec();
    let schemes = super::cursor::read_u16s(cursor.vec16()?)?;
    cursor.vec16()?;
    cursor.done((types, schemes))
}

/// CertificateVerify of both versions (RFC 5246 §7.4.8, RFC 8446 §4.4.3).
#[must_use]
pub fn certificate_verify(scheme: u16, signature: &[u8]) -> Vec<u8> {
    [&scheme.to_be_bytes()[..], &vec16(signature)].concat()
}

/// Reads a CertificateVerify: scheme and signature.
#[must_use]
pub fn read_certificate_verify(body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut cursor = Cursor::new(body);
    let parts = (cursor.u16()?, cursor.vec16()?.to_vec());
    cursor.done(parts)
}

/// The parameters that ServerKeyExchange signs (RFC 8422 §5.4).
#[must_use]
pub fn ecdhe_parameters(group: u16, share: &[u8]) -> Vec<u8> {
    [&[3], &group.to_be_bytes()[..], &vec8(share)].concat()
}

/// ServerKeyExchange (RFC 8422 §5.4).
#[must_use]
pub fn server_key_exchange(parameters: &[u8], scheme: u16, signature: &[u8]) -> Vec<u8> {
    [parameters, &certificate_verify(scheme, signature)].concat()
}

/// A ServerKeyExchange, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange {
    /// The group.
    pub group: u16,
    /// The server's key.
    pub share: Vec<u8>,
    /// What is signed besides the randoms.
    pub parameters: Vec<u8>,
    /// The signature scheme.
    pub scheme: u16,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Reads a ServerKeyExchange.
#[must_use]
pub fn read_server_key_exchange(body: &[u8]) -> Option<ServerKeyExchange> {
    let mut cursor = Cursor::new(body);
    let named = cursor.u8()? == 3;
    let group = cursor.u16()?;
    let share = cursor.vec8()?.to_vec();
    let parameters = ecdhe_parameters(group, &share);
    let (scheme, signature) = (cursor.u16()?, cursor.vec16()?.to_vec());
    let exchange = ServerKeyExchange { group, share, parameters, scheme, signature };
    if named { cursor.done(exchange) } else { None }
}

/// An ACK (RFC 9147 §7): epochs and sequence numbers.
#[must_use]
pub fn ack(numbers: &[(u64, u64)]) -> Vec<u8> {
    vec16(
        &numbers
            .iter()
            .flat_map(|(epoch, sequence)| [epoch.to_be_bytes(), sequence.to_be_bytes()].concat())
            .collect::<Vec<_>>(),
    )
}

/// Reads an ACK.
#[must_use]
pub fn read_ack(body: &[u8]) -> Option<Vec<(u64, u64)>> {
    let mut outer = Cursor::new(body);
    let mut cursor = Cursor::new(outer.vec16()?);
    let mut numbers = Vec::new();
    while !cursor.is_done() {
        let epoch = u64::from_be_bytes(cursor.array()?);
        numbers.push((epoch, u64::from_be_bytes(cursor.array()?)));
    }
    outer.done(numbers)
}

/// The header and body of a message as one piece: twelve bytes before the body (RFC 6347 §4.2.2).
#[must_use]
pub fn framed(kind: u8, seq: u16, body: &[u8]) -> Vec<u8> {
    let length = u24(body.len());
    [&[kind], &length[..], &seq.to_be_bytes(), &[0; 3], &length, body].concat()
}
