//! The heads of the columns: who it is, and its addresses.

use std::net::IpAddr;

use super::rows::Layout;
use crate::{
    observe::{
        ladder::Ladder,
        svg::{Anchor, Svg, mono_width, width},
    },
    observer::{HopInfo, NodeKind},
};

/// Height of the heads with the room around them.
pub(super) const HEIGHT: i64 = 84;
/// Addresses that are shown.
const SHOWN: usize = 2;

pub(super) fn draw(ladder: &Ladder, layout: &Layout, svg: &mut Svg) {
    for node in &ladder.topology.nodes {
        let Some(column) = ladder.column(node.id) else { continue };
        let x = layout.x(column);
        let is_box = node.kind == NodeKind::Middlebox;
        let hops = ladder.topology.hops.iter().filter(|hop| hop.node == node.id);
        let mut lines: Vec<_> = hops.flat_map(|hop| addresses(hop, is_box)).collect();
        if lines.len() > SHOWN {
            let more = lines.len() - SHOWN;
            lines.truncate(SHOWN);
            if let Some(last) = lines.last_mut() {
                last.push_str(&format!(" +{more}"));
            }
        }
        let widest = lines.iter().map(|line| mono_width(line)).max().unwrap_or(0);
        let half = (widest.max(width(&node.name, 15)).max(90) + 20).min(layout.spacing - 8) / 2;
        let class = if is_box { "head box" } else { "head" };
        svg.rect((x - half, 8), (2 * half, HEIGHT - 20), class);
        svg.text((x, 28), "strong big", Anchor::Middle, &node.name);
        for (line, y) in lines.iter().zip([46, 62]) {
            svg.text((x, y), "mono quiet", Anchor::Middle, line);
        }
        svg.line((x, HEIGHT - 12), (x, HEIGHT), if is_box { "life box" } else { "life" });
    }
}

/// The addresses of an interface that say where the node is.
fn addresses(hop: &HopInfo, is_box: bool) -> Vec<String> {
    let side = hop.name.rsplit('.').next().unwrap_or_default();
    let global = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => !ip.is_loopback(),
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local(),
    };
    let own = hop.addresses.iter().map(|address| address.ip).filter(global);
    own.map(|ip| if is_box { format!("{side} {ip}") } else { ip.to_string() }).collect()
}
