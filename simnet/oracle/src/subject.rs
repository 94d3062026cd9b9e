//! The presets that have a ruleset of netfilter.

use std::time::Duration;

use simnet::nat::Config;

use crate::world::Fault;

/// A preset and the ruleset it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Name of the preset.
    pub preset: &'static str,
    /// The ruleset, in the language of `nft`; the box's interfaces are `outside`, `alice` and `bob`.
    pub ruleset: &'static str,
    /// What the ruleset answered, when it was last asked.
    pub measured: &'static str,
}

macro_rules! subjects {
    ($($name:literal),+ $(,)?) => {
        /// Every subject.
        pub const ALL: &[Subject] = &[$(Subject {
            preset: $name,
            ruleset: include_str!(concat!("../rulesets/", $name, ".nft")),
            measured: include_str!(concat!("../measured/", $name, ".txt")),
        }),+];
    };
}

subjects![
    "linux-masquerade",
    "linux-masquerade-bare",
    "linux-masquerade-reject",
    "linux-masquerade-random",
    "linux-masquerade-range",
    "linux-snat",
    "linux-snat-persistent",
    "openwrt-fw4",
    "docker-bridge",
];

/// The subject of that name.
#[must_use]
pub fn find(preset: &str) -> Option<Subject> {
    ALL.iter().find(|subject| subject.preset == preset).copied()
}

impl Subject {
    /// The preset's configuration, with the short timers that questions are asked with.
    ///
    /// # Errors
    ///
    /// If there is no such preset, or it does not fit the schema.
    pub fn config(&self, unreplied: Duration, stream: Duration) -> Result<Config, Fault> {
        let preset = lab::presets::get("nat", self.preset);
        let preset = preset.map_err(|unknown| Fault::Broken(unknown.to_string()))?;
        let mut config = preset.nat().map_err(Fault::Broken)?;
        config.timers.udp = unreplied;
        if let Some(conversation) = &mut config.timers.stream {
            conversation.timeout = stream;
        }
        Ok(config)
    }
}
