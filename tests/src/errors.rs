//! One failure of every class, on real servers, with the text by which the function reports it.

mod keys;
mod mysql;
mod networks;
mod secrets;
mod servers;
mod users;

use std::fmt;
use std::pin::Pin;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::world::StepError;

type Run = Pin<Box<dyn Future<Output = StepError> + Send>>;

/// One way in which a step fails.
#[derive(Clone, Copy)]
pub struct Situation {
    /// The class of the error.
    pub class: &'static str,
    /// What is wrong.
    pub what: &'static str,
    fails: fn() -> Run,
}

/// Every situation, by class in the order of the documentation.
pub const SITUATIONS: [Situation; 56] = [
    of("dns", "`host` is a name that nobody has", || Box::pin(networks::unknown_name())),
    of("dns", "of a key: `url` is a name that nobody has", || Box::pin(keys::unknown_name())),
    of("tcp", "nobody listens on the port", || Box::pin(networks::closed_port())),
    of("tcp", "the server hangs up", || Box::pin(networks::hangs_up())),
    of("tcp", "of a key: the provider hangs up", || Box::pin(keys::hangs_up())),
    of("tls-untrusted", "the certificate is of an authority of one's own", || {
        Box::pin(networks::unknown_authority())
    }),
    of("tls-untrusted", "the server has no TLS", || Box::pin(networks::no_tls())),
    of("tls-untrusted", "of a key: the certificate is of an authority of one's own", || {
        Box::pin(keys::unknown_authority())
    }),
    of("tls-name", "`host` is an alias", || Box::pin(networks::alias())),
    of(
        "tls-name",
        "of a key: the certificate is for another name",
        || Box::pin(keys::other_name()),
    ),
    of("auth-rejected", "no version has the password", || Box::pin(servers::wrong_password())),
    of("auth-rejected", "the admin secret has a wrong password", || {
        Box::pin(servers::wrong_password_of_the_admin())
    }),
    of("auth-rejected", "no version has the password, on MySQL", || {
        Box::pin(mysql::wrong_password())
    }),
    of("auth-rejected", "of a key: somebody has revoked it", || Box::pin(keys::revoked())),
    of("permission", "the function's role may not read the secret", || {
        Box::pin(secrets::reading_denied())
    }),
    of(
        "permission",
        "it may not use the KMS key of the secret",
        || Box::pin(secrets::key_denied()),
    ),
    of("permission", "it may not ask Amazon RDS where the database of its admin secret is", || {
        Box::pin(secrets::rds_denied())
    }),
    of("permission", "the admin may not change users (attached without rotating)", || {
        Box::pin(users::admin_without_createrole())
    }),
    of("permission", "the first of two users has a setting of superusers", || {
        Box::pin(users::guarded_setting())
    }),
    of("permission", "the admin on MySQL has no privilege (attached without rotating)", || {
        Box::pin(mysql::admin_without_rights())
    }),
    of("permission", "of a key: it may not make others", || Box::pin(keys::may_not_mint())),
    of("policy", "`rotation.password` asks for 3 characters", || {
        Box::pin(secrets::short_passwords())
    }),
    of("policy", "MySQL's validate_password asks for more", || Box::pin(mysql::too_short())),
    of("policy", "MariaDB's simple_password_check wants to see what its log would have", || {
        Box::pin(mysql::shown_to_a_log())
    }),
    of("too-many-connections", "all connections are in use", || {
        Box::pin(servers::no_connection_left())
    }),
    of("too-many-connections", "no room for two users (attached without rotating)", || {
        Box::pin(users::no_room_for_both())
    }),
    of("too-many-connections", "the user's only connection is in use, on MySQL", || {
        Box::pin(mysql::no_connection_left())
    }),
    of("database-missing", "`dbname` is not there", || Box::pin(servers::no_database())),
    of("database-missing", "`dbname` is not there, on MySQL", || Box::pin(mysql::no_database())),
    of("read-only", "`host` is a replica", || Box::pin(servers::replica())),
    of("timeout", "the server takes the connection and is silent", || Box::pin(networks::silent())),
    of("timeout", "another session has changed the role and not committed", || {
        Box::pin(servers::locked())
    }),
    of("timeout", "`host` is a replica that is far behind the admin's server", || {
        Box::pin(servers::lagging_replica())
    }),
    of("timeout", "somebody holds a lock for a backup, on MariaDB", || Box::pin(mysql::locked())),
    of("timeout", "of a key: the provider is silent", || Box::pin(keys::silent())),
    of("throttled", "the account writes too many secrets", || Box::pin(secrets::throttled())),
    of("throttled", "of a key: the provider asks for more patience than there is time", || {
        Box::pin(keys::slow_down())
    }),
    of("unavailable", "of a key: the provider is out of order", || Box::pin(keys::out_of_order())),
    of(
        "unavailable",
        "of a key: the answer with the new one is lost, and there is no list",
        || Box::pin(keys::lost_without_a_list()),
    ),
    of("refused", "`svc_clone` is nobody's second user, and `svc` somebody else's", || {
        Box::pin(users::stranger())
    }),
    of("refused", "the second user was changed after setSecret", || Box::pin(users::not_equal())),
    of("refused", "both users were changed by hand", || Box::pin(users::both_changed())),
    of("refused", "MySQL would ask for a password that `\"ssl\": false` does not protect", || {
        Box::pin(mysql::plaintext())
    }),
    of("refused", "two accounts of one name on MySQL have another password", || {
        Box::pin(mysql::namesakes())
    }),
    of("refused", "MySQL takes the login for an account without a name", || {
        Box::pin(mysql::nobody())
    }),
    of("refused", "of a key: consumers may still have the one before", || {
        Box::pin(keys::too_early())
    }),
    of("refused", "of a key: people have made as many as there may be", || Box::pin(keys::full())),
    of("refused", "of a key: it is another account's", || Box::pin(keys::of_another_account())),
    of("malformed-secret", "`host` is missing", || Box::pin(secrets::no_host())),
    of("malformed-secret", "a template names a field that is not there", || {
        Box::pin(secrets::broken_template())
    }),
    of("malformed-secret", "of a key: it is missing", || Box::pin(keys::no_key())),
    of("malformed-secret", "of a key: `url` is not https", || Box::pin(keys::plain_http())),
    of("malformed-event", "somebody invokes the function with an event of his own", || {
        Box::pin(secrets::no_step())
    }),
    of("unexpected", "the port is another program's", || Box::pin(networks::nonsense())),
    of("unexpected", "of a key: the address is that of a page to log in at", || {
        Box::pin(keys::redirected())
    }),
    of("unexpected", "of a key: a page is there instead of an API", || {
        Box::pin(keys::page_of_html())
    }),
];

const fn of(class: &'static str, what: &'static str, fails: fn() -> Run) -> Situation {
    Situation { class, what, fails }
}

impl Situation {
    /// Brings it about as soon as few others are under way; ends with the error's [`normal`] text.
    ///
    /// The task panics if the step does not fail, or with another class, or changes what it must not.
    pub fn begin(self) -> JoinHandle<String> {
        // Most of them wait for the end of a time-out, or for a server that starts.
        static AT_ONCE: Semaphore = Semaphore::const_new(4);
        tokio::spawn(async move {
            let _permit = AT_ONCE.acquire().await.expect("it is never closed");
            let StepError { class, message, .. } = (self.fails)().await;
            assert_eq!(class, self.class, "{message}");
            normal(&message)
        })
    }
}

impl fmt::Debug for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Situation").field("class", &self.class).field("what", &self.what).finish()
    }
}

/// A text in which all that is another at each run is the same: ports, the ends of ARNs, dates and labels of keys.
pub fn normal(text: &str) -> String {
    let text = after_each(text, "localhost:", |rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        ("5432", &rest[digits..])
    });
    let text = after_each(&text, "current at ", |rest| date(rest, "2026-01-31T11:30:00Z"));
    let text = after_each(&text, "until ", |rest| date(rest, "2026-01-31T13:30:00Z"));
    let text = after_each(&text, "labelled ", |rest| {
        let label = "turnlock-0q5x3fk-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-t9zq1ux7k2";
        (label, rest.find(' ').map_or("", |end| &rest[end..]))
    });
    after_each(&text, ":secret:", |rest| {
        let is_in_names = |c: char| c.is_ascii_alphanumeric() || "-/_+=@!".contains(c);
        let end = rest.find(|c| !is_in_names(c)).unwrap_or(rest.len());
        let (whole, after) = rest.split_at(end);
        let name = whole.rsplit_once('-').map_or("", |(name, _)| name);
        let known = ["app", "user", "svc"].contains(&name);
        (if known { "app-AbCdEf" } else { "admin-AbCdEf" }, after)
    })
}

/// Replaces the date that a text begins with, if it does.
fn date<'t>(text: &'t str, by: &'static str) -> (&'static str, &'t str) {
    match text.get(by.len()..) {
        Some(rest) if text.starts_with("20") => (by, rest),
        _ => ("", text),
    }
}

/// Replaces what follows each `mark`; `replace` gives the new text and the rest.
fn after_each<'t>(
    text: &'t str,
    mark: &str,
    replace: impl Fn(&'t str) -> (&'static str, &'t str),
) -> String {
    let mut all = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        let (new, left) = replace(after);
        all += &format!("{before}{mark}{new}");
        rest = left;
    }
    all + rest
}
