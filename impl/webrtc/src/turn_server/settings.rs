//! The configuration file.

mod file;

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use base::WallTime;
use crypto::Provider;
use turn::{
    ServerConfig,
    server::{Accounts, Bandwidth, ConfigError, Policy, Quotas, RelayAddress},
};

use self::file::File;
use super::{DATA, ENVIRONMENT};

/// A configuration with every setting explained.
pub const DEFAULT_SETTINGS: &str = include_str!("default.toml");

/// Most bytes a second: beyond, a bucket would overflow.
const MAX_BANDWIDTH: u64 = 1_000_000_000_000;

/// What the configuration file says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the server is set up; the date is that of the epoch.
    pub server: ServerConfig,
    /// What is logged: directives of `tracing_subscriber`.
    pub log_filter: String,
    /// Whether the log is JSON.
    pub logs_json: bool,
    /// How long a shutdown waits for allocations to end.
    pub drain: Duration,
}

/// Why there are no settings.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file says something that makes no sense.
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, if it is one.
        line: Option<usize>,
        /// What is wrong and what to do about it.
        what: String,
    },
}

impl SettingsError {
    /// The exit code of the program.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => ENVIRONMENT,
            Self::Broken { .. } => DATA,
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(
                f,
                "cannot read {}: {error}; --print-config prints one to begin with",
                path.display()
            ),
            Self::Broken { path, line: Some(line), what } => {
                write!(f, "{}:{line}: {what}", path.display())
            }
            Self::Broken { path, line: None, what } => write!(f, "{}: {what}", path.display()),
        }
    }
}

impl std::error::Error for SettingsError {}

/// What is wrong, and where in the text if it is known.
#[derive(Debug)]
pub(super) struct Problem {
    at: Option<usize>,
    what: String,
}

impl Problem {
    fn new(what: impl Into<String>) -> Self {
        Self { at: None, what: what.into() }
    }

    fn at(at: usize, what: impl Into<String>) -> Self {
        Self { at: Some(at), what: what.into() }
    }
}

impl Settings {
    /// Reads the settings from a file.
    ///
    /// # Errors
    ///
    /// `SettingsError` that names the file, the line and what to do.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SettingsError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&text).map_err(|problem| SettingsError::Broken {
            path: path.to_owned(),
            line: problem.at.map(|at| line_of(&text, at)),
            what: problem.what,
        })
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let file: File = toml::from_str(text).map_err(|error| Problem {
            at: error.span().map(|span| span.start),
            // The message alone: what stands in the line may be a secret.
            what: without_value(error.message()),
        })?;
        let accounts = file.access.accounts(Provider::default())?;
        let mut server = ServerConfig::new(Provider::default(), accounts, WallTime::UNIX_EPOCH);
        server.udp = file.listen.udp;
        server.tcp = file.listen.tcp;
        server.relay_v4 = relay(file.relay.ipv4, file.relay.ipv4_seen, "ipv4")?;
        server.relay_v6 = relay(file.relay.ipv6, file.relay.ipv6_seen, "ipv6")?;
        if let Some([first, last]) = file.relay.ports {
            server.relay_ports = first..=last;
        }
        server.tcp_relay = file.relay.tcp;
        server.channels_of_old = file.relay.channels_of_old;
        server.policy = Policy {
            allow: file.policy.allow.into_iter().map(|it| it.0).collect(),
            deny: file.policy.deny.into_iter().map(|it| it.0).collect(),
            only_allowed: file.policy.only_allowed,
        };
        set_quotas(&mut server, &file.quotas)?;
        server.default_lifetime = Duration::from_secs(file.lifetimes.default.unwrap_or(600));
        server.max_lifetime = Duration::from_secs(file.lifetimes.longest.unwrap_or(3_600));
        server.check().map_err(|error| Problem::new(explain(error)))?;
        check_listeners(&server)?;
        Ok(Self {
            server,
            log_filter: file.log.level.unwrap_or_else(|| "info".to_owned()),
            logs_json: file.log.format == file::Format::Json,
            drain: Duration::from_secs(file.shutdown.drain.unwrap_or(60)),
        })
    }
}

/// What is wrong with a setting, without the setting itself, which serde quotes.
fn without_value(message: &str) -> String {
    // A value may have these words as well; the last ones are serde's.
    match (message.split_once(": "), message.rsplit_once(", expected ")) {
        (Some((kind, _)), Some((_, expected))) if kind.starts_with("invalid ") => {
            format!("{kind}, expected {expected}")
        }
        _ => message.to_owned(),
    }
}

fn relay(
    bind: Option<IpAddr>,
    seen: Option<IpAddr>,
    name: &str,
) -> Result<Option<RelayAddress>, Problem> {
    match (bind, seen) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let what =
                format!("relay.{name}_seen without relay.{name}: set the host's own address");
            Err(Problem::new(what))
        }
        (Some(bind), _) if bind.is_unspecified() => {
            let what = format!("relay.{name} is {bind}: name one address of this host");
            Err(Problem::new(what))
        }
        (Some(bind), seen) => Ok(Some(RelayAddress { bind, seen: seen.unwrap_or(bind) })),
    }
}

fn set_quotas(server: &mut ServerConfig, file: &file::Quotas) -> Result<(), Problem> {
    let bandwidth = |bytes: Option<u64>, name: &str| match bytes {
        Some(bytes) if bytes == 0 || bytes > MAX_BANDWIDTH => {
            let what =
                format!("quotas.{name} is not between 1 and {MAX_BANDWIDTH} bytes per second");
            Err(Problem::new(what))
        }
        bytes => Ok(bytes.map(Bandwidth::new)),
    };
    let default = Quotas::default();
    server.quotas = Quotas {
        allocations_per_user: file.allocations_per_user.unwrap_or(default.allocations_per_user),
        allocations: file.allocations.unwrap_or(default.allocations),
        permissions: file.permissions.unwrap_or(default.permissions),
        channels: file.channels.unwrap_or(default.channels),
        connections: file.connections.unwrap_or(default.connections),
        streams: file.streams.unwrap_or(default.streams),
        user_bandwidth: bandwidth(file.user_bandwidth, "user_bandwidth")?,
        total_bandwidth: bandwidth(file.total_bandwidth, "total_bandwidth")?,
    };
    let rate = |per_second| stun::RateLimit { per_second, burst: per_second };
    if let Some(per_second) = file.challenges_per_second {
        server.challenge_limit = rate(per_second);
    }
    if let Some(per_second) = file.bindings_per_second {
        server.binding_limit = rate(per_second);
    }
    Ok(())
}

fn check_listeners(server: &ServerConfig) -> Result<(), Problem> {
    if server.udp.is_empty() {
        // RFC 8656 §5: a server must be reachable over UDP.
        return Err(Problem::new(
            "listen.udp is empty: a TURN server serves UDP, e.g. 0.0.0.0:3478",
        ));
    }
    let in_range = |address: &&SocketAddr| server.relay_ports.contains(&address.port());
    if let Some(address) = server.udp.iter().chain(&server.tcp).find(in_range) {
        let what =
            format!("{address} is in relay.ports, from which ports are drawn: choose another");
        return Err(Problem::new(what));
    }
    Ok(())
}

fn explain(error: ConfigError) -> String {
    let remedy = match error {
        ConfigError::NoPorts => "set relay.ports to [FIRST, LAST], e.g. [49152, 65535]",
        ConfigError::RelayOfOtherFamily => "put IPv4 addresses in relay.ipv4, IPv6 in relay.ipv6",
        ConfigError::NoRelay => "set relay.ipv4 or relay.ipv6 to an address of this host",
        ConfigError::Lifetimes => "set lifetimes.default between 60 and lifetimes.longest",
        _ => "shorten access.realm or access.tokens.server_name",
    };
    format!("{error}: {remedy}")
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

impl file::Access {
    fn accounts(self, provider: Provider) -> Result<Accounts, Problem> {
        let refused = |what: &str| format!("{what} has characters it may not have (RFC 8265 §4.2)");
        let at = self.realm.span().start;
        let mut accounts = Accounts::new(self.realm.get_ref())
            .map_err(|_| Problem::at(at, refused("the realm")))?;
        for user in self.users {
            let at = user.span().start;
            let user = user.into_inner();
            let made = match (user.password, user.md5, user.sha256) {
                (Some(password), None, None) => accounts.with_user(provider, &user.name, &password),
                (None, Some(md5), Some(sha256)) => {
                    accounts.with_hashes(provider, &user.name, md5.0, sha256.0)
                }
                _ => {
                    let what = "a user has either a password, or md5 and sha256";
                    return Err(Problem::at(at, what));
                }
            };
            accounts = made.map_err(|_| Problem::at(at, refused("name or password")))?;
        }
        for secret in self.secrets {
            accounts = accounts.with_secret(provider, secret.as_bytes());
        }
        if let Some(tokens) = self.tokens {
            accounts = accounts.with_tokens(tokens.read(provider)?);
        }
        if accounts.is_empty() {
            let what =
                "nobody can be served: add [[access.users]], access.secrets or [access.tokens]";
            return Err(Problem::at(at, what));
        }
        let lifetime = self.nonce_lifetime.unwrap_or(600);
        if !(10..=3_600).contains(&lifetime) {
            return Err(Problem::new("access.nonce_lifetime is not between 10 and 3600 seconds"));
        }
        accounts.nonce_lifetime = Duration::from_secs(lifetime);
        accounts.offers_anonymity = self.hides_usernames;
        Ok(accounts)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = r#"[listen]
udp = ["0.0.0.0:3478"]
[relay]
ipv4 = "127.0.0.1"
[access]
realm = "example.org"
[[access.users]]
name = "alice"
password = "hunter2"
"#;

    #[test]
    fn a_short_file_makes_a_server_with_the_defaults() {
        let settings = Settings::parse(GOOD).unwrap();
        assert_eq!(settings.server.relay_ports, 49_152..=65_535);
        assert_eq!(settings.server.quotas, Quotas::default());
        assert_eq!((settings.drain.as_secs(), settings.logs_json), (60, false));
    }

    #[test]
    fn the_file_to_begin_with_lacks_a_user_and_nothing_else() {
        let error = Settings::parse(DEFAULT_SETTINGS).unwrap_err();
        assert!(error.what.contains("nobody can be served"), "{error:?}");
        // With every setting that is commented out, it is good.
        let uncommented: String = DEFAULT_SETTINGS
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if is_setting(setting) => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let uncommented = uncommented.replace("ipv6 = ", "# ipv6 = ").replace("ipv6_seen", "# x");
        let settings = Settings::parse(&uncommented).unwrap();
        assert_eq!(settings.server.quotas.channels, 64);
        assert!(settings.server.quotas.total_bandwidth.is_some());
    }

    fn is_setting(line: &str) -> bool {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        let is_name = !name.is_empty()
            && name.chars().all(|it| it.is_ascii_lowercase() || "_0123456789".contains(it));
        line.starts_with('[') || (is_name && line[name.len()..].starts_with(" = "))
    }

    #[rstest]
    #[case::unknown_setting("realm = \"example.org\"", "relm = \"x\"", 6, "unknown field")]
    #[case::bad_address("0.0.0.0:3478", "0.0.0.0", 2, "socket address")]
    #[case::no_password("password = \"hunter2\"", "", 7, "either a password")]
    #[case::bad_type("name = \"alice\"", "name = 7", 8, "expected a string")]
    fn an_error_names_its_line(
        #[case] right: &str,
        #[case] wrong: &str,
        #[case] line: usize,
        #[case] what: &str,
    ) {
        let text = GOOD.replace(right, wrong);
        let problem = Settings::parse(&text).unwrap_err();
        assert_eq!(problem.at.map(|at| line_of(&text, at)), Some(line), "{problem:?}");
        assert!(problem.what.contains(what), "{problem:?}");
        assert!(!problem.what.contains("hunter2"));
    }

    #[rstest]
    #[case::one_secret("secrets = \"hunter2\"")]
    #[case::as_serde_speaks("secrets = \"hunter2, expected hunter2\"")]
    #[case::secret_that_is_a_number("secrets = 42424242")]
    fn an_error_does_not_tell_a_secret(#[case] secrets: &str) {
        let realm = "realm = \"example.org\"";
        let problem = Settings::parse(&GOOD.replace(realm, &format!("{realm}\n{secrets}")));
        let what = problem.unwrap_err().what;
        assert!(what.starts_with("invalid type, expected a sequence"), "{what}");
        assert!(!what.contains("hunter2") && !what.contains("4242"), "{what}");
    }

    #[rstest]
    #[case::no_relay("ipv4 = \"127.0.0.1\"", "", "relay.ipv4 or relay.ipv6")]
    #[case::wildcard_relay("127.0.0.1", "0.0.0.0", "name one address")]
    #[case::other_family("127.0.0.1", "::1", "IPv6 in relay.ipv6")]
    #[case::listener_in_range("0.0.0.0:3478", "0.0.0.0:50000", "choose another")]
    #[case::long_realm("example.org", "a.very.long.realm.for.the.sake.of.example.org", "shorten")]
    fn an_error_says_what_to_do(#[case] right: &str, #[case] wrong: &str, #[case] what: &str) {
        let problem = Settings::parse(&GOOD.replace(right, wrong)).unwrap_err();
        assert!(problem.what.contains(what), "{problem:?}");
    }
}
