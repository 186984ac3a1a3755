//! Where databases are and which is a replica of which, asked of a stand-in for Amazon RDS.

#![expect(clippy::expect_used, reason = "what cannot be set up fails the test that needs it")]

use std::process::Command;
use std::time::{Duration, Instant};

use aws_config::Region;
use aws_sdk_rds::config::Credentials;
use turnlock::aws::configuration;
use turnlock::{Class, TargetError};
use turnlock_database::{DatabaseArn, Endpoint, Rds, Relation};
use turnlock_tests::faults::ClosedPort;
use turnlock_tests::rds::{AmazonRds, Call, Cluster, Fault, Instance, REGION, host};

const FAR: &str = "eu-west-1";
/// As the rotators have it.
const ATTEMPTS: u32 = 4;
/// Set where a test has started itself again, to see another environment.
const AGAIN: &str = "TURNLOCK_TEST_RUNS_AGAIN";

async fn at(endpoint: &str) -> Rds {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = configuration(ATTEMPTS)
        .region(Region::new(REGION))
        .credentials_provider(credentials)
        .endpoint_url(endpoint);
    Rds::with_config(&config.load().await)
}

async fn endpoint(server: &AmazonRds, arn: &str) -> Result<Endpoint, TargetError> {
    let arn = DatabaseArn::parse(arn).expect("an ARN");
    at(server.endpoint()).await.endpoint(&arn).await
}

async fn relation(server: &AmazonRds, host: &str, primary: &str) -> Relation {
    at(server.endpoint()).await.relation(host, primary).await.expect("RDS answers")
}

fn instance(id: &str) -> String {
    host(id, "", REGION)
}

fn of(source: &str, replica: &str) -> Instance {
    Instance { source: Some(source.to_owned()), ..Instance::new(replica) }
}

/// An Aurora cluster `shop` of a writer `one` and a reader `two`, and another cluster beside it.
fn aurora() -> AmazonRds {
    let server = AmazonRds::start();
    let custom = vec![host("reports", "cluster-custom-", REGION)];
    server.put_cluster(Cluster { custom, ..Cluster::new("shop", "one", &["two"]) });
    server.put_cluster(Cluster::new("other", "other-one", &["other-two"]));
    server
}

#[tokio::test]
async fn an_instance_is_found_by_its_arn_in_its_own_region() {
    let server = AmazonRds::start();
    let far = Instance { port: 6432, ..Instance::within(FAR, "shop") };
    server.put_instance(Instance::new("shop"));
    server.put_instance(far.clone());
    let found = endpoint(&server, &far.arn()).await.expect("it is there");
    let host = host("shop", "", FAR);
    assert_eq!(found, Endpoint { engine: "postgres".into(), host, port: 6432 });
    let call = |region: &str, identifier| Call {
        action: "DescribeDBInstances".into(),
        identifier,
        region: region.into(),
    };
    assert_eq!(server.take_calls(), [call(FAR, far.arn())]);
}

#[tokio::test]
async fn a_cluster_is_found_by_its_arn_at_its_writer() {
    let server = aurora();
    let arn = Cluster::new("shop", "one", &[]).arn();
    let found = endpoint(&server, &arn).await.expect("it is there");
    let host = host("shop", "cluster-", REGION);
    assert_eq!(found, Endpoint { engine: "aurora-postgresql".into(), host, port: 5432 });
}

#[tokio::test]
async fn a_database_that_is_gone_or_being_made_is_refused_with_the_reason() {
    let server = AmazonRds::start();
    server.put_instance(Instance { host: None, ..Instance::new("new") });
    let gone = Instance::new("gone").arn();
    let cases = [
        (Instance::new("new").arn(), "has no endpoint yet; its status is creating"),
        (gone.replace(":db:", ":cluster:"), "Amazon RDS has no arn:aws:rds:"),
        (gone, "Amazon RDS has no arn:aws:rds:"),
    ];
    for (arn, reason) in cases {
        let error = endpoint(&server, &arn).await.expect_err("there is no endpoint");
        assert_eq!(error.class(), Class::Refused);
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().contains(&arn), "{error}");
    }
}

#[tokio::test]
async fn a_read_replica_is_one_in_one_direction() {
    let server = AmazonRds::start();
    server.put_instance(Instance::new("shop"));
    server.put_instance(of("shop", "copy"));
    let (shop, copy) = (instance("shop"), instance("copy"));
    assert_eq!(relation(&server, &copy, &shop).await, Relation::Replica);
    assert_eq!(server.take_calls().len(), 2, "both at once, and nothing after");
    assert_eq!(relation(&server, &shop, &copy).await, Relation::Unrelated);
}

#[tokio::test]
async fn a_replica_of_a_replica_is_one_up_to_a_bound() {
    let server = AmazonRds::start();
    server.put_instance(Instance::new("a"));
    for pair in ["ab", "bc", "cd", "de", "ef", "fg"] {
        let (source, replica) = pair.split_at(1);
        server.put_instance(of(source, replica));
    }
    for (replica, expected) in
        [("c", Relation::Replica), ("f", Relation::Replica), ("g", Relation::Unrelated)]
    {
        assert_eq!(relation(&server, &instance(replica), &instance("a")).await, expected);
    }
}

#[tokio::test]
async fn replicas_that_go_round_in_a_circle_come_to_an_end() {
    let server = AmazonRds::start();
    server.put_instance(Instance::new("shop"));
    server.put_instance(of("b", "a"));
    server.put_instance(of("a", "b"));
    assert_eq!(relation(&server, &instance("a"), &instance("shop")).await, Relation::Unrelated);
}

#[tokio::test]
async fn a_replica_in_another_region_is_found_there() {
    let server = AmazonRds::start();
    server.put_instance(Instance::new("shop"));
    let arn = Instance::new("shop").arn();
    let copy = |id, source: &str| Instance {
        source: Some(source.to_owned()),
        ..Instance::within(FAR, id)
    };
    server.put_instance(copy("copy", &arn));
    server.put_instance(copy("second", "copy"));
    server.put_instance(copy("stranger", &arn.replace(":shop", ":another")));
    // Of the same name, but where the function is.
    server.put_instance(Instance::new("copy"));
    let shop = instance("shop");
    for (id, expected) in [
        ("copy", Relation::Replica),
        ("second", Relation::Replica),
        ("stranger", Relation::Unrelated),
    ] {
        assert_eq!(relation(&server, &host(id, "", FAR), &shop).await, expected, "{id}");
    }
    assert_eq!(relation(&server, &instance("copy"), &shop).await, Relation::Unrelated);
}

#[tokio::test]
async fn readers_of_a_cluster_are_replicas_whichever_name_the_admin_has() {
    let server = aurora();
    let reader = host("shop", "cluster-ro-", REGION);
    let custom = host("reports", "cluster-custom-", REGION);
    for primary in [host("shop", "cluster-", REGION), instance("one")] {
        for replica in [&reader, &custom, &instance("two")] {
            let found = relation(&server, replica, &primary).await;
            assert_eq!(found, Relation::Replica, "{replica} of {primary}");
        }
        for other in [host("other", "cluster-ro-", REGION), instance("other-two")] {
            let found = relation(&server, &other, &primary).await;
            assert_eq!(found, Relation::Unrelated, "{other} of {primary}");
        }
    }
    let other = host("other", "cluster-", REGION);
    assert_eq!(relation(&server, &custom, &other).await, Relation::Unrelated);
}

#[tokio::test]
async fn the_writer_of_a_cluster_is_no_replica_until_another_takes_over() {
    let server = aurora();
    let (shop, one, two) = (host("shop", "cluster-", REGION), instance("one"), instance("two"));
    assert_eq!(relation(&server, &one, &shop).await, Relation::Same);
    assert_eq!(relation(&server, &shop, &one).await, Relation::Same);
    server.put_cluster(Cluster::new("shop", "two", &["one"]));
    assert_eq!(relation(&server, &one, &shop).await, Relation::Replica);
    assert_eq!(relation(&server, &two, &shop).await, Relation::Same);
}

#[tokio::test]
async fn instances_and_clusters_can_be_replicas_of_each_other() {
    let server = aurora();
    let shop = host("shop", "cluster-", REGION);
    let source_cluster = Some("shop".to_owned());
    server.put_instance(Instance { source_cluster, ..Instance::new("copy") });
    assert_eq!(relation(&server, &instance("copy"), &shop).await, Relation::Replica);
    server.put_instance(Instance::new("old"));
    let source = Some(Instance::new("old").arn());
    server.put_cluster(Cluster { source, ..Cluster::new("new", "new-one", &["new-two"]) });
    for replica in [host("new", "cluster-", REGION), instance("new-one"), instance("new-two")] {
        let found = relation(&server, &replica, &instance("old")).await;
        assert_eq!(found, Relation::Replica, "{replica}");
    }
}

#[tokio::test]
async fn a_host_that_only_looks_like_a_replica_is_not_trusted() {
    let server = aurora();
    server.put_instance(Instance::new("old"));
    server.put_instance(of("old", "copy"));
    let old = instance("old");
    let shop = host("shop", "cluster-", REGION);
    for (host, primary) in [
        (instance("copy").replace("localhost", "example.com"), &old),
        (instance("copy").replace(".c9", ".d9"), &old),
        (instance("two").replace(".c9", ".d9"), &shop),
        (shop.replace("-c9", "-d9"), &shop),
        (shop.replace("cluster-", "cluster-ro-").replace("localhost", "example.com"), &shop),
        (host("reports", "cluster-custom-", REGION).replace("-c9", "-d9"), &shop),
        // What is a cluster's is no instance's, and the other way round.
        (instance("shop"), &shop),
        (host("two", "cluster-ro-", REGION), &shop),
    ] {
        assert_eq!(relation(&server, &host, primary).await, Relation::Unrelated, "{host}");
        assert_eq!(relation(&server, primary, &host).await, Relation::Unrelated, "{host}");
    }
}

#[tokio::test]
async fn a_host_name_is_the_same_in_any_case_and_with_a_dot() {
    let server = aurora();
    let (shop, two) = (host("shop", "cluster-", REGION), instance("two"));
    let found = relation(&server, &format!("{}.", two.to_uppercase()), &shop.to_uppercase()).await;
    assert_eq!(found, Relation::Replica);
    server.take_calls();
    assert_eq!(relation(&server, &two.to_uppercase(), &format!("{two}.")).await, Relation::Same);
    assert_eq!(server.take_calls(), []);
}

#[tokio::test]
async fn rds_is_not_asked_about_hosts_that_are_not_its_own() {
    let server = AmazonRds::start();
    server.fail(Fault::AccessDenied);
    let shop = instance("shop");
    for (host, primary) in [("db.example.com", shop.as_str()), (&shop, "10.0.0.1")] {
        assert_eq!(relation(&server, host, primary).await, Relation::Unrelated);
    }
    assert_eq!(server.take_calls(), []);
}

#[tokio::test]
async fn what_rds_does_not_answer_is_told_by_its_class() {
    let (instance, cluster) = (Instance::new("shop").arn(), Cluster::new("shop", "one", &[]).arn());
    for (fault, class, calls, words) in [
        (Fault::AccessDenied, Class::Permission, 1, "role may not rds:"),
        (Fault::Throttling, Class::Throttled, 4, "throttled"),
        (Fault::Nonsense, Class::Unexpected, 1, "failed"),
    ] {
        for (arn, operation) in
            [(&instance, "DescribeDBInstances"), (&cluster, "DescribeDBClusters")]
        {
            let server = AmazonRds::start();
            server.fail(fault);
            let error = endpoint(&server, arn).await.expect_err("RDS does not answer");
            let text = error.to_string();
            assert_eq!(error.class(), class, "{text}");
            assert!(text.contains(words) && text.contains(operation), "{text}");
            assert!(!text.contains("No."), "the message of RDS is in {text}");
            assert_eq!(server.take_calls().len(), calls, "{text}");
        }
    }
}

#[tokio::test]
async fn an_error_while_looking_for_replicas_is_no_verdict() {
    let server = AmazonRds::start();
    server.fail(Fault::AccessDenied);
    let rds = at(server.endpoint()).await;
    let found = rds.relation(&instance("copy"), &host("shop", "cluster-", REGION)).await;
    assert_eq!(found.expect_err("RDS does not answer").class(), Class::Permission);
}

#[tokio::test]
async fn an_rds_that_cannot_be_reached_is_told_with_the_way_to_it() {
    let port = ClosedPort::start();
    let rds = at(&format!("http://127.0.0.1:{}", port.port())).await;
    let arn = DatabaseArn::parse(&Instance::new("shop").arn()).expect("an ARN");
    let error = rds.endpoint(&arn).await.expect_err("nobody is there");
    assert_eq!(error.class(), Class::Tcp, "{error}");
    assert!(error.to_string().contains("com.amazonaws.us-east-1.rds or a NAT gateway"), "{error}");
}

#[tokio::test]
async fn an_rds_that_is_silent_is_waited_for_ten_seconds_at_most() {
    let server = AmazonRds::start();
    server.fail(Fault::Silence);
    let began = Instant::now();
    let error = endpoint(&server, &Instance::new("shop").arn()).await.expect_err("it is silent");
    assert_eq!(error.class(), Class::Timeout, "{error}");
    assert!(error.to_string().contains("DescribeDBInstances"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_endpoint_of_rds_alone_can_be_set_by_the_environment() {
    let arn = Instance::new("shop").arn();
    if std::env::var_os(AGAIN).is_some() {
        let arn = DatabaseArn::parse(&arn).expect("an ARN");
        let found = Rds::new().endpoint(&arn).await.expect("it is there");
        assert_eq!(found.host, instance("shop"));
        return;
    }
    let (server, others) = (AmazonRds::start(), ClosedPort::start());
    server.put_instance(Instance::new("shop"));
    let again = Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", "endpoints::the_endpoint_of_rds_alone_can_be_set_by_the_environment"])
        .env(AGAIN, "1")
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", others.port()))
        .env("AWS_ENDPOINT_URL_RDS", server.endpoint())
        .output()
        .expect("a program that runs");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    assert_eq!(server.take_calls().len(), 1);
}
