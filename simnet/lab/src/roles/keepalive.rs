//! A host that sees whether answers still arrive after a while.

use std::{net::SocketAddr, time::Duration};

use base::Instant;
use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use super::{Inhabitant, Parameters, flow::Stamp};
use crate::{
    run::{Directory, Figure, Post, Report},
    scenario::{Finding, Scenario, is_default},
};

/// Parameters of a host that asks an `echo` host, which takes its time, and sees whether the answers
/// arrive. Between question and answer it may keep the mapping alive with datagrams of its own, to a
/// `sink` or to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Keepalive {
    /// Whom it asks: a host with the role `echo`, whose `delay` is what the mapping has to survive.
    pub to: String,
    /// Time between one question and the next.
    #[serde(default = "ask", with = "simnet::units::duration")]
    pub ask: Duration,
    /// Time between the datagrams that keep the mapping alive; none are sent if it does not say. They
    /// go where the questions go, but ask for nothing.
    #[serde(
        default,
        with = "simnet::units::option_duration",
        skip_serializing_if = "Option::is_none"
    )]
    pub interval: Option<Duration>,
    /// When it begins.
    #[serde(default, with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub start: Duration,
}

const fn ask() -> Duration {
    Duration::from_secs(60)
}

impl Keepalive {
    /// Asks a host every minute, and does nothing in between.
    #[must_use]
    pub fn to(target: &str) -> Self {
        let to = target.to_owned();
        Self { to, ask: ask(), interval: None, start: Duration::ZERO }
    }
}

impl Parameters for Keepalive {
    type Endpoint = Asking;

    fn endpoint(&self, _: &str, scenario: &Scenario) -> Asking {
        Asking {
            role: self.clone(),
            end: Instant::ZERO + scenario.duration,
            to: None,
            next_question: None,
            next_keepalive: None,
            patience: patience(self, scenario),
            asked: Vec::new(),
            kept: 0,
        }
    }

    fn begins(&self) -> Option<Duration> {
        Some(self.start)
    }

    fn needs(&self) -> Option<&str> {
        Some(&self.to)
    }

    fn check(&self, scenario: &Scenario, path: &str, _: &str) -> Vec<Finding> {
        let mut found: Vec<_> = super::target(scenario, &format!("{path}.to"), &self.to, &["echo"])
            .into_iter()
            .collect();
        for (key, time) in [("ask", Some(self.ask)), ("interval", self.interval)] {
            if time.is_some_and(|time| time.is_zero()) {
                let message = format!("`{key}` must not be 0");
                found.push(Finding::new(format!("{path}.{key}"), message));
            }
        }
        found
    }
}

/// How long an answer may be on its way besides the time that the echo takes.
const MARGIN: Duration = Duration::from_secs(1);

/// How long it takes until a question counts as unanswered.
fn patience(role: &Keepalive, scenario: &Scenario) -> Duration {
    let name = role.to.split(':').next().unwrap_or_default();
    let host = scenario.hosts.iter().find(|host| host.name == name);
    let delay = host.and_then(|host| match &host.role {
        super::Role::Echo(echo) => Some(echo.delay),
        _ => None,
    });
    delay.unwrap_or_default() + MARGIN
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Asking {
    role: Keepalive,
    end: Instant,
    to: Option<(SocketId, SocketAddr)>,
    next_question: Option<Instant>,
    next_keepalive: Option<Instant>,
    patience: Duration,
    /// When questions were asked, and whether the answer came.
    asked: Vec<(Instant, bool)>,
    kept: u64,
}

impl Asking {
    fn send(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let Some((socket, to)) = self.to else { return };
        if self.next_question.is_some_and(|due| due <= now) {
            let stamp = Stamp { number: self.asked.len() as u64, sent: now };
            cx.send(socket, to, &stamp.write(16));
            self.asked.push((now, false));
            let next = now + self.role.ask;
            // A question whose answer cannot come before the end is not asked.
            self.next_question = Some(next).filter(|next| *next + self.patience <= self.end);
            self.next_keepalive = self.role.interval.map(|interval| now + interval);
        }
        if self.next_keepalive.is_some_and(|due| due <= now) {
            cx.send(socket, to, &[]);
            self.kept += 1;
            self.next_keepalive = self.role.interval.map(|interval| now + interval);
        }
    }
}

impl Inhabitant for Asking {
    fn begin(&mut self, cx: &mut Cx<'_>, directory: &Directory, _: &Post) {
        self.to = directory
            .resolve(&self.role.to, super::echo::PORT)
            .and_then(|to| Some((super::socket_towards(cx, to)?, to)));
        self.next_question = Some(cx.now());
        self.send(cx);
    }

    fn report(&self) -> Report {
        let answered = self.asked.iter().filter(|(_, answered)| *answered).count();
        let (asked, answered) = (self.asked.len() as u64, answered as u64);
        let mut report = Report::default()
            .with("sent", Figure::Count(asked))
            .with("received", Figure::Count(answered))
            .with("keepalives", Figure::Count(self.kept))
            .with("survived", Figure::Truth(asked > 0 && asked == answered));
        for (at, answered) in &self.asked {
            let what = if *answered { "answered" } else { "no answer" };
            report = report.believing(format!("{at} asked: {what}"));
        }
        report
    }
}

impl Endpoint for Asking {
    fn handle_datagram(&mut self, _: &mut Cx<'_>, _: SocketId, _: &RecvMeta, payload: &[u8]) {
        let question = Stamp::read(payload).and_then(|stamp| usize::try_from(stamp.number).ok());
        if let Some((_, answered)) = question.and_then(|number| self.asked.get_mut(number)) {
            *answered = true;
        }
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        self.send(cx);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.to?;
        self.next_question.into_iter().chain(self.next_keepalive).min()
    }
}
