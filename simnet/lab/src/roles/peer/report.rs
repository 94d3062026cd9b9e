//! What a peer believes at the end.

use super::{
    agent::Agent,
    checks::{Pair, State},
};
use crate::run::{Figure, Report};

impl Agent {
    pub(super) fn summary(&self) -> Report {
        let history = &self.history;
        let count = |number: usize| Figure::Count(number as u64);
        let mut report = Report::default()
            .with("checks", Figure::Count(history.checks))
            .with("answered", Figure::Count(history.answered))
            .with("connections", count(history.connections.len()))
            .with("losses", count(history.losses.len()))
            .with("sent", Figure::Count(history.sent))
            .with("received", Figure::Count(history.received))
            .with("connected", Figure::Truth(self.selected.is_some()));
        if let Some((at, local, remote)) = history.connections.first() {
            // What the remote candidate is may have become known only later.
            let selected = self.selected.as_ref().filter(|_| history.connections.len() == 1);
            let remote = selected.map_or(*remote, |selected| selected.remote);
            report = report
                .with("connected-after", Figure::Time(*at - history.began))
                .with("selected-local", Figure::Text(local.kind.to_string()))
                .with("selected-remote", Figure::Text(remote.kind.to_string()));
        }
        for candidate in &self.locals {
            report = report.believing(format!("I am at {candidate}"));
        }
        for candidate in &self.remotes {
            report = report.believing(format!("the other is at {candidate}"));
        }
        for pair in &self.pairs {
            report = report.believing(self.about(pair));
        }
        for (at, local, remote) in &history.connections {
            report = report.believing(format!("{at} connected: {local} – {remote}"));
        }
        for at in &history.losses {
            report = report.believing(format!("{at} the other is gone"));
        }
        report
    }

    fn about(&self, pair: &Pair) -> String {
        let base = self.bases.get(pair.base).map_or_else(String::new, |it| it.local.to_string());
        let remote = self.remotes.get(pair.remote).map_or_else(String::new, ToString::to_string);
        let state = match pair.state {
            State::Waiting => "not checked".to_owned(),
            State::InProgress => "no answer yet".to_owned(),
            State::Succeeded(local) => format!("works, and I look like {local}"),
            State::Failed => "no answer".to_owned(),
        };
        format!("{base} to {remote}: {state}")
    }
}
