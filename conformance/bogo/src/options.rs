//! What a test asks of the shim: the arguments that the runner starts it with.
//!
//! Every flag is known by what it takes, and all that it means is done; a flag that is not known here
//! makes the test *unimplemented*, never passed by chance. Flags that begin with `-on-resume-` or ask
//! for a second connection stay unknown on purpose: sessions are not resumed.

use std::str::FromStr;

use crate::failure::Failure;

/// The arguments of one test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// TCP port of the runner.
    pub(crate) port: u16,
    /// What the runner knows this process by.
    pub(crate) shim_id: u64,
    /// Whether the runner listens on `::1`, not on `127.0.0.1`.
    pub(crate) ipv6: bool,
    /// DTLS; everything else is not ours.
    pub(crate) dtls: bool,
    /// Play the server.
    pub(crate) server: bool,
    /// PEM file of our private key.
    pub(crate) key_file: Option<String>,
    /// PEM file of our certificate chain.
    pub(crate) cert_file: Option<String>,
    /// Ask the peer for its certificate and check it.
    pub(crate) verify_peer: bool,
    /// Refuse whatever certificate the peer shows.
    pub(crate) verify_fail: bool,
    /// Refuse with the alert of the newer callback.
    pub(crate) custom_verify_callback: bool,
    /// A server that does not go on without the client's certificate.
    pub(crate) require_client_certificate: bool,
    /// Longest datagram to send.
    pub(crate) mtu: Option<usize>,
    /// First timeout of a flight in milliseconds.
    pub(crate) initial_timeout_ms: Option<u64>,
    /// Groups to offer and accept, as numbers on the wire.
    pub(crate) curves: Vec<u16>,
    /// Signature schemes to accept, as numbers on the wire.
    pub(crate) verify_prefs: Vec<u16>,
    /// Names of SRTP profiles, separated by colons.
    pub(crate) srtp_profiles: Option<String>,
    /// Names of application protocols, each with its length before it.
    pub(crate) advertise_alpn: Option<String>,
    /// The application protocol that a server chooses.
    pub(crate) select_alpn: Option<String>,
    /// The application protocol that must come out.
    pub(crate) expect_alpn: Option<String>,
    /// Lowest version, as on the wire.
    pub(crate) min_version: Option<u16>,
    /// Highest version, as on the wire.
    pub(crate) max_version: Option<u16>,
    /// Neither offer nor accept version 1.2.
    pub(crate) no_tls12: bool,
    /// Neither offer nor accept version 1.3.
    pub(crate) no_tls13: bool,
    /// Say `hello` before anything is read.
    pub(crate) writes_first: bool,
    /// Close as soon as the handshake is done.
    pub(crate) shuts_down: bool,
    /// End with a fatal alert after the handshake.
    pub(crate) send_alert: bool,
    /// Wait for the peer's own closing alert.
    pub(crate) check_close_notify: bool,
    /// Update our keys before each read.
    pub(crate) key_update_before_read: bool,
    /// How many bytes to export and send.
    pub(crate) export_keying_material: Option<usize>,
    /// Label of that export.
    pub(crate) export_label: String,
    /// Context of that export.
    pub(crate) export_context: String,
    /// Whether that export has a context at all; an empty one differs from none in version 1.2.
    pub(crate) use_export_context: bool,
    /// The cryptographic provider, by its name; ours, not the runner's.
    pub(crate) provider: Option<String>,
    /// Whether the server must have asked for another hello, or must not have.
    pub(crate) expect_hello_retry: Option<bool>,
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// The first flag that is not known, or whose value makes no sense; a test that is not about DTLS.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            if IGNORED.contains(&flag.as_str()) {
                continue;
            }
            if IGNORED_WITH_VALUE.contains(&flag.as_str()) {
                words.next();
                continue;
            }
            if options.turn_on(flag) {
                continue;
            }
            let mut missing = false;
            let known = options.set(flag, || {
                words.next().map_or_else(
                    || {
                        missing = true;
                        ""
                    },
                    String::as_str,
                )
            });
            match known {
                None => return Err(Failure::Unimplemented(flag.clone())),
                Some(Ok(())) if !missing => {}
                Some(_) => return Err(Failure::Unimplemented(format!("{flag} with this value"))),
            }
        }
        if options.dtls {
            Ok(options)
        } else {
            Err(Failure::Unimplemented("a test that is not about DTLS".to_owned()))
        }
    }

    /// Turns on what a flag without a value stands for; whether there is such a flag.
    fn turn_on(&mut self, flag: &str) -> bool {
        let switch = match flag {
            "-dtls" => &mut self.dtls,
            "-ipv6" => &mut self.ipv6,
            "-server" => &mut self.server,
            "-verify-peer" => &mut self.verify_peer,
            "-verify-fail" => &mut self.verify_fail,
            "-use-custom-verify-callback" => &mut self.custom_verify_callback,
            "-require-any-client-certificate" => &mut self.require_client_certificate,
            "-no-tls12" => &mut self.no_tls12,
            "-no-tls13" => &mut self.no_tls13,
            "-shim-writes-first" => &mut self.writes_first,
            "-shim-shuts-down" => &mut self.shuts_down,
            "-send-alert" => &mut self.send_alert,
            "-check-close-notify" => &mut self.check_close_notify,
            "-key-update-before-read" => &mut self.key_update_before_read,
            "-use-export-context" => &mut self.use_export_context,
            "-expect-hrr" | "-expect-no-hrr" => {
                self.expect_hello_retry = Some(flag == "-expect-hrr");
                return true;
            }
            _ => return false,
        };
        *switch = true;
        true
    }

    /// Sets what a flag with a value stands for; nothing if there is no such flag.
    fn set<'a>(
        &mut self,
        flag: &str,
        value: impl FnOnce() -> &'a str,
    ) -> Option<Result<(), BadValue>> {
        Some(match flag {
            "-port" => number(value()).map(|it| self.port = it),
            "-shim-id" => number(value()).map(|it| self.shim_id = it),
            "-mtu" => number(value()).map(|it| self.mtu = Some(it)),
            "-initial-timeout-duration-ms" => {
                number(value()).map(|it| self.initial_timeout_ms = Some(it))
            }
            "-curves" => number(value()).map(|it| self.curves.push(it)),
            "-verify-prefs" => number(value()).map(|it| self.verify_prefs.push(it)),
            "-min-version" => number(value()).map(|it| self.min_version = Some(it)),
            "-max-version" => number(value()).map(|it| self.max_version = Some(it)),
            "-export-keying-material" => {
                number(value()).map(|it| self.export_keying_material = Some(it))
            }
            "-provider" => text(value(), &mut self.provider),
            "-key-file" => text(value(), &mut self.key_file),
            "-cert-file" => text(value(), &mut self.cert_file),
            "-srtp-profiles" => text(value(), &mut self.srtp_profiles),
            "-advertise-alpn" => text(value(), &mut self.advertise_alpn),
            "-select-alpn" => text(value(), &mut self.select_alpn),
            "-expect-alpn" => text(value(), &mut self.expect_alpn),
            "-export-label" => {
                value().clone_into(&mut self.export_label);
                Ok(())
            }
            "-export-context" => {
                value().clone_into(&mut self.export_context);
                Ok(())
            }
            _ => return None,
        })
    }
}

/// Flags whose meaning is how this program works anyway: it never blocks, it shakes hands by itself,
/// and it knows neither DTLS 1.0 nor session tickets.
const IGNORED: &[&str] =
    &["-async", "-implicit-handshake", "-no-tls1", "-no-ticket", "-use-old-client-cert-callback"];

/// Flags with a value that is of no use here: fingerprints stand for certificate authorities, chains are
/// bounded by the engine's own limit, and what is stapled is only sent to clients that ask, which none
/// of the tests does that we run.
const IGNORED_WITH_VALUE: &[&str] =
    &["-trust-cert", "-max-cert-list", "-ocsp-response", "-signed-cert-timestamps"];

/// The value of a flag makes no sense.
struct BadValue;

fn number<T: FromStr>(value: &str) -> Result<T, BadValue> {
    value.parse().map_err(|_| BadValue)
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table of flags, as `number` is")]
fn text(value: &str, target: &mut Option<String>) -> Result<(), BadValue> {
    *target = Some(value.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_test_says_what_it_needs() {
        let options =
            parse("-port 4433 -shim-id 7 -ipv6 -server -dtls -mtu 256 -curves 29 -curves 24")
                .unwrap();
        let expected = Options {
            port: 4433,
            shim_id: 7,
            ipv6: true,
            server: true,
            dtls: true,
            mtu: Some(256),
            curves: vec![29, 24],
            ..Options::default()
        };
        assert_eq!(options, expected);
    }

    #[rstest::rstest]
    #[case::unknown("-port 1 -dtls -resume-count 1", "-resume-count")]
    #[case::no_number("-port x -dtls", "-port with this value")]
    #[case::nothing_follows("-dtls -mtu", "-mtu with this value")]
    #[case::streams("-port 1", "a test that is not about DTLS")]
    fn what_cannot_be_done_is_refused(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(parse(line), Err(Failure::Unimplemented(expected.to_owned())));
    }

    #[test]
    fn an_empty_word_is_a_value() {
        assert_eq!(parse("-dtls -export-label  -server").map(|it| it.server), Ok(true));
    }
}
