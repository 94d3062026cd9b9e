//! Which world, and which of its hosts, the running code belongs to.
//!
//! Sockets are plain numbers and may travel between threads, as sockets do; the world they name lives on
//! the thread that made it. A thread may hold several worlds, and several threads have worlds that know
//! nothing of each other.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    rc::Rc,
    task::Waker,
};

use simnet::NodeId;
use tokio::runtime::{Handle, Id};

use crate::world::World;

thread_local! {
    static WORLDS: RefCell<BTreeMap<u64, Rc<RefCell<World>>>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    /// The host whose tasks are being polled.
    static POLLED: Cell<Option<Home>> = const { Cell::new(None) };
    /// Runtimes that belong to one host alone.
    static RUNTIMES: RefCell<Vec<(Id, Home)>> = const { RefCell::new(Vec::new()) };
}

/// A host of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) world: u64,
    pub(crate) host: NodeId,
}

/// Gives the world a number by which this thread finds it, until it is [`withdraw`]n.
pub(crate) fn enter(world: Rc<RefCell<World>>) -> u64 {
    let number = NEXT.get();
    NEXT.set(number + 1);
    WORLDS.with_borrow_mut(|worlds| worlds.insert(number, world));
    number
}

/// Forgets a world. Sockets that are left of it answer with errors from now on.
pub(crate) fn withdraw(number: u64) {
    RUNTIMES.with_borrow_mut(|runtimes| runtimes.retain(|(_, home)| home.world != number));
    let world = WORLDS.with_borrow_mut(|worlds| worlds.remove(&number));
    drop(world); // Outside the borrow: what falls with it may look for its world.
}

/// Says that the runtime belongs to `home`, and to nobody it may have belonged to before.
pub(crate) fn adopt(runtime: Id, home: Home) {
    RUNTIMES.with_borrow_mut(|runtimes| {
        runtimes.retain(|&(id, old)| id != runtime && old != home);
        runtimes.push((runtime, home));
    });
}

/// The host whose code is running: the one whose tasks are being polled, or the one that owns the
/// runtime.
pub(crate) fn current() -> io::Result<Home> {
    POLLED.get().or_else(of_runtime).ok_or_else(|| {
        io::Error::other(
            "no simulated host is running here: sockets are made by the software of a host and by \
             tasks it spawned with `runners::spawn` or `tokio::task::spawn_local`",
        )
    })
}

/// Whether the running code is polled as a task of `home` by a runner that shares one runtime among all
/// hosts.
pub(crate) fn is_polled(home: Home) -> bool {
    POLLED.get() == Some(home)
}

fn of_runtime() -> Option<Home> {
    let id = Handle::try_current().ok()?.id();
    RUNTIMES
        .with_borrow(|all| all.iter().find(|(runtime, _)| *runtime == id).map(|&(_, home)| home))
}

/// While it lives, the running code is that of one host.
#[must_use]
pub(crate) struct Presence(Option<Home>);

impl Presence {
    pub(crate) fn of(home: Home) -> Self {
        Self(POLLED.replace(Some(home)))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}

/// Acts on the world, and then wakes whoever has reason to look again.
pub(crate) fn with_world<R>(number: u64, act: impl FnOnce(&mut World) -> R) -> io::Result<R> {
    let gone = || {
        let says = "the simulated world has ended, or lives on another thread";
        io::Error::new(io::ErrorKind::NotConnected, says)
    };
    let world = WORLDS.try_with(|worlds| worlds.borrow().get(&number).cloned());
    let world = world.ok().flatten().ok_or_else(gone)?;
    let mut at_work = world.try_borrow_mut().map_err(|_| gone())?;
    at_work.catch_up();
    let result = act(&mut at_work);
    let woken = at_work.settle();
    drop(at_work); // A waker may run code that looks for the world.
    woken.into_iter().for_each(Waker::wake);
    Ok(result)
}
