//! What is logged: one line an event, as text or JSON, never a secret.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use turn::{
    ServerEvent, ServerStats,
    server::{Client, ReleaseReason},
};

use super::{host::HostStats, settings::Settings};

/// Begins to log to the standard error stream.
///
/// # Errors
///
/// If the filter cannot be read.
pub(super) fn begin(settings: &Settings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log_filter)
        .map_err(|error| format!("log.level {:?}: {error}", settings.log_filter))?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    let begun = if settings.logs_json { logs.json().try_init() } else { logs.try_init() };
    begun.map_err(|error| error.to_string())
}

/// Logs what the server tells.
pub(super) fn note(event: &ServerEvent) {
    match event {
        ServerEvent::Listening { address, transport } => {
            tracing::info!(%address, %transport, "serving");
        }
        ServerEvent::NotListening { address, transport, in_use } => {
            tracing::error!(%address, %transport, in_use, "cannot serve");
        }
        ServerEvent::Allocated { client, relayed, lifetime } => {
            let Client { address, transport, username } = client;
            let lifetime = lifetime.as_secs();
            tracing::info!(client = %address, %transport, user = %username, ?relayed, lifetime, "allocated");
        }
        ServerEvent::Refused { client, method, code } => {
            let Client { address, transport, username } = client;
            tracing::info!(client = %address, %transport, user = %username, %method, %code, "refused");
        }
        ServerEvent::Permitted { client, peer } => {
            tracing::debug!(client = %client.address, user = %client.username, %peer, "permitted");
        }
        ServerEvent::PeerConnected { client, peer } => {
            tracing::info!(client = %client.address, user = %client.username, %peer, "connected");
        }
        ServerEvent::PeerDisconnected { client, peer, reason } => {
            let user = &client.username;
            tracing::info!(client = %client.address, %user, %peer, ?reason, "disconnected");
        }
        ServerEvent::Released { client, relayed, reason, to_peers, to_clients } => {
            tracing::info!(
                client = %client.address,
                user = %client.username,
                ?relayed,
                reason = name(*reason),
                packets_to_peers = to_peers.packets,
                bytes_to_peers = to_peers.bytes,
                packets_to_client = to_clients.packets,
                bytes_to_client = to_clients.bytes,
                "released"
            );
        }
        ServerEvent::Drained => tracing::info!("no allocations are left"),
        _ => {}
    }
}

const fn name(reason: ReleaseReason) -> &'static str {
    match reason {
        ReleaseReason::Expired => "expired",
        ReleaseReason::Deleted => "deleted",
        ReleaseReason::Disconnected => "disconnected",
        ReleaseReason::Revoked => "user gone",
        ReleaseReason::Drained => "shutdown",
        _ => "socket lost",
    }
}

/// Logs the counters, at the end.
pub(super) fn note_counters(server: &ServerStats, host: HostStats) {
    tracing::info!(
        messages = server.messages,
        successes = server.successes,
        errors = server.errors,
        challenges = server.challenges,
        allocated = server.allocated,
        packets_to_peers = server.to_peers.packets,
        bytes_to_peers = server.to_peers.bytes,
        packets_to_clients = server.to_clients.packets,
        bytes_to_clients = server.to_clients.bytes,
        receives = host.receives,
        sends = host.sends,
        queue_full = host.queue_full,
        refused_by_system = host.refused,
        dropped = ?server.dropped,
        "counters"
    );
}
