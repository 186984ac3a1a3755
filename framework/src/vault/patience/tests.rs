mod herd;

use std::cell::Cell;

use aws_sdk_secretsmanager::error::ErrorMetadata;

use super::*;

type Answer = Result<u8, ErrorMetadata>;

fn failure(code: &str) -> Answer {
    Err(ErrorMetadata::builder().code(code).build())
}

/// The answer, how often the call was made, and what it took.
async fn spend(patience: Patience, answer: impl Fn(u32) -> Answer) -> (Answer, u32, Duration) {
    let (calls, start) = (Cell::new(0), Instant::now());
    let call = || {
        calls.set(calls.get() + 1);
        std::future::ready(answer(calls.get()))
    };
    let answer = patience.spend(call).await;
    (answer, calls.get(), start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_made_again_until_there_is_no_time_for_another_try() {
    for patience in [Patience::LONG, Patience::SHORT] {
        let (answer, calls, took) = spend(patience, |_| failure("ThrottlingException")).await;
        assert!(answer.is_err_and(|error| is_throttled(error.code())));
        let most = WITHOUT_DEADLINE - LAST_TRY;
        assert!(took <= most && took + patience.longest >= most, "{took:?}");
        assert!(calls > 5, "{calls}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_write_that_ends_a_rotation_comes_back_sooner_than_those_that_begin_one() {
    let throttled = |_| failure("ThrottlingException");
    let (_, begins, _) = spend(Patience::LONG, throttled).await;
    let (_, ends, _) = spend(Patience::SHORT, throttled).await;
    assert!(ends > begins, "{ends} tries, {begins} tries");
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_it_and_so_does_an_error_of_another_kind() {
    let at_last = |call| if call < 4 { failure("ThrottlingException") } else { Ok(7) };
    let (answer, calls, _) = spend(Patience::LONG, at_last).await;
    assert_eq!((answer.ok(), calls), (Some(7), 4));
    let (answer, calls, took) = spend(Patience::LONG, |_| failure("AccessDenied")).await;
    assert_eq!((answer.is_err(), calls, took), (true, 1, Duration::ZERO));
}

#[test]
fn pauses_differ_and_are_not_longer_than_their_limit() {
    let limit = Duration::from_secs(1);
    let pauses: Vec<_> = (0..20).map(|_| jittered(limit)).collect();
    assert!(pauses.iter().all(|pause| *pause <= limit));
    assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]), "{pauses:?}");
}
