//! What an agent keeps for each component.

use base::Instant;

use crate::{FailReason, PairId};

/// One component: the pair it sends on, and how it came to that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Component {
    /// The pair data is sent on.
    pub(crate) path: Option<PairId>,
    /// The nominated pair of this generation.
    pub(crate) selected: Option<PairId>,
    /// What was last reported of the path: the pair, and whether it was nominated.
    pub(crate) reported: Option<(PairId, bool)>,
    /// When the first pair of this generation became valid: the wait for a better one begins.
    pub(crate) first_valid_at: Option<Instant>,
    /// When the first pair of this generation was nominated.
    pub(crate) first_nominated_at: Option<Instant>,
    /// Whether it had a path at any time since the agent last began from nothing.
    pub(crate) was_connected: bool,
    /// Whether the pairs are checked anew because the path answers no more.
    pub(crate) is_rechecking: bool,
    /// Why and when the path was lost: from then on there is [`LOSS_PATIENCE`](super::LOSS_PATIENCE).
    pub(crate) lost: Option<(FailReason, Instant)>,
}

impl Component {
    /// What stays with a restart: the path, and what was said of it (RFC 8445 §12.1).
    pub(crate) fn restart(&mut self) {
        *self = Self {
            path: self.path,
            reported: self.reported.map(|(pair, _)| (pair, false)),
            was_connected: self.was_connected && self.path.is_some(),
            ..Self::default()
        };
    }
}
