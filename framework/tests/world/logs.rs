//! What is logged, to be looked at.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// What is logged while it lives, on this thread, at every level.
pub(crate) struct Logs {
    lines: Arc<Mutex<Vec<u8>>>,
    _here: tracing::subscriber::DefaultGuard,
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logs {
    pub(crate) fn start() -> Self {
        let lines = Arc::new(Mutex::default());
        let writer = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || Lines(Arc::clone(&writer)))
            .finish();
        Self { lines, _here: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let text = self.text();
        text.lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
    }
}
