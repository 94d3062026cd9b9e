//! What names a channel, and which name is next.

use std::{collections::BTreeSet, fmt};

use sctp::StreamId;

/// A channel: the number of its two streams.
///
/// A number is used again once both streams were reset and [`Event::Closed`](crate::Event::Closed) was
/// fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(u16);

impl ChannelId {
    /// The largest: RFC 8832 §3 leaves 65,535 out, since no set-up can negotiate so many streams.
    pub const MAX: Self = Self(65_534);

    /// Wraps `number`, unless it is 65,535, which names no stream.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number > Self::MAX.0 { None } else { Some(Self(number)) }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Its streams, one in each direction.
    #[must_use]
    pub const fn stream(self) -> StreamId {
        StreamId::new(self.0)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which numbers an end gives to the channels it opens (RFC 8832 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// 0, 2, 4 …: the DTLS client.
    Even,
    /// 1, 3, 5 …: the DTLS server.
    Odd,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }

    /// Whether an end in this role may open a channel with this number.
    #[must_use]
    pub const fn may_open(self, id: ChannelId) -> bool {
        match self {
            Self::Even => id.0.is_multiple_of(2),
            Self::Odd => !id.0.is_multiple_of(2),
        }
    }

    const fn first(self) -> u16 {
        match self {
            Self::Even => 0,
            Self::Odd => 1,
        }
    }
}

/// Numbers for the channels that this end opens: the lowest that is free, so that few streams are ever
/// used. Work does not grow with the number of channels.
#[derive(Debug)]
pub(crate) struct Ids {
    role: Role,
    /// The lowest number of this role that was never given out; 65,535 or more if there is none.
    fresh: u32,
    /// Numbers below that were given back.
    returned: BTreeSet<ChannelId>,
}

impl Ids {
    pub(crate) const fn new(role: Role) -> Self {
        Self { role, fresh: role.first() as u32, returned: BTreeSet::new() }
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    /// The lowest free number that `is_free` has nothing against.
    pub(crate) fn next(&mut self, is_free: impl Fn(ChannelId) -> bool) -> Option<ChannelId> {
        while let Some(id) = self.returned.pop_first() {
            if is_free(id) {
                return Some(id);
            }
        }
        loop {
            let id = u16::try_from(self.fresh).ok().and_then(ChannelId::new)?;
            self.fresh += 2;
            if is_free(id) {
                return Some(id);
            }
        }
    }

    /// The channel with this number is no more.
    pub(crate) fn give_back(&mut self, id: ChannelId) {
        if self.role.may_open(id) && u32::from(id.get()) < self.fresh {
            self.returned.insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn id(number: u16) -> ChannelId {
        ChannelId::new(number).unwrap()
    }

    #[rstest]
    #[case::even(Role::Even, [0, 2, 4])]
    #[case::odd(Role::Odd, [1, 3, 5])]
    fn each_role_has_its_own_numbers(#[case] role: Role, #[case] wanted: [u16; 3]) {
        let mut ids = Ids::new(role);
        assert_eq!([(); 3].map(|()| ids.next(|_| true).unwrap().get()), wanted);
        assert!(wanted.iter().all(|&number| role.may_open(id(number))));
        assert!(!wanted.iter().any(|&number| role.peer().may_open(id(number))));
    }

    #[test]
    fn the_lowest_number_that_was_given_back_is_next() {
        let mut ids = Ids::new(Role::Even);
        for _ in 0..4 {
            ids.next(|_| true).unwrap();
        }
        for number in [4, 2, 3, 8] {
            ids.give_back(id(number));
        }
        assert_eq!(ids.next(|_| true), Some(id(2)));
        assert_eq!(ids.next(|_| true), Some(id(4)));
        assert_eq!(ids.next(|_| true), Some(id(8)), "3 is the peer's and 8 was never out");
    }

    #[test]
    fn a_number_that_is_taken_otherwise_is_passed_over_and_comes_back() {
        let mut ids = Ids::new(Role::Odd);
        assert_eq!(ids.next(|candidate| candidate != id(1)), Some(id(3)));
        ids.give_back(id(1));
        assert_eq!(ids.next(|_| true), Some(id(1)));
    }

    #[rstest]
    #[case::even(Role::Even, 32_768)]
    #[case::odd(Role::Odd, 32_767)]
    fn every_number_is_given_out_once_and_65535_never(#[case] role: Role, #[case] wanted: usize) {
        let mut ids = Ids::new(role);
        let all: BTreeSet<_> = std::iter::from_fn(|| ids.next(|_| true)).collect();
        assert_eq!(all.len(), wanted);
        assert!(all.last().unwrap().get() <= 65_534);
        assert_eq!(ChannelId::new(65_535), None);
        // Row S23 of the reliability study: numbers that came back are good for ever.
        for _ in 0..100_000 {
            ids.give_back(*all.first().unwrap());
            assert_eq!(ids.next(|_| true), all.first().copied());
        }
    }
}
