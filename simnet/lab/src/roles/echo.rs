//! A host that sends every datagram back.

use std::{collections::VecDeque, time::Duration};

use base::{Instant, Transmit};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use super::{Inhabitant, Parameters};
use crate::{
    run::{Figure, Report},
    scenario::{Scenario, is_default},
};

/// Parameters of a host that sends every datagram back to where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Echo {
    /// The UDP port it listens on.
    pub port: u16,
    /// How long it keeps each one.
    #[serde(with = "simnet::units::duration", skip_serializing_if = "is_default")]
    pub delay: Duration,
}

/// Where data comes back from: RFC 862.
pub(super) const PORT: u16 = 7;

impl Default for Echo {
    fn default() -> Self {
        Self { port: PORT, delay: Duration::ZERO }
    }
}

impl Parameters for Echo {
    type Endpoint = Echoing;

    fn endpoint(&self, _: &str, _: &Scenario) -> Echoing {
        Echoing { role: self.clone(), waiting: VecDeque::new(), echoed: 0 }
    }
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Echoing {
    role: Echo,
    waiting: VecDeque<(Instant, SocketId, Transmit, Bytes)>,
    echoed: u64,
}

impl Inhabitant for Echoing {
    fn report(&self) -> Report {
        Report::default().with("echoed", Figure::Count(self.echoed))
    }
}

impl Endpoint for Echoing {
    fn start(&mut self, cx: &mut Cx<'_>) {
        super::listen(cx, self.role.port);
    }

    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        // A datagram without a byte asks for nothing.
        if payload.is_empty() {
            return;
        }
        let back = Transmit::new(meta.source, payload.len()).from(meta.destination);
        let due = cx.now() + self.role.delay;
        self.waiting.push_back((due, socket, back, Bytes::copy_from_slice(payload)));
        self.handle_timeout(cx);
    }

    fn handle_timeout(&mut self, cx: &mut Cx<'_>) {
        while self.poll_timeout().is_some_and(|due| due <= cx.now()) {
            if let Some((_, socket, back, payload)) = self.waiting.pop_front() {
                cx.transmit(socket, &back, &payload);
                self.echoed += 1;
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, ..)| *due)
    }
}
