//! Names and texts inside statements.

/// An identifier, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal that means the same under every setting of `standard_conforming_strings`.
pub(crate) fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "''");
    format!("E'{escaped}'")
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive() {
        assert_eq!(quoted(r#"we"ird"#), r#""we""ird""#);
        assert_eq!(literal(r"o'ne\"), r"E'o''ne\\'");
    }
}
