//! Rotates PostgreSQL passwords in AWS Secrets Manager.
//!
//! One file a concern: `login` is what is read of a secret, `relay`, `tls` and `probe` are the way to the server,
//! `session` is what is asked and changed there, `rights` who may change it, `verifier` how a password gets
//! there unseen; `fault` tells errors apart.

mod fault;
mod login;
mod probe;
mod relay;
mod rights;
mod session;
mod tls;
mod verifier;

use turnlock::{
    Change, Class, Create, Credential, Edit, Holder, Outcome, Preflight, Rotator, TargetError,
    Verdict,
};

pub use login::{Login, Strategy};
pub use session::Session;
use tls::Trust;
use verifier::Kind;

/// The rotator for PostgreSQL, Amazon RDS for PostgreSQL and Aurora PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    trust: Trust,
    strategy: Option<String>,
}

impl Postgres {
    /// Reads `TLS_CA_FILE`, more roots to trust as PEM, and `ROTATION_STRATEGY`, the strategy of secrets
    /// that name none.
    ///
    /// What is wrong with either is the error of every rotation, so that it is seen where one looks first.
    pub fn from_env() -> Self {
        let trust = Trust::new(std::env::var_os("TLS_CA_FILE").map(Into::into));
        Self { trust, strategy: std::env::var("ROTATION_STRATEGY").ok() }
    }

    /// Refuses what this rotator cannot do, before anything is written.
    fn supports(&self, login: &Login) -> Result<(), TargetError> {
        let named = login.strategy().map(Ok);
        let environment = || self.strategy.as_deref().map(Strategy::parse);
        let strategy = match named.or_else(environment).transpose() {
            Ok(strategy) => strategy,
            Err(problem) => {
                let text = format!("the variable ROTATION_STRATEGY {problem}");
                return Err(TargetError::new(Class::Refused, text));
            }
        };
        let default = match login.admin() {
            Some(_) => Strategy::AlternatingUsers,
            None => Strategy::SingleUser,
        };
        let reason = match strategy.unwrap_or(default) {
            Strategy::SingleUser => return Ok(()),
            Strategy::AlternatingUsers => {
                "the strategy alternating-users, which masterarn asks for by default, is not \
                 supported for PostgreSQL yet; with \"rotation\": {\"strategy\": \"single-user\"} the \
                 admin changes the user's own password"
            }
            Strategy::DualPassword => {
                "a PostgreSQL role has one password: dual-password is for MySQL and MariaDB"
            }
        };
        Err(TargetError::new(Class::Refused, reason))
    }
}

impl Rotator for Postgres {
    type Credential = Login;
    type Session = Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        self.supports(next.current)?;
        Ok(Edit::new().set("password", next.passwords.draw()?))
    }

    async fn test(&self, login: &Login) -> Result<Verdict<Session>, TargetError> {
        Session::open(login, &self.trust).await
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        self.supports(change.current)?;
        let mut session = change.by.into_session();
        let md5 = session.stores_md5() && probe::asks_for_md5(change.pending, &self.trust).await?;
        let kind = if md5 { Kind::Md5 } else { Kind::Scram };
        session.set_password(change.pending, change.version, kind).await?;
        session.close().await;
        Ok(Outcome::Changed)
    }

    async fn preflight(&self, plan: Preflight<'_, Self>) -> Result<(), TargetError> {
        self.supports(plan.current)?;
        let holder = plan.by.holder();
        let mut session = plan.by.into_session();
        match holder {
            Holder::Own => session.check_own_rights().await?,
            Holder::Admin => session.check_admin_rights(plan.current).await?,
        }
        session.close().await;
        Ok(())
    }

    async fn close(&self, session: Session) -> Result<(), TargetError> {
        session.close().await;
        Ok(())
    }
}
