//! TCP connections as a NAT sees them pass: RFC 7857 §2.

use std::time::Duration;

use super::config::{SimultaneousOpen, TcpPolicy};
use crate::packet::{Tcp, TcpFlags};

pub(super) use window::Windows;

pub(super) mod options;
mod window;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Outbound,
    Inbound,
}

/// What is known of a connection. Sessions of other protocols carry the default, which says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracked {
    state: State,
    windows: Option<Box<Windows>>,
}

/// The states of RFC 7857 §2, with the inside for its client unless the outside began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing was seen.
    #[default]
    Closed,
    /// A SYN came from inside.
    InsideSyn,
    /// A SYN came from outside.
    OutsideSyn,
    /// SYNs went both ways.
    Established,
    /// The inside has closed.
    InsideFin,
    /// The outside has closed.
    OutsideFin,
    /// Both have.
    BothFin,
    /// Somebody has reset it.
    Transitory,
}

/// Why a segment does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It lies outside of the window.
    OutOfWindow,
    /// It would open the connection from the other side at the same time.
    SimultaneousOpen,
}

impl Tracked {
    /// A connection whose first segment goes `from` there: a SYN, or, where strays are adopted, another.
    pub(super) fn begin(from: Direction, segment: &Tcp, policy: &TcpPolicy) -> Self {
        let opens = segment.flags.contains(TcpFlags::SYN);
        let state = match from {
            _ if !opens => State::Established,
            Direction::Outbound => State::InsideSyn,
            Direction::Inbound => State::OutsideSyn,
        };
        // Of a connection that was joined midway the windows are not known.
        let windows =
            (policy.track_windows && opens).then(|| Box::new(Windows::new(from, segment)));
        Self { state, windows }
    }

    /// Sees a segment pass; says why it must not.
    pub(super) fn follow(
        &mut self,
        from: Direction,
        segment: &Tcp,
        policy: &TcpPolicy,
    ) -> Result<(), Fault> {
        let flags = segment.flags;
        let opens = is_opening(flags);
        if opens && matches!(self.state, State::BothFin | State::Transitory) {
            // The old connection is over, and a new one has the same ports.
            *self = Self::begin(from, segment, policy);
            return Ok(());
        }
        let crosses = match from {
            Direction::Inbound => self.state == State::InsideSyn,
            Direction::Outbound => self.state == State::OutsideSyn,
        };
        if opens && crosses && policy.simultaneous_open != SimultaneousOpen::Pass {
            return Err(Fault::SimultaneousOpen);
        }
        if let Some(windows) = &mut self.windows
            && !windows.admit(from, segment)
        {
            return Err(Fault::OutOfWindow);
        }
        self.state = self.state.after(from, flags);
        Ok(())
    }

    /// How long it is remembered from now on, if nothing happens.
    pub(super) const fn life(&self, policy: &TcpPolicy) -> Duration {
        match self.state {
            State::Closed | State::InsideSyn | State::OutsideSyn => policy.transitory_open,
            State::Established | State::InsideFin | State::OutsideFin => policy.established,
            State::BothFin => policy.transitory_close,
            State::Transitory => policy.after_reset,
        }
    }

    /// Whether its end is near, so that the segment that made it so does not prolong it.
    pub(super) const fn is_ending(&self) -> bool {
        matches!(self.state, State::BothFin | State::Transitory)
    }
}

impl State {
    fn after(self, from: Direction, flags: TcpFlags) -> Self {
        use Direction::{Inbound, Outbound};
        let (syn, fin) = (flags.contains(TcpFlags::SYN), flags.contains(TcpFlags::FIN));
        if flags.contains(TcpFlags::RST) {
            return if self == Self::BothFin { self } else { Self::Transitory };
        }
        match (self, from) {
            (Self::Closed, Outbound) if syn => Self::InsideSyn,
            (Self::Closed, Inbound) if syn => Self::OutsideSyn,
            (Self::InsideSyn, Inbound) | (Self::OutsideSyn, Outbound) if syn => Self::Established,
            (Self::Established, Outbound) if fin => Self::InsideFin,
            (Self::Established, Inbound) if fin => Self::OutsideFin,
            (Self::InsideFin, Inbound) | (Self::OutsideFin, Outbound) if fin => Self::BothFin,
            // RFC 7857 §2.2: whoever goes on has not believed the reset.
            (Self::Transitory, _) => Self::Established,
            (state, _) => state,
        }
    }
}

/// Whether a segment with these flags is the first of a connection.
pub(super) const fn is_opening(flags: TcpFlags) -> bool {
    flags.contains(TcpFlags::SYN)
        && !flags.contains(TcpFlags::ACK)
        && !flags.contains(TcpFlags::RST)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Direction::*, *};

    const SYN: TcpFlags = TcpFlags::SYN;
    const FIN: TcpFlags = TcpFlags::FIN;
    const RST: TcpFlags = TcpFlags::RST;
    const ACK: TcpFlags = TcpFlags::ACK;

    #[rstest]
    #[case::half_open(&[(Outbound, SYN)], State::InsideSyn)]
    #[case::handshake(&[(Outbound, SYN), (Inbound, SYN)], State::Established)]
    #[case::from_outside(&[(Inbound, SYN), (Outbound, SYN)], State::Established)]
    #[case::inside_closes(&[(Outbound, SYN), (Inbound, SYN), (Outbound, FIN)], State::InsideFin)]
    #[case::outside_closes(&[(Outbound, SYN), (Inbound, SYN), (Inbound, FIN)], State::OutsideFin)]
    #[case::data_after_one_fin(
        &[(Outbound, SYN), (Inbound, SYN), (Inbound, FIN), (Outbound, ACK)],
        State::OutsideFin
    )]
    #[case::both_close(
        &[(Outbound, SYN), (Inbound, SYN), (Inbound, FIN), (Outbound, FIN)],
        State::BothFin
    )]
    #[case::reset(&[(Outbound, SYN), (Inbound, SYN), (Inbound, RST)], State::Transitory)]
    #[case::reset_not_believed(
        &[(Outbound, SYN), (Inbound, SYN), (Inbound, RST), (Outbound, ACK)],
        State::Established
    )]
    #[case::opened_again(
        &[(Outbound, SYN), (Inbound, SYN), (Inbound, RST), (Outbound, SYN)],
        State::InsideSyn
    )]
    fn the_states_are_those_of_the_figure(
        #[case] segments: &[(Direction, TcpFlags)],
        #[case] state: State,
    ) {
        let policy = TcpPolicy::default();
        let mut tracked = Tracked::default();
        for (from, flags) in segments {
            tracked.follow(*from, &Tcp::new(*flags), &policy).unwrap();
        }
        assert_eq!(tracked.state, state);
    }
}
