//! A sheet as a picture: what the pairs came to, or how long it took.

use plotters::{
    backend::{DrawingBackend, SVGBackend},
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Circle, PathElement, Rectangle, Text},
    style::{
        Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{Cell, Connected, Port, Sheet};

/// Side of a cell, in pixels.
const SIDE: i32 = 19;
/// Room for the names at the left and above.
const LEFT: i32 = 300;
/// As [`LEFT`].
const TOP: i32 = 330;
/// Room for the counts at the right.
const RIGHT: i32 = 90;
/// Room for the legend.
const BOTTOM: i32 = 210;

const FONT: &str = "DejaVu Sans, Helvetica, Arial, sans-serif";
const INK: RGBColor = RGBColor(27, 31, 36);
const QUIET: RGBColor = RGBColor(87, 96, 106);
const WHITE: RGBColor = RGBColor(255, 255, 255);
const RULE: RGBColor = RGBColor(110, 118, 129);

/// What the colours of a picture say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Colours {
    /// By which candidates the peers connect.
    Outcome,
    /// How long it takes.
    Time,
}

/// A colour and what it stands for.
type Shade = (RGBColor, &'static str);

/// By which candidates. The colours differ in lightness as well.
const HOSTS: Shade = (RGBColor(8, 64, 48), "both by their own addresses (host – host)");
const REFLEXIVE: Shade =
    (RGBColor(26, 115, 80), "both aim at what the STUN server saw (srflx – srflx)");
const ROW: Shade = (
    RGBColor(66, 146, 198),
    "the row's NAT uses a port that was seen only in its check (prflx – srflx)",
);
const COLUMN: Shade = (RGBColor(158, 202, 225), "the column's NAT does (srflx – prflx)");
const BOTH: Shade = (RGBColor(128, 115, 172), "both do (prflx – prflx)");
const RELAY: Shade = (RGBColor(230, 159, 60), "by a relay");
const NEVER: Shade = (RGBColor(240, 228, 216), "no way");
const OUTCOMES: [Shade; 7] = [HOSTS, REFLEXIVE, ROW, COLUMN, BOTH, RELAY, NEVER];

/// How many round trips, at most.
const TIMES: [(f64, Shade); 6] = [
    (3.0, (RGBColor(13, 58, 99), "up to 3 round trips")),
    (4.0, (RGBColor(33, 102, 152), "up to 4")),
    (6.0, (RGBColor(82, 151, 195), "up to 6")),
    (10.0, (RGBColor(146, 190, 218), "up to 10")),
    (20.0, (RGBColor(222, 165, 97), "up to 20")),
    (f64::INFINITY, (RGBColor(178, 79, 50), "more")),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Fault<'a> =
    plotters::drawing::DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

/// A sheet as a heat map in SVG: a colour for each pair, counts for each row, marks where the rules say
/// something else.
#[must_use]
pub fn heat_map(sheet: &Sheet, colours: Colours) -> String {
    let side = i32::try_from(sheet.nats.len()).unwrap_or(0) * SIDE;
    let size = ((LEFT + side + RIGHT).unsigned_abs(), (TOP + side + BOTTOM).unsigned_abs());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        // Text in memory takes what it is given.
        let _ = draw(sheet, colours, side, &area);
    }
    svg
}

fn draw<'a>(sheet: &Sheet, colours: Colours, side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    area.fill(&WHITE)?;
    let what = match colours {
        Colours::Outcome => "By what two peers meet",
        Colours::Time => "How long it takes two peers to meet",
    };
    write(area, &format!("{what}: {}", sheet.title()), (24, 20), &font(24, INK))?;
    let connected = sheet.cells.iter().filter(|cell| cell.connected.is_some()).count();
    let share = connected * 100 / sheet.cells.len().max(1);
    let words = format!(
        "{connected} of {} pairs connect ({share} %). Rows decide; each behind a home of its own.",
        sheet.cells.len()
    );
    write(area, &words, (24, 52), &font(15, QUIET))?;
    for (index, nat) in (0..).zip(&sheet.nats) {
        let middle = index * SIDE + SIDE / 2;
        let left = Pos::new(HPos::Right, VPos::Center);
        write(area, &nat.name, (LEFT - 10, TOP + middle), &font(14, INK).pos(left))?;
        // Turned letters hang from their point.
        let turned = font(14, INK)
            .transform(FontTransform::Rotate270)
            .pos(Pos::new(HPos::Left, VPos::Center));
        write(area, &nat.name, (LEFT + middle, TOP - 10), &turned)?;
    }
    cells(sheet, colours, area)?;
    borders(sheet, side, area)?;
    legend(colours, side, area)?;
    area.present()
}

fn cells<'a>(sheet: &Sheet, colours: Colours, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let columns = sheet.nats.len().max(1);
    for (row, line) in (0..).zip(sheet.cells.chunks(columns)) {
        let y = TOP + row * SIDE;
        for (column, cell) in (0..).zip(line) {
            let x = LEFT + column * SIDE;
            let corners = [(x, y), (x + SIDE - 1, y + SIDE - 1)];
            area.draw(&Rectangle::new(corners, shade(cell, colours).0.filled()))?;
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
fn borders<'a>(sheet: &Sheet, side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let style = ShapeStyle { color: RULE.to_rgba(), filled: false, stroke_width: 2 };
    let mut before: Option<Port> = None;
    for (index, nat) in (0..).zip(&sheet.nats) {
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

fn legend<'a>(colours: Colours, side: i32, area: &Area<'a>) -> Result<(), Fault<'a>> {
    let style = font(14, INK).pos(Pos::new(HPos::Left, VPos::Center));
    let mut y = TOP + side + 20;
    let shades: Vec<Shade> = match colours {
        Colours::Outcome => OUTCOMES.to_vec(),
        Colours::Time => TIMES.iter().map(|time| time.1).chain([NEVER]).collect(),
    };
    for (colour, words) in shades {
        area.draw(&Rectangle::new([(24, y), (24 + SIDE, y + 14)], colour.filled()))?;
        write(area, words, (54, y + 7), &style)?;
        y += 21;
    }
    area.draw(&Circle::new((33, y + 7), 5, INK.filled()))?;
    area.draw(&Circle::new((33, y + 7), 2, WHITE.filled()))?;
    write(area, "not what the rules of the matrix predict", (54, y + 7), &style)
}

fn shade(cell: &Cell, colours: Colours) -> Shade {
    match (&cell.connected, colours) {
        (None, _) => NEVER,
        (Some(seen), Colours::Outcome) => outcome(seen),
        (Some(seen), Colours::Time) => {
            let fits = |time: &&(f64, Shade)| seen.round_trips() <= time.0;
            TIMES.iter().find(fits).map_or(NEVER, |time| time.1)
        }
    }
}

fn outcome(seen: &Connected) -> Shade {
    match (seen.first, seen.second) {
        _ if seen.is_relayed() => RELAY,
        ("host", "host") => HOSTS,
        ("prflx", "prflx") => BOTH,
        ("prflx", _) => ROW,
        (_, "prflx") => COLUMN,
        _ => REFLEXIVE,
    }
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
