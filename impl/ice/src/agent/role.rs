//! Roles, and what happens when both sides claim the same one: RFC 8445 §6.1.1, §7.3.1.1.

use super::{Agent, message::ReceivedCheck};
use crate::{Event, Role};

impl Agent {
    /// Compares our role with what a check claims. `false` if the check is to be refused with 487.
    pub(super) fn settle_roles(&mut self, check: &ReceivedCheck) -> bool {
        let Some((claimed, theirs)) = check.claims else { return true };
        if claimed != self.role || !self.is_full() {
            return true;
        }
        let wins =
            (self.tie_breaker >= theirs) != base::mutant::active("ice-smaller-tie-breaker-wins");
        match (self.role, wins) {
            (Role::Controlling, true) | (Role::Controlled, false) => false,
            (Role::Controlling, false) | (Role::Controlled, true) => {
                self.change_role(self.role.other());
                true
            }
        }
    }

    /// Takes another role: priorities change, and who nominates.
    pub(super) fn change_role(&mut self, role: Role) {
        if role == self.role {
            return;
        }
        self.role = role;
        self.checklist.compute_priorities(role);
        self.checklist.iter_mut().for_each(|pair| pair.pending = None);
        self.report(Event::RoleChanged(role));
    }
}
