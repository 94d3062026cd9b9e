//! The bodies of DTLS messages and the values of extensions, through their parsers and back.

use base::{Malformed, Reader, Writer};
use dtls::wire::{
    Ack, Alert, Certificate12, Certificate13, CertificateRequest12, CertificateRequest13,
    CertificateVerify, ChangeCipherSpec, ClientHello, ClientKeyExchange, ClientKeyShares,
    ClientVersions, ConnectionId, Cookie, EcPointFormats, EncryptedExtensions,
    ExtendedMasterSecret, Extension, Extensions, Finished, HandshakeHeader, HelloRequest,
    HelloVerifyRequest, KeyUpdate, Message, NewConnectionId, NewSessionTicket, ProtocolNames,
    RecordSizeLimit, RenegotiationInfo, RequestConnectionId, RetryKeyShare, ServerHello,
    ServerHelloDone, ServerKeyExchange, ServerKeyShare, ServerVersion, SignatureAlgorithms,
    SignatureAlgorithmsCert, SupportedGroups, UseSrtp,
};
use wire::dtls as other;

/// Parses any bytes as each message and each extension; what is one is written and read again, and the
/// hellos are read by the suite's own parser as well.
pub fn dtls_messages(data: &[u8]) {
    client_messages(data);
    server_messages(data);
    later_messages(data);
    extension_values(data);
    frames(data);
    compare_hellos(data);
}

fn client_messages(data: &[u8]) {
    if let Some(hello) = message::<ClientHello<'_>>(data) {
        from_both_versions(&hello.extensions);
    }
    message::<ClientKeyExchange<'_>>(data);
    message::<CertificateVerify<'_>>(data);
    message::<Finished<'_>>(data);
    if let Some(certificate) = message::<Certificate12<'_>>(data) {
        assert_eq!(certificate.is_empty(), certificate.certificates().next().is_none());
    }
    if let Some(certificate) = message::<Certificate13<'_>>(data) {
        certificate.entries().for_each(|entry| from_both_versions(&entry.extensions));
    }
}

fn server_messages(data: &[u8]) {
    if let Some(hello) = message::<ServerHello<'_>>(data) {
        from_both_versions(&hello.extensions);
        let _said = (hello.is_retry(), hello.downgraded_from());
    }
    message::<HelloVerifyRequest<'_>>(data);
    message::<HelloRequest>(data);
    message::<ServerKeyExchange<'_>>(data);
    message::<ServerHelloDone>(data);
    message::<EncryptedExtensions<'_>>(data);
    message::<CertificateRequest13<'_>>(data);
    if let Some(request) = message::<CertificateRequest12<'_>>(data) {
        assert!(request.types().count() > 0 && !request.schemes.is_empty());
        assert!(request.authorities().all(|name| !name.is_empty()));
    }
}

fn later_messages(data: &[u8]) {
    message::<KeyUpdate>(data);
    message::<NewConnectionId<'_>>(data);
    message::<RequestConnectionId>(data);
    message::<NewSessionTicket<'_>>(data);
}

fn extension_values(data: &[u8]) {
    extension::<ClientVersions<'_>>(data);
    extension::<ServerVersion>(data);
    extension::<ClientKeyShares<'_>>(data);
    extension::<ServerKeyShare<'_>>(data);
    extension::<RetryKeyShare>(data);
    extension::<Cookie<'_>>(data);
    extension::<SupportedGroups<'_>>(data);
    extension::<EcPointFormats<'_>>(data);
    extension::<SignatureAlgorithms<'_>>(data);
    extension::<SignatureAlgorithmsCert<'_>>(data);
    extension::<UseSrtp<'_>>(data);
    extension::<ProtocolNames<'_>>(data);
    extension::<ExtendedMasterSecret>(data);
    extension::<RenegotiationInfo<'_>>(data);
    extension::<ConnectionId<'_>>(data);
    extension::<RecordSizeLimit>(data);
}

fn frames(data: &[u8]) {
    let mut reader = Reader::new(data);
    while let Ok(header) = HandshakeHeader::read(&mut reader) {
        let mut bytes = Vec::new();
        header.write(&mut Writer::new(&mut bytes));
        assert_eq!(HandshakeHeader::read(&mut Reader::new(&bytes)), Ok(header));
        assert!(header.range().is_none_or(|range| range.end <= 0xff_ffff));
        one_line(&header.to_string());
    }
    if let Ok(alert) = Alert::parse(data) {
        assert_eq!(alert.to_bytes(), data);
    }
    if let Ok(ack) = Ack::parse(data) {
        let records: Vec<_> = ack.records().collect();
        let mut bytes = Vec::new();
        Ack::write(&records, &mut Writer::new(&mut bytes));
        assert_eq!(bytes, data, "an ACK has one form");
    }
    assert_eq!(ChangeCipherSpec::parse(data).is_ok(), data == [1]);
}

/// The law of messages: what was read, written and read again is the same.
fn message<'a, M>(data: &'a [u8]) -> Option<M>
where
    M: Message<'a> + std::fmt::Debug + std::fmt::Display,
{
    let message = M::parse(data).ok()?;
    let mut bytes = Vec::new();
    message.write(&mut Writer::new(&mut bytes));
    // An empty block of extensions may also be left out, and is; all else has one form.
    let is_same = bytes == data || data.strip_suffix(&[0, 0]) == Some(&bytes);
    assert!(is_same, "written as it was read");
    one_line(&message.to_string());
    one_line(&format!("{message:?}"));
    Some(message)
}

/// The same law for the value of an extension.
fn extension<'a, E: Extension<'a> + std::fmt::Debug + std::fmt::Display>(data: &'a [u8]) {
    let read: Result<E, Malformed> = E::read(Reader::new(data));
    if let Ok(extension) = read {
        let mut bytes = Vec::new();
        extension.write(&mut Writer::new(&mut bytes));
        assert_eq!(bytes, data, "written as it was read");
        one_line(&extension.to_string());
        one_line(&format!("{extension:?}"));
    }
}

fn from_both_versions(extensions: &Extensions<'_>) {
    let mut kinds: Vec<_> = extensions.iter().map(|(kind, _)| kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), extensions.iter().count(), "a type stands once");
    for (kind, value) in extensions.iter() {
        assert_eq!(extensions.raw(kind), Some(value));
        extension_values(value);
    }
}

fn one_line(text: &str) {
    assert!(!text.contains('\n'), "{text:?} is one line");
}

/// What one parser takes for a hello, the suite's own reads, and sees the same.
fn compare_hellos(data: &[u8]) {
    if let Ok(ours) = ClientHello::parse(data) {
        let theirs = other::ClientHello::read(data).expect("a ClientHello to both");
        assert_eq!((ours.legacy_version.number(), ours.random), (theirs.version, theirs.random));
        assert_eq!(ours.session_id, theirs.session_id);
        assert_eq!((ours.cookie, ours.compression), (&theirs.cookie[..], &theirs.compression[..]));
        assert!(ours.suites.iter().map(dtls::wire::SuiteId::number).eq(theirs.suites));
    }
    if let Ok(ours) = ServerHello::parse(data) {
        let theirs = other::ServerHello::read(data).expect("a ServerHello to both");
        assert_eq!((ours.legacy_version.number(), ours.random), (theirs.version, theirs.random));
        assert_eq!(ours.session_id, theirs.session_id);
        assert_eq!((ours.suite.number(), ours.compression), (theirs.suite, theirs.compression));
    }
}
