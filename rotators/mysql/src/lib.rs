//! Rotates MySQL and MariaDB passwords in AWS Secrets Manager.
//!
//! One file a concern: `engine` is what MySQL adds to the reading of a secret, `version` what a server can do,
//! `session` how it is spoken with; `account` and `accounts` are whose password it is, `digest` and `sha_crypt`
//! what is stored of it; `own` is a change by the user itself, `administered` one by an admin, `alternating` one of
//! two users that take turns, made equal by their `privileges` and `settings`, which `tokens` helps to read;
//! `replica` waits for it. `rights` is who may make which, `policy` which passwords, `strict` where MariaDB wants to
//! see them; `plain` guards a login without TLS; `sql` quotes, `fault` tells errors apart.

mod account;
mod accounts;
mod administered;
mod alternating;
mod digest;
mod engine;
mod fault;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod own;
mod plain;
mod policy;
mod privileges;
mod replica;
mod rights;
mod session;
mod settings;
mod sha_crypt;
mod sql;
mod strict;
mod tokens;
mod version;

use std::time::Duration;

use turnlock::{
    AdminSecret, Change, Create, Edit, Holder, Outcome, Preflight, Retire, Rotator, TargetError,
    Verdict,
};
use turnlock_database::{Rds, Strategy, Trust, alternate, hand_over, successor};

pub use engine::{Engine, Login};
pub use session::Session;

/// The rotator for MySQL, MariaDB, Amazon RDS for either, and Aurora MySQL.
#[derive(Debug)]
pub struct MySql {
    trust: Trust,
    strategy: Option<String>,
    rds: Rds,
}

impl MySql {
    /// Reads `TLS_CA_FILE`, more roots to trust as PEM, and `ROTATION_STRATEGY`, the strategy of secrets
    /// that name none.
    ///
    /// What is wrong with either is the error of every rotation, so that it is seen where one looks first.
    pub fn from_env() -> Self {
        let strategy = std::env::var("ROTATION_STRATEGY").ok();
        Self { trust: Trust::from_env(), strategy, rds: Rds::new() }
    }

    fn strategy(&self, login: &Login) -> Result<Strategy, TargetError> {
        Strategy::of(login, self.strategy.as_deref())
    }
}

impl Rotator for MySql {
    type Credential = Login;
    type Session = Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        let current = next.current;
        let edit = Edit::new().set("password", next.passwords.draw()?);
        match self.strategy(current)? {
            Strategy::AlternatingUsers => hand_over(edit, current),
            Strategy::SingleUser | Strategy::DualPassword => Ok(edit),
        }
    }

    async fn test(&self, login: &Login) -> Result<Verdict<Session>, TargetError> {
        Session::open(login, &self.trust).await
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let strategy = self.strategy(change.current)?;
        let (current, pending, version) = (change.current, change.pending, change.version);
        let (holder, by) = (change.by.holder(), change.by.credential());
        let mut session = change.by.into_session();
        match (strategy, holder) {
            (Strategy::AlternatingUsers, _) => {
                alternating::set(&mut session, current, pending, version, change.history).await?;
                if by.server != pending.server {
                    replica::catch_up(by, pending, &self.trust).await?;
                }
            }
            (Strategy::SingleUser, Holder::Own) => {
                own::set(&mut session, by, pending, &self.trust).await?;
            }
            (Strategy::DualPassword, Holder::Own) => {
                rights::check_retain(&session, holder)?;
                own::retain(&mut session, by, pending, &self.trust).await?;
            }
            (strategy, Holder::Admin) => {
                if strategy == Strategy::DualPassword {
                    rights::check_retain(&session, holder)?;
                }
                let (admin, history, trust) = (&mut session, change.history, &self.trust);
                administered::set(admin, strategy, current, pending, version, history, trust)
                    .await?;
            }
        }
        session.close().await;
        Ok(Outcome::Changed)
    }

    async fn preflight(&self, plan: Preflight<'_, Self>) -> Result<(), TargetError> {
        let strategy = self.strategy(plan.current)?;
        let holder = plan.by.holder();
        let mut session = plan.by.into_session();
        session.check_server()?;
        if strategy == Strategy::DualPassword {
            rights::check_retain(&session, holder)?;
        }
        if strategy == Strategy::AlternatingUsers {
            let pending = alternate(plan.current)?;
            alternating::check(&mut session, plan.current, &pending, plan.history).await?;
        } else {
            rights::check(&mut session, strategy, holder, plan.current).await?;
        }
        session.close().await;
        Ok(())
    }

    async fn compare(
        &self,
        current: &Login,
        _: &Login,
        mut session: Session,
    ) -> Result<(), TargetError> {
        alternating::compare(&mut session, current, &self.trust).await?;
        session.close().await;
        Ok(())
    }

    fn successor(&self, current: &Login) -> String {
        successor(current, self.strategy(current))
    }

    fn retirement(&self, current: &Login) -> Retire {
        match self.strategy(current) {
            // The server keeps it until it is given the next one but one.
            Ok(Strategy::DualPassword) => Retire::ByNextVersion { overlap: Duration::ZERO },
            Ok(Strategy::SingleUser | Strategy::AlternatingUsers) | Err(_) => Retire::ByTarget,
        }
    }

    async fn admin(&self, secret: AdminSecret<'_>, current: &Login) -> Result<Login, TargetError> {
        let completed = self.rds.complete(secret).await?;
        let document = completed.as_ref().unwrap_or_else(|| secret.document());
        let mut admin = Login::read_admin(document, current)?;
        // Accounts are in no database, and the admin need not have a right in the user's.
        admin.database = None;
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
