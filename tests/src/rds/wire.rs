//! The AWS Query protocol: a form comes in, XML goes out.

use super::{Call, Cluster, Instance};

const NAMESPACE: &str = "http://rds.amazonaws.com/doc/2014-10-31/";
const REQUEST_ID: &str = "<RequestId>523e3218-afc7-11c3-90f5-f90431260ab4</RequestId>";

/// Reads a request: its form, and the region of its signature.
pub(super) fn call(signature: &str, body: &[u8]) -> Option<Call> {
    let form = String::from_utf8(body.to_vec()).ok()?;
    let field = |wanted: &str| {
        let mut fields = form.split('&').filter_map(|field| field.split_once('='));
        fields.find(|(name, _)| *name == wanted).map(|(_, value)| decode(value))
    };
    let action = field("Action")?;
    let identifier = match action.as_str() {
        "DescribeDBClusters" => field("DBClusterIdentifier")?,
        _ => field("DBInstanceIdentifier")?,
    };
    // Credential=KEY/DATE/REGION/rds/aws4_request
    let (_, credential) = signature.split_once("Credential=")?;
    let region = credential.split('/').nth(2)?.to_owned();
    Some(Call { action, identifier, region })
}

/// Percent-encoding undone.
fn decode(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// An error with its HTTP status.
pub(super) fn error(status: u16, code: &str) -> (u16, String) {
    refusal(status, code, "No.")
}

/// An error that says why.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> (u16, String) {
    let error = element("Type", "Sender") + &element("Code", code) + &element("Message", message);
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{error}</Error>{REQUEST_ID}</ErrorResponse>"
    );
    (status, body)
}

/// The answer to `DescribeDBInstances`.
pub(super) fn instance(instance: &Instance) -> String {
    let endpoint = instance.host.as_deref().map(|host| {
        let fields = element("Address", host) + &element("Port", &instance.port.to_string());
        format!("<Endpoint>{fields}<HostedZoneId>Z2R2ITUGPM61AM</HostedZoneId></Endpoint>")
    });
    let status = if instance.host.is_some() { "available" } else { "creating" };
    let mut fields = element("DBInstanceIdentifier", &instance.id)
        + &element("DBInstanceArn", &instance.arn())
        + &element("DBInstanceStatus", status)
        + &element("Engine", &instance.engine)
        + &endpoint.unwrap_or_default();
    for (name, value) in [
        ("DBClusterIdentifier", &instance.cluster),
        ("ReadReplicaSourceDBInstanceIdentifier", &instance.source),
        ("ReadReplicaSourceDBClusterIdentifier", &instance.source_cluster),
    ] {
        fields.extend(value.iter().map(|value| element(name, value)));
    }
    answer(
        "DescribeDBInstances",
        &format!("<DBInstances><DBInstance>{fields}</DBInstance></DBInstances>"),
    )
}

/// The answer to `DescribeDBClusters`.
pub(super) fn cluster(cluster: &Cluster) -> String {
    let member = |(id, writer): &(String, bool)| {
        let fields =
            element("DBInstanceIdentifier", id) + &element("IsClusterWriter", &writer.to_string());
        format!("<DBClusterMember>{fields}</DBClusterMember>")
    };
    let members: String = cluster.members.iter().map(member).collect();
    let custom: String = cluster.custom.iter().map(|host| element("member", host)).collect();
    let source = cluster.source.as_deref();
    let fields = element("DBClusterIdentifier", &cluster.id)
        + &element("DBClusterArn", &cluster.arn())
        + &element("Status", "available")
        + &element("Engine", &cluster.engine)
        + &element("Endpoint", &cluster.writer)
        + &element("ReaderEndpoint", &cluster.reader)
        + &element("Port", &cluster.port.to_string())
        + &source.map(|arn| element("ReplicationSourceIdentifier", arn)).unwrap_or_default();
    answer(
        "DescribeDBClusters",
        &format!(
            "<DBClusters><DBCluster>{fields}<CustomEndpoints>{custom}</CustomEndpoints>\
             <DBClusterMembers>{members}</DBClusterMembers></DBCluster></DBClusters>"
        ),
    )
}

fn answer(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata>{REQUEST_ID}</ResponseMetadata></{action}Response>"
    )
}

fn element(name: &str, value: &str) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;");
    format!("<{name}>{value}</{name}>")
}
