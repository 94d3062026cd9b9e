//! Our DTLS 1.2 against GnuTLS's `gnutls-serv` and `gnutls-cli`, on loopback.
//!
//! Runs where GnuTLS's programs are installed, and says so where they are not. Each test shakes hands with
//! certificates on both sides, use_srtp and ALPN, and sends data both ways; the client compares what both
//! ends export.

#[path = "dtls_peers/ours.rs"]
mod ours;
#[path = "dtls_peers/suites.rs"]
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
    let is_missing = !has("gnutls-cli") || !has("gnutls-serv");
    if is_missing {
        eprintln!("not run: GnuTLS's programs are not installed (Debian: apt install gnutls-bin)");
    }
    let mut trials = Vec::new();
    for suite in &SUITES {
        let name = suite.openssl.to_lowercase().replace('-', "_");
        let client = move || in_time(our_client(suite, true));
        let server = move || in_time(our_server(suite));
        trials.push(Trial::test(format!("our_client_{name}"), client));
        trials.push(Trial::test(format!("our_server_{name}"), server));
    }
    if let Some(suite) = SUITES.first() {
        let plain = move || in_time(our_client(suite, false));
        trials.push(Trial::test("our_client_without_a_cookie", plain));
    }
    let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(is_missing)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Options of both programs.
fn options(command: &mut Command, suite: &Suite, [certificate, key]: [String; 2]) {
    let priority = format!(
        "NONE:+VERS-DTLS1.2:{}:+AEAD:+SHA256:+GROUP-ALL:+SIGN-ALL:+COMP-NULL:+CTYPE-ALL",
        suite.gnutls
    );
    command.args(["--udp", "--mtu", "1200", "--priority", &priority]);
    command.args(["--x509certfile", &certificate, "--x509keyfile", &key]);
    command.args(["--alpn", "webrtc", "--srtp-profiles", "SRTP_AES128_CM_HMAC_SHA1_80"]);
}

async fn our_client(suite: &Suite, cookies: bool) -> Result<(), Failed> {
    let folder = Folder::new(&format!("gnutls-client-{cookies}-{}", suite.openssl))?;
    let there = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let mut command = Command::new("gnutls-serv");
    command.args(["--echo", "--require-client-cert", "--port", &there.port().to_string()]);
    if !cookies {
        command.arg("--nocookie");
    }
    options(&mut command, suite, files(&folder, suite.key)?);
    let mut server = Program::start(&mut command)?;
    server.says("listening on IPv4").await?;
    let mut ours = Ours::client(config(Kind::Ecdsa, suite.suite, suite.key)?, there)?;
    let met = ours.connects().await.and_then(|()| ours.speaks(suite.suite));
    met.map_err(|error| Failed::from(format!("{error:?}\n{}", server.said_by_now())))?;
    ours.says("hello from us, and back\n")?;
    ours.hears("hello from us, and back").await?;
    ours.closes();
    Ok(())
}

async fn our_server(suite: &Suite) -> Result<(), Failed> {
    let folder = Folder::new(&format!("gnutls-server-{}", suite.openssl))?;
    let (mut ours, here) = Ours::server(config(suite.key, suite.suite, Kind::Ecdsa)?)?;
    let mut command = Command::new("gnutls-cli");
    command.args(["--insecure", "--port", &here.port().to_string(), "127.0.0.1"]);
    command.args(["--keymatexport", LABEL, "--keymatexportsize", &EXPORTED.to_string()]);
    options(&mut command, suite, files(&folder, Kind::Ecdsa)?);
    let mut client = Program::start(&mut command)?;
    let met = ours.connects().await.and_then(|()| ours.speaks(suite.suite));
    met.map_err(|error| Failed::from(format!("{error:?}\n{}", client.said_by_now())))?;
    ours.says("hello from us\n")?;
    ours.while_waiting(client.says("hello from us")).await?;
    let material = client.says("Key material:").await?.to_uppercase();
    if !material.contains(&ours.exported()?) {
        return Err(format!("{} was exported, and {material}", ours.exported()?).into());
    }
    client.tell("hello from them")?;
    ours.hears("hello from them").await?;
    ours.closes();
    Ok(())
}
