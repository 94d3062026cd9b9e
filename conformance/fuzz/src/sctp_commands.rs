//! A life of two associations on a network that loses, repeats, reorders and changes what it carries.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use sctp::{AssociationState, Reliability, SendOptions, StreamId};

use crate::sctp_life::{STREAMS, World};

/// Most commands of one life.
const MAX_COMMANDS: usize = 200;

#[derive(Arbitrary, Debug)]
enum Command {
    /// An end begins an association.
    Connect { who: bool },
    /// A message is given to an end.
    Send { who: bool, stream: u8, size: u16, unordered: bool, immediate: bool, effort: Effort },
    /// Many small ones are.
    Burst { who: bool, stream: u8, count: u8 },
    /// Streams of an end begin anew.
    Reset { who: bool, streams: u8 },
    /// An end asks the other to begin streams anew.
    RequestReset { who: bool, streams: u8 },
    /// Everything begins anew.
    ResetAssociation { who: bool },
    /// An end asks for more streams.
    AddStreams { who: bool, outgoing: u8, incoming: u8 },
    /// A stream's weight changes.
    Prioritise { who: bool, stream: u8, priority: u16 },
    /// Longest packets change.
    Limit { who: bool, bytes: u16 },
    /// An end wants to leave in order.
    Shutdown { who: bool },
    /// An end leaves at once.
    Abort { who: bool },
    /// Time passes.
    Wait { millis: u16 },
    /// Packets arrive.
    Deliver { from: bool, count: u8 },
    /// The oldest packet is lost.
    Lose { from: bool },
    /// The oldest packet arrives, and will once more.
    Repeat { from: bool },
    /// The oldest packet is overtaken by the newest.
    Overtake { from: bool },
    /// A bit of the oldest packet changes.
    Flip { from: bool, at: u16, bit: u8 },
    /// Anything arrives.
    Inject { to: bool, bytes: Vec<u8> },
}

/// How hard to try.
#[derive(Arbitrary, Debug)]
enum Effort {
    All,
    Lifetime(u8),
    Retransmits(u8),
    Priority(u8),
}

impl From<Effort> for Reliability {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::All => Self::Reliable,
            Effort::Lifetime(tenths) => {
                Self::Lifetime(Duration::from_millis(u64::from(tenths) * 100))
            }
            Effort::Retransmits(times) => Self::Retransmits(u16::from(times)),
            Effort::Priority(rank) => Self::Priority(u32::from(rank)),
        }
    }
}

/// Lives through a sequence of commands. Nothing panics; what arrives was sent, is whole, comes once and in
/// its turn; and once the network heals, everything that must arrive does.
pub fn sctp_commands(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((bits, stands)) = <(u16, bool)>::arbitrary(&mut input) else { return };
    let mut world = if stands { World::standing(bits) } else { World::new(bits) };
    for _ in 0..MAX_COMMANDS {
        let Ok(command) = Command::arbitrary(&mut input) else { break };
        obey(&mut world, command);
        world.settle();
        if input.is_empty() {
            break;
        }
    }
    world.heal();
    world.check();
    for end in &world.ends {
        if end.state() == AssociationState::Closed {
            assert_eq!(end.poll_timeout(), None, "no timer outlives the association");
        }
    }
}

fn some(bits: u8) -> Vec<StreamId> {
    (0..STREAMS).filter(|nth| bits >> nth & 1 == 1).map(StreamId::new).collect()
}

fn obey(world: &mut World, command: Command) {
    let now = world.now;
    match command {
        Command::Connect { who } => {
            let _ = world.end(who.into()).connect(now);
        }
        Command::Send { who, stream, size, unordered, immediate, effort } => {
            let options = SendOptions { unordered, reliability: effort.into(), immediate };
            let stream = u16::from(stream) % (STREAMS + 1);
            world.send(who.into(), stream, usize::from(size), &options);
        }
        Command::Burst { who, stream, count } => {
            for _ in 0..count {
                let stream = u16::from(stream) % STREAMS;
                world.send(who.into(), stream, 100, &SendOptions::default());
            }
        }
        Command::Reset { who, streams } => {
            let _ = world.end(who.into()).reset_streams(now, &some(streams));
        }
        Command::RequestReset { who, streams } => {
            let _ = world.end(who.into()).request_reset(now, &some(streams));
        }
        Command::ResetAssociation { who } => {
            let _ = world.end(who.into()).reset_association(now);
        }
        Command::AddStreams { who, outgoing, incoming } => {
            let (outgoing, incoming) = (u16::from(outgoing % 4), u16::from(incoming % 4));
            let _ = world.end(who.into()).add_streams(now, outgoing, incoming);
        }
        Command::Prioritise { who, stream, priority } => {
            let stream = StreamId::new(u16::from(stream) % STREAMS);
            world.end(who.into()).set_priority(stream, priority);
        }
        Command::Limit { who, bytes } => {
            world.end(who.into()).set_max_packet(now, usize::from(bytes % 1_201));
        }
        Command::Shutdown { who } => world.end(who.into()).shutdown(now),
        Command::Abort { who } => {
            world.end(who.into()).abort(now, b"enough");
            world.sent.iter_mut().for_each(|sent| sent.is_excused = true);
        }
        other => happen(world, other),
    }
}

/// What the network does.
fn happen(world: &mut World, command: Command) {
    match command {
        Command::Wait { millis } => world.wait(Duration::from_millis(millis.into())),
        Command::Deliver { from, count } => world.deliver(from.into(), usize::from(count)),
        Command::Lose { from } => drop(world.wire(from.into()).pop_front()),
        Command::Repeat { from } => {
            let oldest = world.wire(from.into()).front().cloned();
            world.wire(from.into()).extend(oldest);
            world.deliver(from.into(), 1);
        }
        Command::Overtake { from } => {
            if let Some(newest) = world.wire(from.into()).pop_back() {
                world.wire(from.into()).push_front(newest);
            }
        }
        Command::Flip { from, at, bit } => {
            let Some(packet) = world.wire(from.into()).front_mut() else { return };
            let at = usize::from(at) % packet.len();
            if let Some(byte) = packet.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
            // Without a checksum, nothing finds it: what is below has to.
            world.is_spoiled |= world.is_unprotected;
        }
        Command::Inject { to, bytes } => world.hand(to.into(), &bytes),
        _ => {}
    }
}
