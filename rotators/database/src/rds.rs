//! Amazon RDS, asked only where a secret leaves open where its database is.

use aws_config::SdkConfig;
use aws_sdk_rds::Client;
use tokio::sync::OnceCell;
use turnlock::{AdminSecret, Class, Document, Edit, Sensitive, TargetError};

use crate::Server;

mod arn;
mod describe;
mod fault;
mod host;

pub use arn::DatabaseArn;
use describe::{Database, Described, address, client, is_writer};
use host::{Host, HostKind, same};

const ATTEMPTS: u32 = 4;
/// Replicas of replicas of replicas are as far as RDS goes; there is room for more.
const LONGEST_CHAIN: usize = 5;

/// Amazon RDS over the AWS SDK.
///
/// The client is made when it is first needed, which it never is for most secrets: a cold start does not pay
/// for it.
#[derive(Debug, Default)]
pub struct Rds(OnceCell<Client>);

/// Where a database listens, and what it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// `postgres`, `aurora-mysql` and so on, as RDS names it.
    pub engine: String,
    /// The instance, or the writer of the cluster.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What one host is to the database at another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Relation {
    /// The same database by another name, such as the instance that is the cluster's writer now.
    Same,
    /// It shows what is written there: a read replica at any remove, a reader, a custom endpoint.
    Replica,
    /// It is nothing to it, as far as RDS knows.
    Unrelated,
}

/// What a host is to its own database.
#[derive(Clone, Copy, Debug)]
enum Role {
    Writer,
    Reader,
}

impl Rds {
    /// Takes region, credentials and endpoint from the environment, as every AWS SDK does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes everything from a configuration.
    pub fn with_config(config: &SdkConfig) -> Self {
        Self(OnceCell::new_with(Some(client(config))))
    }

    /// An admin's secret, with engine, host and port of its database where Amazon RDS manages it and so leaves
    /// them out; `None` where there is nothing to complete.
    ///
    /// # Errors
    ///
    /// Those of [`AdminSecret::tags`] and [`endpoint`](Self::endpoint).
    pub async fn complete(&self, secret: AdminSecret<'_>) -> Result<Option<Document>, TargetError> {
        let document = secret.document();
        if document.optional_string("host")?.is_some() {
            return Ok(None);
        }
        let Some(arn) = DatabaseArn::of_secret(&secret.tags().await?) else { return Ok(None) };
        let Endpoint { engine, host, port } = self.endpoint(&arn).await?;
        let place = Edit::new()
            .set("engine", Sensitive::new(engine))
            .set("host", Sensitive::new(host))
            .set("port", Sensitive::new(port.to_string()));
        Ok(Some(document.edited(&place)?))
    }

    /// Whether what is changed at the admin's server reaches the current one's.
    ///
    /// # Errors
    ///
    /// Those of [`relation`](Self::relation).
    pub async fn replicates(&self, admin: &Server, current: &Server) -> Result<bool, TargetError> {
        Ok(match self.relation(&current.host, &admin.host).await? {
            Relation::Replica => true,
            // A server at another port of the host is another server.
            Relation::Same => admin.port == current.port,
            Relation::Unrelated => false,
        })
    }

    /// Where an instance listens, or the writer of a cluster: `DescribeDBInstances` or `DescribeDBClusters`.
    ///
    /// # Errors
    ///
    /// Class `refused` where there is no such database, or it has no endpoint yet; else the class of a call
    /// that failed: `permission`, `throttled`, `timeout`, `tcp`.
    pub async fn endpoint(&self, arn: &DatabaseArn) -> Result<Endpoint, TargetError> {
        let refused = |text| Err(TargetError::new(Class::Refused, text));
        match self.describe(arn).await? {
            Some(Described { endpoint: Some(endpoint), .. }) => Ok(endpoint),
            Some(Described { status, .. }) => {
                refused(format!("{arn} has no endpoint yet; its status is {status}"))
            }
            None => refused(format!("Amazon RDS has no {arn}; was it deleted or renamed?")),
        }
    }

    /// What the database at `host` is to the database at `primary`, both names of hosts.
    ///
    /// Names that do not look like Amazon RDS's are not asked about, and a name counts only if RDS describes
    /// a database with just this address: a look-alike is related to nothing. `primary` may be any endpoint
    /// of its cluster but a custom one. Global databases are not followed from region to region.
    ///
    /// # Errors
    ///
    /// The class of a call that failed: `permission`, `throttled`, `timeout`, `tcp`. Not knowing is never
    /// [`Relation::Unrelated`].
    pub async fn relation(&self, host: &str, primary: &str) -> Result<Relation, TargetError> {
        if same(host, primary) {
            return Ok(Relation::Same);
        }
        let (Some(host), Some(primary)) = (Host::parse(host), Host::parse(primary)) else {
            return Ok(Relation::Unrelated);
        };
        let (found, primary) = tokio::try_join!(self.find(&host), self.find(&primary))?;
        let Some((primary, _)) = primary else { return Ok(Relation::Unrelated) };
        if primary.custom_endpoints.iter().any(|address| host.is(Some(address))) {
            return Ok(Relation::Replica);
        }
        match found {
            Some((database, Role::Writer)) if database.arn == primary.arn => Ok(Relation::Same),
            Some((database, Role::Reader)) if database.arn == primary.arn => Ok(Relation::Replica),
            Some((database, _)) => self.follow(database, &primary.arn).await,
            None => Ok(Relation::Unrelated),
        }
    }

    /// Goes from replica to source until it comes to the primary.
    async fn follow(
        &self,
        replica: Database,
        primary: &DatabaseArn,
    ) -> Result<Relation, TargetError> {
        let mut next = replica.source;
        for _ in 0..LONGEST_CHAIN {
            let Some(source) = next else { return Ok(Relation::Unrelated) };
            if source == *primary {
                return Ok(Relation::Replica);
            }
            next = self.describe(&source).await?.and_then(|described| described.database.source);
        }
        Ok(Relation::Unrelated)
    }

    /// The database that has a host, and what the host is to it; `None` where RDS describes none.
    async fn find(&self, host: &Host) -> Result<Option<(Database, Role)>, TargetError> {
        let (region, identifier) = (&host.region, &host.identifier);
        match host.kind {
            HostKind::Instance => {
                let instance = self.instance(region, identifier).await?;
                let Some(instance) = instance.filter(|found| host.is(address(found))) else {
                    return Ok(None);
                };
                let Some(cluster) = instance.db_cluster_identifier() else {
                    return Ok(Database::of_instance(&instance).map(|found| (found, Role::Writer)));
                };
                let Some(cluster) = self.cluster(region, cluster).await? else { return Ok(None) };
                let role = if is_writer(&instance, &cluster) { Role::Writer } else { Role::Reader };
                Ok(Database::of_cluster(&cluster).map(|found| (found, role)))
            }
            HostKind::Writer | HostKind::Reader => {
                let cluster = self.cluster(region, identifier).await?;
                Ok(cluster.and_then(|cluster| {
                    let role = if host.is(cluster.endpoint()) {
                        Role::Writer
                    } else if host.is(cluster.reader_endpoint()) {
                        Role::Reader
                    } else {
                        return None;
                    };
                    Some((Database::of_cluster(&cluster)?, role))
                }))
            }
            // Its name says nothing of its cluster.
            HostKind::Custom => Ok(None),
        }
    }
}
