//! Whatever a provider answers, at whatever call: the error has a class and a text, and nothing is lost.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use turnlock_tests::provider::{Fault, Oddity, Paging, Provider, Setup, Wait};
use turnlock_tests::world::keys::{ACCOUNT, Without, World};

/// The requests of a rotation, in order, with a previous key to retire: how messages call them, and whether they may be
/// sent again when nobody knows what they did.
const CALLS: [(&str, bool); 8] = [
    ("GET /whoami at localhost:", true),
    ("GET /whoami at localhost:", true),
    ("DELETE /accounts/{account}/keys/{key_id} at localhost:", true),
    ("GET /whoami at localhost:", true),
    ("GET /accounts/{account}/keys at localhost:", true),
    ("POST /accounts/{account}/keys at localhost:", false),
    ("GET /whoami at localhost:", true),
    ("GET /whoami at localhost:", true),
];
const RETIRE: usize = 2;
const LIST: usize = 4;
const CREATE: usize = 5;

/// How a rotation ends with a fault that happens once.
#[derive(Clone, Copy, Debug)]
enum End {
    /// It succeeds.
    Well,
    /// It succeeds where the request may be sent again, and else fails with this class and text.
    WellIfRepeatable(&'static str, &'static str),
    /// It fails with this class and text.
    Failing(&'static str, &'static str),
    /// The same, but where the body is read of which the fault is.
    FailingIfRead(&'static str, &'static str),
}
use End::{Failing, FailingIfRead, Well, WellIfRepeatable};

impl End {
    fn at(self, call: usize) -> Option<(&'static str, &'static str)> {
        match self {
            Well => None,
            WellIfRepeatable(..) if CALLS[call].1 => None,
            FailingIfRead(..) if call == RETIRE => None,
            WellIfRepeatable(class, text) | Failing(class, text) | FailingIfRead(class, text) => {
                Some((class, text))
            }
        }
    }
}

/// An account with two keys, of which one is to be retired at the next rotation.
async fn world(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.rotate().await.expect("a calm rotation");
    world.provider.clear_calls();
    world
}

fn setup() -> Setup {
    Setup { limit: Some(2), ..Setup::default() }
}

fn count(world: &World, call: &str) -> usize {
    world.provider.calls().into_iter().filter(|name| *name == call).count()
}

/// A fault that happens once, and how the rotation ends then.
struct Case {
    fault: Fault,
    end: End,
    /// Whether the provider has said that it did not do it.
    declined: bool,
}

fn case(fault: Fault, end: End) -> Case {
    Case { fault, end, declined: false }
}

fn declined(fault: Fault, end: End) -> Case {
    Case { fault, end, declined: true }
}

/// Has the fault happen at this call of a rotation; another rotation succeeds then.
async fn strike(world: &World, case: &Case, call: usize) {
    let what = format!("{:?} at {call}, {}", case.fault, CALLS[call].0);
    world.provider.clear_calls();
    world.provider.fail("*", call + 1, case.fault.clone());
    let ended = world.rotate_with_consumers().await;
    world.provider.recover();
    let end = case.end.at(call);
    match (&ended, end) {
        (Ok(()), None) => {}
        (Err(error), Some((class, text))) => {
            assert_eq!(error.class, class, "{what}: {error:?}");
            for words in [CALLS[call].0, text] {
                assert!(error.message.contains(words), "{what}: no `{words}` in {error:?}");
            }
        }
        (ended, end) => panic!("{what}: {ended:?}, not {end:?}"),
    }
    let mints = match &ended {
        Err(_) if call < CREATE => 0,
        Ok(()) if call == CREATE && case.declined => 2,
        Ok(()) | Err(_) => 1,
    };
    assert_eq!(count(world, "create"), mints, "{what}: {ended:?}");
    assert!(world.ids().len() <= 2, "{what}: {:?}", world.provider.keys(ACCOUNT));
    assert_healed(world, &what).await;
}

/// Rotates well, after which there is no key at the provider but the current and the previous one.
async fn assert_healed(world: &World, what: &str) {
    let healed = world.rotate_with_consumers().await;
    assert_eq!(healed, Ok(()), "{what}");
    assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"), "{what}");
    let (mut ids, mut known) =
        (world.ids(), ["AWSPREVIOUS", "AWSCURRENT"].map(|v| world.key_id(v)));
    ids.sort();
    known.sort();
    assert_eq!(ids, known, "{what}");
    assert_eq!(world.provider.most_at_once(ACCOUNT), 2, "{what}");
}

/// Every fault at these calls, a world for each fault.
async fn sweep(cases: Vec<Case>, calls: &'static [usize]) {
    let mut worlds = JoinSet::new();
    for case in cases {
        worlds.spawn(async move {
            let world = world(setup()).await;
            for call in calls {
                strike(&world, &case, *call).await;
            }
            world.assert_silent("");
        });
    }
    while let Some(ended) = worlds.join_next().await {
        ended.expect("the faults of one world");
    }
}

/// Every fault at every call, a world for each, since each takes seconds.
async fn sweep_slowly(cases: Vec<Case>, calls: &[usize]) {
    let mut worlds = JoinSet::new();
    for case in cases {
        for call in calls.iter().copied() {
            let case = Case { fault: case.fault.clone(), ..case };
            worlds.spawn(async move { strike(&world(setup()).await, &case, call).await });
        }
    }
    while let Some(ended) = worlds.join_next().await {
        ended.expect("a fault in a world of its own");
    }
}

const ALL: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7];

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_answer_is_asked_again_where_that_does_no_harm() {
    const TEN_MINUTES: Duration = Duration::from_secs(600);
    let unavailable = WellIfRepeatable("unavailable", "the provider cannot answer now [5");
    let later = WellIfRepeatable("unavailable", "and says to wait 1 s before the next try [503]");
    let too_late = Failing("unavailable", "and says to wait 600 s before the next try [503]");
    let throttled = Failing("throttled", "asks for fewer requests, and says to wait 600 s");
    sweep(
        vec![
            case(Oddity::Status(500).before_acting(), unavailable),
            case(Oddity::Status(502).before_acting(), unavailable),
            case(Oddity::Status(502).after_acting(), unavailable),
            case(Oddity::RetryAfter(503, Wait::Seconds(1)).before_acting(), later),
            case(Oddity::RetryAfter(503, Wait::Seconds(600)).before_acting(), too_late),
            declined(Oddity::RetryAfter(429, Wait::Seconds(1)).before_acting(), Well),
            declined(
                Oddity::RetryAfter(429, Wait::Date(Duration::from_secs(2))).before_acting(),
                Well,
            ),
            declined(Oddity::RetryAfter(429, Wait::Text("soon")).before_acting(), Well),
            declined(Oddity::RetryAfter(429, Wait::Seconds(600)).before_acting(), throttled),
            declined(Oddity::RetryAfter(429, Wait::Date(TEN_MINUTES)).before_acting(), throttled),
        ],
        ALL,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_comes_whole_loses_nothing() {
    let broke = WellIfRepeatable("tcp", "the connection broke before the answer was whole");
    let no_http = Failing("unexpected", "the answer is no HTTP, or its head is too long");
    sweep(
        vec![
            case(Oddity::Closes.before_acting(), broke),
            case(Oddity::Closes.after_acting(), broke),
            case(Oddity::HugeHeader.after_acting(), no_http),
            case(Oddity::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n").before_acting(), no_http),
            case(Oddity::Bytes(b"HTTP/1.1 banana\r\n\r\n").after_acting(), no_http),
        ],
        ALL,
    )
    .await;
    // An answer to `retire` has no body that could be cut.
    let cut = vec![case(Oddity::CutConnection.after_acting(), broke)];
    sweep(cut, &[0, 1, 3, 4, CREATE, 6, 7]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_has_a_class_and_loses_nothing() {
    let not_json = FailingIfRead("unexpected", "with what is not JSON");
    sweep(
        vec![
            case(Oddity::Html.after_acting(), not_json),
            case(Oddity::CutJson.after_acting(), not_json),
            case(
                Oddity::TenMegabytes.after_acting(),
                FailingIfRead("unexpected", "more than 1 MiB"),
            ),
            case(Oddity::WrongType.after_acting(), Well),
            case(Oddity::GzipBomb.after_acting(), Well),
            case(Oddity::EarlyHints.after_acting(), Well),
        ],
        ALL,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_another_shape_is_told_by_what_it_lacks() {
    let shape = |end| vec![case(Oddity::OtherShape.after_acting(), end)];
    let account = Failing("unexpected", "the answer has no text at /account");
    sweep(shape(account), &[0, 1, 3, 6, 7]).await;
    sweep(shape(Well), &[RETIRE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_and_nobody_else_sees_the_key() {
    let other = Provider::start(Setup::default());
    for status in [301, 302, 303, 307, 308] {
        let redirect = Oddity::Redirects(status, other.url().to_owned());
        let end = Failing("unexpected", "the provider redirects, which is not followed");
        let cases = [redirect.clone().before_acting(), redirect.after_acting()];
        sweep(cases.map(|fault| case(fault, end)).into(), ALL).await;
    }
    assert_eq!((other.requests().len(), other.connections()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_or_slow_is_told_within_the_time() {
    let late = Duration::from_secs(11);
    let silent = WellIfRepeatable("timeout", "no answer within 10s");
    let hangs = [Oddity::Hangs.before_acting(), Oddity::Hangs.after_acting()];
    let late = Oddity::Late(late).after_acting();
    let cases = hangs.into_iter().chain([late]).map(|fault| case(fault, silent));
    sweep_slowly(cases.collect(), ALL).await;
    // An answer to `retire` has no body that could go on.
    let trickles = vec![case(Oddity::Trickles.after_acting(), silent)];
    sweep_slowly(trickles, &[0, 1, 3, 4, CREATE, 6, 7]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_retired_again_and_never_stored() {
    for (key, text) in [
        (json!(""), "the provider's answer has nothing at /data/token"),
        (Value::Null, "the provider's answer has nothing at /data/token"),
        (json!(1234567890123_u64), "the provider's answer has no string at /data/token"),
        (json!(["key"]), "the provider's answer has no text at /data/token"),
        (json!("key\r\nX-Admin: 1"), "the provider's answer has control characters at /data/token"),
        (json!("key\u{0}"), "the provider's answer has control characters at /data/token"),
    ] {
        let world = world(setup()).await;
        let fault = Oddity::Key(key).after_acting();
        world.provider.fail("POST /accounts/*/keys", 1, fault);
        let error = world.rotate_with_consumers().await.expect_err("there is no key");
        error.assert_is("createSecret", "unexpected", &[text, "what it minted is no use"]);
        assert_eq!(world.ids(), [world.key_id("AWSCURRENT")]);
        assert_eq!(count(&world, "create"), 1);
        assert_healed(&world, text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_minted_after_the_provider_was_given_up_is_found_and_retired() {
    let world = world(setup()).await;
    let late = Oddity::Late(Duration::from_secs(11)).before_acting();
    world.provider.fail("POST /accounts/*/keys", 1, late);
    let error = world.rotate_with_consumers().await.expect_err("the answer is too late");
    error.assert_is("createSecret", "timeout", &[CALLS[CREATE].0, "no answer within 10s"]);
    while world.ids().len() < 2 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It may be about to be stored by the invocation that asked for it, until that is over.
    while let Err(error) = world.rotate_with_consumers().await {
        error.assert_is("createSecret", "throttled", &["the step can be repeated in"]);
    }
    assert_healed(&world, "minted late").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_list_the_error_has_the_label_of_what_may_be_left_over() {
    for fault in [
        Oddity::Closes.after_acting(),
        Oddity::Status(500).after_acting(),
        Oddity::CutJson.after_acting(),
        Oddity::Redirects(302, "http://localhost:1".to_owned()).after_acting(),
    ] {
        let world = World::start_with(Setup::default(), Without { list: true }, |_| ()).await;
        world.provider.fail("POST /accounts/*/keys", 1, fault);
        let error = world.rotate_with_consumers().await.expect_err("the answer is lost");
        let keys = world.provider.keys(ACCOUNT);
        let left = &keys.last().expect("the key whose answer was lost").label;
        assert!(error.message.contains(&format!("labelled {left}")), "{error:?}");
        assert!(error.message.contains("may be left over"), "{error:?}");
        assert_eq!(count(&world, "create"), 1);
        world.rotate_with_consumers().await.expect("the next rotation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_answer_was_lost_is_told_by_id_where_it_cannot_be_retired() {
    let world = world(setup()).await;
    world.provider.fail("POST /accounts/*/keys", 1, Oddity::Closes.after_acting());
    world.provider.fail("DELETE /accounts/*/keys/*", 2, Oddity::Status(403).before_acting());
    let error = world.rotate_with_consumers().await.expect_err("the answer is lost");
    let keys = world.provider.keys(ACCOUNT);
    let left = keys.last().expect("the key whose answer was lost");
    let words = format!("the key {}, labelled {}, may be left over", left.id, left.label);
    error.assert_is("createSecret", "tcp", &[&words]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_for_good_is_told_before_the_function_is_out_of_time() {
    let mut worlds = JoinSet::new();
    for (oddity, class) in [
        (Oddity::Hangs, "timeout"),
        (Oddity::Trickles, "timeout"),
        (Oddity::Closes, "tcp"),
        (Oddity::Status(500), "unavailable"),
        (Oddity::RetryAfter(503, Wait::Seconds(3)), "unavailable"),
        (Oddity::RetryAfter(429, Wait::Seconds(3)), "throttled"),
        (Oddity::Html, "unexpected"),
    ] {
        for (call, calls) in
            [(0, "GET /whoami"), (LIST, "GET /accounts/*/keys"), (CREATE, "POST /accounts/*/keys")]
        {
            let fault = oddity.clone().before_acting();
            worlds.spawn(async move {
                let world = world(setup()).await;
                world.provider.fail_all(calls, fault.clone());
                let error = world.rotate_with_consumers().await.expect_err("it cannot be done");
                error.assert_is("createSecret", class, &[CALLS[call].0]);
                world.provider.recover();
                assert_healed(&world, &format!("{fault:?} at all {calls}")).await;
            });
        }
    }
    while let Some(ended) = worlds.join_next().await {
        ended.expect("a fault in a world of its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_lost_does_not_pass_for_the_end_of_the_list() {
    for paging in [Paging::Page(1), Paging::Cursor(1), Paging::Link(1)] {
        let world = world(Setup { paging, ..setup() }).await;
        world.provider.mint(ACCOUNT, "of somebody else");
        // The first page has the current key, the second the other's.
        world.provider.fail("GET /accounts/*/keys", 2, Oddity::Html.before_acting());
        let error = world.rotate_with_consumers().await.expect_err("a page is lost");
        error.assert_is("createSecret", "unexpected", &[CALLS[LIST].0, "with what is not JSON"]);
        assert_eq!(count(&world, "create"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_provider_has_closed_meanwhile_are_not_used_again() {
    let world = world(setup()).await;
    for _ in 0..3 {
        world.provider.close_connections(0);
        world.provider.clear_calls();
        world.rotate_with_consumers().await.expect("a rotation");
        assert_eq!(count(&world, "create"), 1);
    }
}
