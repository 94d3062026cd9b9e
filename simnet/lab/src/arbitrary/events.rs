//! Events of a drawn world.

use std::time::Duration;

use arbitrary::{Result, Unstructured};

use super::{link, millis, uplinks};
use crate::scenario::{At, Do, InterfaceAddress, NatAddress, Scenario, Sides, Signalling};

/// Most events of a world.
const MAX_EVENTS: usize = 6;

/// Plans what happens.
pub(super) fn plan(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<()> {
    let most = u32::try_from(scenario.duration.as_millis()).unwrap_or(u32::MAX);
    for _ in 0..u.int_in_range(0..=MAX_EVENTS)? {
        let t = millis(u, 0, most)?;
        for (after, action) in some(u, scenario)? {
            scenario.events.push(At::new(t + after, action));
        }
    }
    Ok(())
}

/// Something that happens, and what puts it right later.
fn some(u: &mut Unstructured<'_>, scenario: &Scenario) -> Result<Vec<(Duration, Do)>> {
    let later = millis(u, 1, 2_000)?;
    let now = Duration::ZERO;
    let hosts: Vec<&str> = scenario.hosts.iter().map(|host| host.name.as_str()).collect();
    let nats: Vec<&str> = scenario.nats.iter().map(|nat| nat.name.as_str()).collect();
    let host = (*u.choose(&hosts)?).to_owned();
    let nat = (*u.choose(&nats)?).to_owned();
    Ok(match u.int_in_range(0..=7_u8)? {
        0 => {
            let interface = format!("{host}.eth0");
            vec![(now, Do::LinkDown(interface.clone())), (later, Do::LinkUp(interface))]
        }
        1 => vec![(now, Do::Crash(host.clone())), (later, Do::Restart(host))],
        2 => vec![(now, Do::NatReboot(nat))],
        3 => {
            let address = format!("11.9.{}.{}", u.arbitrary::<u8>()?, u.int_in_range(1..=254_u8)?);
            vec![(now, Do::NatAddress(NatAddress { nat, address }))]
        }
        4 => {
            let other = (*u.choose(&hosts)?).to_owned();
            let sides = Sides { one: vec![host], other: vec![other] };
            vec![(now, Do::Partition(sides.clone())), (later, Do::Heal(sides))]
        }
        5 => {
            let ends = uplinks(scenario);
            let ends = u.choose(&ends)?;
            vec![(now, Do::Link(link(u, ends)?))]
        }
        6 => {
            let address = InterfaceAddress {
                interface: format!("{host}.eth0"),
                address: format!("192.168.1.{}", u.int_in_range(100..=200_u8)?),
            };
            vec![(now, Do::AddressAdd(address.clone())), (later, Do::AddressRemove(address))]
        }
        _ => vec![(now, Do::Signalling(Signalling::delayed(millis(u, 0, 1_000)?)))],
    })
}
