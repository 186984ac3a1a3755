//! What the names of hosts in Amazon RDS say.

use super::arn::is_plain;

/// A host name of the form that Amazon RDS gives, before anybody has said that there is such a host.
///
/// `IDENTIFIER.HASH.REGION.rds.amazonaws.com`, in China `IDENTIFIER.HASH.rds.REGION.amazonaws.com.cn`; an
/// endpoint of a cluster has `cluster-HASH`, `cluster-ro-HASH` or `cluster-custom-HASH` for the hash. The
/// rest of the name is not looked at: what is trusted is the address that RDS describes.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Host {
    name: String,
    pub(super) kind: HostKind,
    pub(super) identifier: String,
    pub(super) region: String,
}

/// What an endpoint leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HostKind {
    Instance,
    Writer,
    Reader,
    Custom,
}

/// The longer prefixes come first.
const KINDS: [(&str, HostKind); 3] = [
    ("cluster-custom-", HostKind::Custom),
    ("cluster-ro-", HostKind::Reader),
    ("cluster-", HostKind::Writer),
];

impl Host {
    pub(super) fn parse(host: &str) -> Option<Self> {
        let name = normal(host);
        let mut labels = name.split('.');
        let (identifier, hash) = (labels.next()?, labels.next()?);
        let ((region, "rds") | ("rds", region)) = (labels.next()?, labels.next()?) else {
            return None;
        };
        // Something follows: AWS's domain.
        labels.next().filter(|label| !label.is_empty())?;
        if ![identifier, hash, region].into_iter().all(is_plain) {
            return None;
        }
        let found =
            KINDS.iter().find_map(|(prefix, kind)| Some((hash.strip_prefix(prefix)?, *kind)));
        let (hash, kind) = found.unwrap_or((hash, HostKind::Instance));
        // Proxies, shard groups and global endpoints have prefixes of their own.
        if hash.is_empty() || hash.contains('-') {
            return None;
        }
        let (identifier, region) = (identifier.to_owned(), region.to_owned());
        Some(Self { name, kind, identifier, region })
    }

    /// Whether an address that RDS describes is this host.
    pub(super) fn is(&self, address: Option<&str>) -> bool {
        address.is_some_and(|address| same(&self.name, address))
    }
}

/// Whether two names are the same host name: in any case, with or without the dot at the end.
pub(super) fn same(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str) -> Option<(HostKind, String, String)> {
        Host::parse(host).map(|host| (host.kind, host.identifier, host.region))
    }

    #[test]
    fn each_kind_of_endpoint_is_told_by_its_name() {
        for (label, kind) in [
            ("c9akciq32rgv", HostKind::Instance),
            ("cluster-c9akciq32rgv", HostKind::Writer),
            ("cluster-ro-c9akciq32rgv", HostKind::Reader),
            ("cluster-custom-c9akciq32rgv", HostKind::Custom),
        ] {
            let host = format!("Shop-1.{label}.eu-west-1.rds.amazonaws.com.");
            assert_eq!(read(&host), Some((kind, "shop-1".into(), "eu-west-1".into())));
        }
    }

    #[test]
    fn in_china_the_region_comes_last() {
        let found = read("shop.c9akciq32rgv.rds.cn-north-1.amazonaws.com.cn");
        assert_eq!(found, Some((HostKind::Instance, "shop".into(), "cn-north-1".into())));
    }

    #[test]
    fn other_names_are_nothing_to_ask_rds_about() {
        for host in [
            "",
            "localhost",
            "10.0.0.1",
            "db.internal.example.com",
            "shop.c9akciq32rgv.eu-west-1.rds",
            "shop.c9akciq32rgv.eu-west-1.rds.",
            "shop..eu-west-1.rds.amazonaws.com",
            ".c9akciq32rgv.eu-west-1.rds.amazonaws.com",
            "shop.cluster-.eu-west-1.rds.amazonaws.com",
            "shop.c9akciq32rgv.eu_west_1.rds.amazonaws.com",
            "shop.proxy-c9akciq32rgv.eu-west-1.rds.amazonaws.com",
            "shop.shardgrp-c9akciq32rgv.eu-west-1.rds.amazonaws.com",
            "shop.global-c9akciq32rgv.global.rds.amazonaws.com",
        ] {
            assert_eq!(read(host), None, "{host:?}");
        }
    }

    #[test]
    fn an_address_is_compared_whole() {
        let host = Host::parse("SHOP.c9akciq32rgv.eu-west-1.rds.amazonaws.com").unwrap();
        assert!(host.is(Some("shop.c9akciq32rgv.eu-west-1.rds.amazonaws.com.")));
        assert!(!host.is(Some("shop.c9akciq32rgv.eu-west-1.rds.amazonaws.com.example.com")));
        assert!(!host.is(Some("shop")));
        assert!(!host.is(None));
    }
}
