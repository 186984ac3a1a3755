//! Rotates PostgreSQL passwords in AWS Secrets Manager.
//!
//! One file a concern: `engine` is what PostgreSQL adds to the reading of a secret, `session` what is asked and
//! changed at the server, `probe` how the server asks for passwords, `rights` who may change them, `verifier` how a password gets there unseen; `alternating` is two users that take turns, `replica`
//! the wait for a copy to show it, `redshift` what is different there; `sql` quotes, `fault` tells errors apart.

mod alternating;
mod engine;
mod fault;
mod probe;
mod redshift;
mod replica;
mod rights;
mod session;
mod sql;
mod verifier;

use turnlock::{
    AdminSecret, Change, Class, Create, Credential, Edit, Holder, Outcome, Preflight, Rotator,
    TargetError, Verdict,
};
use turnlock_database::{Rds, Strategy, Trust, alternate, hand_over, successor};

pub use engine::{Engine, Login};
pub use session::Session;
use verifier::Kind;

/// The rotator for PostgreSQL, Amazon RDS for PostgreSQL, Aurora PostgreSQL and Amazon Redshift.
#[derive(Debug)]
pub struct Postgres {
    trust: Trust,
    strategy: Option<String>,
    rds: Rds,
}

impl Postgres {
    /// Reads `TLS_CA_FILE`, more roots to trust as PEM, and `ROTATION_STRATEGY`, the strategy of secrets
    /// that name none.
    ///
    /// What is wrong with either is the error of every rotation, so that it is seen where one looks first.
    pub fn from_env() -> Self {
        let strategy = std::env::var("ROTATION_STRATEGY").ok();
        Self { trust: Trust::from_env(), strategy, rds: Rds::new() }
    }

    /// The strategy of a secret, unless it is one that this rotator cannot do.
    fn strategy(&self, login: &Login) -> Result<Strategy, TargetError> {
        let strategy = Strategy::of(login, self.strategy.as_deref())?;
        if login.engine == Engine::Redshift {
            return redshift::supported(strategy);
        }
        if strategy == Strategy::DualPassword {
            let text = "a PostgreSQL role has one password: dual-password is for MySQL and MariaDB";
            return Err(TargetError::new(Class::Refused, text));
        }
        Ok(strategy)
    }

    /// How the server is to store the pending password.
    async fn kind(&self, session: &Session, pending: &Login) -> Result<Kind, TargetError> {
        if session.engine() == Engine::Redshift {
            return redshift::kind(pending, &self.trust).await;
        }
        let md5 = session.stores_md5() && probe::asks_for_md5(pending, &self.trust).await?;
        Ok(if md5 { Kind::Md5 } else { Kind::Scram })
    }
}

impl Rotator for Postgres {
    type Credential = Login;
    type Session = Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        let current = next.current;
        let strategy = self.strategy(current)?;
        let password = match current.engine {
            Engine::Postgres => next.passwords.draw()?,
            Engine::Redshift => redshift::draw(next.passwords)?,
        };
        let edit = Edit::new().set("password", password);
        match strategy {
            Strategy::AlternatingUsers => hand_over(edit, current),
            Strategy::SingleUser | Strategy::DualPassword => Ok(edit),
        }
    }

    async fn test(&self, login: &Login) -> Result<Verdict<Session>, TargetError> {
        Session::open(login, &self.trust).await
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let strategy = self.strategy(change.current)?;
        let (pending, version) = (change.pending, change.version);
        let elsewhere = change.by.credential().target() != pending.target();
        let mut session = change.by.into_session();
        let kind = self.kind(&session, pending).await?;
        if strategy == Strategy::AlternatingUsers {
            let verifier = session.verifier(pending, version, kind)?;
            let (current, history) = (change.current, change.history);
            alternating::set(&mut session, current, pending, version, history, verifier).await?;
            if elsewhere {
                replica::catch_up(current, pending, version, &self.trust).await?;
            }
        } else {
            session.set_password(pending, version, kind).await?;
        }
        session.close().await;
        Ok(Outcome::Changed)
    }

    async fn preflight(&self, plan: Preflight<'_, Self>) -> Result<(), TargetError> {
        let strategy = self.strategy(plan.current)?;
        let holder = plan.by.holder();
        let mut session = plan.by.into_session();
        match holder {
            Holder::Own => session.check_own_rights().await?,
            Holder::Admin if strategy == Strategy::AlternatingUsers => {
                let pending = alternate(plan.current)?;
                alternating::check(&mut session, plan.current, &pending, plan.history).await?;
            }
            Holder::Admin => session.check_admin_rights(plan.current).await?,
        }
        session.close().await;
        Ok(())
    }

    async fn compare(
        &self,
        current: &Login,
        pending: &Login,
        mut session: Session,
    ) -> Result<(), TargetError> {
        alternating::compare(&mut session, current, pending).await?;
        session.close().await;
        Ok(())
    }

    fn successor(&self, current: &Login) -> String {
        successor(current, self.strategy(current))
    }

    async fn admin(&self, secret: AdminSecret<'_>, current: &Login) -> Result<Login, TargetError> {
        let completed = self.rds.complete(secret).await?;
        let document = completed.as_ref().unwrap_or_else(|| secret.document());
        let mut admin = Login::read_admin(document, current)?;
        // A role that may connect to one database may be kept out of another.
        admin.database.clone_from(&current.database);
        Ok(admin)
    }

    async fn replicates(&self, admin: &Login, current: &Login) -> Result<bool, TargetError> {
        self.rds.replicates(&admin.server, &current.server).await
    }

    async fn close(&self, session: Session) -> Result<(), TargetError> {
        session.close().await;
        Ok(())
    }
}
