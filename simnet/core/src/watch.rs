//! Those who are told of every event: the trace hash and the observer.

use base::Instant;

use crate::{
    event::Event,
    observer::{Observer, Topology},
    trace::TraceHash,
};

#[derive(Debug)]
pub(crate) struct Watch<O> {
    pub(crate) observer: O,
    hash: Option<Box<TraceHash>>,
    /// Whether anybody listens; asked once, because it is looked at for every event.
    active: bool,
}

impl<O: Observer> Watch<O> {
    pub(crate) fn new(observer: O, hash: bool) -> Self {
        let active = observer.enabled() || hash;
        Self { observer, hash: hash.then(Box::default), active }
    }

    pub(crate) fn start(&mut self, topology: &Topology) {
        self.observer.start(topology);
    }

    pub(crate) fn rewired(&mut self, topology: &Topology) {
        self.observer.rewired(topology);
    }

    #[inline]
    pub(crate) fn on(&mut self, at: Instant, event: &Event<'_>) {
        if self.active {
            self.tell(at, event);
        }
    }

    pub(crate) const fn is_active(&self) -> bool {
        self.active
    }

    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        self.hash.as_ref().map(|hash| hash.finish())
    }

    #[inline(never)]
    fn tell(&mut self, at: Instant, event: &Event<'_>) {
        if let Some(hash) = &mut self.hash {
            hash.on(at, event);
        }
        if self.observer.enabled() {
            self.observer.on(at, event);
        }
    }
}
