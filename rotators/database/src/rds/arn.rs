//! Names of databases that hold in all of AWS.

use std::fmt;

const TAGS: [&str; 2] = ["aws:rds:primarydbinstancearn", "aws:rds:primarydbclusterarn"];

/// The ARN of a DB instance or of a DB cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DatabaseArn {
    text: String,
    kind: Kind,
    region: String,
    /// Up to the resource: `arn:PARTITION:rds:REGION:ACCOUNT`.
    account: String,
}

/// What there is to describe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Instance,
    Cluster,
}

impl Kind {
    fn resource(self) -> &'static str {
        match self {
            Self::Instance => "db",
            Self::Cluster => "cluster",
        }
    }
}

impl DatabaseArn {
    /// The database whose admin's password Amazon RDS keeps in a secret, by the secret's tags (key, value).
    ///
    /// RDS writes `aws:rds:primaryDBInstanceArn` or `aws:rds:primaryDBClusterArn`; nobody else can, since tags
    /// of `aws:` are AWS's own.
    pub fn of_secret(tags: &[(String, String)]) -> Option<Self> {
        let ours = |key: &str| TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(key));
        tags.iter().find(|(key, _)| ours(key)).and_then(|(_, value)| Self::parse(value))
    }

    /// Reads `arn:PARTITION:rds:REGION:ACCOUNT:db:IDENTIFIER`, or `cluster` for `db`.
    ///
    /// Identifiers are stored in lower case whatever one writes, so ARNs are equal in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let parts: Vec<_> = text.split(':').collect();
        let ["arn", partition, "rds", region, account, resource, identifier] = parts[..] else {
            return None;
        };
        if ![partition, region, account, identifier].into_iter().all(is_plain) {
            return None;
        }
        let kind =
            [Kind::Instance, Kind::Cluster].into_iter().find(|k| k.resource() == resource)?;
        let region = region.to_owned();
        let account = format!("arn:{partition}:rds:{region}:{account}");
        Some(Self { text, kind, region, account })
    }

    /// The database that an answer about this one refers to: an ARN, or an identifier in the same region.
    pub(super) fn refer(&self, kind: Kind, reference: &str) -> Option<Self> {
        if reference.contains(':') {
            return Self::parse(reference);
        }
        Self::parse(&format!("{}:{}:{reference}", self.account, kind.resource()))
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for DatabaseArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Letters, digits and hyphens: what regions, accounts and identifiers are made of, and safe in any text.
pub(super) fn is_plain(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "arn:aws:rds:eu-west-1:123456789012:db:shop";

    fn of_secret(tags: &[(&str, &str)]) -> Option<String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let tags: Vec<_> = tags.iter().map(owned).collect();
        DatabaseArn::of_secret(&tags).map(|arn| arn.to_string())
    }

    #[test]
    fn the_tag_of_rds_is_found_in_any_case_among_others() {
        let cluster = INSTANCE.replace(":db:", ":cluster:");
        let tags = [("team", "shop"), ("aws:rds:primaryDBInstanceArn", INSTANCE)];
        assert_eq!(of_secret(&tags).as_deref(), Some(INSTANCE));
        let tags = [("AWS:RDS:primarydbclusterarn", cluster.as_str()), ("a", INSTANCE)];
        assert_eq!(of_secret(&tags).as_deref(), Some(cluster.as_str()));
        assert_eq!(of_secret(&[("rds:primaryDBInstanceArn", INSTANCE)]), None);
        assert_eq!(of_secret(&[]), None);
    }

    #[test]
    fn what_is_no_arn_of_a_database_is_not_read() {
        for text in [
            "",
            "shop",
            "arn:aws:rds:eu-west-1:123456789012:db",
            "arn:aws:rds:eu-west-1:123456789012:db:",
            "arn:aws:rds::123456789012:db:shop",
            "arn:aws:rds:evil.example:123456789012:db:shop",
            "arn:aws:rds:eu-west-1:123456789012:snapshot:shop",
            "arn:aws:rds:eu-west-1:123456789012:db:shop:1",
            "arn:aws:s3:eu-west-1:123456789012:db:shop",
            "arn:aws:rds:eu-west-1:123456789012:db:shop\nfound",
        ] {
            assert_eq!(DatabaseArn::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_reference_is_in_the_same_region_unless_it_is_an_arn() {
        let arn = DatabaseArn::parse(INSTANCE).unwrap();
        let source = arn.refer(Kind::Cluster, "Other").unwrap();
        assert_eq!(source.as_str(), "arn:aws:rds:eu-west-1:123456789012:cluster:other");
        let text = "arn:aws:rds:us-east-1:123456789012:db:other";
        let source = arn.refer(Kind::Instance, text).unwrap();
        assert_eq!((source.as_str(), source.region()), (text, "us-east-1"));
        assert_eq!(arn.refer(Kind::Instance, "no such name"), None);
    }

    #[test]
    fn arns_are_equal_in_any_case() {
        assert_eq!(
            DatabaseArn::parse(INSTANCE),
            DatabaseArn::parse(&INSTANCE.replace("shop", "Shop"))
        );
    }
}
