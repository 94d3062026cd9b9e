//! Our DTLS 1.2 against OpenSSL's `s_server` and `s_client`, on loopback.
//!
//! Runs where OpenSSL is installed, and says so where it is not. Each test shakes hands with certificates on
//! both sides, use_srtp and ALPN, compares what both ends export, and sends data both ways.

#[path = "dtls_peers/ours.rs"]
mod ours;
#[path = "dtls_peers/suites.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod suites;
#[path = "dtls_peers/tools.rs"]
mod tools;

use std::{net::SocketAddr, process::Command};

use libtest_mimic::{Arguments, Failed, Trial};

use self::{
    ours::{EXPORTED, Kind, LABEL, Ours, config, files},
    suites::{SUITES, Suite},
    tools::{Folder, Program, free_port, has, in_time},
};

fn main() {
    let is_missing = !has("openssl");
    if is_missing {
        eprintln!("not run: OpenSSL is not installed (Debian: apt install openssl)");
    }
    let mut trials = Vec::new();
    for suite in &SUITES {
        let name = suite.openssl.to_lowercase().replace('-', "_");
        let client = move || in_time(our_client(suite));
        let server = move || in_time(our_server(suite, false));
        trials.push(Trial::test(format!("our_client_{name}"), client));
        trials.push(Trial::test(format!("our_server_{name}"), server));
    }
    if let Some(suite) = SUITES.first() {
        let cookies = move || in_time(our_server(suite, true));
        trials.push(Trial::test("our_server_asks_for_a_cookie", cookies));
    }
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(is_missing)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Options of both programs.
fn options(command: &mut Command, suite: &Suite, [certificate, key]: [String; 2]) {
    command.args(["-dtls1_2", "-cipher", suite.openssl, "-cert", &certificate, "-key", &key]);
    command.args(["-alpn", "webrtc", "-use_srtp", "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM"]);
    command.args(["-keymatexport", LABEL, "-keymatexportlen", &EXPORTED.to_string()]);
    command.args(["-timeout", "-mtu", "1200"]);
}

async fn our_client(suite: &Suite) -> Result<(), Failed> {
    let folder = Folder::new(&format!("openssl-client-{}", suite.openssl))?;
    let there = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", &there.to_string(), "-Verify", "1", "-naccept", "1"]);
    options(&mut command, suite, files(&folder, suite.key)?);
    let mut server = Program::start(&mut command)?;
    server.says("ACCEPT").await?;
    let ours = Ours::client(config(Kind::Ecdsa, suite.suite, suite.key)?, there)?;
    talk(suite, ours, server).await
}

async fn our_server(suite: &Suite, cookies: bool) -> Result<(), Failed> {
    let folder = Folder::new(&format!("openssl-server-{cookies}-{}", suite.openssl))?;
    let mut config = config(suite.key, suite.suite, Kind::Ecdsa)?;
    config.cookies = cookies;
    let (ours, here) = Ours::server(config)?;
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &here.to_string()]);
    options(&mut command, suite, files(&folder, Kind::Ecdsa)?);
    let client = Program::start(&mut command)?;
    talk(suite, ours, client).await
}

async fn talk(suite: &Suite, mut ours: Ours, mut theirs: Program) -> Result<(), Failed> {
    let met = ours.connects().await.and_then(|()| ours.speaks(suite.suite));
    met.map_err(|error| Failed::from(format!("{error:?}\n{}", theirs.said_by_now())))?;
    ours.says("hello from us\n")?;
    ours.while_waiting(theirs.says("hello from us")).await?;
    let material = theirs.says("Keying material:").await?;
    if !material.contains(&ours.exported()?) {
        return Err(format!("{} was exported, and {material}", ours.exported()?).into());
    }
    theirs.says("SRTP Extension negotiated").await?;
    theirs.tell("hello from them")?;
    ours.hears("hello from them").await?;
    ours.closes();
    Ok(())
}
