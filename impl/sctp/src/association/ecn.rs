//! Congestion marks, told back and forth: RFC 4960 §A, which RFC 9260 left out and nobody else took up.

use crate::Tsn;

/// Both ends of the exchange: marks on what arrived, and what the peer says of ours.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The lowest number of the first marked packet that the peer has not said to know of.
    seen: Option<Tsn>,
    /// Whether to say so in the next packet.
    echo_due: bool,
    /// What the peer told last and is to be confirmed.
    confirm: Option<Tsn>,
}

impl Marks {
    /// A packet with user data came marked; `lowest` is its lowest number. A newer mark takes the place of
    /// one that was not confirmed: the peer slows down once for both.
    pub(crate) fn on_marked(&mut self, lowest: Tsn) {
        self.seen = Some(lowest);
        self.echo_due = true;
    }

    /// An acknowledgement is about to leave: until the peer confirms, every one carries the echo, since any
    /// of them may be lost.
    pub(crate) fn on_acknowledging(&mut self) {
        self.echo_due = self.seen.is_some();
    }

    /// The peer says that it slowed down for the mark at `lowest`.
    pub(crate) fn on_confirmed(&mut self, lowest: Tsn) {
        if self.seen.is_some_and(|seen| !seen.is_newer_than(lowest)) {
            self.seen = None;
            self.echo_due = false;
        }
    }

    /// The peer says that a packet of ours was marked whose lowest number is `lowest`.
    pub(crate) fn on_echo(&mut self, lowest: Tsn) {
        self.confirm = Some(lowest);
    }

    /// Whether anything is to be said.
    pub(crate) fn is_due(&self) -> bool {
        self.echo_due || self.confirm.is_some()
    }

    /// The number to echo in the packet that is being made.
    pub(crate) fn take_echo(&mut self) -> Option<Tsn> {
        if std::mem::take(&mut self.echo_due) { self.seen } else { None }
    }

    /// The number to confirm in the packet that is being made.
    pub(crate) fn take_confirmation(&mut self) -> Option<Tsn> {
        self.confirm.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_echoed_until_it_is_confirmed() {
        let mut marks = Marks::default();
        let marked = Tsn::new(u32::MAX);
        marks.on_marked(marked);
        assert_eq!(marks.take_echo(), Some(marked));
        assert_eq!(marks.take_echo(), None, "once a packet");
        marks.on_acknowledging();
        assert_eq!(marks.take_echo(), Some(marked), "the first may be lost");
        marks.on_confirmed(marked);
        marks.on_acknowledging();
        assert_eq!(marks.take_echo(), None);
    }

    #[test]
    fn an_old_confirmation_ends_no_newer_mark() {
        let mut marks = Marks::default();
        marks.on_marked(Tsn::new(3));
        marks.on_confirmed(Tsn::new(u32::MAX));
        marks.on_acknowledging();
        assert_eq!(marks.take_echo(), Some(Tsn::new(3)));
    }

    #[test]
    fn what_the_peer_tells_is_confirmed_once() {
        let mut marks = Marks::default();
        assert!(!marks.is_due());
        marks.on_echo(Tsn::new(1));
        assert!(marks.is_due());
        assert_eq!(marks.take_confirmation(), Some(Tsn::new(1)));
        assert!(!marks.is_due());
    }
}
