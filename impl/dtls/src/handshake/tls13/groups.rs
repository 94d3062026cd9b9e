//! The group of the key exchange: chosen by the server, asked for again if its share is missing
//! (RFC 8446 §4.1.1, §4.2.7, §4.2.8).

use std::collections::BTreeSet;

use crypto::NamedGroup;

use crate::{
    Config, Misdeed,
    wire::{ClientHello, ClientKeyShares, SupportedGroups},
};

/// What a server makes of the groups and shares of a ClientHello.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// A group with the client's share.
    Share(NamedGroup, &'a [u8]),
    /// A group that both speak and no share came of.
    Ask(NamedGroup),
}

/// The group whose share a client has to be asked for, if one has to.
pub(crate) fn missing(
    config: &Config,
    hello: &ClientHello<'_>,
) -> Result<Option<NamedGroup>, Misdeed> {
    Ok(match choose(config, hello)? {
        Choice::Share(..) => None,
        Choice::Ask(group) => Some(group),
    })
}

/// Chooses our first group that a share came of; else the first that both speak, whose share is to be
/// asked for, at the price of a round trip.
pub(super) fn choose<'a>(config: &Config, hello: &ClientHello<'a>) -> Result<Choice<'a>, Misdeed> {
    // RFC 8446 §9.2: a ClientHello without pre-shared keys has both.
    let groups = hello.extensions.get::<SupportedGroups<'_>>()?;
    let groups = groups.ok_or(Misdeed::ExtensionMissing)?.groups;
    let shares = hello.extensions.get::<ClientKeyShares<'_>>()?.ok_or(Misdeed::ExtensionMissing)?;
    // RFC 8446 §4.2.8: one share of a group at most, and none of a group that is not offered. Both lists may
    // be thousands long, and of anybody, so that they are not compared each with each.
    let mut without_share: BTreeSet<_> = groups.iter().collect();
    for entry in shares.entries() {
        if !without_share.remove(&entry.group) {
            return Err(Misdeed::BadKeyShares);
        }
    }
    let common = || config.groups.iter().copied().filter(|group| groups.contains((*group).into()));
    let share = |group: NamedGroup| {
        let entry = shares.entries().find(|entry| entry.group.known() == Some(group));
        entry.map(|entry| Choice::Share(group, entry.share))
    };
    let choice = common().find_map(share).or_else(|| common().next().map(Choice::Ask));
    choice.ok_or(Misdeed::NoCommonGroup)
}
