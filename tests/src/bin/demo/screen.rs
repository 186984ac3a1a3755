//! The place where the demo is shown: a terminal that is drawn again and again, or plain lines.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

/// Standard output.
pub(crate) struct Screen {
    colours: bool,
    redraws: bool,
    /// Lines of the frame that the next one replaces.
    drawn: usize,
}

/// How a piece of text is to look where there are colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Faint,
    Good,
    Bad,
}

/// A line of pieces, each in its ink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Vec<(Ink, String)>);

impl Line {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(crate) fn add(mut self, ink: Ink, text: impl Into<String>) -> Self {
        self.0.push((ink, text.into()));
        self
    }

    /// The text without its inks.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn coloured(&self) -> String {
        let coloured = |(ink, text): &(Ink, String)| match ink {
            Ink::Plain => text.clone(),
            Ink::Bold => format!("\x1b[1m{text}\x1b[0m"),
            Ink::Faint => format!("\x1b[2m{text}\x1b[0m"),
            Ink::Good => format!("\x1b[32m{text}\x1b[0m"),
            Ink::Bad => format!("\x1b[31m{text}\x1b[0m"),
        };
        self.0.iter().map(coloured).collect()
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self::new().add(Ink::Plain, text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self::new().add(Ink::Plain, text)
    }
}

impl Screen {
    /// Redraws only a terminal in which a frame of this size fits.
    pub(crate) fn new(height: usize, width: usize) -> Self {
        let terminal = io::stdout().is_terminal()
            && std::env::var("TERM").is_ok_and(|kind| !kind.is_empty() && kind != "dumb");
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let fits = |(rows, columns)| rows > height && columns >= width;
        Self { colours, redraws: terminal && terminal_size().is_some_and(fits), drawn: 0 }
    }

    /// Prints lines for good.
    pub(crate) fn print(&mut self, lines: &[Line]) -> io::Result<()> {
        self.write(lines)?;
        self.drawn = 0;
        Ok(())
    }

    /// Shows a frame until the next one; nothing where nothing can be taken back.
    pub(crate) fn draw(&mut self, frame: &[Line]) -> io::Result<()> {
        if self.redraws {
            self.write(frame)?;
            self.drawn = frame.len();
        }
        Ok(())
    }

    fn write(&self, lines: &[Line]) -> io::Result<()> {
        let mut out = String::new();
        if self.redraws && self.drawn > 0 {
            out += &format!("\x1b[{}A", self.drawn);
        }
        if self.redraws {
            out += "\x1b[?25l";
        }
        for line in lines {
            let text = if self.colours { line.coloured() } else { line.text() };
            out += text.trim_end();
            out += if self.redraws { "\x1b[K\n" } else { "\n" };
        }
        if self.redraws {
            out += "\x1b[J\x1b[?25h";
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }
}

/// Rows and columns, as `stty` knows them.
fn terminal_size() -> Option<(usize, usize)> {
    let terminal = std::fs::File::open("/dev/tty").ok()?;
    let output = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let (rows, columns) = text.trim().split_once(' ')?;
    Some((rows.parse().ok()?, columns.parse().ok()?))
}
