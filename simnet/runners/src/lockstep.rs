//! turmoil's hosts on our network, tick by tick.
//!
//! turmoil brings what its users know: a runtime of its own for each host, crash and bounce. Its network
//! carries nothing here, neither UDP nor TCP: it has no address translation, queues, path MTU or ICMP, its
//! TCP has no retransmission, and two networks would tell two truths about what arrived when.

use std::{error::Error, fmt, future::Future, pin::Pin, time::Duration};

use base::Instant;
use simnet::{Change, Network, Observer};
use tokio::runtime::Handle;

use crate::{
    home,
    paused::whole_millis,
    runner::{Runner, Stage, Verdict, new_software, place},
    software::{Failure, Software},
};

/// Runs software on the hosts of a [`turmoil::Sim`], and the network in lock-step with it.
///
/// Before each tick of one millisecond the network lives up to the tick's beginning; in the tick, hosts
/// act one after the other. See the [crate] for what it can and cannot observe.
pub struct LockStep<O: Observer + 'static = ()> {
    /// First, because what it holds looks for the stage when it falls.
    sim: turmoil::Sim<'static>,
    processes: Vec<Process>,
    /// The time in the network when the simulation began.
    start: Instant,
    stage: Stage<O>,
}

struct Process {
    software: Software,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// turmoil does not know the host yet.
    Unborn,
    Up,
    Down,
}

impl<O: Observer + 'static> Runner for LockStep<O> {
    type Observer = O;

    fn new(net: Network<O>) -> Self {
        // Chance comes from our network; turmoil is seeded so that what software draws from it replays.
        let seed = net.topology().seed;
        let sim = turmoil::Builder::new()
            .tick_duration(TICK)
            .simulation_duration(Duration::MAX)
            .epoch(beginning())
            .rng_seed(seed)
            .build();
        Self { sim, processes: Vec::new(), start: whole_millis(net.now()), stage: Stage::new(net) }
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
        self.processes.push(Process { software, life: Life::Unborn });
    }

    fn run_until_ended(&mut self, hosts: &[&str], limit: Instant) -> Result<bool, Failure> {
        let all = || self.processes.iter().map(|process| &process.software);
        let awaited: Vec<usize> = hosts.iter().map(|name| place(all(), name)).collect();
        loop {
            let now = self.start + self.sim.elapsed();
            self.stage.advance(now);
            self.tend();
            let ended = |&at: &usize| {
                self.processes.get(at).is_some_and(|process| process.software.has_ended())
            };
            if !awaited.is_empty() && awaited.iter().all(ended) {
                return Ok(true);
            }
            if now >= limit {
                return Ok(false);
            }
            self.sim.step().expect("software hands over its errors another way");
            for process in &self.processes {
                process.software.failure()?;
            }
        }
    }

    fn crash(&mut self, name: &str) {
        self.stage.change(Change::Crash(self.stage.home(name).host));
        self.tend();
    }

    fn restart(&mut self, name: &str) {
        self.stage.change(Change::Restart(self.stage.home(name).host));
    }

    fn is_running(&self, name: &str) -> bool {
        let process = self.processes.iter().find(|process| process.software.name == name);
        process.is_some_and(|process| process.life == Life::Up && !process.software.has_ended())
    }
}

impl<O: Observer + 'static> LockStep<O> {
    /// Ends the run and hands over the network.
    #[must_use]
    pub fn into_network(self) -> Network<O> {
        let Self { sim, stage, .. } = self;
        stage.close();
        drop(sim);
        stage.into_network()
    }

    /// Takes away the software of hosts that crashed, and starts that of hosts that are up.
    fn tend(&mut self) {
        let Self { sim, processes, stage, .. } = self;
        if !stage.take_unrest() && processes.iter().all(|process| process.life == Life::Up) {
            return;
        }
        for Process { software, life } in processes {
            let verdict = stage.verdict(software.home, *life == Life::Up);
            if verdict == Verdict::Leave {
                continue;
            }
            if *life == Life::Up {
                sim.crash(software.name.as_str());
                *life = Life::Down;
            }
            if verdict == Verdict::Start {
                stage.listen(software.home);
                match std::mem::replace(life, Life::Up) {
                    Life::Unborn => sim.host(software.name.as_str(), factory(software.clone())),
                    Life::Down | Life::Up => sim.bounce(software.name.as_str()),
                }
            }
        }
    }
}

impl<O: Observer + 'static> fmt::Debug for LockStep<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockStep").field("stage", &self.stage).finish_non_exhaustive()
    }
}

type Run = Pin<Box<dyn Future<Output = turmoil::Result>>>;

/// What turmoil calls, on a new runtime, whenever the host starts.
fn factory(software: Software) -> impl Fn() -> Run {
    move || {
        home::adopt(Handle::current().id(), software.home);
        Box::pin(software.start())
    }
}

#[expect(clippy::disallowed_types, reason = "turmoil wants it; it is a constant, not a clock")]
const fn beginning() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH
}

/// turmoil's clocks keep step with its network for whole milliseconds only.
const TICK: Duration = Duration::from_millis(1);
