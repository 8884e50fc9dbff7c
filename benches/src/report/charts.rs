//! Three kinds of charts: bars, percentiles and lines.

use super::svg::{Anchor, Svg};

const WIDTH: f64 = 760.0;
const MARGIN: f64 = 24.0;
/// Where bars begin: their names stand before that.
const LABELS: f64 = 190.0;
/// What is left free after the longest bar, for its figure.
const FIGURES: f64 = 86.0;
const ROW: f64 = 24.0;
const BAR: f64 = 16.0;
const HEADING: f64 = 30.0;

pub const OURS: &str = "#d9480f";
pub const BASELINE: &str = "#6e7781";
pub const PEER: &str = "#8bb4d9";

/// A name, a value and a colour.
pub struct Bar {
    pub name: String,
    pub value: f64,
    pub colour: &'static str,
}

pub struct Group {
    pub name: String,
    pub bars: Vec<Bar>,
}

/// Horizontal bars from zero. Those that are longer than the axis are cut, visibly, and tell their
/// value all the same.
pub struct BarChart {
    pub title: String,
    pub unit: String,
    pub note: String,
    /// Where the axis ends.
    pub end: f64,
    pub groups: Vec<Group>,
}

impl BarChart {
    pub fn draw(&self) -> String {
        let rows: usize = self.groups.iter().map(|group| group.bars.len()).sum();
        let body = rows as f64 * ROW + self.groups.len() as f64 * HEADING;
        let top = 62.0;
        let mut svg = Svg::new(WIDTH, top + body + 62.0);
        svg.text(MARGIN, 32.0, Anchor::Start, "title", &self.title);
        svg.text(MARGIN, 51.0, Anchor::Start, "note", &self.note);
        let scale = (WIDTH - MARGIN - LABELS - FIGURES) / self.end;
        let step = step(self.end);
        let mut tick = 0.0;
        while tick <= self.end * 1.001 {
            let x = LABELS + tick * scale;
            svg.line("grid", (x, top + 8.0), (x, top + body + 6.0));
            svg.text(x, top + body + 24.0, Anchor::Middle, "note", &plain(tick));
            tick += step;
        }
        let middle = LABELS + self.end * scale / 2.0;
        svg.text(middle, top + body + 46.0, Anchor::Middle, "note", &self.unit);
        let mut y = top;
        for group in &self.groups {
            svg.text(MARGIN, y + 21.0, Anchor::Start, "group", &group.name);
            y += HEADING;
            for bar in &group.bars {
                self.bar(&mut svg, bar, y, scale);
                y += ROW;
            }
        }
        svg.finish(&self.title)
    }

    fn bar(&self, svg: &mut Svg, bar: &Bar, y: f64, scale: f64) {
        let class = if bar.colour == OURS { "strong" } else { "" };
        let length = bar.value.min(self.end) * scale;
        svg.text(LABELS - 8.0, y + 13.0, Anchor::End, class, &bar.name);
        svg.bar(LABELS, y, length, BAR, bar.colour);
        let mut end = LABELS + length;
        if bar.value > self.end {
            // Two white strokes across it, and a stump.
            for at in [22.0, 16.0] {
                let x = end - at;
                svg.path(&[(x - 3.0, y + BAR + 1.0), (x + 3.0, y - 1.0)], "#ffffff", 3.0);
            }
            end += 2.0;
        }
        svg.text(end + 6.0, y + 13.0, Anchor::Start, class, &figure(bar.value));
    }
}

/// A row of values on one axis: percentiles.
pub struct Row {
    pub name: String,
    pub values: Vec<f64>,
    pub colour: &'static str,
}

/// Dots on a logarithmic axis, connected in each row.
pub struct DotChart {
    pub title: String,
    pub unit: String,
    pub note: String,
    /// Under which names the values of a row stand, from small to large.
    pub names: Vec<String>,
    pub groups: Vec<(String, Vec<Row>)>,
}

impl DotChart {
    pub fn draw(&self) -> String {
        let row = 34.0;
        let rows: usize = self.groups.iter().map(|(_, rows)| rows.len()).sum();
        let body = rows as f64 * row + self.groups.len() as f64 * HEADING;
        let top = 62.0;
        let mut svg = Svg::new(WIDTH, top + body + 62.0);
        svg.text(MARGIN, 32.0, Anchor::Start, "title", &self.title);
        svg.text(MARGIN, 51.0, Anchor::Start, "note", &self.note);
        let values = || self.groups.iter().flat_map(|(_, rows)| rows).flat_map(|row| &row.values);
        let axis = Log::around(values().copied(), LABELS + 40.0, WIDTH - MARGIN - 40.0);
        for tick in axis.ticks() {
            let x = axis.place(tick);
            svg.line("grid", (x, top + 8.0), (x, top + body + 6.0));
            svg.text(x, top + body + 24.0, Anchor::Middle, "note", &plain(tick));
        }
        let middle = f64::midpoint(LABELS, WIDTH - MARGIN);
        svg.text(middle, top + body + 46.0, Anchor::Middle, "note", &self.unit);
        let mut y = top;
        for (name, rows) in &self.groups {
            svg.text(MARGIN, y + 21.0, Anchor::Start, "group", name);
            y += HEADING;
            for each in rows {
                self.row(&mut svg, each, y + 12.0, &axis);
                y += row;
            }
        }
        svg.finish(&self.title)
    }

    fn row(&self, svg: &mut Svg, row: &Row, y: f64, axis: &Log) {
        let class = if row.colour == OURS { "strong" } else { "" };
        svg.text(LABELS - 8.0, y + 4.0, Anchor::End, class, &row.name);
        let places: Vec<_> = row.values.iter().map(|value| (axis.place(*value), y)).collect();
        svg.path(&places, row.colour, 2.0);
        let mut written = f64::NEG_INFINITY;
        for ((x, y), (value, name)) in places.iter().zip(row.values.iter().zip(&self.names)) {
            svg.dot(*x, *y, 5.0, row.colour);
            // Where two are close to each other the latter is told by the table alone.
            let text = format!("{name} {}", figure(*value));
            let half = text.len() as f64 * 3.3;
            if x - half > written {
                svg.text(*x, y + 19.0, Anchor::Middle, "note", &text);
                written = x + half + 6.0;
            }
        }
    }
}

/// A named line.
pub struct Line {
    pub name: String,
    pub colour: &'static str,
    pub points: Vec<(f64, f64)>,
}

/// Which way values are laid out upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upwards {
    FromZero,
    Logarithmic,
}

/// Lines over a logarithmic axis.
pub struct LineChart {
    pub title: String,
    pub note: String,
    pub across: String,
    pub unit: String,
    pub upwards: Upwards,
    /// What stands at the ticks across.
    pub ticks: Vec<(f64, String)>,
    pub lines: Vec<Line>,
}

impl LineChart {
    pub fn draw(&self) -> String {
        let (top, bottom, left, right) = (86.0, 340.0, 70.0, WIDTH - 195.0);
        let mut svg = Svg::new(WIDTH, 400.0);
        svg.text(MARGIN, 32.0, Anchor::Start, "title", &self.title);
        svg.text(MARGIN, 51.0, Anchor::Start, "note", &self.note);
        svg.text(MARGIN, 74.0, Anchor::Start, "note", &self.unit);
        let across = Log::around(self.ticks.iter().map(|(at, _)| *at), left, right);
        for (at, name) in &self.ticks {
            let x = across.place(*at);
            svg.line("grid", (x, top), (x, bottom));
            svg.text(x, bottom + 20.0, Anchor::Middle, "note", name);
        }
        svg.text(f64::midpoint(left, right), bottom + 44.0, Anchor::Middle, "note", &self.across);
        let values = || self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        let most = values().fold(0.0, f64::max);
        let log = Log::around(values(), bottom - 6.0, top + 4.0);
        let end = step(most) * (most / step(most)).ceil();
        let place = |value: f64| match self.upwards {
            Upwards::Logarithmic => log.place(value),
            Upwards::FromZero => bottom - value / end * (bottom - top),
        };
        let ticks: Vec<f64> = match self.upwards {
            Upwards::Logarithmic => log.ticks(),
            Upwards::FromZero => std::iter::successors(Some(0.0), |tick| Some(tick + step(most)))
                .take_while(|tick| *tick <= end * 1.001)
                .collect(),
        };
        for tick in ticks {
            svg.line("grid", (left, place(tick)), (right, place(tick)));
            svg.text(left - 8.0, place(tick) + 4.0, Anchor::End, "note", &plain(tick));
        }
        let mut taken: Vec<f64> = Vec::new();
        for line in &self.lines {
            let points: Vec<_> =
                line.points.iter().map(|(at, value)| (across.place(*at), place(*value))).collect();
            svg.path(&points, line.colour, 2.5);
            for (x, y) in &points {
                svg.dot(*x, *y, 4.0, line.colour);
            }
            let Some((x, y)) = points.last() else { continue };
            // Names that would lie over each other move down.
            let mut y = y + 4.0;
            while taken.iter().any(|other| (other - y).abs() < 17.0) {
                y += 1.0;
            }
            taken.push(y);
            let class = if line.colour == OURS { "strong" } else { "" };
            svg.text(x + 12.0, y, Anchor::Start, class, &line.name);
        }
        svg.finish(&self.title)
    }
}

/// A logarithmic axis.
struct Log {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Log {
    fn around(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let most = values.fold(least, f64::max).max(least * 1.01);
        Self { least, most, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value.max(self.least) / self.least).ln() / (self.most / self.least).ln();
        self.from + part * (self.to - self.from)
    }

    /// 1, 2 and 5 of each decade, or where these are too many the decades alone.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.most / self.least).log10();
        let of_decade = if decades > 2.0 { &[1.0][..] } else { &[1.0, 2.0, 5.0] };
        let first = self.least.log10().floor() as i32;
        let ticks = (first..first + 14)
            .flat_map(|decade| of_decade.iter().map(move |one| one * 10_f64.powi(decade)));
        ticks.filter(|tick| (self.least..=self.most).contains(tick)).collect()
    }
}

/// Between ticks, so that there are four to eight of them.
fn step(end: f64) -> f64 {
    let power = 10_f64.powf((end / 4.0).log10().floor());
    let steps = [5.0, 2.0, 1.0].map(|one| one * power);
    steps.into_iter().find(|step| end / step >= 4.0).unwrap_or(power)
}

/// A figure with as many digits as say something.
pub fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => grouped(value.round() as i64),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn plain(value: f64) -> String {
    if value >= 1000.0 {
        grouped(value as i64)
    } else {
        format!("{}", (value * 100.0).round() / 100.0)
    }
}

/// 12,345.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0 { format!("-{grouped}") } else { grouped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_many_digits_as_say_something() {
        assert_eq!(
            [0.5, 9.876, 12.34, 99.96, 1234.4].map(figure),
            ["0.50", "9.88", "12.3", "100.0", "1,234"],
        );
        assert_eq!([7, 1234, -1_234_567].map(grouped), ["7", "1,234", "-1,234,567"]);
    }

    #[test]
    fn an_axis_has_four_to_ten_ticks_at_round_numbers() {
        for end in [0.9, 3.0, 16.0, 31.7, 99.0, 480.0] {
            let ticks = end / step(end);
            assert!((4.0..=10.5).contains(&ticks), "{ticks} up to {end}");
        }
        assert_eq!([step(16.0), step(31.7), step(99.0)], [2.0, 5.0, 20.0]);
    }

    #[test]
    fn a_bar_beyond_the_axis_is_cut_and_tells_its_value() {
        let bar = |value| Bar { name: "a".into(), value, colour: PEER };
        let chart = |value| BarChart {
            title: String::new(),
            unit: String::new(),
            note: String::new(),
            end: 10.0,
            groups: vec![Group { name: String::new(), bars: vec![bar(value)] }],
        };
        let (within, beyond) = (chart(9.0).draw(), chart(860.0).draw());
        assert!(!within.contains("polyline"));
        assert!(beyond.contains("polyline") && beyond.contains(">860<"), "{beyond}");
    }
}
