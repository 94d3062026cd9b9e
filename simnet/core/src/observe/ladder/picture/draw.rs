//! Strokes and letters. Letters come last, so that no arrow runs over them.

use super::rows::{AXIS, LINE, Layout, NoteLine, Row, Shape, endpoint, note, reason};
use crate::observe::{
    ladder::step::{Leg, Why},
    svg::{Anchor, COLOURS, Svg, count, mono_width, time, width},
};

/// Distance of the letters of an arrow from its line.
const LIFT: i64 = 7;

pub(super) fn draw(layout: &Layout, svg: &mut Svg) {
    markers(svg);
    lifelines(layout, svg);
    for row in &layout.rows {
        strokes(layout, row, svg);
    }
    for row in &layout.rows {
        axis(row, svg);
        letters(layout, row, svg);
    }
}

/// The tips of arrows, one for each colour.
fn markers(svg: &mut Svg) {
    for colour in 0..COLOURS {
        svg.tip(colour);
    }
}

fn lifelines(layout: &Layout, svg: &mut Svg) {
    for (column, is_box) in layout.boxes.iter().enumerate() {
        let x = layout.x(column);
        let class = if *is_box { "life box" } else { "life" };
        svg.line((x, 0), (x, layout.height - 8), class);
    }
}

fn axis(row: &Row, svg: &mut Svg) {
    if let Some(pause) = row.pause {
        let words = format!("⋮ {} later", time(pause));
        svg.text((AXIS - 10, row.top - 8), "quiet small", Anchor::End, &words);
    }
    if row.ticks {
        let at = time(row.at.as_nanos());
        svg.text((AXIS - 10, row.y + 4), "mono quiet", Anchor::End, &at);
        svg.line((AXIS - 6, row.y), (AXIS + 2, row.y), "life");
    }
}

fn strokes(layout: &Layout, row: &Row, svg: &mut Svg) {
    let y = row.y;
    match &row.shape {
        Shape::Arrow { leg, from, to, end } => {
            open(leg, svg);
            let colour = leg.origin % COLOURS;
            let tip = if leg.why.is_none() { Some(colour) } else { None };
            if from == to {
                svg.turn((layout.x(*from), y), colour);
            } else {
                svg.arrow((layout.x(*from), y), (layout.x(*to), *end), colour, tip);
            }
            svg.close();
        }
        Shape::Lost { leg, from, right } => {
            open(leg, svg);
            let end = lost_end(layout, *from, *right, y);
            let colour = leg.origin % COLOURS;
            svg.line((layout.x(*from), y), end, &format!("wire lost c{colour}"));
            svg.cross(end, 6);
            svg.close();
        }
        Shape::Refused { column, .. } => svg.cross((layout.x(*column), y), 7),
        Shape::Note { .. } | Shape::Remark(_) => {}
    }
}

fn lost_end(layout: &Layout, from: usize, right: bool, y: i64) -> (i64, i64) {
    let reach = layout.spacing * 45 / 100;
    (layout.x(from) + if right { reach } else { -reach }, y + 10)
}

fn open(leg: &Leg, svg: &mut Svg) {
    let hint =
        format!("packet {}, {} bytes: {}, {}", leg.packet.get(), leg.size, leg.ends(), leg.words);
    svg.open(format_args!("class=\"p\" data-p=\"{}\"", leg.packet.get()), &hint);
}

fn letters(layout: &Layout, row: &Row, svg: &mut Svg) {
    match &row.shape {
        Shape::Arrow { leg, from, to, end } => {
            label(layout, leg, (*from, *to), (row.y, *end), svg);
        }
        Shape::Lost { leg, from, right } => {
            let to = if *right { from + 1 } else { from.saturating_sub(1) };
            label(layout, leg, (*from, to), (row.y, row.y + 10), svg);
            if let Some(why) = &leg.why {
                let (x, y) = lost_end(layout, *from, *right, row.y);
                callout(layout, why, (x, y + 10), svg);
            }
        }
        Shape::Refused { column, why, .. } => {
            callout(layout, why, (layout.x(*column), row.y + 10), svg);
        }
        Shape::Note { column, table } => {
            let lines = note(table);
            let class = if table.rows.is_empty() { "say" } else { "note" };
            boxed(layout, &lines, (layout.x(*column), row.y - 6), class, svg);
        }
        Shape::Remark(text) => {
            let centre = i64::midpoint(AXIS, layout.width);
            let half = width(text, 13) / 2 + 14;
            svg.rect((centre - half, row.y - 17), (2 * half, 24), "say");
            svg.text((centre, row.y), "", Anchor::Middle, text);
        }
    }
}

/// What a packet carries, and its addresses, above its arrow.
fn label(
    layout: &Layout,
    leg: &Leg,
    (from, to): (usize, usize),
    (y, end): (i64, i64),
    svg: &mut Svg,
) {
    let (x1, x2) = (layout.x(from), layout.x(to));
    let right = to >= from;
    let (x, anchor) = match (end - y > 6, right) {
        // Beside where a slope begins, or over the middle of a level line.
        (true, true) => (x1 + 12, Anchor::Start),
        (true, false) => (x1 - 12, Anchor::End),
        (false, _) => (i64::midpoint(x1, x2), Anchor::Middle),
    };
    open(leg, svg);
    let class = |new: bool| if new { "mono halo changed" } else { "mono halo quiet" };
    let (source, destination) = (endpoint(leg.source), endpoint(leg.destination));
    let mut base = y - LIFT;
    if leg.lines(from, to, layout.spacing) == 2 {
        svg.text((x, base), class(leg.new_destination), anchor, &format!("→ {destination}"));
        base -= LINE;
        svg.text((x, base), class(leg.new_source), anchor, &source);
    } else if leg.new_source || leg.new_destination {
        let new = (leg.new_source, leg.new_destination);
        ends((x, base), anchor, (&source, &destination), new, svg);
    } else {
        svg.text((x, base), class(false), anchor, &leg.ends());
    }
    let colour = leg.origin % COLOURS;
    svg.text((x, base - LINE), &format!("halo strong f{colour}"), anchor, &leg.words);
    svg.close();
}

/// Source and destination on one line, with what a NAT rewrote standing out.
fn ends(
    (x, y): (i64, i64),
    anchor: Anchor,
    (source, destination): (&str, &str),
    new: (bool, bool),
    svg: &mut Svg,
) {
    let class = |new: bool| if new { "mono halo changed" } else { "mono halo quiet" };
    let whole = mono_width(source) + mono_width(destination) + mono_width(" → ");
    let left = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - whole / 2,
        Anchor::End => x - whole,
    };
    // From a common point outwards, so that inexact widths of letters do not open a gap.
    let split = left + mono_width(source) + mono_width(" ");
    svg.text((split, y), class(new.0), Anchor::End, source);
    svg.text((split + 4, y), class(new.1), Anchor::Start, &format!("→ {destination}"));
}

/// Why a packet ended, below the cross.
fn callout(layout: &Layout, why: &Why, at: (i64, i64), svg: &mut Svg) {
    let mut lines: Vec<NoteLine> = vec![("strong bad small", why.reason.to_string())];
    lines.extend(reason(why).into_iter().map(|line| ("small", line)));
    boxed(layout, &lines, at, "drop", svg);
}

/// Lines in a box around `x`, below `y`, moved so that it stays on the paper.
fn boxed(layout: &Layout, lines: &[NoteLine], (x, y): (i64, i64), class: &str, svg: &mut Svg) {
    let wide = |(class, line): &NoteLine| {
        if class.contains("mono") { mono_width(line) } else { width(line, 13) }
    };
    let half = lines.iter().map(wide).max().unwrap_or(0) / 2 + 9;
    let x = x.clamp(AXIS + half + 4, (layout.width - half - 6).max(AXIS + half + 4));
    svg.rect((x - half, y), (2 * half, LINE * count(lines.len()) + 7), class);
    for (line, number) in lines.iter().zip(1..) {
        let at = (x - half + 9, y + LINE * number - 1);
        // Leading blanks would be swallowed.
        let text = line.1.trim_start();
        let indent = mono_width(&line.1) - mono_width(text);
        svg.text((at.0 + indent, at.1), line.0, Anchor::Start, text);
    }
}
