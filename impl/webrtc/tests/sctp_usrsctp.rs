//! Our SCTP against usrsctp, in UDP datagrams on loopback.
//!
//! Runs where a C compiler and usrsctp are installed, and says so where they are not. The other end is a
//! small program of our own, `usrsctp/peer.c`, which is compiled when this runs.

#[path = "usrsctp/ours.rs"]
mod ours;
#[path = "dtls_peers/tools.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod tools;

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libtest_mimic::{Arguments, Failed, Trial};
use sctp::{CloseReason, Config, Event, Reliability, StreamId};

use self::{
    ours::{Ours, PPID, hash, pattern},
    tools::{Program, free_port, has, in_time},
};

/// Sizes of messages that go both ways; the last is longer than any window's start.
const SIZES: [usize; 7] = [1, 3, 1_000, 1_200, 5_000, 65_536, 262_144];

/// Who begins, whether messages are interleaved, and which datagrams are lost.
#[derive(Clone, Copy, Debug)]
struct Setting {
    we_begin: bool,
    interleaving: bool,
    every: usize,
}

fn main() {
    let missing = missing();
    if let Some(missing) = missing {
        eprintln!("not run: {missing}");
    }
    let program = match missing.map_or_else(compile, |_| Ok(PathBuf::new())) {
        Ok(program) => program,
        Err(error) => panic!("the other end does not compile: {error:?}"),
    };
    let mut trials = Vec::new();
    for we_begin in [true, false] {
        for interleaving in [true, false] {
            for every in [0, 7, 23] {
                let setting = Setting { we_begin, interleaving, every };
                add(&mut trials, &program, setting);
            }
        }
    }
    let trials =
        trials.into_iter().map(|trial| trial.with_ignored_flag(missing.is_some())).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// All cases in one setting.
fn add(trials: &mut Vec<Trial>, program: &Path, setting: Setting) {
    let role = if setting.we_begin { "our_client" } else { "our_server" };
    let kind = if setting.interleaving { "i_data" } else { "data" };
    let loss = match setting.every {
        0 => String::new(),
        every => format!("_loses_every_{every}"),
    };
    let mut add = |name: &str, case: fn(Both) -> Case| {
        let program = program.to_owned();
        let test = move || {
            in_time(async {
                let both = Both::meet(&program, setting).await?;
                case(both).await
            })
        };
        trials.push(Trial::test(format!("{role}_{kind}{loss}_{name}"), test));
    };
    add("messages_arrive_whole", |both| Box::pin(messages(both)));
    add("messages_may_be_given_up", |both| Box::pin(limited(both)));
    add("streams_begin_anew", |both| Box::pin(resets(both)));
    if setting.every == 0 {
        add("we_shut_down", |both| Box::pin(we_shut_down(both)));
        add("they_shut_down", |both| Box::pin(they_shut_down(both)));
        add("we_abort", |both| Box::pin(we_abort(both)));
        add("they_abort", |both| Box::pin(they_abort(both)));
    }
}

type Case = std::pin::Pin<Box<dyn Future<Output = Result<(), Failed>>>>;

/// What this needs and does not find.
fn missing() -> Option<&'static str> {
    if !has("cc") {
        return Some("no C compiler is installed (Debian: apt install gcc)");
    }
    let mut check = Command::new("cc");
    check.args(["-x", "c", "-fsyntax-only", "-"]).stdin(Stdio::piped()).stderr(Stdio::null());
    let is_there = check.spawn().is_ok_and(|mut child| {
        let input = child.stdin.take();
        let is_told =
            input.is_some_and(|mut input| input.write_all(b"#include <usrsctp.h>\n").is_ok());
        is_told && child.wait().is_ok_and(|status| status.success())
    });
    (!is_there).then_some("usrsctp is not installed (Debian: apt install libusrsctp-dev)")
}

/// Compiles the other end and says where it is.
fn compile() -> Result<PathBuf, Failed> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/usrsctp/peer.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("usrsctp-peer");
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-o"]).arg(&program).arg(source).args(["-lusrsctp", "-lpthread"]);
    let output = cc.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(program)
}

/// Both ends, connected.
struct Both {
    ours: Ours,
    theirs: Program,
    setting: Setting,
}

impl Both {
    async fn meet(program: &Path, setting: Setting) -> Result<Self, Failed> {
        let mut config = Config::default();
        config.features.interleaving = setting.interleaving;
        config.outgoing_streams = 16;
        config.incoming_streams = 16;
        let port = free_port()?;
        let there = SocketAddr::from(([127, 0, 0, 1], port));
        let (mut ours, here) = Ours::new(config, there, setting.every)?;
        let mut command = Command::new(program);
        command.arg(if setting.we_begin { "server" } else { "client" });
        command.arg(port.to_string()).arg(here.port().to_string());
        command.arg(if setting.interleaving { "1" } else { "0" });
        let mut theirs = Program::start(&mut command)?;
        ours.while_waiting(theirs.says("ready")).await?;
        if setting.we_begin {
            ours.connect()?;
        }
        ours.hears("the association", |event| *event == Event::Connected).await?;
        ours.while_waiting(theirs.says("connected")).await?;
        Ok(Self { ours, theirs, setting })
    }

    /// Waits for a line of theirs.
    async fn says(&mut self, words: &str) -> Result<String, Failed> {
        self.ours.while_waiting(self.theirs.says(words)).await
    }

    /// The next message of theirs is number `number` of `size` bytes on `stream`.
    async fn comes(&mut self, stream: u16, size: usize, number: usize) -> Result<(), Failed> {
        let mut message = self.ours.message().await?;
        if message.stream == NUDGE {
            message = self.ours.message().await?;
        }
        let is_it = message.stream == StreamId::new(stream)
            && message.ppid.get() == PPID
            && message.payload == pattern(size, number);
        let length = message.payload.len();
        if is_it { Ok(()) } else { Err(format!("{length} bytes instead of {size}").into()) }
    }
}

/// A stream whose messages only make the other end look at what waits on the others.
const NUDGE: StreamId = StreamId::new(5);

/// How they tell of a message.
fn told(stream: u16, unordered: bool, size: usize, number: usize) -> String {
    let (kind, sum) = (u8::from(unordered), hash(&pattern(size, number)));
    format!("sid={stream} ppid={PPID} unordered={kind} len={size} hash={sum:08x}")
}

async fn messages(mut both: Both) -> Result<(), Failed> {
    for (number, &size) in SIZES.iter().enumerate() {
        both.ours.send(1, size, number, false, Reliability::Reliable)?;
        both.ours.send(2, size, number, true, Reliability::Reliable)?;
        both.theirs.tell(&format!("send 3 {PPID} 0 -1 {size} {number} 1"))?;
    }
    for (number, &size) in SIZES.iter().enumerate() {
        both.says(&told(1, false, size, number)).await?;
        both.says(&told(2, true, size, number)).await?;
        both.comes(3, size, number).await?;
    }
    // Many small ones, in order.
    both.theirs.tell(&format!("send 4 {PPID} 0 -1 100 0 500"))?;
    for number in 0..500 {
        both.comes(4, 100, number).await?;
    }
    both.theirs.tell(&format!("send 5 {PPID} 1 -1 100000 0 1"))?;
    let message = both.ours.message().await?;
    if !message.unordered || message.payload != pattern(100_000, 0) {
        return Err("an unordered message came otherwise".into());
    }
    both.ours.spoke(both.setting.interleaving)
}

/// What may be given up comes or does not; what may not comes after it.
async fn limited(mut both: Both) -> Result<(), Failed> {
    for number in 0..100 {
        both.ours.send(1, 1_000, number, false, Reliability::Retransmits(0))?;
    }
    both.ours.send(1, 2_000, 0, false, Reliability::Reliable)?;
    both.theirs.tell(&format!("send 3 {PPID} 0 0 1000 0 100"))?;
    both.theirs.tell(&format!("send 3 {PPID} 0 -1 2000 0 1"))?;
    both.says(&told(1, false, 2_000, 0)).await?;
    let mut last = None;
    loop {
        let message = both.ours.message().await?;
        if message.payload == pattern(2_000, 0) {
            return Ok(());
        }
        let number = (0..100).find(|&number| message.payload == pattern(1_000, number));
        if number.is_none() || number <= last {
            return Err(format!("{number:?} came after {last:?}").into());
        }
        last = number;
    }
}

async fn resets(mut both: Both) -> Result<(), Failed> {
    let stream = [StreamId::new(1)];
    both.ours.send(1, 3_000, 0, false, Reliability::Reliable)?;
    both.ours.command(|endpoint, now| endpoint.association().reset_streams(now, &stream))?;
    let done = |event: &Event| matches!(event, Event::ResetDone { .. });
    both.ours.hears("the answer", done).await?;
    both.says("reset incoming sid=1 flags=0").await?;
    both.ours.send(1, 3_001, 0, false, Reliability::Reliable)?;
    both.says(&told(1, false, 3_001, 0)).await?;
    both.theirs.tell(&format!("send 3 {PPID} 0 -1 4000 0 2"))?;
    both.comes(3, 4_000, 0).await?;
    both.comes(3, 4_000, 1).await?;
    both.theirs.tell("reset 3")?;
    let theirs = |event: &Event| *event == Event::StreamsReset { incoming: vec![StreamId::new(3)] };
    both.ours.hears("their reset", theirs).await?;
    both.says("reset outgoing sid=3 flags=0").await?;
    both.theirs.tell(&format!("send 3 {PPID} 0 -1 4001 0 1"))?;
    // The other end sends from several threads: what one of them left waiting goes with the next message.
    both.theirs.tell(&format!("send {NUDGE} {PPID} 0 -1 100 0 1"))?;
    both.comes(3, 4_001, 0).await
}

async fn we_shut_down(mut both: Both) -> Result<(), Failed> {
    both.ours.send(1, 200_000, 0, false, Reliability::Reliable)?;
    both.ours.command(|endpoint, now| endpoint.association().shutdown(now));
    ends(both.ours.end().await?, &CloseReason::Shutdown)?;
    both.theirs.says(&told(1, false, 200_000, 0)).await?;
    both.theirs.says("shut down").await?;
    Ok(())
}

async fn they_shut_down(mut both: Both) -> Result<(), Failed> {
    both.theirs.tell(&format!("send 3 {PPID} 0 -1 200000 0 1"))?;
    both.theirs.tell("shutdown")?;
    both.comes(3, 200_000, 0).await?;
    ends(both.ours.end().await?, &CloseReason::Shutdown)?;
    both.theirs.says("shut down").await?;
    Ok(())
}

async fn we_abort(mut both: Both) -> Result<(), Failed> {
    both.ours.command(|endpoint, now| endpoint.association().abort(now, b"enough"));
    ends(both.ours.end().await?, &CloseReason::Aborted)?;
    both.says("lost").await?;
    Ok(())
}

async fn they_abort(mut both: Both) -> Result<(), Failed> {
    both.theirs.tell("abort")?;
    match both.ours.end().await? {
        CloseReason::AbortedByPeer { .. } => Ok(()),
        other => Err(format!("ended otherwise: {other}").into()),
    }
}

fn ends(reason: CloseReason, wanted: &CloseReason) -> Result<(), Failed> {
    if reason == *wanted { Ok(()) } else { Err(format!("ended otherwise: {reason}").into()) }
}
