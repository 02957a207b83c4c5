//! The live view on a terminal: rates, percentiles, errors, and how they went so far.

use std::io::{Stderr, stderr};
use std::time::Duration;

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, LineGauge, Paragraph, Sparkline};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::plot::short;
use crate::outcome::Percentiles;
use crate::timeline::Interval;

/// Lines that the view takes.
const HEIGHT: u16 = 13;
const ACCENT: Color = Color::Cyan;

/// What is shown.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) title: String,
    pub(super) url: String,
    pub(super) elapsed: Duration,
    pub(super) duration: Duration,
    /// Connections made, and wanted.
    pub(super) clients: (u64, u32),
    /// What is counted: so many in all, so many a second.
    pub(super) counts: Vec<Counted>,
    pub(super) latency: Option<Percentiles>,
    pub(super) lateness_p99_ms: Option<f64>,
    /// Each by its name.
    pub(super) troubles: Vec<(&'static str, u64)>,
    pub(super) intervals: Vec<Interval>,
}

/// A count that grows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) name: &'static str,
    pub(super) count: u64,
    pub(super) per_sec: f64,
}

/// The view; it stays where it was drawn last.
pub(super) struct Live(Terminal<CrosstermBackend<Stderr>>);

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

impl Live {
    /// Takes some lines below the cursor; `None` where the terminal does not tell where that is.
    pub(super) fn new() -> Option<Self> {
        let options = TerminalOptions { viewport: Viewport::Inline(HEIGHT) };
        Terminal::with_options(CrosstermBackend::new(stderr()), options).ok().map(Self)
    }

    pub(super) fn show(&mut self, snapshot: &Snapshot) {
        // A terminal that is gone must not end the run.
        self.0.draw(|frame| draw(frame, snapshot)).ok();
    }

    /// Clears the view away: the summary follows.
    pub(super) fn clear(mut self) {
        self.0.clear().ok();
        self.0.show_cursor().ok();
        self.0.backend_mut().flush().ok();
    }
}

fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot) {
    let title = format!(" loadgen {} ", snapshot.title);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(Style::new().fg(Color::DarkGray))
        .title(Span::styled(title, Style::new().fg(ACCENT).add_modifier(Modifier::BOLD)))
        .title_bottom(Line::from(" Ctrl-C ends the run and writes the report ").right_aligned().dim());
    let inside = block.inner(frame.area());
    frame.render_widget(block, frame.area());
    let [url, progress, _, figures, _, sparks] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(4),
        Constraint::Length(1),
        Constraint::Min(3),
    ])
    .areas(inside);
    frame.render_widget(Paragraph::new(snapshot.url.as_str()).dim(), url);
    draw_progress(frame, progress, snapshot);
    draw_figures(frame, figures, snapshot);
    draw_sparks(frame, sparks, snapshot);
}

fn draw_progress(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let (made, wanted) = snapshot.clients;
    let (ratio, label) = if snapshot.elapsed.is_zero() {
        (made as f64 / f64::from(wanted.max(1)), format!("connecting {wanted} clients"))
    } else {
        let [elapsed, duration] = [snapshot.elapsed, snapshot.duration].map(|time| time.as_secs_f64());
        (elapsed / duration.max(1e-3), format!("{elapsed:>5.1} s of {duration:.1} s"))
    };
    let gauge = LineGauge::default()
        .ratio(ratio.clamp(0.0, 1.0))
        .label(label)
        .filled_style(Style::new().fg(ACCENT))
        .unfilled_style(Style::new().fg(Color::DarkGray));
    frame.render_widget(gauge, area);
}

fn draw_figures(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let [rates, times] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
    let row = |&Counted { name, count, per_sec }: &Counted| {
        Line::from(vec![
            Span::raw(format!("{name:<10}")).dim(),
            Span::styled(format!("{:>9}/s", short(per_sec)), Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(format!("  {count:>12} in all")).dim(),
        ])
    };
    let troubles: Vec<_> = snapshot.troubles.iter().filter(|(_, count)| *count > 0).collect();
    let trouble = if troubles.is_empty() {
        Line::from(vec![Span::raw(format!("{:<10}", "errors")).dim(), Span::styled("     none", Color::Green)])
    } else {
        let text: Vec<_> = troubles.iter().map(|(name, count)| format!("{name} {count}")).collect();
        Line::from(vec![Span::raw(format!("{:<10}", "errors")).dim(), Span::styled(text.join("  "), Color::Red)])
    };
    let mut left: Vec<_> = snapshot.counts.iter().map(row).collect();
    left.push(trouble);
    if let Some(ms) = snapshot.lateness_p99_ms {
        left.push(Line::from(format!("own lateness, p99 {ms:.2} ms")).dim());
    }
    frame.render_widget(Paragraph::new(left), rates);
    let Some(ms) = snapshot.latency else { return };
    let time = |name: &str, value: f64| {
        Line::from(vec![
            Span::raw(format!("{name:>12} ")).dim(),
            Span::styled(format!("{value:>10.2} ms"), Style::new().add_modifier(Modifier::BOLD)),
        ])
    };
    let right = vec![time("latency p50", ms.p50), time("p99", ms.p99), time("p99.9", ms.p999), time("max", ms.max)];
    frame.render_widget(Paragraph::new(right), times);
}

fn draw_sparks(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
    let came = |interval: &Interval| interval.counts.received.max(interval.counts.connected);
    let name = snapshot.counts.last().map_or("", |counted| counted.name);
    draw_spark(frame, left, &format!("{name}, each second"), Color::Blue, snapshot, came);
    if snapshot.latency.is_none() {
        return;
    }
    let p99 = |interval: &Interval| interval.latency.value_at_quantile(0.99);
    draw_spark(frame, right, "latency p99, each second", Color::Yellow, snapshot, p99);
}

fn draw_spark(
    frame: &mut Frame<'_>,
    area: Rect,
    name: &str,
    colour: Color,
    snapshot: &Snapshot,
    value: impl Fn(&Interval) -> u64,
) {
    let [label, spark] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
    frame.render_widget(Paragraph::new(name).dim(), label);
    let width = usize::from(spark.width.saturating_sub(2));
    let latest = snapshot.intervals.len().saturating_sub(width);
    let values: Vec<u64> = snapshot.intervals[latest..].iter().map(value).collect();
    frame.render_widget(Sparkline::default().data(&values).style(Style::new().fg(colour)), spark);
}

#[cfg(test)]
mod tests {
    use ratatui::backend::TestBackend;

    use super::*;

    #[test]
    fn the_view_tells_rates_percentiles_and_errors() {
        let ms = Percentiles { p50: 1.25, p90: 2.0, p99: 3.5, p999: 4.0, max: 9.75, mean: 1.5 };
        let snapshot = Snapshot {
            title: "chat".into(),
            url: "ws://127.0.0.1:8080/ws".into(),
            elapsed: Duration::from_secs(5),
            duration: Duration::from_secs(20),
            clients: (200, 200),
            counts: vec![
                Counted { name: "sent", count: 2500, per_sec: 500.0 },
                Counted { name: "received", count: 500_000, per_sec: 100_000.0 },
            ],
            latency: Some(ms),
            lateness_p99_ms: Some(0.1),
            troubles: vec![("errors", 3), ("refused", 0)],
            intervals: Vec::new(),
        };
        let mut terminal = Terminal::new(TestBackend::new(90, HEIGHT)).unwrap();
        terminal.draw(|frame| draw(frame, &snapshot)).unwrap();
        let text = terminal.backend().to_string();
        for expected in ["loadgen chat", "5.0 s of 20.0 s", "500/s", "100k/s", "3.50 ms", "errors 3", "Ctrl-C"] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        assert!(!text.contains("refused"), "{text}");
    }
}
