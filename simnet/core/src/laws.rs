//! The laws of [`Machine`], checked for any machine, whatever protocol it speaks.
//!
//! [`check`] lives through one script several times: plainly, twice over, with the polls in other orders,
//! with useless wake-ups in between, and with clocks that go back. All lives must be the same life.

mod life;
mod wishes;

use std::{fmt, net::SocketAddr, time::Duration};

use base::{Instant, Interface, Machine, SocketError, StreamEnd};

use self::life::{Habits, Life, Order, Said};
use crate::random::Stream;

/// One thing that happens to the machine, with `C` for its own commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<C> {
    /// Time passes; deadlines on the way are kept.
    Wait(Duration),
    /// A datagram arrives.
    Datagram {
        /// Its source.
        source: SocketAddr,
        /// The local address it was sent to.
        destination: SocketAddr,
        /// Its bytes.
        payload: Vec<u8>,
    },
    /// The last datagram that the machine sent comes back, as if from where it went.
    Reflect,
    /// The network reports an error.
    SocketError(SocketError),
    /// The host has these interfaces now.
    Interfaces(Vec<Interface>),
    /// The oldest socket, listener or connection that the machine asked for and heard nothing of comes to
    /// be, or does not. Nothing happens if there is none.
    Serve(bool),
    /// Somebody connects to the newest listener from this address.
    Accept(SocketAddr),
    /// Bytes arrive on the newest connection.
    Bytes(Vec<u8>),
    /// So many bytes of the newest connection wait to be sent.
    Unsent(usize),
    /// The newest connection ends.
    End(StreamEnd),
    /// The machine gets a command.
    Command(C),
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which of the laws of [`Machine`].
    pub law: Law,
    /// The number of the step after which it showed.
    pub step: usize,
    /// What was seen.
    pub what: String,
}

/// The laws of [`Machine`] that can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// 1: polls may come in any order.
    PollsInAnyOrder,
    /// 2: a drained machine has nothing more to say.
    DrainedIsDrained,
    /// 3: an early wake-up changes nothing, and a timely one moves the deadline.
    DeadlinesAdvance,
    /// 4: the same life twice is the same.
    SameAgain,
    /// 5: no input makes it speak without end.
    Bounded,
    /// 6: an earlier time counts as the latest one seen.
    NeverBackwards,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, step, what } = self;
        write!(f, "law {law:?} broken after step {step}: {what}")
    }
}

impl std::error::Error for Broken {}

/// Checks that the machines which `make` makes keep the laws through `script`.
///
/// `make` must make the same machine each time, seed included; `command` gives it one of its commands.
/// Panics of the machine are not caught: they are broken law 5.
///
/// # Errors
///
/// The first broken law that is found.
pub fn check<M, C>(
    make: impl Fn() -> M,
    command: impl Fn(&mut M, Instant, &C),
    script: &[Step<C>],
) -> Result<(), Broken>
where
    M: Machine,
    M::Event: fmt::Debug,
{
    let live = |habits| Life::new(make(), habits).live(script, &command);
    let plain = live(Habits::PLAIN)?;
    let others = [
        (Law::SameAgain, Habits::PLAIN),
        (Law::PollsInAnyOrder, Habits { order: Order::EventsFirst, ..Habits::PLAIN }),
        (Law::PollsInAnyOrder, Habits { order: Order::Alternating, ..Habits::PLAIN }),
        (Law::DeadlinesAdvance, Habits { wakes_early: true, ..Habits::PLAIN }),
        (Law::NeverBackwards, Habits { goes_back: true, ..Habits::PLAIN }),
    ];
    for (law, habits) in others {
        compare(law, &plain, &live(habits)?)?;
    }
    Ok(())
}

/// A script of `length` steps drawn from `stream`: waits of all sizes, reflections, answers to what the
/// machine asks for, connections that bring bytes and end, datagrams from `datagram`, whose bytes also
/// arrive on connections, and commands from `command`.
pub fn script<C>(
    stream: &mut Stream,
    length: usize,
    mut datagram: impl FnMut(&mut Stream) -> (SocketAddr, SocketAddr, Vec<u8>),
    mut command: impl FnMut(&mut Stream) -> Option<C>,
) -> Vec<Step<C>> {
    let mut step = || match stream.below(11) {
        // From a microsecond to more than an hour, each magnitude as likely.
        0..=2 => Step::Wait(Duration::from_nanos(1_000 << stream.below(33))),
        3 => Step::Reflect,
        4 | 5 => command(stream).map_or(Step::Reflect, Step::Command),
        6 => Step::Serve(stream.below(4) > 0),
        7 => Step::Bytes(datagram(stream).2),
        8 => match stream.below(3) {
            0 => Step::Accept(datagram(stream).0),
            1 => Step::Unsent(usize::from(stream.below(2) > 0) << 14),
            _ => Step::End(StreamEnd::Reset),
        },
        _ => {
            let (source, destination, payload) = datagram(stream);
            Step::Datagram { source, destination, payload }
        }
    };
    (0..length).map(|_| step()).collect()
}

fn compare(law: Law, plain: &[Said], other: &[Said]) -> Result<(), Broken> {
    for index in 0..plain.len().max(other.len()) {
        let (one, two) = (plain.get(index), other.get(index));
        if one == two {
            continue;
        }
        let step = one.or(two).map_or(0, |said| said.step);
        return Err(Broken { law, step, what: format!("one life has {one:?}, another {two:?}") });
    }
    Ok(())
}
