//! The drawing as a picture.

mod draw;
mod head;
mod rows;

use self::{draw::draw, rows::Layout};
use super::{Ladder, elide::Elision, step::Step};
use crate::observe::svg::Svg;

/// Steps that are drawn; the text drawing has the others.
const MAX_DRAWN: usize = 400;

/// The drawing with its heads.
pub(super) fn whole(ladder: &Ladder, title: &str) -> String {
    let layout = layout(ladder);
    let mut svg = Svg::default();
    svg.text((20, 32), "title", crate::observe::svg::Anchor::Start, title);
    svg.open(format_args!("transform=\"translate(0 50)\""), "");
    head::draw(ladder, &layout, &mut svg);
    svg.close();
    svg.open(format_args!("transform=\"translate(0 {})\"", 50 + head::HEIGHT), "");
    draw(&layout, &mut svg);
    svg.close();
    svg.finish((layout.width, layout.height + head::HEIGHT + 50), title)
}

/// The heads, and what is below them.
pub(super) fn parts(ladder: &Ladder, title: &str) -> (String, String) {
    let layout = layout(ladder);
    let (mut heads, mut body) = (Svg::default(), Svg::default());
    head::draw(ladder, &layout, &mut heads);
    draw(&layout, &mut body);
    let heads = heads.finish((layout.width, head::HEIGHT), title);
    (heads, body.finish((layout.width, layout.height), title))
}

/// The steps in the order of their beginnings.
pub(super) fn ordered(ladder: &Ladder) -> Vec<Step> {
    let mut steps = ladder.steps.clone();
    steps.sort_by_key(|step| (step.at, step.order));
    steps
}

fn layout(ladder: &Ladder) -> Layout {
    let steps = ordered(ladder);
    let elision = Elision::of(&steps);
    let boxes = ladder.columns_that_are_boxes();
    Layout::new(&steps, &elision, boxes, ladder.omitted)
}
