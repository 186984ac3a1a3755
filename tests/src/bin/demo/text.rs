//! Text in lines.

/// Breaks a text after some of these signs, where a line would be too wide.
pub(crate) fn wrapped(text: &str, after: char, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in text.split_inclusive(after) {
        let length = piece.trim_end().chars().count();
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.chars().count() + length <= width => {
                line.push_str(piece);
            }
            _ => lines.push(piece.trim_start().to_owned()),
        }
    }
    lines
}

/// The same for a statement, whose further lines are indented.
pub(crate) fn indented(statement: &str, width: usize) -> impl Iterator<Item = String> {
    let lines = wrapped(statement, ' ', width - INDENT.len()).into_iter().enumerate();
    lines.map(|(index, line)| if index == 0 { line } else { format!("{INDENT}{line}") })
}

const INDENT: &str = "    ";
