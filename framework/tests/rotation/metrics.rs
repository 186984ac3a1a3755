//! What a function's metrics say of rotations: how long a dead password was handed out, and what that costs.

use std::time::Duration;

use serde_json::Value;
use turnlock::testing::{Dates, Fault, Meter};
use turnlock::vault::Label;
use turnlock::{Failure, Outcome, Step};

use crate::world::{Fake, World, event, far};

const HOUR: Duration = Duration::from_hours(1);

/// One step as one invocation in an environment: what came of it, and the line of metrics.
async fn taken<R: Fake>(
    world: &World<R>,
    environment: &Meter,
    step: Step,
    version: &str,
) -> (Result<Outcome, Failure>, Value) {
    environment.step(&world.rotator, &world.vault, &event(step, version), far()).await
}

async fn succeeds<R: Fake>(world: &World<R>, environment: &Meter, step: Step) -> Value {
    let (done, line) = taken(world, environment, step, "v1").await;
    done.unwrap();
    line
}

/// One step with a call that fails.
async fn fails<R: Fake>(
    world: &World<R>,
    environment: &Meter,
    step: Step,
    call: &'static str,
) -> Value {
    world.fuse.arm_at(call, Fault::FailsBefore);
    let (done, line) = taken(world, environment, step, "v1").await;
    done.unwrap_err();
    assert_eq!(world.fuse.blown(), 1, "{call} was never called");
    world.fuse.disarm();
    assert_eq!(line["Failures"], 1);
    line
}

fn dead(line: &Value) -> Option<Duration> {
    line.get("DeadPasswordTime").map(|millis| Duration::from_millis(millis.as_u64().unwrap()))
}

/// The names of the metrics, in their order.
fn names(line: &Value) -> Vec<String> {
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    metrics.iter().map(|metric| metric["Name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_a_single_user_tells_at_its_end_how_long_the_password_was_dead() {
    for world in [World::single_user(), World::single_user_with_admin()] {
        let environment = Meter::default();
        world.app(|secret| secret.begin("v1"));
        let mut told = Vec::new();
        for step in Step::ALL {
            let line = succeeds(&world, &environment, step).await;
            assert_eq!(line["Step"], step.name());
            assert_eq!(line["SecretId"], "app-secret");
            told.push(names(&line));
        }
        let each = ["Duration", "Failures", "Changes"];
        let (age, end) = (["CredentialAge"], ["Rotations", "DeadPasswordTime"]);
        assert_eq!(
            told,
            [[&each[..], &age].concat(), each.into(), each.into(), [&each[..], &end].concat()]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_that_fails_after_the_change_tells_how_long_it_is_dead_so_far() {
    let world = World::single_user();
    let environment = Meter::default();
    world.app(|secret| secret.begin("v1"));
    for (step, call) in [(Step::Create, "PutSecretValue"), (Step::Set, "login app")] {
        assert_eq!(dead(&fails(&world, &environment, step, call).await), None, "{step}");
        succeeds(&world, &environment, step).await;
    }
    for (step, call) in [
        (Step::Test, "login app"),
        (Step::Create, "DescribeSecret"),
        (Step::Set, "GetSecretValue"),
        (Step::Finish, "UpdateSecretVersionStage"),
    ] {
        let line = fails(&world, &environment, step, call).await;
        assert!(dead(&line).is_some(), "{step}");
        assert_eq!(line["Outages"], 1);
    }
    let elsewhere = Meter::default();
    let line = fails(&world, &elsewhere, Step::Finish, "UpdateSecretVersionStage").await;
    assert_eq!((dead(&line).is_some(), &line["Outages"]), (true, &Value::from(1)));
    let end = succeeds(&world, &environment, Step::Finish).await;
    assert!(dead(&end).is_some());
    assert!(end.get("Outages").is_none());
    assert_eq!(dead(&fails(&world, &environment, Step::Finish, "DescribeSecret").await), None);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_end_nobody_knows_is_told_as_an_outage_until_a_retry_knows() {
    let world = World::single_user();
    let environment = Meter::default();
    world.app(|secret| secret.begin("v1"));
    succeeds(&world, &environment, Step::Create).await;
    for call in ["alter user", "DescribeSecret"] {
        let line = fails(&world, &environment, Step::Set, call).await;
        assert_eq!((dead(&line).is_some(), &line["Outages"]), (true, &Value::from(1)), "{call}");
    }
    assert_eq!(dead(&succeeds(&world, &environment, Step::Set).await), None);
    assert!(dead(&succeeds(&world, &environment, Step::Finish).await).is_some());
}

async fn never_dead<R: Fake>(world: World<R>) {
    let environment = Meter::default();
    world.app(|secret| secret.begin("v1"));
    for step in Step::ALL {
        assert_eq!(dead(&fails(&world, &environment, step, "DescribeSecret").await), None);
        if step == Step::Finish {
            let line = fails(&world, &Meter::default(), step, "UpdateSecretVersionStage").await;
            assert_eq!(dead(&line), None);
        }
        assert_eq!(dead(&succeeds(&world, &environment, step).await), None);
    }
    assert!(world.works(Label::Current));
    world.app(|secret| {
        secret.end();
        secret.age(24 * HOUR);
        secret.begin("v2");
    });
    // Each step in an environment that knows nothing.
    for step in Step::ALL {
        let (done, line) = taken(&world, &Meter::default(), step, "v2").await;
        done.unwrap();
        assert_eq!(dead(&line), None, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_old_credential_works_on_nothing_is_told_of_dead_ones() {
    never_dead(World::alternating_users()).await;
    never_dead(World::dual_password()).await;
    let keys = World::two_keys();
    keys.app(|secret| secret.age(24 * HOUR));
    never_dead(keys).await;
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_change_made_counts_from_when_the_version_was_created() {
    for world in [World::single_user(), World::single_user_with_admin()] {
        world.app(|secret| secret.begin("v1"));
        for step in [Step::Create, Step::Set] {
            succeeds(&world, &Meter::default(), step).await;
        }
        world.app(|secret| secret.age(2 * HOUR));
        let environment = Meter::default();
        for step in [Step::Create, Step::Set] {
            succeeds(&world, &environment, step).await;
        }
        let so_far = fails(&world, &environment, Step::Test, "login app").await;
        assert!(dead(&so_far).unwrap() >= HOUR);
        assert!(dead(&succeeds(&world, &environment, Step::Finish).await).unwrap() >= HOUR);
    }
}

#[tokio::test(start_paused = true)]
async fn who_makes_the_change_first_does_not_count_the_time_before() {
    for world in [World::single_user(), World::single_user_with_admin()] {
        let environment = Meter::default();
        world.app(|secret| secret.begin("v1"));
        succeeds(&world, &environment, Step::Create).await;
        world.app(|secret| secret.age(HOUR));
        for step in [Step::Set, Step::Test] {
            succeeds(&world, &environment, step).await;
        }
        assert!(dead(&succeeds(&world, &environment, Step::Finish).await).unwrap() < HOUR);
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_dead_before_the_rotation_counts_from_when_the_version_was_created() {
    let world = World::single_user();
    let environment = Meter::default();
    world.app(|secret| secret.begin("v1"));
    for step in [Step::Create, Step::Set] {
        succeeds(&world, &environment, step).await;
    }
    // Somebody gives it up there: the working password is on a version without a label.
    world.app(|secret| {
        secret.clear(Label::Pending);
        secret.begin("v2");
        secret.age(2 * HOUR);
    });
    for step in Step::ALL {
        let (done, line) = taken(&world, &environment, step, "v2").await;
        done.unwrap();
        if step == Step::Finish {
            assert!(dead(&line).unwrap() >= HOUR);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_environment_that_only_finishes_reads_the_version_once_and_after_the_move() {
    let world = World::single_user();
    world.app(|secret| secret.begin("v1"));
    for step in [Step::Create, Step::Set, Step::Test] {
        succeeds(&world, &Meter::default(), step).await;
    }
    world.app(|secret| secret.age(2 * HOUR));
    world.fuse.disarm();
    let line = succeeds(&world, &Meter::default(), Step::Finish).await;
    let calls = [
        "DescribeSecret app-secret",
        "UpdateSecretVersionStage app-secret",
        "GetSecretValue app-secret v1",
    ];
    assert_eq!(world.fuse.log(), calls);
    assert!(dead(&line).unwrap() >= HOUR);
}

#[tokio::test(start_paused = true)]
async fn what_metrics_cannot_read_fails_no_step() {
    for fault in [Fault::FailsBefore, Fault::NeverAnswers, Fault::IsThrottled] {
        let world = World::single_user();
        world.app(|secret| secret.begin("v1"));
        for step in [Step::Create, Step::Set, Step::Test] {
            succeeds(&world, &Meter::default(), step).await;
        }
        world.fuse.arm_at("GetSecretValue", fault);
        let began = tokio::time::Instant::now();
        let line = succeeds(&world, &Meter::default(), Step::Finish).await;
        assert_eq!(world.fuse.blown(), 1);
        assert!(began.elapsed() <= Duration::from_secs(3), "{fault:?}");
        assert_eq!((dead(&line), &line["Rotations"]), (None, &Value::from(1)));
        assert!(world.works(Label::Current));
    }
}

/// What one calm rotation calls, from here on.
async fn calls<R: Fake>(
    world: &World<R>,
    version: &str,
    environment: Option<&Meter>,
) -> Vec<String> {
    world.app(|secret| secret.begin(version));
    world.fuse.disarm();
    for step in Step::ALL {
        match environment {
            Some(environment) => taken(world, environment, step, version).await.0.unwrap(),
            None => world.step(step, version).await.unwrap(),
        };
    }
    world.app(turnlock::testing::Secret::end);
    world.fuse.log().into_iter().filter(|call| call.contains("Secret")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_rotation_in_one_environment_takes_no_call_more_for_its_metrics() {
    for (world, expected) in [
        (World::single_user(), 11),
        (World::dual_password(), 11),
        (World::single_user_with_admin(), 13),
        (World::alternating_users(), 13),
    ] {
        assert_eq!(calls(&world, "v1", None).await.len(), expected);
        let measured = calls(&world, "v2", Some(&Meter::default())).await;
        assert_eq!(measured.len(), expected, "{measured:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_whose_answer_got_lost_tells_nothing_since_somebody_else_can_have_made_it() {
    let world = World::single_user();
    let environment = Meter::default();
    world.app(|secret| secret.begin("v1"));
    for step in [Step::Create, Step::Set, Step::Test] {
        succeeds(&world, &environment, step).await;
    }
    world.fuse.arm_at("UpdateSecretVersionStage", Fault::LosesAnswer);
    let line = succeeds(&world, &environment, Step::Finish).await;
    assert_eq!(dead(&line), None);
    assert!(line.get("Rotations").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_current_credential_counts_from_the_later_of_its_dates() {
    let world = World::single_user();
    world.app(|secret| {
        secret.age(48 * HOUR);
        secret.begin("v1");
    });
    let age = |line: &Value| Duration::from_secs(line["CredentialAge"].as_u64().unwrap());
    let failed = fails(&world, &Meter::default(), Step::Create, "PutSecretValue").await;
    let made = succeeds(&world, &Meter::default(), Step::Create).await;
    let again = succeeds(&world, &Meter::default(), Step::Create).await;
    for line in [failed, made, again] {
        assert!(age(&line) >= 48 * HOUR && age(&line) < 49 * HOUR, "{line}");
    }
    world.app(|secret| secret.set_rotated(true));
    assert!(age(&succeeds(&world, &Meter::default(), Step::Create).await) < HOUR);
    world.app(|secret| secret.dates = Dates::Absent);
    let undated = succeeds(&world, &Meter::default(), Step::Create).await;
    assert!(undated.get("CredentialAge").is_none());
}

#[tokio::test(start_paused = true)]
async fn test_only_mode_is_a_step_like_others_and_nothing_is_dead() {
    let world = World::single_user();
    world.app(|secret| secret.begin_test("check"));
    let environment = Meter::default();
    for attempt in ["succeeds", "fails"] {
        if attempt == "fails" {
            world.fuse.arm_at("preflight", Fault::FailsBefore);
        }
        let (done, line) = taken(&world, &environment, Step::Test, "check").await;
        assert_eq!(done.is_ok(), attempt == "succeeds");
        assert_eq!(line["Failures"], u64::from(done.is_err()));
        assert_eq!((line["Step"].as_str(), dead(&line)), (Some("testSecret"), None));
    }
}
