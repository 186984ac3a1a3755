use super::*;
use crate::values::Fields;

fn filled(source: &str, value: &str) -> Option<String> {
    let mut fields = Fields::default();
    fields.put("key", Sensitive::new(value));
    let template = Template::parse(source).unwrap();
    let filled = template.plain(&Values::of(&fields)).unwrap();
    filled.map(|text| text.expose().to_owned())
}

#[test]
fn a_template_that_is_none_is_told_with_its_text() {
    for (source, problem) in [
        ("{key", "has a brace without its other"),
        ("key}", "has a brace without its other"),
        ("a}b{c}", "has a brace without its other"),
        ("{}", "has a placeholder, {}, that is no name"),
        ("{?}", "has a placeholder, {?}, that is no name"),
        ("{a b}", "that is no name"),
        ("{a.b}", "that is no name"),
        ("{new.}", "that is no name"),
        ("{admin.a.b}", "that is no name"),
        ("{key|}", "has a filter that is not base64"),
        ("{key|base65}", "has a filter that is not base64"),
        ("{key|percent|}", "has a filter that is not base64"),
        ("{key |percent}", "that is no name"),
    ] {
        let told = Template::parse(source).unwrap_err();
        assert!(told.starts_with(&format!("`{source}` ")) && told.contains(problem), "{told}");
    }
}

#[test]
fn a_brace_that_is_written_twice_is_a_brace() {
    assert_eq!(filled("{{{key}}}", "v").as_deref(), Some("{v}"));
    assert_eq!(filled("{{key}}", "v").as_deref(), Some("{key}"));
}

#[test]
fn filters_are_applied_from_the_left() {
    let value = "a\"b/c\u{e9}";
    for (source, expected) in [
        ("{key}", "a\"b/c\u{e9}"),
        ("{key|base64}", "YSJiL2PDqQ=="),
        ("{key|percent}", "a%22b%2Fc%C3%A9"),
        ("{key|json}", "a\\\"b/c\u{e9}"),
        ("{key|base64|percent}", "YSJiL2PDqQ%3D%3D"),
        ("{key|percent|base64}", "YSUyMmIlMkZjJUMzJUE5"),
    ] {
        assert_eq!(filled(source, value).as_deref(), Some(expected), "{source}");
    }
}

#[test]
fn what_is_optional_and_missing_leaves_the_whole_out() {
    assert_eq!(filled("Bearer {other?}", "v"), None);
    let template = Template::parse("Bearer {other}").unwrap();
    let missing = template.plain(&Values::of(&Fields::default())).unwrap_err();
    assert_eq!(missing.0.to_string(), "other");
    let needed = Template::parse("{key}{other?}{new.label}").unwrap();
    let needed: Vec<String> = needed.needed().map(ToString::to_string).collect();
    assert_eq!(needed, ["key", "new.label"]);
}

#[test]
fn a_value_is_no_template() {
    assert_eq!(filled("<{key}>", "{admin.key}").as_deref(), Some("<{admin.key}>"));
}
