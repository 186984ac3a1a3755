//! The provider that tests of API keys rely on does what it promises.

#![expect(clippy::unwrap_used, reason = "a failed test should panic")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};
use turnlock_tests::client::{Answer, Client};
use turnlock_tests::provider::{Authentication, Minting, Oddity, Paging, Provider, Setup, Wait};

/// Sends a request with a key by bearer; none where the connection ends without an answer.
fn send(provider: &Provider, what: &str, key: &str, body: Option<Value>) -> Option<Answer> {
    let authorization = format!("Bearer {key}");
    let headers = [("Authorization", authorization.as_str())];
    client(provider).send(what, &headers, body.as_ref()).ok()
}

/// Sends a form as a client of OAuth 2.0 with this secret.
fn post(provider: &Provider, path: &str, secret: &str, fields: &[(&str, &str)]) -> Answer {
    let authorization = basic("shop", secret);
    let headers = [("Authorization", authorization.as_str())];
    client(provider).post_form(path, &headers, fields).unwrap()
}

fn client(provider: &Provider) -> Client {
    Client::new(provider.port())
}

fn create(provider: &Provider, key: &str, label: &str) -> Option<Answer> {
    send(provider, "POST /accounts/shop/keys", key, Some(json!({"label": label})))
}

fn status(answer: Option<Answer>) -> Option<u16> {
    answer.map(|answer| answer.status)
}

#[test]
fn a_key_is_minted_listed_used_and_retired() {
    let provider = Provider::start(Setup::default());
    let first = provider.open_account("shop");
    let answer = create(&provider, &first.value, "a \"b\"").unwrap();
    assert_eq!(answer.status, 201);
    let data = answer.json()["data"].clone();
    let (id, key) = (data["id"].as_str().unwrap(), data["token"].as_str().unwrap());
    let who = send(&provider, "GET /whoami", key, None).unwrap();
    assert_eq!(who.json(), json!({"account": "shop", "key_id": id}));
    let list = send(&provider, "GET /accounts/shop/keys", key, None).unwrap();
    assert_eq!(list.json()["data"][1]["label"], "a \"b\"");
    assert!(!list.body.contains(key) && !list.body.contains(&first.value));
    let retire = format!("DELETE /accounts/shop/keys/{}", first.id);
    assert_eq!(status(send(&provider, &retire, key, None)), Some(204));
    assert_eq!(status(send(&provider, &retire, key, None)), Some(404));
    assert_eq!(status(send(&provider, "GET /whoami", &first.value, None)), Some(401));
    assert_eq!(provider.calls(), ["create", "test", "list", "retire", "retire", "test"]);
    assert_eq!(provider.most_at_once("shop"), 2);
    assert!(provider.requests()[0].text().contains(&first.value));
    assert!(provider.canaries().iter().any(|canary| canary.value() == key));
}

#[test]
fn a_limit_a_foreign_account_and_an_admin_are_heeded() {
    let setup = Setup { limit: Some(2), minting: Minting::Admin, full: 422, ..Setup::default() };
    let provider = Provider::start(setup);
    let (first, admin) = (provider.open_account("shop"), provider.admin_key());
    provider.open_account("other");
    assert_eq!(status(create(&provider, &first.value, "x")), Some(403));
    assert_eq!(status(create(&provider, &admin, "x")), Some(201));
    let full = create(&provider, &admin, "x").unwrap();
    assert_eq!((full.status, &full.json()["error"]["code"]), (422, &json!("too_many_keys")));
    assert_eq!(provider.keys("shop").len(), 2);
    let foreign = send(&provider, "GET /accounts/other/keys", &first.value, None);
    assert_eq!(status(foreign), Some(403));
}

#[test]
fn a_key_stands_where_the_setup_says() {
    let of = |authentication| {
        let provider = Provider::start(Setup { authentication, ..Setup::default() });
        let key = provider.open_account("shop").value;
        (provider, key)
    };
    let (provider, key) = of(Authentication::Header("X-Api-Key"));
    let answer = client(&provider).send("GET /whoami", &[("x-api-key", &key)], None);
    assert_eq!(status(answer.ok()), Some(200));
    let (provider, key) = of(Authentication::Query("key"));
    let answer = client(&provider).send(&format!("GET /whoami?key={key}"), &[], None);
    assert_eq!(status(answer.ok()), Some(200));
    let (provider, key) = of(Authentication::Basic);
    let authorization = basic("shop", &key);
    let headers = [("Authorization", authorization.as_str())];
    let answer = client(&provider).send("GET /whoami", &headers, None);
    assert_eq!(status(answer.ok()), Some(200));
    assert_eq!(status(send(&provider, "GET /whoami", &key, None)), Some(401));
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

#[test]
fn a_list_comes_in_pages_of_each_kind() {
    for paging in [Paging::Page(2), Paging::Cursor(2), Paging::Link(2)] {
        let provider = Provider::start(Setup { paging, ..Setup::default() });
        let key = provider.open_account("shop").value;
        (0..4).for_each(|number| drop(provider.mint("shop", &number.to_string())));
        let (mut ids, mut path) = (Vec::new(), "/accounts/shop/keys".to_owned());
        for number in 2.. {
            let page = send(&provider, &format!("GET {path}"), &key, None).unwrap();
            let body = page.json();
            ids.extend(body["data"].as_array().unwrap().iter().map(|key| key["id"].clone()));
            let next = match paging {
                Paging::Cursor(_) => body["next_cursor"].as_str().map(|cursor| {
                    let cursor: String =
                        form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
                    format!("/accounts/shop/keys?cursor={cursor}")
                }),
                Paging::Link(_) => page.header("link").map(|links| {
                    let link = links.split(", ").find(|link| link.contains("next")).unwrap();
                    let url = link.split(['<', '>']).nth(1).unwrap();
                    url.strip_prefix(provider.url()).unwrap().to_owned()
                }),
                Paging::None | Paging::Page(_) => (body["page"] != body["pages"])
                    .then(|| format!("/accounts/shop/keys?page={number}")),
            };
            let Some(next) = next else { break };
            path = next;
        }
        assert_eq!(ids, ["k1", "k2", "k3", "k4", "k5"], "{paging:?}");
    }
}

#[test]
fn a_new_key_settles_and_every_key_can_expire() {
    let settle = Duration::from_secs(60);
    let provider = Provider::start(Setup { settle, ..Setup::default() });
    let first = provider.open_account("shop");
    let body = json!({"name": "x", "lifetime": 90});
    let answer = send(&provider, "POST /accounts/shop/keys", &first.value, Some(body)).unwrap();
    let key = answer.json()["data"]["token"].as_str().unwrap().to_owned();
    assert!(!provider.accepts(&key) && provider.accepts(&first.value));
    provider.advance(settle);
    assert!(provider.accepts(&key));
    provider.advance(settle);
    assert!(!provider.accepts(&key) && provider.accepts(&first.value));
    assert_eq!(provider.keys("shop").len(), 1);
}

#[test]
fn a_key_is_regenerated_and_chosen_by_the_client() {
    let provider = Provider::start(Setup { numeric_ids: true, ..Setup::default() });
    let first = provider.open_account("shop");
    let answer = send(&provider, "POST /accounts/shop/regenerate", &first.value, None).unwrap();
    let data = answer.json()["data"].clone();
    let key = data["token"].as_str().unwrap();
    assert!(data["id"].is_u64() && provider.accepts(key) && !provider.accepts(&first.value));
    let chosen = "chosen-by-the-client";
    let update =
        |value| send(&provider, "PUT /accounts/shop/key", key, Some(json!({"value": value})));
    assert_eq!(status(update("short")), Some(422));
    assert_eq!(status(update(chosen)), Some(200));
    assert!(provider.accepts(chosen) && !provider.accepts(key));
    assert_eq!(provider.most_at_once("shop"), 1);
}

#[test]
fn tokens_are_granted_refreshed_and_looked_into() {
    let grace = Duration::from_secs(30);
    let provider = Provider::start(Setup { grace, ..Setup::default() });
    let (secret, first) = (provider.open_account("shop").value, provider.authorize("shop"));
    let token = |fields: &[(&str, &str)]| post(&provider, "/oauth/token", &secret, fields);
    let access = token(&[("grant_type", "client_credentials")]).json()["access_token"].clone();
    assert!(provider.accepts(access.as_str().unwrap()));
    let refused = post(&provider, "/oauth/token", "no", &[("grant_type", "client_credentials")]);
    assert_eq!((refused.status, &refused.json()["error"]), (401, &json!("invalid_client")));

    let refresh = |value: &str| token(&[("grant_type", "refresh_token"), ("refresh_token", value)]);
    let second = refresh(&first).json()["refresh_token"].as_str().unwrap().to_owned();
    assert!(second != first && provider.accepts_refresh_token(&second));
    let look = |value: &str| {
        let fields = [("token", value), ("client_id", "shop"), ("client_secret", &secret)];
        let answer = client(&provider).post_form("/oauth/introspect", &[], &fields);
        answer.unwrap().json()["active"].clone()
    };
    assert_eq!((look(&first), look(&second)), (json!(true), json!(true)));
    // In its time of grace a used token works once more; later its use ends the family.
    assert_eq!(refresh(&first).status, 200);
    provider.advance(grace);
    assert_eq!((look(&first), look(&second)), (json!(false), json!(true)));
    let reused = refresh(&first);
    assert_eq!((reused.status, &reused.json()["error"]), (400, &json!("invalid_grant")));
    assert_eq!(look(&second), json!(false));
}

#[test]
fn a_call_is_carried_out_or_not_whatever_its_answer_is() {
    let provider = Provider::start(Setup::default());
    let key = provider.open_account("shop").value;
    let count = || provider.keys("shop").len();
    let calls = "POST /accounts/*/keys";
    let elsewhere = Provider::start(Setup::default());
    let odd = [
        (Oddity::Status(500), Some(500)),
        (Oddity::RetryAfter(503, Wait::Seconds(2)), Some(503)),
        (Oddity::RetryAfter(429, Wait::Date(Duration::from_secs(9))), Some(429)),
        (Oddity::Says(409, json!({"code": 7})), Some(409)),
        (Oddity::Closes, None),
        (Oddity::Redirects(307, elsewhere.url().to_owned()), Some(307)),
        (Oddity::Bytes(b"nonsense"), None),
    ];
    for (oddity, answer) in odd {
        let before = count();
        provider.fail(calls, 1, oddity.clone().before_acting());
        assert_eq!(status(create(&provider, &key, "x")), answer, "{oddity:?}");
        assert_eq!(count(), before, "{oddity:?}");
        provider.fail(calls, 1, oddity.clone().after_acting());
        assert_eq!(status(create(&provider, &key, "x")), answer, "{oddity:?}");
        assert_eq!(count(), before + 1, "{oddity:?}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn a_right_answer_can_be_odd() {
    let provider = Provider::start(Setup::default());
    let key = provider.open_account("shop").value;
    let answer = |oddity: Oddity| {
        provider.fail("POST /accounts/*/keys", 1, oddity.after_acting());
        create(&provider, &key, "x").unwrap()
    };
    let token = |answer: &Answer| answer.json()["data"]["token"].clone();
    assert!(answer(Oddity::Html).body.starts_with("<!DOCTYPE html>"));
    assert!(answer(Oddity::OtherShape).json().is_array());
    let cut = answer(Oddity::CutJson);
    assert_eq!(cut.header("content-length"), Some(cut.body.len().to_string().as_str()));
    let cut = answer(Oddity::CutConnection);
    assert!(cut.header("content-length").unwrap().parse::<usize>().unwrap() > cut.body.len());
    for value in [json!(null), json!(""), json!(7), json!("a\nb")] {
        assert_eq!(token(&answer(Oddity::Key(value.clone()))), value);
    }
    assert_eq!(answer(Oddity::WrongType).header("content-type"), Some("text/plain"));
    assert!(answer(Oddity::TenMegabytes).body.len() > 10_000_000);
    assert!(
        answer(Oddity::HugeHeader).header("x-huge").is_some_and(|value| value.len() > 1_000_000)
    );
    assert_eq!(answer(Oddity::EarlyHints).status, 103);
    assert!(token(&answer(Oddity::GzipBomb)).is_string());
}

#[test]
fn a_bomb_is_gzip_of_much_more_than_it_seems() {
    let provider = Provider::start(Setup::default());
    provider.fail("*", 1, Oddity::GzipBomb.before_acting());
    let mut stream = TcpStream::connect(("127.0.0.1", provider.port())).unwrap();
    let request = "GET / HTTP/1.1\r\nConnection: close\r\nAccept-Encoding: gzip, br\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut gzip = Command::new("gzip");
    let gzip = gzip.arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = gzip.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let body = bytes.split_off(end);
    let writer = std::thread::spawn(move || drop(input.write_all(&body)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.stdout.len() > 40_000_000, "{}", output.stdout.len());
}

#[test]
fn an_endless_body_and_silence_last_until_the_client_leaves() {
    let provider = Provider::start(Setup::default());
    for (oddity, some) in [(Oddity::Trickles, true), (Oddity::Hangs, false)] {
        provider.fail("GET /whoami", 1, oddity.before_acting());
        let mut stream = TcpStream::connect(("127.0.0.1", provider.port())).unwrap();
        stream.write_all(b"GET /whoami HTTP/1.1\r\n\r\n").unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        // More than the head, which comes at once.
        let mut bytes = [0; 150];
        assert_eq!(stream.read_exact(&mut bytes).is_ok(), some);
    }
}

#[test]
fn the_one_call_that_is_meant_goes_wrong() {
    let provider = Provider::start(Setup::default());
    let key = provider.open_account("shop").value;
    let who = || status(send(&provider, "GET /whoami", &key, None));
    provider.fail("GET /whoami", 2, Oddity::Status(500).before_acting());
    assert_eq!(
        [who(), status(create(&provider, &key, "x")), who(), who()].map(Option::unwrap),
        [200, 201, 500, 200]
    );
    provider.fail_all("GET *", Oddity::Status(500).before_acting());
    assert_eq!([who(), who()], [Some(500), Some(500)]);
    provider.recover();
    provider.close_connections(1);
    assert_eq!([who(), who()], [None, Some(200)]);

    let seen = Arc::new(AtomicUsize::new(0));
    let ran = Arc::clone(&seen);
    provider.interrupt(2, true, move || {
        ran.fetch_add(1, Ordering::SeqCst);
    });
    assert_eq!((who(), seen.load(Ordering::SeqCst)), (Some(200), 0));
    assert_eq!((who(), seen.load(Ordering::SeqCst)), (Some(200), 1));
}

#[test]
fn the_process_that_calls_is_killed_before_or_after_its_call() {
    for acted in [false, true] {
        let provider = Provider::start(Setup::default());
        let key = provider.open_account("shop").value;
        let fault = Oddity::KillsTheCaller;
        provider.fail("*", 1, if acted { fault.after_acting() } else { fault.before_acting() });
        // One process that waits for its answer.
        let script =
            "exec 3<>/dev/tcp/127.0.0.1/$0 && printf '%s\\r\\n' \"$@\" '' >&3 && read -r -u 3";
        let mut caller = Command::new("bash");
        caller.args(["-c", script, &provider.port().to_string()]);
        caller.args(["POST /accounts/shop/keys HTTP/1.1", &format!("Authorization: Bearer {key}")]);
        let ended = caller.status().unwrap();
        assert_eq!(ended.signal(), Some(9), "{ended:?}");
        assert_eq!(provider.keys("shop").len(), if acted { 2 } else { 1 });
    }
}

#[test]
fn a_careless_provider_quotes_the_request() {
    let provider = Provider::start(Setup { echoes: true, odd_keys: true, ..Setup::default() });
    let key = provider.open_account("shop").value;
    let answer = send(&provider, "GET /accounts/other/keys", &key, None).unwrap();
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(answer.status == 403 && message.contains(&key), "{message}");
}

#[test]
fn a_provider_with_tls_has_a_certificate_for_its_name() {
    let provider = Provider::start(Setup { tls: true, ..Setup::default() });
    let key = provider.open_account("shop").value;
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(provider.ca_file()).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap());
    let socket = TcpStream::connect(("127.0.0.1", provider.port())).unwrap();
    let mut stream = StreamOwned::new(session.unwrap(), socket);
    let request = format!("GET /whoami HTTP/1.1\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    assert!(provider.url().starts_with("https://localhost:"));
}
