//! The mappings as bars over time.

use std::net::IpAddr;

use base::Instant;

use super::{Binding, Bindings, Ending};
use crate::observe::svg::{Anchor, COLOURS, Svg, count, mono_width, time};

/// Where the time axis begins, and its length, in pixels.
const LEFT: i64 = 370;
/// As [`LEFT`].
const SPAN: i64 = 900;
/// Room right of the axis.
const RIGHT: i64 = 150;
/// Room above the first box.
const TOP: i64 = 84;
/// Height of the bar of a mapping, and of the line of one it lets in.
const BAR: i64 = 20;
/// As [`BAR`].
const LINE: i64 = 17;
/// Room between two mappings.
const GAP: i64 = 14;
/// Remote endpoints that get a line; the others are counted.
const MAX_LINES: usize = 6;
/// Mappings that are drawn for one box; the others are counted.
const MAX_ROWS: usize = 40;

/// The drawing while it is made.
struct Chart {
    svg: Svg,
    y: i64,
    /// The right end of the axis.
    end: Instant,
    /// Inside addresses, in the order of their colours.
    hosts: Vec<IpAddr>,
}

pub(super) fn render(bindings: &Bindings) -> String {
    let ends = bindings.bindings.iter().filter_map(|binding| binding.ended);
    let end = ends.map(|(at, _)| at).fold(bindings.end, Instant::max);
    if bindings.bindings.is_empty() {
        return String::new();
    }
    let end = end.max(Instant::from_nanos(1_000_000));
    let mut chart = Chart { svg: Svg::default(), y: TOP, end, hosts: Vec::new() };
    chart.legend();
    for (node, own) in bindings.boxes() {
        let reboots = bindings.reboots.iter().filter(|(which, _)| *which == node);
        let reboots: Vec<_> = reboots.map(|(_, at)| *at).collect();
        chart.table(bindings.topology.node_name(node), &own, &reboots);
    }
    let bottom = chart.y;
    // The grid goes behind everything, but its height is known only now.
    let mut grid = Chart { svg: Svg::default(), ..chart };
    let bars = std::mem::take(&mut chart.svg);
    grid.axis(bottom);
    grid.svg.append(bars);
    grid.svg.finish((LEFT + SPAN + RIGHT, bottom + 12), "NAT mappings over time")
}

impl Chart {
    fn x(&self, at: Instant) -> i64 {
        let (at, end) = (u128::from(at.as_nanos()), u128::from(self.end.as_nanos()));
        let along = at.min(end) * u128::from(SPAN.unsigned_abs()) / end;
        LEFT + i64::try_from(along).unwrap_or(SPAN)
    }

    fn legend(&mut self) {
        let svg = &mut self.svg;
        svg.text((16, 28), "title", Anchor::Start, "NAT mappings over time");
        let mut x = LEFT;
        let mut entry = |draw: fn(&mut Svg, i64), words: &str| {
            draw(svg, x);
            svg.text((x + 30, 28), "quiet small", Anchor::Start, words);
            x += 46 + count(words.len()) * 6;
        };
        entry(|svg, x| svg.rect((x, 18), (24, 12), "f0 soft"), "mapping lives");
        entry(|svg, x| svg.line((x + 12, 17), (x + 12, 31), "c0 tick"), "timer starts again");
        entry(|svg, x| svg.line((x, 24), (x + 24, 24), "c0 wire"), "lets this remote in");
        entry(|svg, x| svg.cross((x + 12, 24), 4), "turned away");
        entry(|svg, x| svg.rect((x + 10, 15), (4, 18), "f5"), "ends");
    }

    fn axis(&mut self, bottom: i64) {
        let end = self.end.as_nanos();
        let step = tick(end);
        let mut at = 0;
        while at <= end {
            let x = self.x(Instant::from_nanos(at));
            self.svg.line((x, TOP - 26), (x, bottom), "rule");
            self.svg.text((x, TOP - 32), "quiet small", Anchor::Middle, &time(at));
            at = at.saturating_add(step);
        }
    }

    fn table(&mut self, name: &str, own: &[&Binding], reboots: &[Instant]) {
        self.svg.text((16, self.y + 2), "strong big", Anchor::Start, name);
        let top = self.y - 10;
        self.y += 14;
        for binding in own.iter().take(MAX_ROWS) {
            self.binding(binding);
        }
        if own.len() > MAX_ROWS {
            let more = format!("… and {} more mappings", own.len() - MAX_ROWS);
            self.svg.text((16, self.y + 12), "quiet", Anchor::Start, &more);
            self.y += 24;
        }
        for at in reboots {
            let x = self.x(*at);
            self.svg.line((x, top), (x, self.y - 4), "cross");
            let words = format!("lost its state at {}", time(at.as_nanos()));
            self.svg.text((x + 6, top + 4), "bad small halo strong", Anchor::Start, &words);
        }
        self.y += 16;
        self.svg.line((16, self.y - 14), (LEFT + SPAN + RIGHT - 16, self.y - 14), "rule");
        self.y += 14;
    }

    fn colour(&mut self, ip: IpAddr) -> usize {
        let known = self.hosts.iter().position(|host| *host == ip);
        known.unwrap_or_else(|| {
            self.hosts.push(ip);
            self.hosts.len() - 1
        }) % COLOURS
    }

    fn binding(&mut self, binding: &Binding) {
        let colour = self.colour(binding.internal.ip());
        let ended = binding.ended.map_or(self.end, |(at, _)| at);
        let (from, to) = (self.x(binding.since), self.x(ended).max(self.x(binding.since) + 3));
        let y = self.y;
        let label = format!("{} ⇄ {}", binding.internal, binding.external);
        let hint = format!("{} {label}, made for {}", binding.protocol.name(), binding.remote);
        self.svg.open(format_args!("class=\"b\""), &hint);
        self.label(y + 15, &label);
        self.svg.rect((from, y), (to - from, BAR), &format!("f{colour} soft"));
        let mut last = i64::MIN;
        for at in &binding.refreshes {
            let x = self.x(*at);
            // Ticks that would touch become one.
            if x > last.saturating_add(2) {
                self.svg.line((x, y + 3), (x, y + BAR - 3), &format!("c{colour} tick"));
                last = x;
            }
        }
        self.ending(binding, to, y);
        self.y += BAR + 3;
        self.remotes(binding, ended, colour);
        self.svg.close();
        self.y += GAP;
    }

    /// The endpoints of a mapping, in letters that fit before the axis.
    fn label(&mut self, y: i64, label: &str) {
        let class = if mono_width(label) > LEFT - 30 { "mono small" } else { "mono" };
        self.svg.text((LEFT - 12, y), class, Anchor::End, label);
    }

    fn ending(&mut self, binding: &Binding, to: i64, y: i64) {
        let words = match (binding.ended, binding.expires) {
            (Some((at, Ending::Expired)), _) => format!("ends at {}", time(at.as_nanos())),
            (Some((_, Ending::Rebooted)), _) => "lost".to_owned(),
            (None, Some(at)) => format!("until {} if silent", time(at.as_nanos())),
            (None, None) => "stays".to_owned(),
        };
        if binding.ended.is_some() {
            self.svg.rect((to - 2, y - 2), (4, BAR + 4), "f5");
        }
        self.svg.text((to + 8, y + 14), "small quiet halo", Anchor::Start, &words);
    }

    /// A line for each remote endpoint that is let in or turned away.
    fn remotes(&mut self, binding: &Binding, ended: Instant, colour: usize) {
        let permitted = binding.permits.iter().map(|(_, who)| *who);
        let mut remotes: Vec<_> = permitted.chain(binding.refused.iter().map(|p| p.1)).collect();
        let mut seen = std::collections::BTreeSet::new();
        remotes.retain(|who| seen.insert(*who));
        for who in remotes.iter().take(MAX_LINES) {
            let y = self.y + LINE / 2;
            let since = binding.permits.iter().find(|(_, permitted)| permitted == who);
            if let Some((at, _)) = since {
                let (from, to) = (self.x(*at), self.x(ended));
                self.svg.line((from, y), (to.max(from + 3), y), &format!("c{colour} wire"));
            }
            for (at, _) in binding.refused.iter().filter(|(_, refused)| refused == who) {
                self.svg.cross((self.x(*at), y), 4);
            }
            let words = if since.is_some() { "lets in" } else { "turns away" };
            let class = if since.is_some() { "mono quiet" } else { "mono bad" };
            self.svg.text((LEFT - 12, y + 4), class, Anchor::End, &format!("{words} {who}"));
            self.y += LINE;
        }
        if remotes.len() > MAX_LINES {
            let more = format!("… and {} more", remotes.len() - MAX_LINES);
            self.svg.text((LEFT - 12, self.y + 12), "quiet small", Anchor::End, &more);
            self.y += LINE;
        }
    }
}

/// A round distance between two ticks such that there are at most ten of them.
fn tick(end: u64) -> u64 {
    let mut step: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let candidate = step.saturating_mul(factor);
            if end / candidate <= 10 {
                return candidate;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1, 1)]
    #[case(300_000_000_000, 50_000_000_000)]
    #[case(45_000_000, 5_000_000)]
    #[case(u64::MAX, 2_000_000_000_000_000_000)]
    fn ticks_are_round_and_few(#[case] end: u64, #[case] step: u64) {
        assert_eq!(tick(end), step);
    }
}
