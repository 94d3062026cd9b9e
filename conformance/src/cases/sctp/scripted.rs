//! Exchanges that are written down as scripts: `conformance/scripts/sctp`.

use base::Instant;
use wire::sctp::script::{Action, Item, Line, Script, Value};

use super::script::*;
use crate::registry::Req;

mod packets;

/// How much earlier or later than written something may happen: the way through the network and back.
const SLACK: Duration = Duration::from_millis(5);

/// Plays a script; says which line is not as it is written.
pub(crate) fn play(t: &mut Ctl<'_>, script: &Script) -> Result<Result<(), String>, Stop> {
    let mut s = SctpStage::with(t, |setup| {
        setup.rtt = 2 * MILLISECOND;
        setup.profile.parameters.clear();
    })?;
    let mut player = Player { last: t.now(), base: None };
    for line in &script.lines {
        if let Err(why) = player.line(t, &mut s, line) {
            return Ok(Err(format!("line {}: {why}", line.number)));
        }
    }
    Ok(Ok(()))
}

/// How far a script has been played.
struct Player {
    /// When the line before happened.
    last: Instant,
    /// The endpoint's first number, as it is written and as it came.
    base: Option<(u32, u32)>,
}

impl Player {
    fn line(&mut self, t: &mut Ctl<'_>, s: &mut SctpStage, line: &Line) -> Result<(), String> {
        let at = self.last + line.after;
        match &line.action {
            Action::Expect(items) => return self.expect(t, s, (at, line.within), items),
            Action::Send(items) => {
                t.run_until(at);
                let packet = packets::make(s, items, self.base)?;
                s.send_stimulus(t, &packet, "as it is written");
            }
            Action::Command(name, arguments) => {
                t.run_until(at);
                command(t, s, name, arguments)?;
            }
        }
        self.last = t.now();
        Ok(())
    }

    fn expect(
        &mut self,
        t: &mut Ctl<'_>,
        s: &mut SctpStage,
        (at, within): (Instant, Duration),
        items: &[Item],
    ) -> Result<(), String> {
        let left = at + within + SLACK - t.now();
        if s.hear(t, left).is_none() {
            return Err("nothing comes".to_owned());
        }
        let sent = s.times.last().copied().unwrap_or_else(|| t.now());
        if sent + SLACK < at {
            return Err(format!("it comes too early, at {sent}"));
        }
        let packet = s.peer.log.packets.last().cloned().unwrap_or_default();
        self.last = t.now();
        packets::compare(&packet, items, &mut self.base)
    }
}

fn command(
    t: &mut Ctl<'_>,
    s: &mut SctpStage,
    name: &str,
    arguments: &[(Option<String>, Value)],
) -> Result<(), String> {
    let plain = |place: usize| {
        arguments.iter().filter(|(key, _)| key.is_none()).map(|(_, value)| value).nth(place)
    };
    let keyed = |name: &str| {
        arguments.iter().find(|(key, _)| key.as_deref() == Some(name)).map(|(_, value)| value)
    };
    let number = |value: Option<&Value>, other: u64| match value {
        Some(Value::Number(number)) => *number,
        _ => other,
    };
    match name {
        "connect" => s.connect(t),
        "shutdown" => s.command(t, |endpoint, now| endpoint.shutdown(now)),
        "abort" => s.command(t, |endpoint, now| endpoint.abort(now)),
        "read" => {
            let reads = plain(0) == Some(&Value::Word("on".to_owned()));
            s.command(t, |endpoint, now| endpoint.set_reading(now, reads));
        }
        "send" => {
            let length = usize::try_from(number(plain(0), 1)).unwrap_or(1);
            let stream = u16::try_from(number(keyed("stream"), 0)).unwrap_or(0);
            let mut message = SctpMessage::new(stream, pattern(length));
            message.ppid = u32::try_from(number(keyed("ppid"), 53)).unwrap_or(53);
            message.unordered = keyed("order") == Some(&Value::Word("unordered".to_owned()));
            let taken = s.command(t, |endpoint, now| endpoint.send(now, message));
            taken.map_err(|refusal| refusal.to_string())?;
        }
        "silence" => {
            let time = match plain(0) {
                Some(Value::Seconds(time)) => *time,
                other => Duration::from_secs(number(other, 1)),
            };
            let mark = s.mark();
            s.listen(t, time);
            if s.mark() > mark {
                return Err(format!("it is not silent: {}", s.since(mark).join("; ")));
            }
        }
        "event" => {
            let Some(Value::Word(wanted)) = plain(0) else { return Err("which event?".to_owned()) };
            let is_it = |event: &SctpEvent| match wanted.as_str() {
                "connected" => *event == SctpEvent::Connected,
                "restarted" => *event == SctpEvent::Restarted,
                "closed" => *event == SctpEvent::Closed,
                "failed" => matches!(event, SctpEvent::Failed(_)),
                "message" => matches!(event, SctpEvent::Message { .. }),
                _ => false,
            };
            if s.count(t, is_it) == 0 {
                return Err(format!("`{wanted}` is not reported"));
            }
        }
        _ => return Err(format!("there is no command `{name}`")),
    }
    Ok(())
}

/// Plays a script of the suite's own and asserts what it shows.
fn shows(t: &mut Ctl<'_>, text: &str, musts: &[Req]) -> Outcome {
    let script = Script::read(text).map_err(|error| Stop::Harness(error.to_string()))?;
    let played = play(t, &script)?;
    let got = played.as_ref().err().cloned().unwrap_or_default();
    for requirement in musts {
        t.must(*requirement, played.is_ok(), "the exchange as it is written", &got)?;
    }
    Ok(())
}

macro_rules! scripts {
    ($($id:literal, $title:literal, $file:literal, [$($req:ident),+ $(,)?];)+) => {
        $(case! {
            id: $id,
            title: $title,
            reqs: [$(req::$req),+],
            kind: SubjectKind::Sctp,
            run: |t, _| {
                shows(t, include_str!(concat!("../../../scripts/sctp/", $file)), &[$(req::$req),+])
            },
        })+
    };
}

scripts! {
    "sctp.script.passive", "An association is set up by the suite, carries a message each way and is shut down",
    "passive.pkt", [SCTP_INIT_ACK_TAGS, SCTP_COOKIE_ACK_FIRST, SCTP_SHUTDOWN_COMPLETES];
    "sctp.script.active", "An association is set up by the endpoint and ended by an ABORT",
    "active.pkt", [SCTP_INIT_TAG_ZERO, SCTP_COOKIE_ECHO_AT_ONCE, SCTP_ABORT_SENT];
    "sctp.script.gap", "A gap is reported at once and closed again",
    "gap.pkt", [SCTP_SACK_GAP_OFFSETS, SCTP_SACK_CUMULATIVE];
    "sctp.script.peer-shutdown", "The suite shuts the association down",
    "peer-shutdown.pkt", [SCTP_SHUTDOWN_ACK_SENT, SCTP_SHUTDOWN_ACK_ANSWERS];
}
