//! The figures as a drawing.

use plotters::prelude::*;

use super::{
    Figure, Sheet,
    sheet::{place, who},
};

/// Width of the drawing, height of a row, and of a heading, in pixels.
const WIDTH: u32 = 860;
const ROW: u32 = 24;
/// Where bars begin, and how wide one of the whole rate is.
const LEFT: i32 = 250;
const WHOLE: f64 = 440.0;
/// The first flow, and the others; people who see no red or no green can tell them apart as well.
const FIRST: RGBColor = RGBColor(0, 114, 178);
const OTHERS: [RGBColor; 2] = [RGBColor(200, 160, 100), RGBColor(222, 200, 160)];

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

/// A bar for each meeting, cut into what each flow got, with Jain's index and the queue beside it.
pub(super) fn draw(sheet: &Sheet) -> String {
    let mut svg = String::new();
    // A drawing in memory cannot fail.
    let drawn = try_draw(&mut svg, sheet);
    debug_assert!(drawn.is_ok(), "{drawn:?}");
    svg
}

fn try_draw<'a>(svg: &'a mut String, sheet: &Sheet) -> Result<(), Failure<'a>> {
    let headings = sheet.figures.chunk_by(|one, other| place(one) == place(other)).count();
    let rows = u32::try_from(sheet.figures.len() + headings).unwrap_or(0) + 1;
    let area = SVGBackend::with_string(svg, (WIDTH, rows * ROW)).into_drawing_area();
    area.fill(&WHITE)?;
    let row = i32::try_from(ROW).unwrap_or(0);
    let mut y = row / 4;
    let mut last = None;
    for figure in &sheet.figures {
        if last != Some(place(figure)) {
            last = Some(place(figure));
            let (queue, rtt) = place(figure);
            let heading = format!("{queue}, {rtt} ms round trip");
            area.draw(&Text::new(heading, (10, y), ("sans-serif", 16)))?;
            y += row;
        }
        area.draw(&Text::new(who(&figure.meeting), (20, y + 3), ("sans-serif", 14)))?;
        bar(&area, figure, y)?;
        let words =
            format!("{:.3}   {:.1} / {:.1} ms", figure.jain, figure.queue.0, figure.queue.1);
        area.draw(&Text::new(words, (LEFT + 456, y + 3), ("sans-serif", 14)))?;
        y += row;
    }
    area.present()
}

fn bar<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    figure: &Figure,
    y: i32,
) -> Result<(), Failure<'a>> {
    let mut x = LEFT;
    for (index, share) in figure.shares.iter().enumerate() {
        let colour = match index {
            0 => FIRST,
            index => *OTHERS.get(index % OTHERS.len()).unwrap_or(&FIRST),
        };
        #[expect(clippy::cast_possible_truncation, reason = "a share of a few hundred pixels")]
        let width = (share / 100.0 * WHOLE).round() as i32;
        area.draw(&Rectangle::new([(x, y), (x + width, y + 18)], colour.filled()))?;
        x += width;
    }
    Ok(())
}
