//! The matrix as a picture.

use plotters::{
    backend::{DrawingBackend, SVGBackend},
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Circle, PathElement, Rectangle, Text},
    style::{
        Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{Cell, Matrix, Port};

/// Side of a cell, in pixels.
const SIDE: i32 = 19;
/// Room for the names at the left and above.
const LEFT: i32 = 300;
/// As [`LEFT`].
const TOP: i32 = 330;
/// Room for the counts at the right.
const RIGHT: i32 = 90;
/// Room for the legend.
const BOTTOM: i32 = 150;

const FONT: &str = "DejaVu Sans, Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(27, 31, 36);
const QUIET: RGBColor = RGBColor(87, 96, 106);
const WHITE: RGBColor = RGBColor(255, 255, 255);
const RULE: RGBColor = RGBColor(110, 118, 129);

/// What a cell can be, with its colour and words. The colours differ in lightness as well.
const KINDS: [(Kind, RGBColor, &str); 5] = [
    (
        Kind::Reflexive,
        RGBColor(26, 115, 80),
        "both aim at what the STUN server saw (srflx – srflx)",
    ),
    (
        Kind::Row,
        RGBColor(66, 146, 198),
        "the row's NAT uses a port that was seen only in its check (prflx – srflx)",
    ),
    (Kind::Column, RGBColor(158, 202, 225), "the column's NAT does (srflx – prflx)"),
    (Kind::Both, RGBColor(128, 115, 172), "both do (prflx – prflx)"),
    (Kind::Never, RGBColor(240, 228, 216), "no way without a relay"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reflexive,
    Row,
    Column,
    Both,
    Never,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Fault<'a> =
    plotters::drawing::DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

/// The matrix as a heat map in SVG: colours for what the pairs came to, counts for each row, marks where
/// the rules say something else.
#[must_use]
pub fn heat_map(matrix: &Matrix) -> String {
    let side = i32::try_from(matrix.nats.len()).unwrap_or(0) * SIDE;
    let size = ((LEFT + side + RIGHT).unsigned_abs(), (TOP + side + BOTTOM).unsigned_abs());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        // Text in memory takes what it is given.
        let _ = draw(matrix, side, &area);
    }
    svg
}

fn draw<'a>(matrix: &Matrix, side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    area.fill(&WHITE)?;
    write(area, "Which NATs let two peers meet without a relay", (24, 20), &font(24, INK))?;
    let connected = matrix.cells.iter().filter(|cell| cell.connected.is_some()).count();
    let share = connected * 100 / matrix.cells.len().max(1);
    let words = format!(
        "{connected} of {} pairs connect ({share} %). Rows decide; each behind a home of its own.",
        matrix.cells.len()
    );
    write(area, &words, (24, 52), &font(15, QUIET))?;
    for (index, nat) in (0..).zip(&matrix.nats) {
        let middle = index * SIDE + SIDE / 2;
        let left = Pos::new(HPos::Right, VPos::Center);
        write(area, &nat.name, (LEFT - 10, TOP + middle), &font(14, INK).pos(left))?;
        // Turned letters hang from their point.
        let turned = font(14, INK)
            .transform(FontTransform::Rotate270)
            .pos(Pos::new(HPos::Left, VPos::Center));
        write(area, &nat.name, (LEFT + middle, TOP - 10), &turned)?;
    }
    cells(matrix, area)?;
    borders(matrix, side, area)?;
    legend(side, area)?;
    area.present()
}

fn cells<'a>(matrix: &Matrix, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let columns = matrix.nats.len().max(1);
    for (row, line) in (0..).zip(matrix.cells.chunks(columns)) {
        let y = TOP + row * SIDE;
        for (column, cell) in (0..).zip(line) {
            let x = LEFT + column * SIDE;
            let corners = [(x, y), (x + SIDE - 1, y + SIDE - 1)];
            area.draw(&Rectangle::new(corners, colour(Kind::of(cell)).filled()))?;
            if !cell.agrees() {
                let middle = (x + SIDE / 2, y + SIDE / 2);
                area.draw(&Circle::new(middle, 5, INK.filled()))?;
                area.draw(&Circle::new(middle, 2, WHITE.filled()))?;
            }
        }
        let reached = line.iter().filter(|cell| cell.connected.is_some()).count();
        let at = (LEFT + i32::try_from(columns).unwrap_or(0) * SIDE + 10, y + SIDE / 2);
        let style = font(13, QUIET).pos(Pos::new(HPos::Left, VPos::Center));
        write(area, &format!("{reached} of {columns}"), at, &style)?;
    }
    Ok(())
}

/// Lines between NATs whose ports behave differently.
fn borders<'a>(matrix: &Matrix, side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let style = ShapeStyle { color: RULE.to_rgba(), filled: false, stroke_width: 2 };
    let mut before: Option<Port> = None;
    for (index, nat) in (0..).zip(&matrix.nats) {
        if before.is_some_and(|before| before != nat.class.port) {
            let at = index * SIDE;
            let across = vec![(LEFT - 290, TOP + at - 1), (LEFT + side, TOP + at - 1)];
            let down = vec![(LEFT + at - 1, TOP - 250), (LEFT + at - 1, TOP + side)];
            area.draw(&PathElement::new(across, style))?;
            area.draw(&PathElement::new(down, style))?;
        }
        before = Some(nat.class.port);
    }
    Ok(())
}

fn legend<'a>(side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let style = font(14, INK).pos(Pos::new(HPos::Left, VPos::Center));
    let mut y = TOP + side + 20;
    for (_, colour, words) in KINDS {
        area.draw(&Rectangle::new([(24, y), (24 + SIDE, y + 14)], colour.filled()))?;
        write(area, words, (54, y + 7), &style)?;
        y += 21;
    }
    area.draw(&Circle::new((33, y + 7), 5, INK.filled()))?;
    area.draw(&Circle::new((33, y + 7), 2, WHITE.filled()))?;
    write(area, "not what the rules of the matrix predict", (54, y + 7), &style)
}

impl Kind {
    fn of(cell: &Cell) -> Self {
        match &cell.connected {
            None => Self::Never,
            Some(seen) => match (seen.first.as_str(), seen.second.as_str()) {
                ("prflx", "prflx") => Self::Both,
                ("prflx", _) => Self::Row,
                (_, "prflx") => Self::Column,
                _ => Self::Reflexive,
            },
        }
    }
}

fn colour(kind: Kind) -> RGBColor {
    KINDS.iter().find(|(known, ..)| *known == kind).map_or(WHITE, |(_, colour, _)| *colour)
}

fn font(size: i32, colour: RGBColor) -> TextStyle<'static> {
    let font = (FONT, size).into_font().style(FontStyle::Normal);
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }
}

fn write<'a>(
    area: &Area<'a>,
    text: &str,
    at: (i32, i32),
    style: &TextStyle<'_>,
) -> Result<(), Fault<'a>> {
    area.draw(&Text::new(text, at, style))
}
