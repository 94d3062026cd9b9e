//! The figures as a drawing.

use plotters::prelude::*;

use super::{Figure, Sheet};

/// Size of the drawing of one round trip, in pixels, and of the legend below all of them.
const PANEL: (u32, u32) = (460, 320);
const LEGEND: u32 = 40;
/// Drawings beside each other.
const COLUMNS: usize = 2;
/// Colours that people who see no red or no green can tell apart as well.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(230, 159, 0),
    RGBColor(204, 121, 167),
    RGBColor(110, 110, 110),
];

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

/// A panel for each round trip: goodput over loss, a line for each stack.
pub(super) fn draw(sheet: &Sheet) -> String {
    let mut svg = String::new();
    // A drawing in memory cannot fail.
    let drawn = try_draw(&mut svg, sheet);
    debug_assert!(drawn.is_ok(), "{drawn:?}");
    svg
}

fn try_draw<'a>(svg: &'a mut String, sheet: &Sheet) -> Result<(), Failure<'a>> {
    let mut rtts: Vec<u64> = sheet.figures.iter().map(|figure| figure.rtt_ms).collect();
    rtts.dedup();
    let rows = rtts.len().div_ceil(COLUMNS).max(1);
    let columns = rtts.len().clamp(1, COLUMNS);
    let pixels = |count: usize, each: u32| u32::try_from(count).unwrap_or(1) * each;
    let size = (pixels(columns, PANEL.0), pixels(rows, PANEL.1) + LEGEND);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(size.1 - LEGEND);
    for (panel, &rtt) in above.split_evenly((rows, columns)).iter().zip(&rtts) {
        let figures: Vec<_> = sheet.figures.iter().filter(|it| it.rtt_ms == rtt).collect();
        let mut losses: Vec<f64> = figures.iter().map(|figure| figure.loss_percent).collect();
        losses.dedup();
        let end = losses.len().saturating_sub(1).max(1) as f64;
        let mut chart = ChartBuilder::on(panel)
            .caption(format!("{rtt} ms round trip"), ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(36)
            .y_label_area_size(46)
            .build_cartesian_2d(0.0..end, 0.0..100.0)?;
        chart
            .configure_mesh()
            .x_desc("loss")
            .y_desc("goodput, % of the rate")
            .x_labels(losses.len())
            .x_label_formatter(&|at| label(&losses, *at))
            .light_line_style(BLACK.mix(0.05))
            .bold_line_style(BLACK.mix(0.15))
            .draw()?;
        for (stack, colour) in sheet.stacks().iter().zip(COLOURS.iter().cycle()) {
            let line: Vec<(f64, f64)> = points(&figures, stack.name(), &losses);
            let dots = line.iter().map(|&point| Circle::new(point, 3, colour.filled()));
            chart.draw_series(dots)?;
            chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        }
    }
    let mut x = 16;
    for (stack, colour) in sheet.stacks().iter().zip(COLOURS.iter().cycle()) {
        below.draw(&PathElement::new([(x, 18), (x + 24, 18)], colour.stroke_width(3)))?;
        below.draw(&Text::new(stack.name(), (x + 30, 10), ("sans-serif", 15)))?;
        x += 150;
    }
    area.present()
}

fn label(losses: &[f64], at: f64) -> String {
    let nearest = losses.iter().enumerate().find(|(index, _)| (*index as f64 - at).abs() < 0.01);
    nearest.map(|(_, loss)| format!("{loss} %")).unwrap_or_default()
}

fn points(figures: &[&Figure], stack: &str, losses: &[f64]) -> Vec<(f64, f64)> {
    let of = |loss: f64| {
        figures
            .iter()
            .find(|figure| figure.stack == stack && figure.loss_percent.total_cmp(&loss).is_eq())
    };
    let all = losses.iter().enumerate();
    all.filter_map(|(index, &loss)| Some((index as f64, of(loss)?.percent))).collect()
}
