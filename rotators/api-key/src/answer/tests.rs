use reqwest::header::HeaderMap;
use serde_json::json;

use super::*;

/// A request of which the description says no more than this.
fn request(more: &str) -> Request {
    toml::from_str(&format!("method = \"GET\"\npath = \"/\"\n{more}")).unwrap()
}

fn answer(status: u16, body: &str) -> Result<Answer, Unanswered> {
    Ok(Answer { status, headers: HeaderMap::new(), body: Ok(Sensitive::new(body)) })
}

/// What an answer means, and whether it may have been done all the same.
fn meaning(request: &Request, status: u16, body: &str) -> (Meaning, bool) {
    match read(request, "GET /", answer(status, body)) {
        Ok(_) => (Meaning::Success, false),
        Err(fault) => (fault.meaning, fault.uncertain),
    }
}

#[test]
fn a_status_means_what_http_says_unless_told_otherwise() {
    let request = request("");
    for (status, meaning_of_it, uncertain) in [
        (200, Meaning::Success, false),
        (204, Meaning::Success, false),
        (301, Meaning::Refused, true),
        (304, Meaning::Refused, true),
        (400, Meaning::Refused, false),
        (401, Meaning::Rejected, false),
        (403, Meaning::Permission, false),
        (404, Meaning::Gone, false),
        (408, Meaning::Unavailable, true),
        (409, Meaning::Refused, false),
        (410, Meaning::Gone, false),
        (429, Meaning::Throttled, false),
        (500, Meaning::Unavailable, true),
        (502, Meaning::Unavailable, true),
        (599, Meaning::Unavailable, true),
    ] {
        assert_eq!(meaning(&request, status, "{}"), (meaning_of_it, uncertain), "{status}");
    }
}

#[test]
fn success_is_what_the_description_says() {
    let request = request("success = [201]");
    assert_eq!(meaning(&request, 201, "{}").0, Meaning::Success);
    assert_eq!(meaning(&request, 200, "{}"), (Meaning::Refused, true));
}

#[test]
fn the_first_rule_that_fits_decides() {
    let request = request(
        r#"when = [
            { status = 400, at = "/code", is = 7, means = "gone" },
            { status = 400, at = "/text", contains = "too many", means = "full" },
            { status = 400, at = "/there", means = "throttled" },
            { status = 403, means = "rejected" },
            { status = 403, means = "full" },
            { status = 200, at = "/ok", is = false, means = "rejected" },
        ]"#,
    );
    for (status, body, meaning_of_it) in [
        (400, json!({"code": 7, "text": "too many"}), Meaning::Gone),
        (400, json!({"code": "7", "text": "there are too many"}), Meaning::Full),
        (400, json!({"text": ["too many"]}), Meaning::Refused),
        (400, json!({"there": null}), Meaning::Throttled),
        (400, json!([]), Meaning::Refused),
        (403, json!({}), Meaning::Rejected),
        (200, json!({"ok": false}), Meaning::Rejected),
        (200, json!({"ok": true}), Meaning::Success),
    ] {
        assert_eq!(meaning(&request, status, &body.to_string()).0, meaning_of_it, "{body}");
    }
    assert_eq!(meaning(&request, 400, "too many").0, Meaning::Refused);
}

#[test]
fn a_body_that_cannot_be_read_counts_where_it_was_done() {
    let (json, any) = (request(""), request("answer = \"any\""));
    for problem in ["more than 1 MiB", "what is no text"] {
        let answer = |status| Ok(Answer { status, headers: HeaderMap::new(), body: Err(problem) });
        let fault = read(&json, "GET /", answer(200)).unwrap_err();
        assert_eq!((fault.error.class(), fault.uncertain), (Class::Unexpected, true));
        assert_eq!(fault.error.to_string(), format!("GET / answered 200 with {problem}"));
        let fault = read(&json, "GET /", answer(401)).unwrap_err();
        assert_eq!(fault.error.class(), Class::AuthRejected);
        assert!(read(&any, "GET /", answer(200)).is_ok());
    }
}

#[test]
fn no_body_is_a_success_without_fields() {
    for body in ["", " \r\n"] {
        let success = read(&request(""), "GET /", answer(200, body)).unwrap();
        assert!(success.at("/key").is_none());
    }
}

#[test]
fn nothing_of_a_body_is_in_an_error() {
    for (status, body) in [(200, "hunter2"), (400, "\"hunter2\""), (500, "{\"e\":\"hunter2\"}")] {
        let fault = read(&request(""), "GET /", answer(status, body)).unwrap_err();
        assert!(!format!("{fault:?}{}", fault.error).contains("hunter2"));
    }
}

#[test]
fn fields_are_scalars_without_control_characters() {
    let request = request("fields = { key = \"/a/0/key\", id = \"/id\", end = \"/end\" }");
    let read = |body: Value| {
        read(&request, "GET /", answer(200, &body.to_string())).unwrap().fields(&request)
    };
    let fields = read(json!({"a": [{"key": "k"}], "id": 7, "end": null})).unwrap();
    let value = |field| fields.value(field).map(str::to_owned);
    assert_eq!((value("key"), value("id")), (Some("k".to_owned()), Some("7".to_owned())));
    assert_eq!(value("end"), Some(String::new()));
    for (body, problem) in [
        (json!({"a": [{}], "id": 7, "end": ""}), "has no text at /a/0/key"),
        (json!({"a": {}, "id": 7, "end": ""}), "has no text at /a/0/key"),
        (json!({"a": [{"key": ["k"]}], "id": 7, "end": ""}), "has no text at /a/0/key"),
        (json!({"a": [{"key": "k\n"}], "id": 7, "end": ""}), "has control characters at /a/0/key"),
    ] {
        let (told, others) = read(body).unwrap_err();
        // By what is there, the key can be retired.
        assert_eq!((told.as_str(), others.value("id")), (problem, Some("7")));
    }
}

#[test]
fn a_wait_that_is_asked_for_is_told_in_whole_seconds() {
    let told = |status, wait: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::RETRY_AFTER, wait.parse().unwrap());
        let answer = Ok(Answer { status, headers, body: Ok(Sensitive::new("{}")) });
        read(&request(""), "GET /", answer).unwrap_err().error.to_string()
    };
    let text = "GET /: the provider asks for fewer requests, and says to wait 7 s before the next try [429]";
    assert_eq!(told(429, "7"), text);
    assert!(told(503, "7").contains("cannot answer now, and says to wait 7 s"));
    assert!(!told(400, "7").contains("wait"));
    assert!(!told(503, "soon").contains("wait"));
}
