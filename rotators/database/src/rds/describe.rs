//! The two calls to Amazon RDS, and the facts that are taken from the answers.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use aws_sdk_rds::config::timeout::TimeoutConfig;
use aws_sdk_rds::config::{Builder, Region};
use aws_sdk_rds::error::ProvideErrorMetadata as _;
use aws_sdk_rds::types::{DbCluster, DbInstance};
use turnlock::TargetError;
use turnlock::aws::configuration;

use super::arn::{DatabaseArn, Kind};
use super::fault::failed;
use super::{ATTEMPTS, Endpoint, Rds};

/// The longest wait for an answer, over all attempts: a step asks on its way to a database.
const CALL: Duration = Duration::from_secs(10);

/// What RDS says of an instance or a cluster.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) database: Database,
    /// Where it listens; nowhere while it is being made.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) status: String,
}

/// One place that writes go to: an instance of its own, or a cluster.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) arn: DatabaseArn,
    /// What it is a replica of; of an instance in a cluster, the cluster.
    pub(super) source: Option<DatabaseArn>,
    pub(super) custom_endpoints: Vec<String>,
}

impl Rds {
    /// An instance or a cluster, or `None` where there is none.
    pub(super) async fn describe(
        &self,
        arn: &DatabaseArn,
    ) -> Result<Option<Described>, TargetError> {
        let (region, id) = (arn.region(), arn.as_str());
        Ok(match arn.kind() {
            Kind::Instance => self.instance(region, id).await?.and_then(Described::instance),
            Kind::Cluster => self.cluster(region, id).await?.and_then(Described::cluster),
        })
    }

    /// `DescribeDBInstances` of one instance, by its identifier or its ARN.
    pub(super) async fn instance(
        &self,
        region: &str,
        id: &str,
    ) -> Result<Option<DbInstance>, TargetError> {
        let call = self.client().await.describe_db_instances().db_instance_identifier(id);
        match call.customize().config_override(at(region)).send().await {
            Ok(answer) => Ok(answer.db_instances.unwrap_or_default().into_iter().next()),
            Err(error) if error.code() == Some("DBInstanceNotFound") => Ok(None),
            Err(error) => Err(failed("DescribeDBInstances", region, &error)),
        }
    }

    /// `DescribeDBClusters` of one cluster, by its identifier or its ARN.
    pub(super) async fn cluster(
        &self,
        region: &str,
        id: &str,
    ) -> Result<Option<DbCluster>, TargetError> {
        let call = self.client().await.describe_db_clusters().db_cluster_identifier(id);
        match call.customize().config_override(at(region)).send().await {
            Ok(answer) => Ok(answer.db_clusters.unwrap_or_default().into_iter().next()),
            Err(error) if error.code() == Some("DBClusterNotFoundFault") => Ok(None),
            Err(error) => Err(failed("DescribeDBClusters", region, &error)),
        }
    }

    async fn client(&self) -> &Client {
        let make = || async { client(&configuration(ATTEMPTS).load().await) };
        self.0.get_or_init(make).await
    }
}

/// A client with a bound on each call.
pub(super) fn client(config: &SdkConfig) -> Client {
    let bound = TimeoutConfig::builder().operation_timeout(CALL).build();
    Client::from_conf(Builder::from(config).timeout_config(bound).build())
}

/// RDS knows the databases of one region: those of the region that a host or an ARN names.
fn at(region: &str) -> Builder {
    Builder::new().region(Region::new(region.to_owned()))
}

impl Described {
    fn instance(instance: DbInstance) -> Option<Self> {
        let database = Database::of_instance(&instance)?;
        let address = address(&instance).map(str::to_owned);
        let port = instance.endpoint.and_then(|endpoint| endpoint.port);
        let endpoint = endpoint(instance.engine, address, port);
        Some(Self { database, endpoint, status: instance.db_instance_status.unwrap_or_default() })
    }

    fn cluster(cluster: DbCluster) -> Option<Self> {
        let database = Database::of_cluster(&cluster)?;
        let endpoint = endpoint(cluster.engine, cluster.endpoint, cluster.port);
        Some(Self { database, endpoint, status: cluster.status.unwrap_or_default() })
    }
}

impl Database {
    pub(super) fn of_instance(instance: &DbInstance) -> Option<Self> {
        let arn = DatabaseArn::parse(instance.db_instance_arn()?)?;
        let references = [
            (Kind::Cluster, instance.db_cluster_identifier()),
            (Kind::Instance, instance.read_replica_source_db_instance_identifier()),
            (Kind::Cluster, instance.read_replica_source_db_cluster_identifier()),
        ];
        let first = references.into_iter().find_map(|(kind, name)| Some((kind, name?)));
        let source = first.and_then(|(kind, name)| arn.refer(kind, name));
        Some(Self { arn, source, custom_endpoints: Vec::new() })
    }

    pub(super) fn of_cluster(cluster: &DbCluster) -> Option<Self> {
        let arn = DatabaseArn::parse(cluster.db_cluster_arn()?)?;
        let source = cluster.replication_source_identifier();
        let source = source.and_then(|name| arn.refer(Kind::Cluster, name));
        Some(Self { arn, source, custom_endpoints: cluster.custom_endpoints().to_owned() })
    }
}

/// The host name of an instance.
pub(super) fn address(instance: &DbInstance) -> Option<&str> {
    instance.endpoint()?.address()
}

/// Whether an instance is the one of its cluster that takes writes now.
pub(super) fn is_writer(instance: &DbInstance, cluster: &DbCluster) -> bool {
    let id = instance.db_instance_identifier();
    let mut writers =
        cluster.db_cluster_members().iter().filter(|m| m.is_cluster_writer == Some(true));
    id.is_some() && writers.any(|member| member.db_instance_identifier() == id)
}

fn endpoint(engine: Option<String>, host: Option<String>, port: Option<i32>) -> Option<Endpoint> {
    let port = u16::try_from(port?).ok().filter(|port| *port > 0)?;
    Some(Endpoint { engine: engine?, host: host?, port })
}
