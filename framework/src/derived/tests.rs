//! Templates are filled to the byte, or refused by name.

use super::*;
use crate::{SecretId, Target};

#[derive(Debug)]
struct Login {
    password: String,
    admin: Option<String>,
}

/// The same login, whoever may change it.
impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        self.password == other.password
    }
}

impl Credential for Login {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        let admin = secret.optional_string("masterarn")?;
        Ok(Self { password: secret.string("password")?, admin })
    }

    fn target(&self) -> Target {
        Target::new("db")
    }

    fn principal(&self) -> &str {
        "app"
    }

    fn admin(&self) -> Option<SecretId> {
        self.admin.clone().map(SecretId::new)
    }
}

fn document(text: &str) -> Document {
    Document::parse(Sensitive::new(text)).unwrap()
}

fn make(text: &str) -> Result<Derived, Malformed> {
    let document = document(text);
    let login = Login::read(&document).unwrap();
    Derived::make(&document, &Edit::new(), &login)
}

/// A document of two fields that are awkward, with one template.
fn secret(password: &str, template: &str) -> String {
    let [password, template] = [password, template].map(serde_json::Value::from);
    format!(
        r#"{{"password":{password}, "p|c":"pipe", "n" : 1.50e+3, "yes":true, "no": null, "o":{{}}, "l":[1],
        "bad":"\ud800", "two":1, "two":2,
        "rotation":{{"derived":{{"url":{template}}}}} }}"#
    )
}

fn filled(password: &str, template: &str) -> String {
    make(&secret(password, template)).unwrap().document.optional_string("url").unwrap().unwrap()
}

fn refused(template: &str) -> String {
    let error = make(&secret("hunter2", template)).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    error.strip_prefix("field `rotation.derived.url` ").unwrap().to_owned()
}

/// What a consumer's URL parser does.
fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// The same odd texts in every run.
fn odd_texts(alphabet: &[char], count: u64) -> impl Iterator<Item = String> {
    (1..=count).map(move |seed| {
        // Knuth's MMIX generator.
        let mut state = seed;
        let mut draw = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        (0..=draw(24)).map(|_| alphabet[draw(alphabet.len())]).collect()
    })
}

#[test]
fn a_placeholder_is_the_field_as_a_consumer_would_print_it() {
    assert_eq!(filled("p/1", "{password}"), "p/1");
    assert_eq!(filled("p/1", "a{n}b{yes}"), "a1.50e+3btrue");
    assert_eq!(filled("p/1", "{password|percent}@{n|percent}"), "p%2F1@1.50e%2B3");
    assert_eq!(filled("p", ""), "");
    assert_eq!(filled("{n}", "{password}"), "{n}");
}

#[test]
fn two_braces_are_one() {
    assert_eq!(filled("p", "{{password}}"), "{password}");
    assert_eq!(filled("p", "{{{password}}}"), "{p}");
    assert_eq!(filled("p", "}}{{}}{{"), "}{}{");
}

#[test]
fn all_but_unreserved_characters_are_percent_encoded_and_come_back() {
    let punctuation: String = (' '..='\u{7f}').filter(|c| !c.is_alphanumeric()).collect();
    let encoded = filled(&punctuation, "{password|percent}");
    assert_eq!(
        encoded,
        "%20%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~%7F"
    );
    assert_eq!(filled("Ü名😀", "{password|percent}"), "%C3%9C%E5%90%8D%F0%9F%98%80");

    let alphabet: Vec<char> =
        ('\0'..='\u{2ff}').chain(['\u{2028}', '名', '\u{ffff}', '😀']).collect();
    for password in odd_texts(&alphabet, 500) {
        let encoded = filled(&password, "{password|percent}");
        assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        assert_eq!(percent_decoded(&encoded), password);
        assert_eq!(filled(&password, "{password}"), password);
    }
}

#[test]
fn any_text_is_a_template_of_itself_when_its_braces_are_doubled() {
    let alphabet: Vec<char> = "{}{}|apé%\\\" ".chars().collect();
    for text in odd_texts(&alphabet, 500) {
        let template = text.replace('{', "{{").replace('}', "}}");
        assert_eq!(filled("p", &template), text);
    }
}

#[test]
fn any_text_is_filled_or_refused_by_name_without_a_value() {
    let mut both = [0, 0];
    let pieces = ["{", "}", "{{", "}}", "{n}", "{password|percent}", "|", "hunter2", "{x}", "é"];
    let alphabet: Vec<char> = ('0'..='9').collect();
    for text in odd_texts(&alphabet, 500) {
        let template: String =
            text.bytes().map(|digit| pieces[usize::from(digit - b'0')]).collect();
        match make(&secret("hunter2", &template)) {
            Ok(_) => both[0] += 1,
            Err(_) => {
                refused(&template);
                both[1] += 1;
            }
        }
    }
    assert!(both.iter().all(|count| *count > 20), "{both:?}");
}

#[test]
fn every_other_byte_is_kept() {
    let odd = "{ \"z\" : 1.0e+2,\n\"url\" : \"old\" , \"password\":\"a\\u0062\\/\",\r\n\"rotation\":{ \"derived\" :\t{\"url\":\"<{password}>\",\"new\":\"{z}\"}}, \"dup\":1,\"dup\":2 }";
    let made = make(odd).unwrap();
    let next = odd.replace("\"old\"", "\"<ab/>\"").replace("2 }", "2,\"new\":\"1.0e+2\" }");
    assert_eq!(made.document.text().expose(), next);
    assert_eq!(made.stale, ["url", "new"]);
    let again = make(&next).unwrap();
    assert_eq!(again.document.text().expose(), next);
    assert!(again.stale.is_empty());
}

#[test]
fn a_field_that_held_something_else_is_replaced() {
    for old in ["null", "7", "{\"a\":[1]}", "\"\\ud800\""] {
        let text = r#"{"password":"p","url":OLD,"rotation":{"derived":{"url":"{password}"}}}"#;
        let made = make(&text.replace("OLD", old)).unwrap();
        assert_eq!(made.document.text().expose(), text.replace("OLD", "\"p\""));
        assert_eq!(made.stale, ["url"]);
    }
}

#[test]
fn without_templates_nothing_is_changed() {
    for rotation in ["null", "{}", "{\"derived\":null}", "{\"derived\":{}}"] {
        let text = format!(r#"{{"password":"p", "rotation":{rotation} }}"#);
        assert_eq!(make(&text).unwrap().document.text().expose(), text);
    }
}

#[test]
fn a_template_that_cannot_be_read_is_refused_and_named() {
    for template in ["{", "}", "a{b", "a}b", "{{}", "{}}", "{a{n}", "{a{{n}", "{n}{password"] {
        assert!(refused(template).starts_with("has a brace without its other"), "{template}");
    }
    for (template, placeholder) in
        [("{n|}", 1), ("{n}{n|base64}", 2), ("{n|percent|percent}", 1), ("{n|Percent}", 1)]
    {
        let problem = "an unknown filter; there is only `percent`";
        assert_eq!(refused(template), format!("has in placeholder {placeholder} {problem}"));
    }
    for (template, error) in [
        ("7", "field `rotation.derived.url` is not a string"),
        ("null", "field `rotation.derived.url` is not a string"),
        ("{\"a\":\"b\"}", "field `rotation.derived.url` is not a string"),
        ("\"\",\"url\":\"\"", "field `rotation.derived.url` is there twice"),
    ] {
        let text = secret("p", "").replace("\"url\":\"\"", &format!("\"url\":{template}"));
        assert_eq!(make(&text).unwrap_err().to_string(), error);
    }
    for derived in ["\"url\"", "[]", "true"] {
        let text = format!(r#"{{"password":"p","rotation":{{"derived":{derived}}}}}"#);
        let error = make(&text).unwrap_err().to_string();
        assert_eq!(error, "field `rotation.derived` is not an object");
    }
}

#[test]
fn a_field_that_cannot_be_used_is_refused_by_the_place_it_is_named_at() {
    for (template, problem) in [
        ("{n}{hunter2}", "placeholder 2 a field that is missing"),
        ("{}", "placeholder 1 a field that is missing"),
        ("{p|c}", "placeholder 1 an unknown filter; there is only `percent`"),
        ("{no}", "placeholder 1 a field that is missing"),
        ("{rotation}", "no string, number or boolean"),
        ("{n}{n}{o}", "placeholder 3 a field that is there twice, or no string"),
        ("{l|percent}", "no string, number or boolean"),
        ("{bad}", "no string, number or boolean"),
        ("{two}", "placeholder 1 a field that is there twice"),
        ("{url}", "placeholder 1 a field that is derived itself"),
    ] {
        let error = refused(template);
        assert!(error.contains(problem), "{template}: {error}");
    }
}

#[test]
fn no_derived_field_is_made_of_another() {
    let text =
        r#"{"password":"p","a":"1","b":"2","rotation":{"derived":{"a":"{password}","b":"{a}"}}}"#;
    let error = make(text).unwrap_err().to_string();
    let problem = "names in placeholder 1 a field that is derived itself";
    assert_eq!(error, format!("field `rotation.derived.b` {problem}"));
}

#[test]
fn a_field_that_the_rotation_reads_or_writes_is_not_derived() {
    let derived = |field: &str, template: &str| {
        format!(
            r#"{{"password":"p","host":"db","rotation":{{"derived":{{"{field}":"{template}"}}}}}}"#
        )
    };
    let error = |text: &str| make(text).unwrap_err().to_string();
    assert_eq!(
        error(&derived("rotation", "{host}")),
        "field `rotation.derived.rotation` is where templates are, and cannot be derived"
    );
    for (field, template) in
        [("password", "{host}"), ("password", "hunter2"), ("password", ""), ("masterarn", "{host}")]
    {
        let error = error(&derived(field, template));
        let changes = "changes what the rotation itself reads";
        assert_eq!(error, format!("field `rotation.derived.{field}` {changes}"));
    }
    let document = document(&derived("password", "p"));
    let edit = Edit::new().set("password", Sensitive::new("p"));
    let login = Login::read(&document).unwrap();
    let error = Derived::make(&document, &edit, &login).unwrap_err().to_string();
    let writes = "field `rotation.derived.password` is a field that the rotation itself writes";
    assert_eq!(error, writes);
}

#[test]
fn a_field_of_65536_bytes_is_made_and_of_one_more_is_refused() {
    let password = "p".repeat(1_024);
    let template = "{password}".repeat(64);
    assert_eq!(filled(&password, &template).len(), 65_536);
    let error = make(&secret(&password, &format!("{template}x"))).unwrap_err().to_string();
    assert_eq!(error, "field `rotation.derived.url` makes a field of over 65,536 bytes");
}
