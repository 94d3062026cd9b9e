//! Whether boxes and links can be told what they are told.

use std::collections::BTreeSet;

use super::{Checker, Finding};
use crate::{
    presets::{self, Fault},
    scenario::{Link, hint, merge::Culprit},
};

impl Checker<'_> {
    pub(super) fn configurations(&mut self) {
        for (kind, index, it) in self.scenario.boxes() {
            if let Err(fault) = presets::middlebox(kind, it) {
                self.faults(&format!("{kind}[{index}]"), (kind, &it.name), fault);
            }
        }
    }

    pub(super) fn links(&mut self) {
        for (index, link) in self.scenario.links.iter().enumerate() {
            self.link(&format!("link[{index}]"), link);
        }
    }

    pub(super) fn link(&mut self, path: &str, link: &Link) {
        let name = format!("{} – {}", link.between.0, link.between.1);
        let known: BTreeSet<&str> =
            self.scenario.names().into_iter().map(|(_, name)| name).collect();
        for (number, end) in [&link.between.0, &link.between.1].into_iter().enumerate() {
            let part = end.split('.').next().unwrap_or(end);
            if !known.contains(part) {
                let path = format!("{path}.between[{number}]");
                let finding = Finding::new(path, format!("no part is called `{part}`"))
                    .about("link", &name)
                    .suggesting(hint::suggest(part, known.iter().copied()));
                self.found.push(finding);
            }
        }
        for (direction, table) in [("up", &link.up), ("down", &link.down)] {
            match presets::link(link, direction) {
                Ok(_) => {}
                Err(Fault::Wrong(culprits)) => {
                    let in_direction = |mut culprit: Culprit| {
                        if culprit.path.first().is_some_and(|key| table.contains_key(key)) {
                            culprit.path.insert(0, direction.to_owned());
                        }
                        culprit
                    };
                    let culprits = culprits.into_iter().map(in_direction).collect();
                    self.faults(path, ("link", &name), Fault::Wrong(culprits));
                }
                Err(fault) => self.faults(path, ("link", &name), fault),
            }
        }
    }

    fn faults(&mut self, path: &str, (kind, name): (&str, &str), fault: Fault) {
        let new = match fault {
            Fault::Unknown(unknown) => {
                let finding = Finding::new(format!("{path}.preset"), unknown.to_string());
                vec![finding.suggesting(unknown.suggestion())]
            }
            Fault::Wrong(culprits) => culprits
                .into_iter()
                .map(|Culprit { path: below, message }| {
                    let (message, suggestion) = hint::improve(&message, &[]);
                    let mut path = path.to_owned();
                    for key in below {
                        path = format!("{path}.{key}");
                    }
                    Finding::new(path, message).suggesting(suggestion)
                })
                .collect(),
        };
        for finding in new.into_iter().map(|finding| finding.about(kind, name)) {
            // What is wrong in both directions is said once.
            if !self.found.contains(&finding) {
                self.found.push(finding);
            }
        }
    }
}
