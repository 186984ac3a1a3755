use crate::providers::Provider;
use crate::values::Fields;

use super::*;

const DESCRIPTION: &str = r#"
title = "x"
strategy = "single-user"
base_url = "https://{tenant}.example.com/v1/"
host_from_secret = ["tenant"]
principal = "{user}"
draw = "key"
key = { bearer = "{key}" }
test = { method = "GET", path = "/users/{user}/me" }

[update]
method = "PUT"
path = "/users/{user}-x/tokens"
query = { q = "a{user}", o = "{absent?}" }
headers = { X-Name = "<{user}>" }
json = { name = "{user}", quoted = "{{\"n\":\"{user|json}\"}}", n = "{count?|number}", l = "{words?|list}", r = "{raw?|raw}", o = ["{absent?}", 1, true] }
"#;

fn fields(values: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    for (field, value) in values {
        fields.put(field, Sensitive::new(*value));
    }
    fields
}

fn description() -> Description {
    Provider::from_toml("x", DESCRIPTION).unwrap().description
}

fn call(values: &[(&str, &str)]) -> Result<Call, TargetError> {
    let (description, fields) = (description(), fields(values));
    let update = description.update.as_ref().unwrap();
    Call::new(&description, update, &Values::of(&fields), false)
}

fn refused(values: &[(&str, &str)]) -> String {
    call(values).map(|call| call.url.to_string()).unwrap_err().to_string()
}

/// What tries to be more than a value.
const WILD: [&str; 14] = [
    "a/b",
    "a?b=c",
    "a#b",
    "a b",
    "a%2fb",
    "a&x=y",
    "ä",
    "\"},\"admin\":true,{\"",
    "\\\"",
    "a+b",
    "a:b@c",
    "{key}",
    "..;",
    "😀",
];

#[test]
fn a_value_stays_in_its_segment_of_the_path_its_parameter_and_its_text() {
    for user in WILD {
        let Ok(call) = call(&[("tenant", "acme"), ("user", user)]) else {
            // A header has no place for what is no ASCII.
            assert!(!user.is_ascii(), "{user}");
            continue;
        };
        assert_eq!(call.url.host_str(), Some("acme.example.com"), "{user}");
        let segments: Vec<_> = call.url.path_segments().unwrap().collect();
        assert_eq!(segments.len(), 4, "{}", call.url);
        assert_eq!(segments[2], format!("{}-x", percent_encoded(user).expose()));
        let pairs: Vec<_> = call.url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("q".to_owned(), format!("a{user}"))]);
        let body: serde_json::Value = serde_json::from_str(call.body.unwrap().expose()).unwrap();
        assert_eq!(body["name"], user);
        let inner: serde_json::Value =
            serde_json::from_str(body["quoted"].as_str().unwrap()).unwrap();
        assert_eq!(inner, serde_json::json!({"n": user}));
        assert_eq!(body["o"], serde_json::json!([1, true]));
        assert!(body.get("n").is_none() && body.as_object().unwrap().len() == 3);
    }
}

#[test]
fn a_value_that_would_be_a_dot_segment_or_nothing_is_refused() {
    let description = description();
    for user in [".", "..", ""] {
        let fields = fields(&[("tenant", "acme"), ("user", user), ("key", "hunter2")]);
        let values = Values::of(&fields);
        let refused = Call::new(&description, &description.test, &values, false).map(|_| ());
        let error = refused.unwrap_err();
        assert_eq!(error.class(), Class::MalformedSecret, "{user}");
    }
}

#[test]
fn a_value_with_a_line_break_does_not_get_into_a_header() {
    for user in ["a\r\nX-Admin: 1", "a\n", "a\0", "\u{7f}"] {
        let error = refused(&[("tenant", "acme"), ("user", user)]);
        assert!(error.contains("the header `X-Name`"), "{error}");
        assert!(!error.contains("Admin"), "{error}");
    }
}

#[test]
fn a_part_of_a_host_is_letters_digits_dots_and_hyphens() {
    for tenant in
        ["evil.com/", "evil.com#", "a@b", "a:80", "", ".", "a.", "a b", "evil.com%2f", "[::1]", "ä"]
    {
        if let Ok(call) = call(&[("tenant", tenant), ("user", "u")]) {
            panic!("{tenant} made {}", call.url);
        }
    }
    let call = call(&[("tenant", "a-1.b"), ("user", "u")]).map(|call| call.url.to_string());
    assert_eq!(call.ok().as_deref(), Some("https://a-1.b.example.com/v1/users/u-x/tokens?q=au"));
}

#[test]
fn typed_placeholders_become_json_of_their_type() {
    let values = [
        ("tenant", "a"),
        ("user", "u"),
        ("count", "30"),
        ("words", "a, b c"),
        ("raw", "[{\"x\":null}]"),
    ];
    let body = call(&values).ok().and_then(|call| call.body).unwrap();
    let body: serde_json::Value = serde_json::from_str(body.expose()).unwrap();
    assert_eq!(body["n"], 30);
    assert_eq!(body["l"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(body["r"], serde_json::json!([{"x": null}]));
    let array = [("tenant", "a"), ("user", "u"), ("words", "[\"a b\", \"c\"]")];
    let body = call(&array).ok().and_then(|call| call.body).unwrap();
    let body: serde_json::Value = serde_json::from_str(body.expose()).unwrap();
    assert_eq!(body["l"], serde_json::json!(["a b", "c"]));
    for wrong in ["", "30x", "\"30\"", "NaN"] {
        let error = refused(&[("tenant", "a"), ("user", "u"), ("count", wrong)]);
        assert!(error.contains("makes nothing of its type"), "{error}");
    }
    let error = refused(&[("tenant", "a"), ("user", "u"), ("raw", "{\"hunter2\"")]);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn an_address_of_the_secret_is_https_and_nothing_but_an_address() {
    let template = Template::parse("{url}").unwrap();
    let base = |url: &str, plaintext: bool| {
        let fields = fields(&[("url", url)]);
        Base::of(&template, &Values::of(&fields), plaintext).map(|base| base.name())
    };
    assert_eq!(base("https://a.example:8443/x/", false), Ok("https://a.example:8443/x".to_owned()));
    assert_eq!(base("http://127.0.0.1:80", true), Ok("http://127.0.0.1".to_owned()));
    for (url, plaintext, problem) in [
        ("http://a.example", false, "\"ssl\": false"),
        ("https://user:hunter2@a.example", false, "a user or a password"),
        ("https://a.example/?key=hunter2", false, "a query or a fragment"),
        ("https://a.example/#hunter2", false, "a query or a fragment"),
        ("file:///etc/passwd", true, "no host"),
        ("ftp://a.example", true, "not https"),
        ("hunter2", true, "no address"),
        ("https://", true, "no address"),
    ] {
        let error = base(url, plaintext).unwrap_err();
        assert!(error.contains(problem) && !error.contains("hunter2"), "{url}: {error}");
    }
}
