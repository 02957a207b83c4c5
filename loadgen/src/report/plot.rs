//! Plots as SVG: lines over time, and a curve of percentiles. Drawn here because a report is one file
//! that works without a script.

use std::fmt::Write;

/// The drawing, in units of its view box.
const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 34.0;
/// Labels of an axis, about.
const TICKS: f64 = 5.0;

/// A line of a plot.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) name: &'static str,
    /// A CSS class that gives it its colour.
    pub(super) class: &'static str,
    /// A point without a value interrupts the line.
    pub(super) points: Vec<(f64, Option<f64>)>,
    pub(super) fill: Fill,
}

/// Whether the area below a line is tinted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    None,
    Tinted,
}

/// A stretch of time that is marked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) class: &'static str,
}

/// How values go up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    FromZero,
    /// For values over several orders of magnitude.
    Logarithmic,
}

#[derive(Debug)]
pub(super) struct Plot {
    pub(super) title: &'static str,
    /// Of the values.
    pub(super) unit: &'static str,
    /// What a reader should know.
    pub(super) note: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) bands: Vec<Band>,
    pub(super) scale: Scale,
    /// Labels of the horizontal axis, and where they are.
    pub(super) marks: Vec<(f64, String)>,
    pub(super) x_max: f64,
}

impl Plot {
    /// The drawing.
    pub(super) fn svg(&self) -> String {
        let mut out = format!(
            r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}" preserveAspectRatio="xMidYMid meet">"#,
            self.title
        );
        let axis = Axis::of(self);
        self.draw(&mut out, &axis).expect("a string takes everything");
        out + "</svg>"
    }

    fn draw(&self, out: &mut String, axis: &Axis) -> std::fmt::Result {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for band in &self.bands {
            let (from, to) = (self.x(band.from), self.x(band.to).max(self.x(band.from) + 2.0));
            write!(
                out,
                r#"<rect class="{}" x="{from:.1}" y="{TOP}" width="{:.1}" height="{:.1}"/>"#,
                band.class,
                to - from,
                bottom - TOP
            )?;
        }
        for tick in axis.ticks() {
            let y = axis.y(tick);
            write!(out, r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}"/>"#)?;
            write!(
                out,
                r#"<text class="tick" x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 8.0,
                y + 4.0,
                short(tick)
            )?;
        }
        for (at, label) in &self.marks {
            let x = self.x(*at);
            write!(out, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{bottom}"/>"#)?;
            write!(out, r#"<text class="tick" x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#, bottom + 18.0)?;
        }
        write!(out, r#"<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}"/>"#)?;
        for line in &self.lines {
            self.draw_line(out, axis, line)?;
        }
        Ok(())
    }

    fn draw_line(&self, out: &mut String, axis: &Axis, line: &Line) -> std::fmt::Result {
        let bottom = HEIGHT - BOTTOM;
        for stretch in line.points.split(|(_, value)| value.is_none()).filter(|stretch| !stretch.is_empty()) {
            let at = |&(x, value): &(f64, Option<f64>)| (self.x(x), axis.y(value.unwrap_or(0.0)));
            let points: Vec<_> = stretch.iter().map(at).collect();
            let path: String = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} ")).collect();
            if let (Fill::Tinted, [(first, _), .., (last, _)]) = (line.fill, &points[..]) {
                let class = line.class;
                write!(
                    out,
                    r#"<polygon class="area {class}" points="{first:.1},{bottom} {path}{last:.1},{bottom}"/>"#
                )?;
            }
            if let [(x, y)] = points[..] {
                write!(out, r#"<circle class="{}" cx="{x:.1}" cy="{y:.1}" r="2.5"/>"#, line.class)?;
            }
            write!(out, r#"<polyline class="line {}" points="{path}"/>"#, line.class)?;
        }
        // Seen when the pointer rests on a point: the values behind the drawing.
        for &(x, value) in &line.points {
            let Some(value) = value else { continue };
            write!(
                out,
                r#"<circle class="dot {}" cx="{:.1}" cy="{:.1}" r="6"><title>{} {} {}</title></circle>"#,
                line.class,
                self.x(x),
                axis.y(value),
                line.name,
                short(value),
                self.unit
            )?;
        }
        Ok(())
    }

    fn x(&self, x: f64) -> f64 {
        LEFT + (x / self.x_max.max(1e-9)).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

/// The vertical axis.
#[derive(Debug)]
struct Axis {
    scale: Scale,
    min: f64,
    max: f64,
    step: f64,
}

impl Axis {
    fn of(plot: &Plot) -> Self {
        let values = || plot.lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
        let top = values().fold(0.0, f64::max);
        match plot.scale {
            Scale::FromZero => {
                // Of nothing at all there is one empty step.
                let step = if top > 0.0 { nice_step(top / TICKS) } else { 1.0 };
                Self { scale: plot.scale, min: 0.0, max: step * (top / step).ceil().max(1.0), step }
            }
            Scale::Logarithmic => {
                let low = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min).min(top.max(1e-3));
                let (min, max) = (10_f64.powf(low.log10().floor()), 10_f64.powf(top.max(1e-3).log10().ceil()));
                Self { scale: plot.scale, min, max: max.max(min * 10.0), step: 10.0 }
            }
        }
    }

    fn y(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::FromZero => value / self.max,
            Scale::Logarithmic => (value.max(self.min) / self.min).log10() / (self.max / self.min).log10(),
        };
        HEIGHT - BOTTOM - part.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::FromZero => {
                let count = (self.max / self.step).round() as u32;
                (0..=count).map(|place| f64::from(place) * self.step).collect()
            }
            Scale::Logarithmic => {
                let decades = (self.max / self.min).log10().round() as i32;
                (0..=decades).map(|decade| self.min * 10_f64.powi(decade)).collect()
            }
        }
    }
}

/// The next larger of 1, 2 and 5 times a power of ten.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = step / power;
    power
        * if factor <= 1.0 {
            1.0
        } else if factor <= 2.0 {
            2.0
        } else if factor <= 5.0 {
            5.0
        } else {
            10.0
        }
}

/// Marks of a time axis: at round seconds, minutes or hours.
pub(super) fn time_marks(seconds: f64) -> Vec<(f64, String)> {
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0];
    let step = steps.into_iter().find(|step| seconds / step <= 12.0).unwrap_or(86_400.0);
    let label = |at: f64| match step {
        _ if step < 60.0 => format!("{at:.0} s"),
        _ if step < 3600.0 => format!("{:.0} min", at / 60.0),
        _ => format!("{:.0} h", at / 3600.0),
    };
    (0..)
        .map(|place| f64::from(place) * step)
        .take_while(|at| *at <= seconds * 1.001)
        .map(|at| (at, label(at)))
        .collect()
}

/// A number for a label: three digits, with k and M.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        let texts = [0.0, 0.25, 3.0, 12.34, 123.4, 25_000.0, 2_500_000.0].map(short);
        assert_eq!(texts, ["0", "0.25", "3", "12.3", "123", "25k", "2.5M"]);
    }

    #[test]
    fn steps_are_round() {
        assert_eq!([0.7, 1.0, 1.3, 3.0, 70.0].map(nice_step), [1.0, 1.0, 2.0, 5.0, 100.0]);
    }

    #[test]
    fn a_gap_interrupts_the_line() {
        let points = vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(2.0)), (3.0, Some(3.0))];
        let line = Line { name: "p99", class: "a", points, fill: Fill::None };
        let plot = Plot {
            title: "t",
            unit: "ms",
            note: "",
            lines: vec![line],
            bands: Vec::new(),
            scale: Scale::FromZero,
            marks: time_marks(3.0),
            x_max: 3.0,
        };
        assert_eq!(plot.svg().matches("<polyline").count(), 2);
        assert_eq!(plot.svg().matches("<title>").count(), 3);
    }
}
