use reqwest::header::{HeaderMap, HeaderValue};
use turnlock::Sensitive;

use super::parts;
use crate::description::{Method, Request, Sigv4};
use crate::place::Call;
use crate::sigv4;
use crate::values::{Fields, Values};

const SIGNED: &str = r#"
service = "{service}"
region = "{region}"
access_key_id = "{id}"
secret_access_key = "{secret}"
"#;

/// The address, the header, the body and the key of a request that is signed.
///
/// It is signed or refused; the address and the body stay, and the secret key is nowhere in what is sent.
pub fn signature(data: &[u8]) {
    let Some([address, header, body, key]) = parts(data) else { return };
    // No request goes anywhere else.
    let Ok(url) = address.parse::<url::Url>() else { return };
    if !["http", "https"].contains(&url.scheme()) {
        return;
    }
    let Ok(value) = HeaderValue::from_str(header) else { return };
    let mut fields = Fields::default();
    for (name, value) in [("service", "iam"), ("region", "us-east-1"), ("id", "AKIDEXAMPLE")] {
        fields.put(name, Sensitive::new(value));
    }
    fields.put("secret", Sensitive::new(key));
    let mut headers = HeaderMap::new();
    headers.insert("x-example", value);
    let before = headers.clone();
    let body = Some(Sensitive::new(body));
    let (method, name) = (Method::Post, String::new());
    let mut call = Call { method, url: url.clone(), headers, body, repeatable: false, name };
    let signature: Sigv4 = toml::from_str(SIGNED).expect("a signature");
    let request: Request = toml::from_str("method = \"POST\"\npath = \"/\"").expect("a request");
    let signed = sigv4::sign_by_key(&mut call, &signature, &request, &Values::of(&fields));
    if signed.is_err() {
        assert_eq!(call.headers, before);
        return;
    }
    assert_eq!(call.url, url);
    assert_eq!(call.headers["x-example"], before["x-example"]);
    let authorization = call.headers["authorization"].to_str().expect("ASCII");
    let (_, hex) = authorization.rsplit_once("Signature=").expect("a signature");
    assert!(hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()), "{authorization}");
    assert!(key.len() < 12 || !authorization.contains(key));
}
