//! All hosts on one paused runtime of tokio: time leaps from event to event.

use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use base::Instant;
use simnet::{Change, Network, Observer};
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
    time::Sleep,
};

use crate::{
    home::{Home, Presence},
    runner::{Runner, Stage, Verdict, new_software, place},
    software::{Failure, Software},
    world::Clock,
};

/// Runs software on one current-thread runtime with a paused clock, and the network as one of its tasks.
///
/// Time leaps to the next event of the network or the next timer of the software, whichever is first, so
/// that idle time costs nothing. See the [crate] for what it can and cannot observe.
pub struct Paused<O: Observer + 'static = ()> {
    /// First, because what it holds looks for the stage when it falls.
    processes: Vec<Process>,
    tokio: Runtime,
    /// The beginning of time on tokio's clock.
    start: tokio::time::Instant,
    bell: Arc<Bell>,
    stage: Stage<O>,
}

/// The software of a host, and its tasks while it is up.
struct Process {
    software: Software,
    tasks: Option<Tasks>,
}

/// The tasks of a host.
struct Tasks {
    set: LocalSet,
    alarm: Arc<Alarm>,
    waker: Waker,
}

impl<O: Observer + 'static> Runner for Paused<O> {
    type Observer = O;

    fn new(net: Network<O>) -> Self {
        let tokio = Builder::new_current_thread().enable_time().start_paused(true).build();
        let tokio = tokio.expect("a runtime without I/O needs nothing of the system");
        let now = {
            let _entered = tokio.enter();
            tokio::time::Instant::now()
        };
        let start = now - net.now().elapsed();
        Self { processes: Vec::new(), tokio, start, bell: Arc::default(), stage: Stage::new(net) }
    }

    fn stage(&self) -> &Stage<O> {
        &self.stage
    }

    fn host<F, Fut, E>(&mut self, name: &str, software: F)
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<Box<dyn Error>>,
    {
        let all = self.processes.iter().map(|process| &process.software);
        let software = new_software(&self.stage, all, name, software);
        self.processes.push(Process { software, tasks: None });
    }

    fn run_until_ended(&mut self, hosts: &[&str], limit: Instant) -> Result<bool, Failure> {
        let Self { processes, tokio, start, bell, stage } = self;
        let all = || processes.iter().map(|process| &process.software);
        let awaited = hosts.iter().map(|name| place(all(), name)).collect();
        let limit = whole_millis(limit);
        let mut driver = Driver { processes, stage, bell, start: *start, limit, awaited };
        driver.stage.set_clock(Clock::Paused(*start));
        let ended = tokio.block_on(async {
            let mut sleep = pin!(tokio::time::sleep_until(*start));
            poll_fn(|cx| driver.poll(cx, sleep.as_mut())).await
        });
        self.stage.set_clock(Clock::Runner);
        ended
    }

    fn crash(&mut self, name: &str) {
        let home = self.stage.home(name);
        self.stage.change(Change::Crash(home.host));
        let _entered = self.tokio.enter();
        tend(&mut self.processes, &self.stage, &self.bell);
    }

    fn restart(&mut self, name: &str) {
        self.stage.change(Change::Restart(self.stage.home(name).host));
    }

    fn is_running(&self, name: &str) -> bool {
        let process = self.processes.iter().find(|process| process.software.name == name);
        process.is_some_and(|process| process.tasks.is_some() && !process.software.has_ended())
    }
}

impl<O: Observer + 'static> Paused<O> {
    /// Ends the run and hands over the network.
    #[must_use]
    pub fn into_network(self) -> Network<O> {
        let Self { processes, tokio, stage, .. } = self;
        stage.close();
        drop((processes, tokio));
        stage.into_network()
    }
}

impl<O: Observer + 'static> fmt::Debug for Paused<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paused").field("stage", &self.stage).finish_non_exhaustive()
    }
}

/// Lets hosts and network act in turn until neither has anything to do at this instant, and sleeps until
/// one of them has.
struct Driver<'a, O: Observer + 'static> {
    processes: &'a mut [Process],
    stage: &'a Stage<O>,
    bell: &'a Arc<Bell>,
    start: tokio::time::Instant,
    limit: Instant,
    /// Software that ends the run when all of it has ended.
    awaited: Vec<usize>,
}

impl<O: Observer + 'static> Driver<'_, O> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut sleep: Pin<&mut Sleep>,
    ) -> Poll<Result<bool, Failure>> {
        self.stage.world().borrow_mut().unpark();
        self.bell.follow(cx.waker());
        loop {
            let now = Instant::ZERO + self.start.elapsed();
            self.settle(now)?;
            if !self.awaited.is_empty() && self.awaited.iter().all(|&at| self.has_ended(at)) {
                return Poll::Ready(Ok(true));
            }
            if now >= self.limit {
                return Poll::Ready(Ok(false));
            }
            let mut world = self.stage.world().borrow_mut();
            let next = world.net.next_event().unwrap_or(Instant::MAX);
            let wake = whole_millis(next).min(self.limit);
            world.park(wake, cx);
            drop(world);
            sleep.as_mut().reset(self.start + wake.elapsed());
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Does everything there is to do at this instant.
    fn settle(&mut self, now: Instant) -> Result<(), Failure> {
        for _ in 0..MAX_ROUNDS {
            self.stage.advance(now);
            tend(self.processes, self.stage, self.bell);
            let mut busy = false;
            for process in &mut *self.processes {
                if process.poll() {
                    busy = true;
                    process.software.failure()?;
                }
            }
            let due = self.stage.network().next_event().is_some_and(|next| next <= now);
            if !busy && !due {
                return Ok(());
            }
        }
        panic!("hosts and network keep each other busy at {now} without end");
    }

    fn has_ended(&self, at: usize) -> bool {
        self.processes.get(at).is_some_and(|process| process.software.has_ended())
    }
}

impl Process {
    /// Lets the tasks run that were woken; says whether there were any.
    fn poll(&mut self) -> bool {
        let Some(Tasks { set, alarm, waker }) = &mut self.tasks else { return false };
        if !alarm.rings.swap(false, Ordering::Relaxed) {
            return false;
        }
        let _presence = Presence::of(self.software.home);
        let _ = Pin::new(set).poll(&mut Context::from_waker(waker));
        true
    }
}

/// Takes away the software of hosts that crashed, and starts that of hosts that are up.
fn tend<O: Observer + 'static>(processes: &mut [Process], stage: &Stage<O>, bell: &Arc<Bell>) {
    if !stage.take_unrest() && processes.iter().all(|process| process.tasks.is_some()) {
        return;
    }
    for process in processes {
        let home = process.software.home;
        let verdict = stage.verdict(home, process.tasks.is_some());
        if verdict != Verdict::Leave {
            process.tasks = None;
        }
        if verdict == Verdict::Start {
            stage.listen(home);
            process.tasks = Some(Tasks::start(&process.software, home, Arc::clone(bell)));
        }
    }
}

impl Tasks {
    fn start(software: &Software, home: Home, bell: Arc<Bell>) -> Self {
        let _presence = Presence::of(home);
        let set = LocalSet::new();
        drop(set.spawn_local(software.start()));
        let alarm = Arc::new(Alarm { rings: AtomicBool::new(true), bell });
        Self { set, waker: Waker::from(Arc::clone(&alarm)), alarm }
    }
}

/// Wakes the driver.
#[derive(Debug, Default)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn follow(&self, driver: &Waker) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| known.will_wake(driver)) {
            *known = Some(driver.clone());
        }
    }

    fn ring(&self) {
        if let Some(driver) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            driver.wake_by_ref();
        }
    }
}

/// Wakes the driver, and tells it which host was meant.
#[derive(Debug)]
struct Alarm {
    rings: AtomicBool,
    bell: Arc<Bell>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The driver was told already, if it was not asked since.
        if !self.rings.swap(true, Ordering::Relaxed) {
            self.bell.ring();
        }
    }
}

/// The same instant, or the next that timers of tokio can tell.
pub(crate) fn whole_millis(at: Instant) -> Instant {
    let millis = at.as_nanos().div_ceil(NANOS_PER_MILLI);
    Instant::from_nanos(millis.saturating_mul(NANOS_PER_MILLI).min(FAR.as_nanos()))
}

const NANOS_PER_MILLI: u64 = 1_000_000;
/// Thirty years: beyond it timers of tokio do not reach, and nobody waits for it.
const FAR: Instant = Instant::from_nanos(30 * 365 * 86_400 * 1_000_000_000);
/// Rounds at one instant after which hosts and network are taken never to come to rest.
const MAX_ROUNDS: u32 = 1_000_000;
