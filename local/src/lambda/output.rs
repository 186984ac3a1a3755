//! What a function prints, bounded.

use std::io::{self, Write as _};
use std::sync::Mutex;

use crate::lock::lock;

/// Kept of what a function prints: the last so many bytes.
const KEPT: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Output {
    text: Mutex<Vec<u8>>,
    /// Where lines go to our own stderr too: what they begin with.
    prefix: Option<String>,
}

impl Output {
    pub(super) fn new(prefix: Option<String>) -> Self {
        Self { text: Mutex::default(), prefix }
    }

    pub(super) fn add(&self, line: &[u8]) {
        let mut text = lock(&self.text);
        text.extend_from_slice(line);
        if text.len() > KEPT {
            let surplus = text.len() - KEPT / 2;
            text.drain(..surplus);
        }
        drop(text);
        if let Some(prefix) = &self.prefix {
            let mut shown = format!("[{prefix}] ").into_bytes();
            shown.extend_from_slice(line);
            // Nothing can be done about a closed stderr.
            let _shown = io::stderr().write_all(&shown);
        }
    }

    pub(super) fn clear(&self) {
        lock(&self.text).clear();
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.text)).into_owned()
    }
}
