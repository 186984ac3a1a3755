//! The databases of an account.

/// The account that has all of them.
pub const ACCOUNT: &str = "123456789012";
/// The region that they are in unless a test says otherwise.
pub const REGION: &str = "us-east-1";
/// The part of a host name that an account has in a region.
const HASH: &str = "c9akciq32rgv";

/// A DB instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// `DBInstanceIdentifier`.
    pub id: String,
    /// Where it is.
    pub region: String,
    /// `Engine`.
    pub engine: String,
    /// `Endpoint.Address`; none while it is being made.
    pub host: Option<String>,
    /// `Endpoint.Port`.
    pub port: u16,
    /// `DBClusterIdentifier`.
    pub cluster: Option<String>,
    /// `ReadReplicaSourceDBInstanceIdentifier`: an identifier, or an ARN of another region.
    pub source: Option<String>,
    /// `ReadReplicaSourceDBClusterIdentifier`.
    pub source_cluster: Option<String>,
}

/// A DB cluster, of Aurora or Multi-AZ.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// `DBClusterIdentifier`.
    pub id: String,
    /// Where it is.
    pub region: String,
    /// `Engine`.
    pub engine: String,
    /// `Endpoint`.
    pub writer: String,
    /// `ReaderEndpoint`.
    pub reader: String,
    /// `CustomEndpoints`.
    pub custom: Vec<String>,
    /// `Port`.
    pub port: u16,
    /// `DBClusterMembers`: identifiers, and whether each is the writer.
    pub members: Vec<(String, bool)>,
    /// `ReplicationSourceIdentifier`: an ARN.
    pub source: Option<String>,
}

/// The host name of a database: `prefix` is empty for an instance, else `cluster-`, `cluster-ro-`, `cluster-custom-`.
///
/// Under `localhost` instead of AWS's domain, so that a test's own server can answer.
pub fn host(id: &str, prefix: &str, region: &str) -> String {
    format!("{id}.{prefix}{HASH}.{region}.rds.localhost")
}

impl Instance {
    /// A PostgreSQL server of its own, in [`REGION`].
    pub fn new(id: &str) -> Self {
        Self::within(REGION, id)
    }

    /// A PostgreSQL server of its own, in a region.
    pub fn within(region: &str, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            engine: "postgres".to_owned(),
            host: Some(host(id, "", region)),
            port: 5432,
            cluster: None,
            source: None,
            source_cluster: None,
        }
    }

    /// `DBInstanceArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:db:{}", self.region, self.id)
    }
}

impl Cluster {
    /// An Aurora PostgreSQL cluster in [`REGION`]: a writer and any number of readers.
    pub fn new(id: &str, writer: &str, readers: &[&str]) -> Self {
        let members = [(writer.to_owned(), true)].into_iter();
        Self {
            id: id.to_owned(),
            region: REGION.to_owned(),
            engine: "aurora-postgresql".to_owned(),
            writer: host(id, "cluster-", REGION),
            reader: host(id, "cluster-ro-", REGION),
            custom: Vec::new(),
            port: 5432,
            members: members.chain(readers.iter().map(|id| ((*id).to_owned(), false))).collect(),
            source: None,
        }
    }

    /// `DBClusterArn`.
    pub fn arn(&self) -> String {
        format!("arn:aws:rds:{}:{ACCOUNT}:cluster:{}", self.region, self.id)
    }

    pub(super) fn member(&self, id: &str) -> Instance {
        Instance {
            engine: self.engine.clone(),
            port: self.port,
            cluster: Some(self.id.clone()),
            ..Instance::within(&self.region, id)
        }
    }
}
