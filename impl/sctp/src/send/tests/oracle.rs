//! What must hold of a sender at any time, found out by looking at everything.

use super::*;
use crate::send::{
    Sender,
    queue::{MESSAGE_OVERHEAD, NO_MESSAGE},
    ring::{List, MAX_SPAN, State},
    timeout::Timer,
};

fn walk(sender: &Sender, list: List) -> Vec<u64> {
    let mut out = Vec::new();
    let mut place = list.head;
    while place != 0 {
        out.push(place);
        place = if place == list.tail { 0 } else { sender.ring.newer(place) };
    }
    out
}

impl Talk {
    /// Looks at everything the sender holds and checks every sum and list that it keeps.
    pub(super) fn check(&mut self) {
        let sender = &mut self.sender;
        let places = |state: State| -> Vec<u64> {
            (sender.ring.base()..sender.ring.next())
                .filter(|&place| sender.ring.get(place).is_some_and(|slot| slot.state == state))
                .collect()
        };
        let size = |place: &u64| {
            let payload = sender.ring.get(*place).unwrap().payload.len();
            (u64::try_from(sender.chunk_size(payload)).unwrap(), payload)
        };
        let (flying, lost, acked) =
            (places(State::Flying), places(State::Lost), places(State::Acked));
        let mut flight = walk(sender, sender.flight);
        flight.sort_unstable();
        assert_eq!(flight, flying);
        let mut waiting = walk(sender, sender.lost);
        waiting.sort_unstable();
        assert_eq!(waiting, lost);
        assert_eq!(sender.in_flight, flying.iter().map(|at| size(at).0).sum::<u64>());
        let payload: usize = flying.iter().map(|at| size(at).1).sum();
        assert_eq!(sender.flight_payload, u64::try_from(payload).unwrap());
        assert_eq!(sender.gap_bytes, acked.iter().map(|at| size(at).0).sum::<u64>());
        let on_board = |place: u64| {
            sender.scoreboard.ranges().iter().any(|range| range.0 <= place && place <= range.1)
        };
        for &place in acked.iter().filter(|&&place| place > sender.ring.base()) {
            assert!(on_board(place), "{place} is acknowledged and not on the board");
        }
        for &place in flying.iter().chain(&lost) {
            assert!(!on_board(place), "{place} is on the board and not acknowledged");
        }
        assert!(sender.ring.len() <= MAX_SPAN + 64);
        if !flying.is_empty() {
            assert!(sender.timers.get(Timer::Retransmission as usize).is_some(), "T3 runs");
        }
        self.check_messages();
    }

    fn check_messages(&mut self) {
        let sender = &mut self.sender;
        let mut chunks = std::collections::BTreeMap::<u32, u32>::new();
        let mut held = 0;
        for place in sender.ring.base()..sender.ring.next() {
            let slot = sender.ring.get(place).unwrap();
            held += slot.payload.len();
            if slot.message != NO_MESSAGE {
                *chunks.entry(slot.message).or_default() += 1;
            }
        }
        let (mut waiting, mut begun) = (0, 0);
        let mut queued = 0;
        for (id, stream) in sender.streams.iter_mut() {
            let mut buffered = 0;
            let mut index = stream.line.head;
            while index != NO_MESSAGE {
                let message = sender.messages.get(index).unwrap();
                assert_eq!(message.stream, id);
                assert!(!message.payload.is_empty() && !message.abandoned);
                buffered += message.payload.len();
                waiting += 1;
                begun += if message.is_begun() { message.length } else { 0 };
                if !message.is_reliable() {
                    let expected = chunks.get(&index).copied().unwrap_or(0);
                    assert_eq!(message.chunks, expected, "chunks of a waiting message");
                }
                index = sender.messages.after(index);
            }
            assert_eq!(stream.buffered, buffered);
            queued += buffered;
        }
        for (&index, &count) in chunks.iter().filter(|(index, _)| **index != NO_MESSAGE) {
            assert_eq!(sender.messages.get(index).unwrap().chunks, count);
        }
        assert_eq!(sender.begun, begun);
        assert_eq!(sender.queued, queued);
        assert_eq!(sender.held, held + queued + waiting * MESSAGE_OVERHEAD);
        assert!(sender.messages.len() <= waiting + chunks.len(), "no message is forgotten");
    }
}
