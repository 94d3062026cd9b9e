//! What many cases ask at their end: that a handshake came to nothing, or that a connection lives on.

use super::script::*;

/// The requirement for the version of this variant.
pub(super) fn by_version(v: &Variant, of12: Req, of13: Req) -> Req {
    match version(v) {
        Version::Dtls12 => of12,
        Version::Dtls13 => of13,
    }
}

/// The requirement for the subject's role in this variant.
pub(super) fn by_role(v: &Variant, of_client: Req, of_server: Req) -> Req {
    match role(v) {
        DtlsRole::Client => of_client,
        DtlsRole::Server => of_server,
    }
}

/// Goes on with a handshake that must not succeed, and asserts `req`: no connection, no data, no keys,
/// and if there is an alert, one of `alerts` (any, if that is empty).
pub(super) fn must_refuse(t: &mut Ctl<'_>, s: &mut DtlsStage, req: Req, alerts: &[u8]) -> Outcome {
    s.completes(t, 3 * SECOND);
    must_be_refused(t, s, req, alerts)
}

/// The same without going on.
pub(super) fn must_be_refused(
    t: &mut Ctl<'_>,
    s: &mut DtlsStage,
    req: Req,
    alerts: &[u8],
) -> Outcome {
    let connected = s.is_connected(t);
    t.must(req, !connected, "no connection", format_args!("connected: {connected}"))?;
    let data = s.delivered(t).len();
    t.must(req, data == 0, "no data", data)?;
    let keys = s.srtp_keys(t).is_some();
    t.must(req, !keys, "no keys for SRTP", format_args!("keys: {keys}"))?;
    let fatal = s.peer.log.fatal();
    let fits = fatal.is_none_or(|fatal| alerts.is_empty() || alerts.contains(&fatal));
    t.must(req, fits, format_args!("an alert of {alerts:?}"), format_args!("{fatal:?}"))
}

/// The same for a rule that only recommends: whether the handshake came to nothing.
pub(super) fn refuses(t: &mut Ctl<'_>, s: &mut DtlsStage) -> bool {
    s.completes(t, 3 * SECOND);
    !s.is_connected(t) && s.srtp_keys(t).is_none()
}

/// Asserts `req`: the handshake ends well, and data passes.
pub(super) fn must_complete(t: &mut Ctl<'_>, s: &mut DtlsStage, req: Req) -> Outcome {
    let done = s.completes(t, LONG);
    let log = &s.peer.log;
    let got = format!("faults {:?}, alerts {:?}", log.faults, log.alerts);
    t.must(req, done, "a handshake that ends well", &got)?;
    must_live(t, s, req)
}

/// Asserts `req`: nothing has ended the connection, and data passes in both directions.
pub(super) fn must_live(t: &mut Ctl<'_>, s: &mut DtlsStage, req: Req) -> Outcome {
    let over = s.is_over(t);
    let alerts = format!("{:?}", s.peer.log.alerts);
    t.must(req, !over, "a connection that lives", format_args!("over, alerts {alerts}"))?;
    let passes = s.data_passes(t);
    t.must(req, passes, "data in both directions", format_args!("alerts {alerts}"))
}

/// A record without protection.
pub(super) fn plain(content: u8, epoch: u16, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes();
    let [_, _, sequence @ ..] = sequence.to_be_bytes();
    [&[content, 0xfe, 0xfd], &epoch.to_be_bytes()[..], &sequence, &length, payload].concat()
}
