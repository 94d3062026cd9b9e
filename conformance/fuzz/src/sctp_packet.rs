//! The bytes of an SCTP packet, through the parser, the writer and the codec of the conformance suite.

use base::{Reader, Writer};
use sctp::wire::{Chunk, HEADER_LENGTH, Header, Packet, checksum, seal};
use wire::{F, sctp as other};

/// Parses any bytes; what can be read is written again, and read by other code.
pub fn sctp_packet(data: &[u8]) {
    let Ok(packet) = Packet::parse(data) else {
        assert!(data.len() < HEADER_LENGTH, "only what is too short for a header has none");
        assert_eq!(other::Packet::read(data), None);
        return;
    };
    let theirs = other::Packet::read(data).expect("both read a header");
    let ports = (packet.header.source_port, packet.header.destination_port);
    assert_eq!(ports, (theirs.source, theirs.destination));
    assert_eq!(packet.header.verification_tag, theirs.tag);
    assert_eq!(packet.has_right_checksum(), theirs.checksum == F::Auto);
    assert!(!format!("{packet}").contains('\n'), "a packet is one line");
    let mut count = 0;
    for (ours, theirs) in packet.chunks().zip(&theirs.chunks) {
        count += 1;
        // What is framed well and still refused has a body that is not of its type's form.
        let Ok(ours) = ours else { break };
        compare(&ours, theirs);
        write_again(&ours);
    }
    if count == theirs.chunks.len() {
        let rest = packet.chunks().skip(count);
        assert!(rest.clone().all(|chunk| chunk.is_err()), "both see the same chunks");
        assert!(rest.count() <= 1, "what cannot be read is the last");
    }
    write_all(&packet);
}

/// What both codecs make of a chunk is the same.
fn compare(ours: &Chunk<'_>, theirs: &other::Chunk) {
    assert_eq!(ours.kind().number(), theirs.kind);
    match ours {
        Chunk::Data(data) => {
            let theirs = other::Data::read(theirs).expect("both read DATA");
            assert_eq!(data.tsn.get(), theirs.tsn);
            assert_eq!((data.stream.get(), data.ssn.get()), (theirs.stream, theirs.ssn));
            assert_eq!((data.ppid.get(), data.payload), (theirs.ppid, theirs.payload.as_slice()));
        }
        Chunk::IData(data) => {
            let theirs = other::IData::read(theirs).expect("both read I-DATA");
            assert_eq!((data.tsn.get(), data.stream.get()), (theirs.tsn, theirs.stream));
            assert_eq!(data.mid.get(), theirs.mid);
            assert_eq!(data.payload, theirs.payload.as_slice());
        }
        Chunk::Sack(sack) => {
            // The other codec takes no bytes after the last entry.
            let Some(theirs) = other::Sack::read(theirs) else { return };
            assert_eq!((sack.cumulative.get(), sack.a_rwnd), (theirs.cumulative, theirs.a_rwnd));
            assert!(sack.gaps.iter().map(|gap| (gap.start, gap.end)).eq(theirs.gaps));
            assert!(sack.duplicates.iter().map(sctp::Tsn::get).eq(theirs.duplicates));
        }
        Chunk::Unknown(raw) => {
            assert_eq!((raw.flags, raw.value()), (theirs.flags, theirs.value.as_slice()));
        }
        _ => {}
    }
}

/// A chunk that was read can be written, and then stays as it is.
fn write_again(chunk: &Chunk<'_>) {
    let mut once = Vec::new();
    chunk.write(&mut Writer::new(&mut once));
    let again = Chunk::read(&mut Reader::new(&once)).expect("what was read can be written");
    let mut twice = Vec::new();
    again.write(&mut Writer::new(&mut twice));
    assert_eq!(once, twice, "to write and read once more changes nothing");
    assert!(once.len().is_multiple_of(4), "what is written is padded");
}

/// All chunks that can be read, in a packet of ours with a right checksum.
fn write_all(packet: &Packet<'_>) {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let Header { source_port, destination_port, verification_tag } = packet.header;
    Header { source_port, destination_port, verification_tag }.write(&mut writer);
    let readable: Vec<_> = packet.chunks().map_while(Result::ok).collect();
    readable.iter().for_each(|chunk| chunk.write(&mut writer));
    seal(writer.written_mut());
    let again = Packet::parse(&bytes).expect("a packet of ours");
    assert!(again.has_right_checksum() && again.checksum == checksum(&bytes));
    assert_eq!(again.chunks().filter(Result::is_ok).count(), readable.len());
    let theirs = other::Packet::read(&bytes).expect("a packet of ours");
    assert_eq!(theirs.checksum, F::Auto);
    assert_eq!(theirs.chunks.len(), readable.len());
}
