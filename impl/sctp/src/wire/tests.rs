//! Laws of all chunks: what is written is what is read, and no bytes panic.

use arbitrary::{Arbitrary, Result, Unstructured};
use base::{Reader, Rng, Writer};

use super::*;
use crate::{Mid, Ppid, RequestNumber, Ssn, StreamId, Tsn};

/// Seeded inputs of one law.
const ROUNDS: u64 = 3_000;

/// Runs `law` on seeded bytes.
fn for_all(label: &str, law: impl Fn(&[u8])) {
    let root = Rng::from_seed([6; 32]);
    for round in 0..ROUNDS {
        let mut rng = root.fork_numbered(label, round);
        let mut bytes = vec![0; usize::try_from(rng.public_below(400)).unwrap()];
        rng.fill_public(&mut bytes);
        law(&bytes);
    }
}

fn bytes<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = u.int_in_range(0..=40)?;
    u.bytes(length)
}

fn list<'a, T: Entry>(u: &mut Unstructured<'a>) -> Result<List<'a, T>> {
    let length = u.int_in_range(0..=5)? * size_of::<T::Bytes>();
    Ok(List::read(Reader::new(u.bytes(length)?)).expect("whole entries"))
}

fn tsn(u: &mut Unstructured<'_>) -> Result<Tsn> {
    let near = u.ratio(1, 2)?;
    let number = u32::arbitrary(u)?;
    Ok(Tsn::new(if near { 0xffff_fff0_u32.wrapping_add(number % 32) } else { number }))
}

fn parameter<'a>(u: &mut Unstructured<'a>) -> Result<Parameter<'a>> {
    let number = RequestNumber::new(u32::arbitrary(u)?);
    Ok(match u.int_in_range(0..=17)? {
        0 => Parameter::HeartbeatInfo(bytes(u)?),
        1 => Parameter::Ipv4(u.arbitrary()?),
        2 => Parameter::Ipv6(u.arbitrary()?),
        3 => Parameter::StateCookie(bytes(u)?),
        4 => Parameter::Unrecognized(bytes(u)?),
        5 => Parameter::CookiePreservative(u.arbitrary()?),
        6 => Parameter::HostName(bytes(u)?),
        7 => Parameter::SupportedAddressTypes(list(u)?),
        8 => Parameter::OutgoingReset(OutgoingReset {
            number,
            answers: RequestNumber::new(u.arbitrary()?),
            last_tsn: tsn(u)?,
            streams: list(u)?,
        }),
        9 => Parameter::IncomingReset(IncomingReset { number, streams: list(u)? }),
        10 => Parameter::AssociationReset(AssociationReset { number }),
        11 => {
            let result = ReconfigResult::new(u.int_in_range(0..=7)?);
            let next = NextTsns { sender: tsn(u)?, receiver: tsn(u)? };
            let next = u.ratio(1, 2)?.then_some(next);
            Parameter::ReconfigResponse(ReconfigResponse { number, result, next })
        }
        12 => Parameter::AddOutgoing(AddStreams { number, count: u.arbitrary()? }),
        13 => Parameter::AddIncoming(AddStreams { number, count: u.arbitrary()? }),
        14 => Parameter::EcnCapable,
        15 => Parameter::ZeroChecksum(u.arbitrary()?),
        16 => Parameter::SupportedExtensions(list(u)?),
        _ => Parameter::ForwardTsnSupported,
    })
}

fn cause<'a>(u: &mut Unstructured<'a>) -> Result<Cause<'a>> {
    Ok(match u.int_in_range(0..=12)? {
        0 => Cause::InvalidStream(StreamId::new(u.arbitrary()?)),
        1 => Cause::MissingParameter(list(u)?),
        2 => Cause::StaleCookie(u.arbitrary()?),
        3 => Cause::OutOfResource,
        4 => Cause::UnresolvableAddress(bytes(u)?),
        5 => Cause::UnrecognizedChunk(bytes(u)?),
        6 => Cause::InvalidMandatoryParameter,
        7 => Cause::UnrecognizedParameters(bytes(u)?),
        8 => Cause::NoUserData(tsn(u)?),
        9 => Cause::CookieWhileShuttingDown,
        10 => Cause::RestartWithNewAddresses(bytes(u)?),
        11 => Cause::UserAbort(bytes(u)?),
        _ => Cause::ProtocolViolation(bytes(u)?),
    })
}

fn flags(u: &mut Unstructured<'_>) -> Result<DataFlags> {
    Ok(DataFlags {
        beginning: u.arbitrary()?,
        ending: u.arbitrary()?,
        unordered: u.arbitrary()?,
        immediate: u.arbitrary()?,
    })
}

/// Any chunk but those that carry parameters or causes, which `with_lists` makes.
fn chunk<'a>(u: &mut Unstructured<'a>) -> Result<Chunk<'a>> {
    let (tsn, stream) = (tsn(u)?, StreamId::new(u.arbitrary()?));
    let is_reflected = u.arbitrary()?;
    Ok(match u.int_in_range(0..=14)? {
        0 => Chunk::Data(Data {
            flags: flags(u)?,
            tsn,
            stream,
            ssn: Ssn::new(u.arbitrary()?),
            ppid: Ppid::new(u.arbitrary()?),
            payload: bytes(u)?,
        }),
        1 => Chunk::IData(IData {
            flags: flags(u)?,
            tsn,
            stream,
            mid: Mid::new(u.arbitrary()?),
            ppid_or_fsn: u.arbitrary()?,
            payload: bytes(u)?,
        }),
        2 => Chunk::Sack(Sack {
            cumulative: tsn,
            a_rwnd: u.arbitrary()?,
            gaps: list(u)?,
            duplicates: list(u)?,
        }),
        3 => Chunk::Heartbeat(Heartbeat { info: bytes(u)?, rest: &[] }),
        4 => Chunk::HeartbeatAck(Heartbeat { info: bytes(u)?, rest: &[] }),
        5 => Chunk::Shutdown(Shutdown { cumulative: tsn }),
        6 => Chunk::ShutdownAck(ShutdownAck),
        7 => Chunk::ShutdownComplete(ShutdownComplete { is_reflected }),
        8 => Chunk::CookieEcho(CookieEcho { cookie: bytes(u)? }),
        9 => Chunk::CookieAck(CookieAck),
        10 => Chunk::Ecne(Ecne { lowest: tsn }),
        11 => Chunk::Cwr(Cwr { lowest: tsn }),
        12 => Chunk::ForwardTsn(ForwardTsn { new_cumulative: tsn, skipped: list(u)? }),
        13 => Chunk::IForwardTsn(IForwardTsn { new_cumulative: tsn, skipped: list(u)? }),
        _ => Chunk::Pad(Pad { length: u.int_in_range(0..=40)? }),
    })
}

/// Calls `law` with a chunk that carries parameters or causes.
fn with_lists(u: &mut Unstructured<'_>, law: impl Fn(Chunk<'_>)) -> Result<()> {
    let count = u.int_in_range(0..=4)?;
    let parameters: Vec<_> = (0..count).map(|_| parameter(u)).collect::<Result<_>>()?;
    let causes: Vec<_> = (0..count).map(|_| cause(u)).collect::<Result<_>>()?;
    let init = Init {
        initiate_tag: u.arbitrary()?,
        a_rwnd: u.arbitrary()?,
        outbound_streams: u.arbitrary()?,
        inbound_streams: u.arbitrary()?,
        initial_tsn: tsn(u)?,
        parameters: Parameters::from(&parameters[..]),
    };
    let is_reflected = u.arbitrary()?;
    law(Chunk::Init(init));
    law(Chunk::InitAck(init));
    law(Chunk::Reconfig(Reconfig { parameters: Parameters::from(&parameters[..]) }));
    law(Chunk::Abort(Abort { is_reflected, causes: Causes::from(&causes[..]) }));
    law(Chunk::Error(OperationError { causes: Causes::from(&causes[..]) }));
    Ok(())
}

/// What is written is what is read: alone, after other bytes, and as the last chunk without its padding.
fn survives(chunk: Chunk<'_>) {
    let mut buffer = b"odd".to_vec();
    chunk.write(&mut Writer::new(&mut buffer));
    let written = &buffer[3..];
    assert!(written.len().is_multiple_of(4), "{chunk} is padded");
    let mut reader = Reader::new(written);
    assert_eq!(Chunk::read(&mut reader), Ok(chunk));
    assert!(reader.is_empty());
    let length = usize::from(u16::from_be_bytes([written[2], written[3]]));
    assert_eq!(Chunk::read(&mut Reader::new(&written[..length])), Ok(chunk));
    assert!(!chunk.to_string().contains('\n') && !format!("{chunk:?}").contains('\n'), "one line");
}

#[test]
fn what_is_written_is_what_is_read() {
    for_all("chunks", |data| {
        let mut u = Unstructured::new(data);
        if let Ok(chunk) = chunk(&mut u) {
            survives(chunk);
        }
        let _ = with_lists(&mut u, survives);
    });
}

/// Reads everything that can be read in `packet`, and writes it again.
fn read_all(packet: &[u8]) {
    let Ok(packet) = Packet::parse(packet) else { return };
    let _ = (packet.to_string(), packet.has_right_checksum());
    for chunk in packet.chunks().flatten() {
        let mut once = Vec::new();
        chunk.write(&mut Writer::new(&mut once));
        let again = Chunk::read(&mut Reader::new(&once)).expect("what was read can be written");
        let mut twice = Vec::new();
        again.write(&mut Writer::new(&mut twice));
        assert_eq!(once, twice, "to read and write once more changes nothing");
        assert_eq!(again.kind(), chunk.kind());
    }
}

#[test]
fn no_bytes_panic() {
    for_all("rubbish", |data| {
        read_all(data);
        // A type that is known, and a length that fits, reach further.
        let mut fitted = data.to_vec();
        let known = [0, 1, 2, 3, 4, 6, 7, 9, 0x40, 0x82, 0xc0, 0xc2];
        if fitted.len() > HEADER_LENGTH + CHUNK_HEADER {
            fitted[HEADER_LENGTH] = known[usize::from(fitted[0]) % known.len()];
            let length = u16::try_from(fitted.len() - HEADER_LENGTH).unwrap();
            fitted[HEADER_LENGTH + 2..][..2].copy_from_slice(&length.to_be_bytes());
        }
        read_all(&fitted);
    });
}

#[test]
fn parameters_of_any_bytes_do_not_panic() {
    for_all("parameters", |data| {
        for kind in (0..=18).chain([0x8000, 0x8001, 0x8008, 0xc000]) {
            let mut bytes = data.to_vec();
            if let Some(head) = bytes.get_mut(..2) {
                head.copy_from_slice(&u16::to_be_bytes(kind));
            }
            let _ = Parameter::read(&mut Reader::new(&bytes));
            let _ = Cause::read(&mut Reader::new(&bytes));
        }
    });
}

#[test]
fn chunks_follow_each_other() {
    let mut buffer = Vec::new();
    let mut writer = Writer::new(&mut buffer);
    Header { source_port: 5000, destination_port: 5000, verification_tag: 7 }.write(&mut writer);
    let chunks = [
        Chunk::CookieEcho(CookieEcho { cookie: b"abcde" }),
        Chunk::Data(Data {
            flags: DataFlags::WHOLE,
            tsn: Tsn::new(u32::MAX),
            stream: StreamId::new(1),
            ssn: Ssn::new(0),
            ppid: Ppid::new(51),
            payload: b"x",
        }),
        Chunk::CookieAck(CookieAck),
    ];
    chunks.iter().for_each(|chunk| chunk.write(&mut writer));
    seal(writer.written_mut());
    let packet = Packet::parse(&buffer).unwrap();
    assert!(packet.has_right_checksum());
    assert!(packet.chunks().eq(chunks.into_iter().map(Ok)));
}
