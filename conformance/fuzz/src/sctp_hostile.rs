//! A peer that knows the verification tag and says what it likes.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use base::{Reader, Writer};
use sctp::{
    AssociationState, Fsn, Mid, Ppid, RequestNumber, SendOptions, Ssn, StreamId, Tsn,
    wire::{
        Abort, AddStreams, AssociationReset, Cause, Causes, Chunk, CookieAck, CookieEcho, Cwr,
        Data, DataFlags, Ecne, ForwardTsn, GapBlock, Header, Heartbeat, IData, IForwardTsn,
        IncomingReset, Init, List, NextTsns, OperationError, OutgoingReset, Packet, Parameter,
        Parameters, Reconfig, ReconfigResponse, ReconfigResult, Sack, Shutdown, ShutdownAck,
        ShutdownComplete, SkippedMessage, SkippedStream, seal,
    },
};

use crate::sctp_life::World;

/// Most packets of one life.
const MAX_PACKETS: usize = 100;
/// Most text that everything an association holds makes: what it keeps of a peer is bounded. Buffers of a
/// few hundred kilobytes print as a few megabytes.
const MAX_TEXT: usize = 24 << 20;

/// One thing that the peer does.
#[derive(Arbitrary, Debug)]
enum Move {
    /// Chunks come in one packet.
    Say(Vec<Word>),
    /// The bytes of a chunk come, whatever they are.
    Bytes { kind: u8, flags: u8, value: Vec<u8> },
    /// The victim's application sends.
    Send { stream: u8, size: u16, unordered: bool, limited: bool },
    /// The honest half of the peer goes on: packets arrive, both ways.
    Honest { count: u8 },
    /// Time passes.
    Wait { millis: u16 },
    /// The victim begins streams anew.
    Reset { streams: u8 },
    /// The victim wants to leave.
    Shutdown,
}

/// One chunk, with numbers near those that count.
#[derive(Arbitrary, Debug)]
enum Word {
    Data { flags: u8, ahead: i8, stream: u8, ssn: i8, payload: u8 },
    IData { flags: u8, ahead: i8, stream: u8, mid: i8, fsn: i8, payload: u8 },
    Sack { ahead: i16, a_rwnd: u32, gaps: Vec<(u8, u8)>, duplicates: Vec<i8> },
    ForwardTsn { ahead: i32, skipped: Vec<(u8, i8)> },
    IForwardTsn { ahead: i32, skipped: Vec<(u8, bool, i8)> },
    OutgoingReset { number: i8, answers: i8, ahead: i32, streams: Vec<u8> },
    IncomingReset { number: i8, streams: Vec<u8> },
    AssociationReset { number: i8 },
    Response { number: i8, result: u8, next: Option<(u32, u32)> },
    AddStreams { number: i8, count: u16, incoming: bool },
    Heartbeat { is_ack: bool, info: Vec<u8> },
    Error { cause: u8 },
    Abort { is_reflected: bool },
    Shutdown { ahead: i8 },
    ShutdownAck,
    ShutdownComplete { is_reflected: bool },
    CookieEcho { cookie: Vec<u8> },
    CookieAck,
    Ecne { ahead: i8 },
    Cwr { ahead: i8 },
    Init { is_ack: bool, tag: u32, streams: u16, window: u32 },
}

/// What the numbers of a life are counted from.
#[derive(Clone, Copy, Debug)]
struct Base {
    tag: u32,
    /// The newest number that the victim acknowledged, as last seen.
    peer_tsn: Tsn,
    /// The newest number of the victim's, as last seen.
    victim_tsn: Tsn,
    peer_request: u32,
    victim_request: u32,
}

/// Says anything to a live association. Nothing panics, memory stays bounded, and the session goes on or
/// ends with a reason.
pub fn sctp_hostile(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(bits) = u16::arbitrary(&mut input) else { return };
    let mut world = World::new(bits & !8);
    let Some(mut base) = set_up(&mut world) else { return };
    // What arrives may be anything now.
    world.is_spoiled = true;
    for _ in 0..MAX_PACKETS {
        let Ok(next) = Move::arbitrary(&mut input) else { break };
        act(&mut world, base, next);
        watch(&mut world, &mut base);
        if world.end(1).state() == AssociationState::Closed {
            break;
        }
        if input.is_empty() {
            break;
        }
    }
    let text = format!("{:?}", world.end(1)).len();
    assert!(text < MAX_TEXT, "what is held prints as {text} bytes");
    end(&mut world);
}

/// An association, and where its numbers are.
fn set_up(world: &mut World) -> Option<Base> {
    let now = world.now;
    world.end(0).connect(now).ok()?;
    let mut base = Base {
        tag: 0,
        peer_tsn: Tsn::new(0),
        victim_tsn: Tsn::new(0),
        peer_request: 0,
        victim_request: 0,
    };
    for _ in 0..4 {
        world.settle();
        for from in [0, 1] {
            for packet in world.wire(from).clone() {
                look(&mut base, from, &packet);
            }
            world.deliver(from, usize::MAX);
        }
    }
    world.settle();
    Some(base)
}

/// Learns from a packet.
fn look(base: &mut Base, from: usize, packet: &[u8]) {
    let Ok(packet) = Packet::parse(packet) else { return };
    if from == 0 && packet.header.verification_tag != 0 {
        base.tag = packet.header.verification_tag;
    }
    for chunk in packet.chunks().flatten() {
        match chunk {
            Chunk::Init(init) => {
                base.peer_tsn = init.initial_tsn.add(u32::MAX);
                base.peer_request = init.initial_tsn.get();
            }
            Chunk::InitAck(init) => {
                base.victim_tsn = init.initial_tsn.add(u32::MAX);
                base.victim_request = init.initial_tsn.get();
            }
            Chunk::Sack(sack) if from == 1 => base.peer_tsn = sack.cumulative,
            Chunk::Data(Data { tsn, .. }) | Chunk::IData(IData { tsn, .. }) if from == 1 => {
                base.victim_tsn = tsn;
            }
            _ => {}
        }
    }
}

/// Takes what the victim says, and learns from it.
fn watch(world: &mut World, base: &mut Base) {
    let known = world.wire(1).len();
    world.settle();
    let new: Vec<_> = world.wire(1).iter().skip(known).cloned().collect();
    assert!(new.len() < 2_000, "{} packets for one", new.len());
    new.iter().for_each(|packet| look(base, 1, packet));
}

fn act(world: &mut World, base: Base, next: Move) {
    let now = world.now;
    match next {
        Move::Say(words) => {
            let mut packet = header(base.tag);
            for word in words.iter().take(20) {
                say(base, word, &mut packet);
            }
            hand(world, packet);
        }
        Move::Bytes { kind, flags, value } => {
            let mut packet = header(base.tag);
            let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
            packet.extend([kind, flags]);
            packet.extend(length.to_be_bytes());
            packet.extend(value);
            hand(world, packet);
        }
        Move::Send { stream, size, unordered, limited } => {
            let mut options = SendOptions { unordered, ..SendOptions::default() };
            if limited {
                options.reliability = sctp::Reliability::Retransmits(0);
            }
            world.send(1, u16::from(stream) % 6, usize::from(size), &options);
        }
        Move::Honest { count } => {
            world.deliver(1, usize::from(count));
            world.settle();
            world.deliver(0, usize::from(count));
        }
        Move::Wait { millis } => world.wait(Duration::from_millis(millis.into())),
        Move::Reset { streams } => {
            let streams: Vec<_> =
                (0..6).filter(|nth| streams >> nth & 1 == 1).map(StreamId::new).collect();
            let _ = world.end(1).reset_streams(now, &streams);
        }
        Move::Shutdown => world.end(1).shutdown(now),
    }
}

fn header(tag: u32) -> Vec<u8> {
    let mut packet = Vec::new();
    let header = Header { source_port: 5_000, destination_port: 5_000, verification_tag: tag };
    header.write(&mut Writer::new(&mut packet));
    packet
}

fn hand(world: &mut World, mut packet: Vec<u8>) {
    seal(&mut packet);
    world.hand(1, &packet);
}

fn near(tsn: Tsn, ahead: i32) -> Tsn {
    tsn.add(ahead.cast_unsigned())
}

fn ids(streams: &[u8]) -> Vec<StreamId> {
    streams.iter().map(|&stream| StreamId::new(u16::from(stream) % 8)).collect()
}

const fn flags(bits: u8) -> DataFlags {
    DataFlags {
        beginning: bits & 2 != 0,
        ending: bits & 1 != 0,
        unordered: bits & 4 != 0,
        immediate: bits & 8 != 0,
    }
}

/// Appends a chunk.
fn say(base: Base, word: &Word, packet: &mut Vec<u8>) {
    let payload = [7; 255];
    let mut write = |chunk: Chunk<'_>| chunk.write(&mut Writer::new(packet));
    match *word {
        Word::Data { flags: bits, ahead, stream, ssn, payload: length } => {
            write(Chunk::Data(Data {
                flags: flags(bits),
                tsn: near(base.peer_tsn, ahead.into()),
                stream: StreamId::new(u16::from(stream) % 8),
                ssn: Ssn::new(i16::from(ssn).cast_unsigned()),
                ppid: Ppid::new(51),
                payload: payload.get(..usize::from(length)).unwrap_or(&payload),
            }))
        }
        Word::IData { flags: bits, ahead, stream, mid, fsn, payload: length } => {
            write(Chunk::IData(IData {
                flags: flags(bits),
                tsn: near(base.peer_tsn, ahead.into()),
                stream: StreamId::new(u16::from(stream) % 8),
                mid: Mid::new(i32::from(mid).cast_unsigned()),
                ppid_or_fsn: Fsn::new(i32::from(fsn).cast_unsigned()).get(),
                payload: payload.get(..usize::from(length)).unwrap_or(&payload),
            }));
        }
        Word::Heartbeat { is_ack, ref info } => {
            let heartbeat = Heartbeat { info, rest: &[] };
            write(if is_ack {
                Chunk::HeartbeatAck(heartbeat)
            } else {
                Chunk::Heartbeat(heartbeat)
            });
        }
        Word::Shutdown { ahead } => {
            write(Chunk::Shutdown(Shutdown { cumulative: near(base.victim_tsn, ahead.into()) }));
        }
        Word::ShutdownAck => write(Chunk::ShutdownAck(ShutdownAck)),
        Word::ShutdownComplete { is_reflected } => {
            write(Chunk::ShutdownComplete(ShutdownComplete { is_reflected }));
        }
        Word::CookieEcho { ref cookie } => write(Chunk::CookieEcho(CookieEcho { cookie })),
        Word::CookieAck => write(Chunk::CookieAck(CookieAck)),
        Word::Ecne { ahead } => {
            write(Chunk::Ecne(Ecne { lowest: near(base.victim_tsn, ahead.into()) }));
        }
        Word::Cwr { ahead } => {
            write(Chunk::Cwr(Cwr { lowest: near(base.peer_tsn, ahead.into()) }));
        }
        _ => say_more(base, word, packet),
    }
}

/// The same for chunks with lists.
fn say_more(base: Base, word: &Word, packet: &mut Vec<u8>) {
    let mut write = |chunk: Chunk<'_>| chunk.write(&mut Writer::new(packet));
    match word {
        Word::Sack { ahead, a_rwnd, gaps, duplicates } => {
            let gap = |&(start, end): &(u8, u8)| GapBlock { start: start.into(), end: end.into() };
            let gaps: Vec<_> = gaps.iter().map(gap).collect();
            let twice = duplicates.iter().map(|&ahead| near(base.victim_tsn, ahead.into()));
            let twice: Vec<_> = twice.collect();
            write(Chunk::Sack(Sack {
                cumulative: near(base.victim_tsn, (*ahead).into()),
                a_rwnd: *a_rwnd,
                gaps: List::from(gaps.as_slice()),
                duplicates: List::from(twice.as_slice()),
            }));
        }
        Word::ForwardTsn { ahead, skipped } => {
            let skip = |&(stream, ssn): &(u8, i8)| SkippedStream {
                stream: StreamId::new(u16::from(stream) % 8),
                ssn: Ssn::new(i16::from(ssn).cast_unsigned()),
            };
            let skipped: Vec<_> = skipped.iter().map(skip).collect();
            let (new_cumulative, skipped) =
                (near(base.peer_tsn, *ahead), List::from(skipped.as_slice()));
            write(Chunk::ForwardTsn(ForwardTsn { new_cumulative, skipped }));
        }
        Word::IForwardTsn { ahead, skipped } => {
            let skip = |&(stream, unordered, mid): &(u8, bool, i8)| SkippedMessage {
                stream: StreamId::new(u16::from(stream) % 8),
                unordered,
                mid: Mid::new(i32::from(mid).cast_unsigned()),
            };
            let skipped: Vec<_> = skipped.iter().map(skip).collect();
            let (new_cumulative, skipped) =
                (near(base.peer_tsn, *ahead), List::from(skipped.as_slice()));
            write(Chunk::IForwardTsn(IForwardTsn { new_cumulative, skipped }));
        }
        Word::Error { cause } => {
            let causes = [match cause % 5 {
                0 => Cause::StaleCookie(u32::MAX),
                1 => Cause::UnrecognizedChunk(&[0x82, 0, 0, 4]),
                2 => Cause::InvalidStream(StreamId::new(1)),
                3 => Cause::ProtocolViolation(b"you"),
                _ => Cause::OutOfResource,
            }];
            write(Chunk::Error(OperationError { causes: Causes::from(&causes[..]) }));
        }
        Word::Abort { is_reflected } => {
            let causes = [Cause::UserAbort(b"enough")];
            let (is_reflected, causes) = (*is_reflected, Causes::from(&causes[..]));
            write(Chunk::Abort(Abort { is_reflected, causes }));
        }
        Word::Init { is_ack, tag, streams, window } => {
            let init = Init {
                initiate_tag: *tag,
                a_rwnd: *window,
                outbound_streams: *streams,
                inbound_streams: *streams,
                initial_tsn: base.peer_tsn,
                parameters: Parameters::from(&[Parameter::StateCookie(b"cookie")][..]),
            };
            write(if *is_ack { Chunk::InitAck(init) } else { Chunk::Init(init) });
        }
        _ => ask(base, word, packet),
    }
}

/// The same for changes of streams.
fn ask(base: Base, word: &Word, packet: &mut Vec<u8>) {
    let request = |number: i8| {
        RequestNumber::new(base.peer_request.wrapping_add(i32::from(number).cast_unsigned()))
    };
    let answered = |number: i8| {
        RequestNumber::new(base.victim_request.wrapping_add(i32::from(number).cast_unsigned()))
    };
    let streams = match word {
        Word::OutgoingReset { streams, .. } | Word::IncomingReset { streams, .. } => ids(streams),
        _ => Vec::new(),
    };
    let streams = List::from(streams.as_slice());
    let parameter = match *word {
        Word::OutgoingReset { number, answers, ahead, .. } => {
            Parameter::OutgoingReset(OutgoingReset {
                number: request(number),
                answers: answered(answers),
                last_tsn: near(base.peer_tsn, ahead),
                streams,
            })
        }
        Word::IncomingReset { number, .. } => {
            Parameter::IncomingReset(IncomingReset { number: request(number), streams })
        }
        Word::AssociationReset { number } => {
            Parameter::AssociationReset(AssociationReset { number: request(number) })
        }
        Word::Response { number, result, next } => {
            let next = next.map(|(sender, receiver)| NextTsns {
                sender: Tsn::new(sender),
                receiver: Tsn::new(receiver),
            });
            let (number, result) = (answered(number), ReconfigResult::new(u32::from(result % 8)));
            Parameter::ReconfigResponse(ReconfigResponse { number, result, next })
        }
        Word::AddStreams { number, count, incoming } => {
            let add = AddStreams { number: request(number), count };
            if incoming { Parameter::AddIncoming(add) } else { Parameter::AddOutgoing(add) }
        }
        _ => return,
    };
    let parameters = Parameters::from(std::slice::from_ref(&parameter));
    let mut bytes = Vec::new();
    Reconfig { parameters }.write(&mut Writer::new(&mut bytes));
    assert!(Chunk::read(&mut Reader::new(&bytes)).is_ok(), "what is said can be read");
    packet.extend(bytes);
}

/// The session ends when its owner wants it to, and leaves nothing behind.
fn end(world: &mut World) {
    let now = world.now;
    world.end(1).abort(now, b"over");
    world.settle();
    assert_eq!(world.end(1).state(), AssociationState::Closed);
    assert_eq!(world.end(1).poll_timeout(), None, "no timer outlives the association");
    assert!(world.closed.get(1).is_some_and(|closed| *closed), "the end has a reason");
}
