//! What runs on a host, from its start to its end.

use std::{
    any::Any,
    cell::RefCell,
    error::Error,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::task::JoinHandle;

use crate::home::{self, Home};

/// How software ends.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

type Run = Pin<Box<dyn Future<Output = Outcome>>>;

/// Software that ended with an error.
#[derive(Debug)]
pub struct Failure {
    /// The host it ran on.
    pub host: String,
    /// The error it returned.
    pub error: Box<dyn Error>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the software of `{}` failed: {}", self.host, self.error)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.error.as_ref())
    }
}

/// Spawns a task on the running host, under every runner: it stands for `tokio::spawn`.
///
/// All hosts of [`Paused`](crate::Paused) share one runtime, where tasks spawned with `tokio::spawn` belong
/// to nobody: they can use sockets they are given, but make none, and outlive a crash.
///
/// # Panics
///
/// If no runtime of tokio is running here.
pub fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    if home::current().is_ok_and(home::is_polled) {
        return tokio::task::spawn_local(task);
    }
    tokio::spawn(task)
}

/// The software of one host, which can be started any number of times.
#[derive(Clone)]
pub(crate) struct Software {
    pub(crate) name: String,
    pub(crate) home: Home,
    make: Rc<dyn Fn() -> Run>,
    ending: Rc<RefCell<Option<Ending>>>,
}

enum Ending {
    Ended(Outcome),
    Panicked(Box<dyn Any + Send>),
}

impl Software {
    pub(crate) fn new<F, Fut, E>(name: &str, home: Home, make: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Result<(), E>> + 'static,
        E: Into<Box<dyn Error>>,
    {
        let make = move || -> Run {
            let run = make();
            Box::pin(async { run.await.map_err(Into::into) })
        };
        Self { name: name.to_owned(), home, make: Rc::new(make), ending: Rc::default() }
    }

    /// Whether it came to its own end since it was last started.
    pub(crate) fn has_ended(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// What the host does from its start to its crash. It never ends: tasks may outlive the software that
    /// spawned them.
    pub(crate) fn start(&self) -> impl Future<Output = Outcome> + 'static {
        self.ending.take();
        let (home, ending, mut run) = (self.home, Rc::clone(&self.ending), (self.make)());
        async move {
            let take_up = |cx: &mut Context<'_>| {
                let left = home::with_world(home.world, |world| world.take_spawned(home.host, cx));
                for task in left.unwrap_or_default() {
                    tokio::task::spawn_local(task);
                }
            };
            let end = poll_fn(|cx| {
                take_up(cx);
                match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(cx))) {
                    Ok(poll) => poll.map(Ending::Ended),
                    Err(panic) => Poll::Ready(Ending::Panicked(panic)),
                }
            });
            let end = end.await;
            ending.replace(Some(end));
            // Tasks may be given to the host when its software has ended.
            poll_fn(|cx| {
                take_up(cx);
                Poll::Pending
            })
            .await
        }
    }

    /// Says what went wrong, once; a panic goes on.
    pub(crate) fn failure(&self) -> Result<(), Failure> {
        let mut ending = self.ending.borrow_mut();
        match ending.take() {
            Some(Ending::Panicked(panic)) => {
                drop(ending);
                resume_unwind(panic)
            }
            Some(Ending::Ended(outcome)) => {
                *ending = Some(Ending::Ended(Ok(())));
                outcome.map_err(|error| Failure { host: self.name.clone(), error })
            }
            None => Ok(()),
        }
    }
}
