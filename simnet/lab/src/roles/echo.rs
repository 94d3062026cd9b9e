//! A host that sends every datagram back.

use serde::{Deserialize, Serialize};
use simnet::{Cx, Endpoint, RecvMeta, SocketId};

use crate::run::{Figure, Report};

/// Parameters of a host that sends every datagram back to where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Echo {
    /// The UDP port it listens on.
    pub port: u16,
}

impl Default for Echo {
    /// Port 7: RFC 862.
    fn default() -> Self {
        Self { port: 7 }
    }
}

/// The host at work.
#[derive(Debug)]
pub(crate) struct Echoing {
    port: u16,
    echoed: u64,
}

impl Echoing {
    pub(super) const fn new(role: &Echo) -> Self {
        Self { port: role.port, echoed: 0 }
    }

    pub(super) fn report(&self) -> Report {
        Report::default().with("echoed", Figure::Count(self.echoed))
    }
}

impl Endpoint for Echoing {
    fn start(&mut self, cx: &mut Cx<'_>) {
        super::listen(cx, self.port);
    }

    fn handle_datagram(
        &mut self,
        cx: &mut Cx<'_>,
        socket: SocketId,
        meta: &RecvMeta,
        payload: &[u8],
    ) {
        self.echoed += 1;
        let back = base::Transmit::new(meta.source, payload.len()).from(meta.destination);
        cx.transmit(socket, &back, payload);
    }
}
