//! Whether what is expected can be judged.

use super::{Checker, Finding};
use crate::{roles::ice::KINDS, run::Bound};

impl Checker<'_> {
    pub(super) fn expectations(&mut self) {
        for (index, expect) in self.scenario.expects.iter().enumerate() {
            let path = format!("expect[{index}]");
            if let Some(host) = &expect.host {
                let known = self.scenario.hosts.iter().map(|host| host.name.as_str());
                self.refer(&format!("{path}.host"), "host", host, known);
            }
            let selected = expect.selected.iter().flat_map(|(one, other)| [one, other]);
            let selected = selected.map(|kind| ("selected", kind));
            let never = expect.never.iter().map(|kind| ("never", kind));
            for (key, kind) in selected.chain(never) {
                let known = KINDS;
                self.refer(&format!("{path}.{key}"), "kind of candidate", kind, known);
            }
            for (reason, bound) in &expect.drops {
                let known = simnet::DropReason::ALL.iter().map(|reason| reason.name());
                let path = format!("{path}.drops.{reason}");
                self.refer(&path, "reason to drop", reason, known);
                for finding in self.found.iter_mut().filter(|finding| finding.path == path) {
                    finding.of_key = true;
                }
                if let Err(message) = bound.parse::<Bound>() {
                    self.found.push(Finding::new(&path, message));
                }
            }
        }
    }
}
