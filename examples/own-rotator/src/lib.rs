//! A rotator of one's own: a user of Redis or Valkey, which can have two passwords.
//!
//! The README has the same text.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, ErrorKind, IntoConnectionInfo, aio::MultiplexedConnection, cmd,
};
use turnlock::*;

/// What a secret holds.
#[derive(Debug, PartialEq)]
pub struct User {
    url: String,
    name: String,
    password: Sensitive,
    admin: Option<SecretId>,
}

impl Credential for User {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        let scheme = if secret.flag("ssl")? == Some(false) { "redis" } else { "rediss" };
        let port = secret.number("port", 1..65_536)?.unwrap_or(6379);
        Ok(Self {
            url: format!("{scheme}://{}:{port}", secret.string("host")?),
            name: secret.string("username")?,
            password: secret.sensitive("password")?,
            admin: secret.optional_string("masterarn")?.map(SecretId::new),
        })
    }
    fn target(&self) -> Target {
        Target::new(&self.url)
    }
    fn principal(&self) -> &str {
        &self.name
    }
    fn admin(&self) -> Option<SecretId> {
        self.admin.clone()
    }
}

/// The longest that Redis may take to let one in, and to answer a command.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rotates a user's password.
#[derive(Debug)]
pub struct Redis;

impl Rotator for Redis {
    type Credential = User;
    type Session = MultiplexedConnection;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        Ok(Edit::new().set("password", next.passwords.draw()?))
    }

    async fn test(&self, user: &User) -> Result<Verdict<Self::Session>, TargetError> {
        let server = user.url.as_str().into_connection_info().map_err(failed)?;
        let login = server.redis_settings().clone().set_username(&user.name);
        let login = login.set_password(user.password.expose());
        let client = redis::Client::open(server.set_redis_settings(login)).map_err(failed)?;
        let bounds = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE));
        let bounds = bounds.set_response_timeout(Some(PATIENCE));
        match client.get_multiplexed_async_connection_with_config(&bounds).await {
            Ok(session) => Ok(Verdict::Accepted(session)),
            Err(e) if e.kind() == ErrorKind::AuthenticationFailed => Ok(Verdict::Rejected(
                TargetError::new(Class::AuthRejected, "Redis rejects the password"),
            )),
            Err(error) => Err(failed(error)),
        }
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let mut by = change.by.into_session();
        let password = |user: &User| format!(">{}", user.password.expose());
        // These two and no other, in one command: whatever an abandoned rotation left is gone.
        let rules = ["resetpass".to_owned(), password(change.current), password(change.pending)];
        let user = &change.pending.name;
        cmd("ACL")
            .arg("SETUSER")
            .arg(user)
            .arg(&rules)
            .exec_async(&mut by)
            .await
            .map_err(failed)?;
        let no_file = |_| TargetError::new(Class::Refused, "ACL SAVE failed: set an `aclfile`");
        cmd("ACL").arg("SAVE").exec_async(&mut by).await.map_err(no_file)?;
        Ok(Outcome::Changed)
    }

    fn retirement(&self, _: &User) -> Retire {
        Retire::ByNextVersion { overlap: Duration::from_hours(1) }
    }
}

fn failed(error: redis::RedisError) -> TargetError {
    TargetError::new(Class::Unexpected, format!("Redis: {:?}", error.kind()))
}
