//! What providers document of their requests and answers, played to the descriptions that are built in.

use std::future::Future;

use tokio::task::JoinSet;
use turnlock_tests::exchange::{Play, Script, built_in};

/// How many are played at once: each is a function of its own.
const AT_ONCE: usize = 4;

/// Runs all, a few at a time, and tells which of them panicked.
async fn all(plays: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let (mut running, mut failed, mut played) = (JoinSet::new(), Vec::new(), 0);
    for play in plays {
        if running.len() == AT_ONCE {
            failed.extend(running.join_next().await.and_then(Result::err));
        }
        running.spawn(play);
        played += 1;
    }
    while let Some(ended) = running.join_next().await {
        failed.extend(ended.err());
    }
    assert!(played > 0, "nothing to play");
    assert!(failed.is_empty(), "{} of {played} failed, as told above", failed.len());
}

#[test]
fn every_description_that_is_built_in_has_an_exchange() {
    let played: Vec<String> = Script::all().into_iter().map(|script| script.name).collect();
    assert_eq!(played, built_in());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rotations_send_what_the_provider_documents_and_nothing_else() {
    all(Script::all()
        .into_iter()
        .map(|script| async move { Play::of(script).await.twice().await }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_has_the_class_of_what_the_provider_documents_it_to_mean() {
    let faults = Script::all().into_iter().flat_map(|script| {
        assert!(!script.errors.is_empty(), "{} has no errors", script.name);
        let errors = script.errors.clone();
        errors.into_iter().map(move |fault| (script.clone(), fault))
    });
    all(faults.map(|(script, fault)| async move {
        let name = script.name.clone();
        let play = Play::of(script).await;
        let error = play.failing(&fault).await;
        assert_eq!(error.class, fault.class, "{name}: {error:?}");
        assert!(error.message.contains(&fault.says), "{name}: {error:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_of_several_steps_that_was_cut_off_is_finished_by_the_next_attempt() {
    let cut_off = Script::all().into_iter().filter_map(|script| Some((script.cut_off()?, script)));
    all(cut_off.map(|((failed, rejected), script)| async move {
        let play = Play::of(script).await;
        assert_eq!(play.failing(&failed).await.class, failed.class);
        play.resumed(&rejected).await;
    }))
    .await;
}
