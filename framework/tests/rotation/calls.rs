//! How much a calm rotation costs: calls, the waits between them, logins.

use turnlock::Step;

use crate::world::{Fake, World};

const DESCRIBE: &str = "DescribeSecret app-secret";
const PENDING: &str = "GetSecretValue app-secret v2";
const CURRENT: &str = "GetSecretValue app-secret AWSCURRENT";
const CURRENT_BY_ID: &str = "GetSecretValue app-secret v1";
const PREVIOUS: &str = "GetSecretValue app-secret AWSPREVIOUS";
const ADMIN: &str = "GetSecretValue admin-secret AWSCURRENT";
const PUT: &str = "PutSecretValue app-secret";
const PROMOTE: &str = "UpdateSecretVersionStage app-secret";

#[derive(Debug, Eq, PartialEq)]
struct Cost {
    vault_calls: usize,
    /// Calls that overlap are waited for once.
    waits: usize,
    logins: usize,
    rejected: usize,
}

fn is_vault(call: &str) -> bool {
    call.contains("Secret")
}

/// The second rotation, so that there is a previous version: what each step calls, and the sum.
async fn calm<R: Fake>(world: World<R>, expected: [(&[&str], usize); 4]) -> Cost {
    world.rotation("v1").await;
    world.app(|secret| {
        secret.end();
        secret.begin("v2");
    });
    let mut cost = Cost { vault_calls: 0, waits: 0, logins: 0, rejected: 0 };
    for (step, (calls, round_trips)) in Step::ALL.into_iter().zip(expected) {
        world.fuse.disarm();
        world.step(step, "v2").await.unwrap();
        let log = world.fuse.log();
        assert_eq!(log, calls, "{step}");
        assert_eq!(world.fuse.round_trips(), round_trips, "{step}");
        let count = |wanted: fn(&str) -> bool| log.iter().filter(|call| wanted(call)).count();
        cost.waits += round_trips;
        cost.vault_calls += count(is_vault);
        cost.logins += count(|call| call.starts_with("login"));
        cost.rejected += count(|call| call.starts_with("rejected"));
    }
    cost
}

const CREATE: (&[&str], usize) = (&[DESCRIBE, PENDING, CURRENT, PUT], 2);
const TEST: (&[&str], usize) = (&[DESCRIBE, PENDING, "login app", "preflight app"], 3);
const FINISH: (&[&str], usize) = (&[DESCRIBE, PROMOTE], 2);

#[tokio::test(start_paused = true)]
async fn a_single_user_takes_11_vault_calls_and_2_logins_in_10_waits_and_no_login_fails() {
    let set: (&[&str], usize) = (&[DESCRIBE, PENDING, CURRENT, "login app", "alter user"], 3);
    let cost = calm(World::single_user(), [CREATE, set, TEST, FINISH]).await;
    let expected = Cost { vault_calls: 11, waits: 10, logins: 2, rejected: 0 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn a_dual_password_takes_11_vault_calls_and_3_logins_in_11_waits_and_one_login_fails() {
    let tries = ["login app", "rejected app", "login app", "alter user"];
    let set = [&[DESCRIBE, PENDING, CURRENT][..], &tries].concat();
    let cost = calm(World::dual_password(), [CREATE, (&set, 4), TEST, FINISH]).await;
    let expected = Cost { vault_calls: 11, waits: 11, logins: 3, rejected: 1 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn an_admin_makes_it_13_vault_calls_and_2_logins_in_11_waits_and_no_login_fails() {
    let reads = [DESCRIBE, PENDING, CURRENT, ADMIN];
    let set = [&reads[..], &["login root", "alter user"]].concat();
    let test: &[&str] = &[DESCRIBE, PENDING, "login app", CURRENT_BY_ID, "close app"];
    let cost = calm(World::single_user_with_admin(), [CREATE, (&set, 4), (test, 3), FINISH]).await;
    let expected = Cost { vault_calls: 13, waits: 11, logins: 2, rejected: 0 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn alternating_users_take_13_vault_calls_and_3_logins_in_13_waits_and_no_login_fails() {
    let reads = [DESCRIBE, PENDING, CURRENT, ADMIN];
    let changes =
        ["login app_clone", "login root", "close app_clone", "look at user", "alter user"];
    let set = [&reads[..], &changes].concat();
    let test: &[&str] = &[DESCRIBE, PENDING, "login app", CURRENT_BY_ID, "compare app"];
    let cost = calm(World::alternating_users(), [CREATE, (&set, 6), (test, 3), FINISH]).await;
    let expected = Cost { vault_calls: 13, waits: 13, logins: 3, rejected: 0 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn overlapping_keys_take_12_vault_calls_and_5_logins_in_15_waits_and_no_login_fails() {
    // The last login of these is asked for by the rotator.
    let retire = [PREVIOUS, "login key", "login key", "delete", "login key"];
    let create = [&[DESCRIBE, PENDING, CURRENT][..], &retire, &["list", "mint", PUT]].concat();
    let set: &[&str] = &[DESCRIBE, PENDING, CURRENT, "login key"];
    let test: &[&str] = &[DESCRIBE, PENDING, "login key"];
    let cost = calm(World::two_keys(), [(&create, 9), (set, 2), (test, 2), FINISH]).await;
    let expected = Cost { vault_calls: 12, waits: 15, logins: 5, rejected: 0 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn overlapping_keys_with_an_admin_read_its_secret_once_in_create_secret() {
    let retire = [PREVIOUS, "login key", "login key", ADMIN, "login key", "delete", "login key"];
    let create = [&[DESCRIBE, PENDING, CURRENT][..], &retire, &["list", "mint", PUT]].concat();
    let set: &[&str] = &[DESCRIBE, PENDING, CURRENT, ADMIN, "login key"];
    let test: &[&str] = &[DESCRIBE, PENDING, "login key", CURRENT_BY_ID];
    let steps = [(&create[..], 11), (set, 3), (test, 2), FINISH];
    let cost = calm(World::keys_with_admin(2), steps).await;
    let expected = Cost { vault_calls: 15, waits: 18, logins: 6, rejected: 0 };
    assert_eq!(cost, expected);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_already_done_takes_one_round_trip() {
    let world = World::single_user();
    world.rotation("v1").await;
    for step in Step::ALL {
        world.fuse.disarm();
        world.step(step, "v1").await.unwrap();
        assert_eq!(world.fuse.round_trips(), 1, "{step}");
        assert!(world.fuse.log().iter().all(|call| is_vault(call)), "{step}");
    }
}
