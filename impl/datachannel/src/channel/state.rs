//! The life of a channel as one table.

use std::fmt;

/// Where a channel is in its life. One that is closed is no more and has no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Known to this end alone: the association or the stream is not there yet.
    Waiting,
    /// The peer was asked for it and has not answered; data may already be sent.
    Opening,
    /// Both ends know of it.
    Open,
    /// This end asked to reset its stream; that of the peer still runs.
    Closing,
    /// This end's stream is reset; that of the peer still runs.
    HalfClosed,
    /// The peer's stream is reset; this end asked to reset its own.
    Answering,
}

/// What moves a channel from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// The message that asks the peer for it was sent.
    Asked,
    /// Its streams are there, and nobody needs to be asked.
    Ready,
    /// The peer sent anything on it: RFC 8832 §6 takes every message for consent.
    Heard,
    /// This end closes it, by command or because the peer misused it.
    Close,
    /// The peer's stream was reset.
    PeerReset,
    /// This end's stream was reset.
    OwnReset,
}

/// What becomes of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It stays as it is.
    Same,
    /// It is in another state.
    State(State),
    /// It is no more.
    Closed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Opening,
        Self::Open,
        Self::Closing,
        Self::HalfClosed,
        Self::Answering,
    ];

    /// Whether messages are taken to be sent.
    #[must_use]
    pub const fn can_send(self) -> bool {
        matches!(self, Self::Opening | Self::Open)
    }

    /// Whether it is on the way to its end.
    #[must_use]
    pub const fn is_closing(self) -> bool {
        matches!(self, Self::Closing | Self::HalfClosed | Self::Answering)
    }

    /// Whether this end's stream is yet to be reset.
    pub(crate) const fn has_stream(self) -> bool {
        !matches!(self, Self::HalfClosed)
    }

    /// The table: RFC 8831 §6.7 closes each direction by itself, RFC 8832 §6 opens both at once.
    pub(crate) const fn after(self, input: Input) -> Next {
        match (self, input) {
            (Self::Waiting, Input::Asked) => Next::State(Self::Opening),
            (Self::Waiting, Input::Ready) | (Self::Opening, Input::Heard) => {
                Next::State(Self::Open)
            }
            (Self::Opening | Self::Open, Input::Close) => Next::State(Self::Closing),
            (Self::Opening | Self::Open | Self::Closing, Input::PeerReset) => {
                Next::State(Self::Answering)
            }
            (Self::Closing, Input::OwnReset) => Next::State(Self::HalfClosed),
            // Nothing was ever sent on it.
            (Self::Waiting, Input::Close)
            | (Self::HalfClosed, Input::PeerReset)
            | (Self::Answering, Input::OwnReset) => Next::Closed,
            _ => Next::Same,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::HalfClosed => "half closed",
            Self::Answering => "answering",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    const INPUTS: [Input; 6] =
        [Input::Asked, Input::Ready, Input::Heard, Input::Close, Input::PeerReset, Input::OwnReset];

    #[test]
    fn the_whole_relation() {
        let mut table = format!("{:<12}", "");
        for input in INPUTS {
            let _ = write!(table, "{:<12}", format!("{input:?}"));
        }
        for state in State::ALL {
            let _ = write!(table, "\n{state:<12}");
            for input in INPUTS {
                let cell = match state.after(input) {
                    Next::Same => "·".to_owned(),
                    Next::State(next) => next.to_string(),
                    Next::Closed => "closed".to_owned(),
                };
                let _ = write!(table, "{cell:<12}");
            }
        }
        let table: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn the_graph() {
        let mut graph = String::from("digraph channel {\n");
        for state in State::ALL {
            for input in INPUTS {
                let next = match state.after(input) {
                    Next::Same => continue,
                    Next::State(next) => next.to_string(),
                    Next::Closed => "closed".to_owned(),
                };
                let _ = writeln!(graph, "  \"{state}\" -> \"{next}\" [label=\"{input:?}\"]");
            }
        }
        graph.push('}');
        insta::assert_snapshot!(graph);
    }

    /// Whatever comes, in whatever order: once both streams are reset after a close, it is closed.
    #[test]
    fn every_way_to_the_end_ends_with_both_streams_reset() {
        for begin in [State::Opening, State::Open] {
            for first in [Input::Close, Input::PeerReset] {
                let Next::State(closing) = begin.after(first) else { panic!("it closes") };
                let orders =
                    [[Input::OwnReset, Input::PeerReset], [Input::PeerReset, Input::OwnReset]];
                for order in orders {
                    let mut state = Some(closing);
                    for input in order {
                        // A peer that reset first does not reset again.
                        let Some(now) = state else { break };
                        state = match now.after(input) {
                            Next::Same => Some(now),
                            Next::State(next) => Some(next),
                            Next::Closed => None,
                        };
                    }
                    assert_eq!(state, None, "{begin:?} {first:?} {order:?}");
                }
            }
        }
    }
}
