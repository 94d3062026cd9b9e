//! Links of a drawn world.

use arbitrary::{Result, Unstructured};

use super::{access, link, uplinks};
use crate::scenario::{Link, Scenario};

/// Gives some of the ways between parts something to do.
pub(super) fn lay(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<()> {
    for ends in uplinks(scenario).into_iter().chain(access(scenario)) {
        if u.ratio(1, 2)? {
            let link = link(u, &ends)?;
            scenario.links.push(link);
        }
    }
    Ok(())
}

/// Does anything to a link that links can do.
pub(super) fn impair(u: &mut Unstructured<'_>, mut link: Link) -> Result<Link> {
    link = link.with("delay", format!("{}us", u.int_in_range(0..=80_000_u32)?));
    if u.arbitrary()? {
        let queues = ["fq-codel", "codel", "pie", "dualpi2", "red"];
        link = link.up("rate", format!("{}kbps", u.int_in_range(64..=20_000_u32)?));
        if u.arbitrary()? {
            link = link.up("queue", *u.choose(&queues)?);
        }
    }
    if u.ratio(1, 3)? {
        link = link.with("loss", format!("{}%", u.int_in_range(0..=20_u8)?));
    }
    if u.ratio(1, 6)? {
        link = link.down("duplicate", format!("{}%", u.int_in_range(0..=10_u8)?));
    }
    if u.ratio(1, 6)? {
        link = link.up("corrupt", format!("{}%", u.int_in_range(0..=10_u8)?));
    }
    if u.ratio(1, 6)? {
        link = link.with("mtu", i64::from(u.int_in_range(1_280..=1_500_u16)?));
    }
    Ok(link)
}
