//! A packet in a line, for ladders.

use super::{
    Change, Chunk, Data, ForwardTsn, IData, IForwardTsn, Init, Packet, Sack, causes,
    code::{self, chunk, data},
};
use crate::F;

/// What a packet says; `None` if it is none. A packet whose checksum is wrong counts as one if it holds
/// nothing but whole chunks of known types, and at least one.
#[must_use]
pub fn summary(payload: &[u8]) -> Option<String> {
    let packet = Packet::read(payload)?;
    let known = |chunk: &Chunk| chunk::name(chunk.kind) != "?";
    let plausible =
        packet.trailing.is_empty() && !packet.chunks.is_empty() && packet.chunks.iter().all(known);
    if !packet.checksum.is_auto() && !plausible {
        return None;
    }
    let mut words: Vec<String> = packet.chunks.iter().map(describe).collect();
    if !packet.trailing.is_empty() {
        words.push(format!("{} bytes", packet.trailing.len()));
    }
    let checksum = match packet.checksum {
        F::Auto => "",
        F::Set(0) => " no crc",
        _ => " bad crc",
    };
    Some(format!("SCTP {:08x}{checksum} {}", packet.tag, words.join(", ")))
}

/// What a chunk says.
fn describe(from: &Chunk) -> String {
    let name = match chunk::name(from.kind) {
        "?" => format!("chunk {}", from.kind),
        name => name.replace('_', "-"),
    };
    let details = match from.kind {
        chunk::DATA => Data::read(from).map(|read| {
            let Data { flags, tsn, stream, ssn, payload, .. } = read;
            format!("{}{tsn} sid={stream} ssn={ssn} {} B", letters(flags), payload.len())
        }),
        chunk::I_DATA => IData::read(from).map(|read| {
            let IData { flags, tsn, stream, mid, payload, .. } = read;
            format!("{}{tsn} sid={stream} mid={mid} {} B", letters(flags), payload.len())
        }),
        chunk::INIT | chunk::INIT_ACK => Init::read(from).map(|read| {
            let Init { tag, a_rwnd, outgoing, incoming, tsn, .. } = read;
            format!("tag={tag:08x} tsn={tsn} rwnd={a_rwnd} os={outgoing} is={incoming}")
        }),
        chunk::SACK => Sack::read(from).map(|read| sack(&read)),
        chunk::ABORT | chunk::ERROR => causes(from).map(|list| {
            let names: Vec<&str> = list.iter().map(|one| code::cause::name(one.kind)).collect();
            names.join("+").to_lowercase().replace('_', "-")
        }),
        chunk::SHUTDOWN => from.value.first_chunk().map(|tsn| u32::from_be_bytes(*tsn).to_string()),
        chunk::FORWARD_TSN => ForwardTsn::read(from)
            .map(|read| format!("{} streams={:?}", read.cumulative, read.streams)),
        chunk::I_FORWARD_TSN => IForwardTsn::read(from)
            .map(|read| format!("{} streams={:?}", read.cumulative, read.streams)),
        chunk::RECONFIG => Change::read_all(from).map(|list| format!("{list:?}")),
        _ => Some(String::new()),
    };
    match details {
        Some(details) if details.is_empty() => name,
        Some(details) => format!("{name} {details}"),
        None => format!("{name} (broken)"),
    }
}

fn sack(sack: &Sack) -> String {
    let mut text = format!("{} rwnd={}", sack.cumulative, sack.a_rwnd);
    if !sack.gaps.is_empty() {
        let gaps: Vec<String> =
            sack.gaps.iter().map(|(first, last)| format!("{first}:{last}")).collect();
        text += &format!(" gaps={}", gaps.join(","));
    }
    if !sack.duplicates.is_empty() {
        text += &format!(" dups={:?}", sack.duplicates);
    }
    text
}

fn letters(flags: u8) -> String {
    let all = [(data::I, 'I'), (data::U, 'U'), (data::B, 'B'), (data::E, 'E')];
    let set: String =
        all.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, letter)| letter).collect();
    if set.is_empty() { set } else { format!("{set} ") }
}
