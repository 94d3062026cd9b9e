//! The firewall presets can be read, say where they come from, and do what their titles say.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use simnet::firewall::{Action, Config};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Preset {
    title: String,
    source: String,
    confidence: String,
    notes: String,
    firewall: Config,
}

fn presets() -> BTreeMap<String, Preset> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("presets/firewall");
    let mut presets = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a text");
        let preset = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        presets.insert(name, preset);
    }
    presets
}

#[test]
fn every_preset_says_where_it_comes_from() {
    let confidences = ["measured", "source", "rfc", "vendor", "third-party", "unverified"];
    let presets = presets();
    assert!(presets.len() >= 12, "{}", presets.len());
    for (name, preset) in presets {
        assert!(confidences.contains(&preset.confidence.as_str()), "{name}");
        for text in [&preset.title, &preset.source, &preset.notes] {
            assert!(text.len() > 10, "{name}");
        }
    }
}

#[test]
fn named_configurations_and_presets_agree() {
    let presets = presets();
    let named = [
        ("office-stateful", Config::stateful()),
        ("linux-conntrack", Config { tcp_pickup: true, ..Config::stateful().linux_timers() }),
        ("corp-udp-blocked", Config::udp_blocked()),
        ("corp-53-443", Config::udp_53_443_only()),
        ("corp-443-only", Config::tcp_443_only()),
        ("corp-tls-only", Config::tls_only()),
        ("corp-prohibit", Config { outbound: Action::Prohibit, ..Config::tcp_443_only() }),
        ("ipv6-simple-security", Config::simple_security_strict()),
        ("ipv6-simple-security-open", Config::simple_security()),
    ];
    for (name, config) in named {
        assert_eq!(presets.get(name).map(|preset| &preset.firewall), Some(&config), "{name}");
    }
}
