//! Delays over time, as SVG.

use plotters::prelude::*;

use super::Curve;

/// Size of a drawing without its legend, in pixels.
const SIZE: (u32, u32) = (960, 500);
/// Height of a line of the legend.
const LINE: u32 = 22;
/// The least and the greatest delay that is drawn, in milliseconds.
const RANGE: std::ops::Range<f64> = 0.1..1_000.0;
/// Colours of what is compared with.
const PALE: [RGBColor; 2] = [RGBColor(140, 140, 140), RGBColor(200, 160, 100)];
/// Colours of what is shown; people who see no red or no green can tell them apart as well.
const STRONG: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(0, 158, 115)];

/// A delay that is to be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) millis: f64,
}

/// Draws waiting over time, with its quantiles in the legend. What is called a drop-tail queue is drawn
/// pale.
pub(super) fn draw(title: &str, curves: &[Curve], targets: &[Target]) -> String {
    let mut svg = String::new();
    // A drawing in memory cannot fail.
    let drawn = try_draw(&mut svg, title, curves, targets);
    debug_assert!(drawn.is_ok(), "{drawn:?}");
    svg
}

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn try_draw<'a>(
    svg: &'a mut String,
    title: &str,
    curves: &[Curve],
    targets: &[Target],
) -> Result<(), Failure<'a>> {
    let lines = u32::try_from(curves.len() + targets.len()).unwrap_or(0);
    let size = (SIZE.0, SIZE.1 + lines * LINE + LINE / 2);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(SIZE.1);
    let end = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point.0);
    let end = end.fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(&above)
        .caption(title, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..end, RANGE.log_scale())?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("milliseconds in the queue")
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value}"))
        .light_line_style(BLACK.mix(0.05))
        .bold_line_style(BLACK.mix(0.15))
        .label_style(("sans-serif", 14))
        .draw()?;
    let mut legend = Vec::new();
    for (curve, colour) in curves.iter().zip(colours(curves)) {
        let points = curve.points.iter().map(|&(at, wait)| (at, wait.max(RANGE.start)));
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        legend.push((figures(curve), colour));
    }
    for target in targets {
        let line = [(0.0, target.millis), (end, target.millis)];
        chart.draw_series(DashedLineSeries::new(line, 6, 4, RED.stroke_width(1)))?;
        legend.push((format!("{}: {} ms", target.name, target.millis), RED));
    }
    let mut y = i32::try_from(LINE / 2).unwrap_or(0);
    for (words, colour) in &legend {
        below.draw(&PathElement::new([(82, y), (112, y)], colour.stroke_width(3)))?;
        below.draw(&Text::new(words.as_str(), (122, y - 7), ("sans-serif", 15)))?;
        y += i32::try_from(LINE).unwrap_or(0);
    }
    area.present()
}

/// A colour for each curve.
fn colours(curves: &[Curve]) -> Vec<RGBColor> {
    let (mut pale, mut strong) = (PALE.iter().cycle(), STRONG.iter().cycle());
    let colour = |curve: &Curve| {
        let tail = curve.name.starts_with("drop-tail");
        if tail { pale.next() } else { strong.next() }.copied().unwrap_or(BLACK)
    };
    curves.iter().map(colour).collect()
}

fn figures(curve: &Curve) -> String {
    format!(
        "{}: mean {:.1} ms, median {:.1}, 95 % {:.1}, 99 % {:.1}; {:.2} Mbit/s, {} dropped",
        curve.name,
        curve.mean,
        curve.p50,
        curve.p95,
        curve.p99,
        curve.rate / 1e6,
        curve.dropped
    )
}
