//! Draws a rotation: time runs from left to right, one strip a password.

use std::time::Duration;

use crate::film::{Film, Gap, Login};
use crate::screen::{Ink, Line};

/// Columns of a strip.
pub(crate) const STRIP: usize = 64;
/// Columns before it.
const MARGIN: usize = 14;
/// The width of everything.
pub(crate) const WIDTH: usize = MARGIN + STRIP;

const LET_IN: char = '█';
const REFUSED: char = '×';

/// The picture of what was seen until `now`, with `count` passwords in the end; a column stands for `column` at least.
pub(crate) fn lines(film: &Film, count: usize, column: Duration, now: Duration) -> Vec<Line> {
    let scale = Scale::new(column, now);
    let mut lines: Vec<Line> = scale.names_of_steps(film).into_iter().collect();
    lines.push(scale.function(film));
    for number in 0..count {
        let known = film.passwords.get(number);
        let mask = known.map_or_else(String::new, |password| masked(&password.value));
        let version = known.map(|password| password.version.as_str());
        lines.push(scale.labels(film, &format!("p{} {mask}", number + 1), version));
        lines.push(scale.strip("", film.logins_with(number)));
    }
    lines.push(Line::new());
    lines.push(scale.strip("consumer of", film.logins_with_current()));
    lines.push(scale.gap("AWSCURRENT", film.gap()));
    lines.push(scale.legend());
    lines
}

/// The beginning of a password, for it to be recognised by.
pub(crate) fn masked(password: &str) -> String {
    password.chars().take(3).chain(['…']).collect()
}

struct Scale {
    column: Duration,
    /// Columns that are over.
    filled: usize,
}

impl Scale {
    /// As wide columns as it takes for all to fit.
    fn new(column: Duration, now: Duration) -> Self {
        let fitting = now.as_millis().div_ceil(STRIP as u128);
        let fitting = Duration::from_millis(u64::try_from(fitting).unwrap_or(u64::MAX));
        let mut scale = Self { column: column.max(fitting), filled: 0 };
        scale.filled = scale.place(now);
        scale
    }

    fn place(&self, at: Duration) -> usize {
        let columns = at.as_micros() / self.column.as_micros().max(1);
        usize::try_from(columns).unwrap_or(STRIP).min(STRIP)
    }

    /// The names of the steps over their beginnings, where there is room; elsewhere the numbers have to do.
    fn names_of_steps(&self, film: &Film) -> Option<Line> {
        let mut text = String::new();
        for step in &film.steps {
            let (used, place) = (text.chars().count(), self.place(step.start));
            if used > 0 && place <= used {
                return None;
            }
            text += &" ".repeat(place - used);
            text += &step.name;
        }
        (text.chars().count() <= STRIP).then(|| head("").add(Ink::Bold, text))
    }

    /// When the function was at work: the number of the step.
    fn function(&self, film: &Film) -> Line {
        let mut cells = [' '; STRIP];
        for (step, number) in film.steps.iter().zip('1'..) {
            let start = self.place(step.start);
            let end = step.end.map_or(self.filled, |end| self.place(end)).max(start + 1);
            cells.iter_mut().take(end).skip(start).for_each(|cell| *cell = number);
        }
        head("function").add(Ink::Bold, cells.iter().collect::<String>())
    }

    /// The labels of a version, each from the column on at which it was put there.
    fn labels(&self, film: &Film, title: &str, version: Option<&str>) -> Line {
        let mut line = head(title);
        let changes = version.map(|version| film.labels_of(version)).unwrap_or_default();
        let first = changes.first().map_or(0, |(at, _)| self.place(*at));
        line = line.add(Ink::Plain, " ".repeat(first));
        for (index, (at, label)) in changes.iter().enumerate() {
            let end = changes.get(index + 1).map_or(self.filled, |(next, _)| self.place(*next));
            let width = end.saturating_sub(self.place(*at));
            line = match label {
                None => line.add(Ink::Plain, " ".repeat(width)),
                Some(label) => {
                    let name: String = label.chars().take(width.saturating_sub(1)).collect();
                    let rest = width - name.chars().count();
                    let ink = if *label == "AWSCURRENT" { Ink::Bold } else { Ink::Plain };
                    line.add(ink, name).add(Ink::Faint, tail(rest))
                }
            };
        }
        line
    }

    /// The answers to logins; each holds until the next one.
    fn strip<'a>(&self, title: &str, logins: impl Iterator<Item = &'a Login>) -> Line {
        let mut cells = [' '; STRIP];
        let mut decided = [false; STRIP];
        for login in logins {
            let place = self.place(login.at).min(STRIP - 1);
            let cell = if login.accepted { LET_IN } else { REFUSED };
            // A column with any refusal in it is one of refusal.
            if !(decided[place] && cells[place] == REFUSED) {
                cells[place..].fill(cell);
            } else {
                cells.iter_mut().skip(place + 1).for_each(|later| *later = cell);
            }
            decided[place] = true;
        }
        let mut line = head(title);
        for cell in &cells[..self.filled] {
            let ink = if *cell == REFUSED { Ink::Bad } else { Ink::Good };
            line = line.add(ink, cell.to_string());
        }
        line
    }

    /// A bracket under the time in which consumers were refused.
    fn gap(&self, title: &str, gap: Option<Gap>) -> Line {
        let Some(gap) = gap else { return head(title) };
        let (start, end) = (self.place(gap.start), self.place(gap.end));
        let text = format!("refused for {} ms", gap.length().as_millis());
        let width = end.saturating_sub(start).max(1);
        let inner = width.saturating_sub(2);
        let line = head(title);
        if inner < text.len() + 2 {
            let bracket =
                if width == 1 { "^".to_owned() } else { format!("└{}┘", "─".repeat(inner)) };
            let after = start + width + 1 + text.len();
            return if after <= STRIP {
                let line = line.add(Ink::Plain, " ".repeat(start));
                line.add(Ink::Bad, format!("{bracket} {text}"))
            } else {
                let before = start.saturating_sub(text.len() + 1);
                line.add(Ink::Plain, " ".repeat(before)).add(Ink::Bad, format!("{text} {bracket}"))
            };
        }
        let left = (inner - text.len() - 2) / 2;
        let right = inner - text.len() - 2 - left;
        let bracket = format!("└{} {text} {}┘", "─".repeat(left), "─".repeat(right));
        line.add(Ink::Plain, " ".repeat(start)).add(Ink::Bad, bracket)
    }

    fn legend(&self) -> Line {
        head("")
            .add(Ink::Good, LET_IN.to_string())
            .add(Ink::Faint, " logs in  ")
            .add(Ink::Bad, REFUSED.to_string())
            .add(Ink::Faint, format!(" is refused    {} ms a column", self.column.as_millis()))
    }
}

fn head(title: &str) -> Line {
    Line::new().add(Ink::Plain, format!("  {title:<width$}", width = MARGIN - 2))
}

fn tail(width: usize) -> String {
    match width {
        0 => String::new(),
        1 => "│".to_owned(),
        _ => format!(" {}", "─".repeat(width - 1)),
    }
}
