//! A fail-over in the middle of a rotation: the endpoint leads to another server from one step to the next.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use turnlock_local::Hook;
use turnlock_tests::alias::Alias;
use turnlock_tests::amazon::{Amazon, CLUSTER_TAG, server};
use turnlock_tests::faults::ClosedPort;
use turnlock_tests::postgres::{Server, Version};
use turnlock_tests::rds::{Cluster, REGION, host};
use turnlock_tests::world::FIRST_PASSWORD;

const STRATEGIES: [&str; 2] = ["alternating-users", "single-user"];

/// A cluster whose writer's endpoint leads to one server, and then to its standby.
struct Failover {
    amazon: Amazon,
    standby: Server,
    endpoint: Alias,
}

impl Failover {
    async fn prepare(version: Version, strategy: &str) -> Self {
        let cluster = Cluster::new("shop", "one", &["two"]);
        let primary = server(version, std::slice::from_ref(&cluster.writer)).await;
        let standby = Server::standby_of(&primary).await;
        let endpoint = Alias::of(primary.port());
        let cluster = Cluster { port: endpoint.port(), ..cluster };
        let at = (cluster.writer.as_str(), cluster.port);
        let edit = |secret: &mut serde_json::Value| {
            secret["rotation"] = json!({"strategy": strategy});
        };
        let amazon = Amazon::with(primary, at, edit).await;
        amazon.tag(CLUSTER_TAG, &cluster.arn());
        amazon.rds.put_cluster(cluster);
        Self { amazon, standby, endpoint }
    }

    /// The endpoint, as errors name it.
    fn address(&self) -> String {
        format!("{}:{}", host("shop", "cluster-", REGION), self.endpoint.port())
    }

    /// Leads to this port from this step on.
    fn begin_before(&self, step: &'static str, port: u16) {
        let endpoint = self.endpoint.clone();
        let switch = Hook::new(move |context| {
            if context.step == step {
                endpoint.lead_to(port);
            }
            std::future::ready(())
        });
        self.amazon.world.local.set_knobs(|knobs| knobs.before_step = Some(switch));
    }

    /// Whoever is current logs in at the server that the endpoint leads to by now.
    async fn current_works(&self) -> bool {
        let secret = self.amazon.world.document("AWSCURRENT");
        let text = |field: &str| secret[field].as_str().expect("a text").to_owned();
        self.standby.can_log_in(&text("username"), &text("password"), "postgres").await
    }

    /// The standby takes over, and the retry rotates there.
    async fn ends_and_a_retry_succeeds(&self) {
        self.standby.promote().await;
        self.amazon.retry().await;
        assert_ne!(self.amazon.world.password("AWSCURRENT"), FIRST_PASSWORD);
        assert!(self.current_works().await);
    }
}

#[tokio::test]
async fn an_endpoint_that_leads_to_a_standby_is_told_before_anything_changes() {
    for version in Version::ALL {
        for strategy in STRATEGIES {
            let failover = Failover::prepare(version, strategy).await;
            failover.begin_before("setSecret", failover.standby.port());
            let error = failover.amazon.world.rotate_failing().await;
            let address = failover.address();
            let words = [&address, "is a replica or takes no writes", "the writer's endpoint"];
            error.assert_is("setSecret", "read-only", &words);
            assert!(failover.current_works().await, "{strategy}");

            failover.ends_and_a_retry_succeeds().await;
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_leads_nowhere_for_a_while_is_told_as_such() {
    for strategy in STRATEGIES {
        let failover = Failover::prepare(Version::Distribution, strategy).await;
        let nowhere = ClosedPort::start();
        failover.begin_before("setSecret", nowhere.port());
        let error = failover.amazon.world.rotate_failing().await;
        error.assert_is("setSecret", "tcp", &[&failover.address()]);
        assert!(failover.current_works().await, "{strategy}");

        failover.begin_before("createSecret", failover.standby.port());
        failover.ends_and_a_retry_succeeds().await;
    }
}

#[tokio::test]
async fn a_change_that_is_lost_by_the_fail_over_is_made_again_by_the_retry() {
    for version in Version::ALL {
        for strategy in STRATEGIES {
            let failover = Failover::prepare(version, strategy).await;
            failover.standby.cut_off().await;
            failover.begin_before("testSecret", failover.standby.port());
            let error = failover.amazon.world.rotate().await.expect_err("the change is lost");
            error.assert_is("testSecret", "auth-rejected", &["rejects the password of app"]);
            assert!(failover.current_works().await, "{strategy}");

            failover.ends_and_a_retry_succeeds().await;
        }
    }
}

#[tokio::test]
async fn a_change_that_the_standby_has_survives_the_fail_over() {
    for strategy in STRATEGIES {
        let failover = Failover::prepare(Version::Distribution, strategy).await;
        let primary = &failover.amazon.world.server;
        let (endpoint, port) = (failover.endpoint.clone(), failover.standby.port());
        let standby = &failover.standby;
        // createSecret and setSecret by one server, testSecret and finishSecret by the other.
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let (resume, resumed) = tokio::sync::watch::channel(false);
        let hook = Hook::new(move |context| {
            let (tell, mut resumed) = (tell.clone(), resumed.clone());
            async move {
                if context.step == "testSecret" {
                    tell.send(()).expect("the test listens");
                    resumed.wait_for(|resumed| *resumed).await.expect("the test goes on");
                }
            }
        });
        failover.amazon.world.local.set_knobs(|knobs| knobs.before_step = Some(hook));
        let fail_over = async {
            told.recv().await.expect("testSecret is about to begin");
            let end = primary.query_one("SELECT pg_current_wal_flush_lsn()").await;
            standby.wait_until(&format!("pg_last_wal_replay_lsn() >= '{end}'")).await;
            standby.promote().await;
            endpoint.lead_to(port);
            resume.send(true).expect("the hook listens");
        };
        let (rotated, ()) = tokio::join!(failover.amazon.world.rotate(), fail_over);
        rotated.expect("the rotation succeeds");
        assert_ne!(failover.amazon.world.password("AWSCURRENT"), FIRST_PASSWORD);
        assert!(failover.current_works().await, "{strategy}");
    }
}
