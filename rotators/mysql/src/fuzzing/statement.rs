/// Fails where a statement has a quote that does not end, or ends before its end.
pub(super) fn is_one(statement: &str) {
    let mut open = None;
    for c in statement.chars() {
        // A quote that is doubled ends and begins again.
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) => {}
            None if c == '\'' || c == '`' => open = Some(c),
            None => assert!(!matches!(c, ';' | '#' | '"' | '\\' | '\0'), "{statement}"),
        }
    }
    assert!(open.is_none(), "{statement}");
}
