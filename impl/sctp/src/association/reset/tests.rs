//! Dialogues of streams that begin anew.

mod answers;
mod dialogue;
mod hostile;

use std::time::Duration;

use crate::{
    Config, Event, RequestNumber, StreamId, Tsn,
    association::tests::{A, B, Pair, quiet},
    wire::{AddStreams, Chunk, List, OutgoingReset, Parameter, Parameters, Reconfig},
};

/// Streams by number.
fn ids(ids: &[u16]) -> Vec<StreamId> {
    ids.iter().copied().map(StreamId::new).collect()
}

/// Two ends between which an association with few streams stands.
fn standing() -> Pair {
    Pair::standing(&Config { outgoing_streams: 10, incoming_streams: 10, ..quiet() })
}

/// Lets two seconds pass.
fn wait(pair: &mut Pair) {
    pair.run_for(Duration::from_secs(2));
}

/// What arrived at `end`, as text.
fn texts(pair: &Pair, end: usize) -> Vec<String> {
    pair.messages[end]
        .iter()
        .map(|message| String::from_utf8_lossy(&message.payload).into_owned())
        .collect()
}

fn events(pair: &mut Pair, end: usize) -> Vec<Event> {
    std::mem::take(&mut pair.events[end])
}

/// The number of the next request of `end`, before it made any.
fn first_number(pair: &Pair, end: usize) -> RequestNumber {
    let link = pair.ends[end].state.link().unwrap();
    RequestNumber::new(link.local.tsn.get())
}

/// Hands a RE-CONFIG chunk to `to` in the other end's name.
fn hand(pair: &mut Pair, to: usize, parameters: &[Parameter<'_>]) {
    let chunk = Chunk::Reconfig(Reconfig { parameters: Parameters::from(parameters) });
    let packet = pair.packet_to(to, &[chunk]);
    pair.hand(to, &packet);
}

/// A request of the other end's to begin streams anew that `to` receives on, all data having come.
fn outgoing_reset<'a>(
    pair: &Pair,
    to: usize,
    number: RequestNumber,
    streams: &'a [StreamId],
) -> Parameter<'a> {
    let last_tsn = pair.ends[to].state.link().unwrap().receiver.cumulative_tsn();
    let answers = RequestNumber::new(first_number(pair, to).get().wrapping_sub(1));
    Parameter::OutgoingReset(OutgoingReset {
        number,
        answers,
        last_tsn,
        streams: List::from(streams),
    })
}
