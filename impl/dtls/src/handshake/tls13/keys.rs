//! The secrets of one handshake, and the epochs they open (RFC 8446 §7.1, RFC 9147 §6.1).

use crypto::{Digest, SharedSecret, Tag};

use crate::{
    Misdeed, Side,
    handshake::Context,
    record::Protection,
    schedule::tls13::{ExporterSecret, KeySchedule, TrafficLabel, TrafficSecret},
};

/// The epoch of the handshake's own keys; epoch 1 is for early data, which is never sent.
pub(super) const HANDSHAKE: u64 = 2;

/// The first epoch of application data.
pub(super) const APPLICATION: u64 = 3;

/// The secrets between ServerHello and Finished, of both directions.
pub(super) struct HandshakeKeys {
    client: TrafficSecret,
    server: TrafficSecret,
}

/// The secrets after the server's Finished, as this end uses them.
pub(super) struct ApplicationKeys {
    /// What opens the peer's records.
    pub(super) reading: TrafficSecret,
    /// What seals ours.
    pub(super) writing: TrafficSecret,
    /// What keys for applications come from.
    pub(super) exporter: ExporterSecret,
}

impl HandshakeKeys {
    /// Derives the secrets from what was agreed and the transcript up to the ServerHello, and installs
    /// both directions of the handshake's epoch. What comes with them leads to application data.
    pub(super) fn agree(
        cx: &mut Context<'_>,
        shared: &SharedSecret,
    ) -> Result<(Self, KeySchedule), Misdeed> {
        let suite = cx.session.suite.ok_or(Misdeed::Internal)?;
        let transcript = cx.transcript.digest();
        let schedule = KeySchedule::new(cx.config.provider, suite).into_handshake(shared);
        let keys = Self {
            client: schedule.traffic_secret(TrafficLabel::ClientHandshake, &transcript),
            server: schedule.traffic_secret(TrafficLabel::ServerHandshake, &transcript),
        };
        log(cx, |random| [keys.client.key_log_line(random), keys.server.key_log_line(random)]);
        agree_on_ids(cx);
        cx.records.install_write(HANDSHAKE, Protection::tls13(keys.of(cx.side)));
        cx.records.install_read(HANDSHAKE, Protection::tls13(keys.of(cx.side.peer())));
        Ok((keys, schedule))
    }

    /// What a Finished of `side` holds after the messages of `transcript` (RFC 8446 §4.4.4).
    pub(super) fn finished(&self, side: Side, transcript: &Digest) -> Tag {
        self.of(side).finished(transcript)
    }

    /// Checks what a Finished of `side` holds after the messages of `transcript`.
    pub(super) fn verify_finished(
        &self,
        side: Side,
        transcript: &Digest,
        verify_data: &[u8],
    ) -> Result<(), Misdeed> {
        let verified = self.of(side).verify_finished(transcript, verify_data);
        verified.map_err(|_| Misdeed::BadFinished)
    }

    const fn of(&self, side: Side) -> &TrafficSecret {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

impl ApplicationKeys {
    /// The secrets of application data, now that the transcript ends with the server's Finished.
    pub(super) fn derive(cx: &mut Context<'_>, schedule: KeySchedule) -> Self {
        let transcript = cx.transcript.digest();
        let master = schedule.into_master();
        let client = master.traffic_secret(TrafficLabel::ClientApplication, &transcript);
        let server = master.traffic_secret(TrafficLabel::ServerApplication, &transcript);
        let exporter = master.exporter_secret(&transcript);
        log(cx, |random| {
            let lines = [client.key_log_line(random), server.key_log_line(random)];
            lines.into_iter().chain([exporter.key_log_line(random)])
        });
        let (reading, writing) = match cx.side {
            Side::Client => (server, client),
            Side::Server => (client, server),
        };
        Self { reading, writing, exporter }
    }
}

/// RFC 9147 §9: what the hellos agreed on is in every protected record, the first among them.
fn agree_on_ids(cx: &mut Context<'_>) {
    cx.records.accept_connection_id(cx.session.own_connection_id());
    cx.records.use_connection_id(cx.session.peer_connection_id());
}

/// RFC 8449 §4: limits that both ends named hold for protected records.
pub(super) fn agree_on_limits(cx: &mut Context<'_>) {
    if let (Some(ours), Some(theirs)) = (cx.config.record_size_limit, cx.session.peer_record_limit)
    {
        cx.records.set_receive_limit(ours);
        cx.records.set_send_limit(theirs);
    }
}

/// Notes lines for the key log, if there is one.
fn log<L: IntoIterator<Item = String>>(cx: &mut Context<'_>, lines: impl Fn(&[u8; 32]) -> L) {
    if cx.config.key_log {
        let lines = lines(&cx.session.client_random);
        cx.session.key_log.extend(lines);
    }
}
