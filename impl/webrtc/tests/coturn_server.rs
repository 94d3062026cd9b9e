//! Our client against coturn's `turnserver`, on loopback.
//!
//! Runs where coturn is installed, and says so where it is not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test sets up itself is there, or the test fails"
)]

#[path = "coturn_server/cases.rs"]
mod cases;
#[path = "coturn_server/installation.rs"]
mod installation;

use std::{future::Future, time::Duration};

use libtest_mimic::{Arguments, Failed, Trial};

use self::installation::Missing;

/// No case takes longer, whatever hangs.
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    let missing = installation::missing();
    for missing in [missing, installation::no_openssl(), installation::no_ipv6()].iter().flatten() {
        eprintln!("{missing}");
    }
    let trials = vec![
        trial("relays_datagrams_over_udp", missing, cases::udp),
        trial("relays_datagrams_over_tcp", missing, cases::tcp),
        trial("relays_datagrams_over_tls", missing.or_else(installation::no_openssl), cases::tls),
        trial(
            "refuses_a_certificate_of_nobody",
            missing.or_else(installation::no_openssl),
            cases::tls_of_nobody,
        ),
        trial("relays_between_two_allocations", missing, cases::two_allocations),
        trial("connects_to_peers_and_accepts_them", missing, cases::tcp_relay),
        trial("relays_between_families", missing.or_else(installation::no_ipv6), cases::ipv6),
        trial(
            "makes_do_with_one_family_of_two",
            missing.or_else(installation::no_ipv6),
            cases::dual,
        ),
        trial("takes_time_limited_credentials", missing, cases::time_limited),
        trial("is_told_that_a_password_is_wrong", missing, cases::wrong_password),
        trial("survives_stale_nonces_on_every_method", missing, cases::stale_nonce),
        trial("hears_that_a_restarted_server_forgot", missing, cases::restart),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test that takes the time and the runtime it needs, and is ignored where something is missing.
fn trial<F>(name: &str, missing: Option<Missing>, case: fn() -> F) -> Trial
where
    F: Future<Output = Result<String, Failed>> + 'static,
{
    let run = move || {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let told = tokio.block_on(async { tokio::time::timeout(LIMIT, case()).await });
        let figures = told.map_err(|_| Failed::from("took longer than a minute"))??;
        eprintln!("{figures}");
        Ok(())
    };
    Trial::test(name, run).with_ignored_flag(missing.is_some())
}
