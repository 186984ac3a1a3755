//! Rotates PostgreSQL passwords in AWS Secrets Manager.
//!
//! One file a concern: `login` is what is read of a secret, `strategy` how it gives way to the next; `relay`,
//! `tls` and `probe` are the way to the server, `session` is what is asked and changed there, `rights` who may
//! change it, `verifier` how a password gets there unseen; `alternating` is two users that take turns, `replica`
//! the wait for a copy to show it, `redshift` what is different there; `sql` quotes, `fault` tells errors apart.

mod alternating;
mod fault;
mod login;
mod probe;
mod redshift;
mod relay;
mod replica;
mod rights;
mod session;
mod sql;
mod strategy;
mod tls;
mod verifier;

use turnlock::{
    AdminSecret, Change, Class, Create, Credential, Edit, Holder, Outcome, Preflight, Rotator,
    Sensitive, TargetError, Verdict,
};

use turnlock_database::{DatabaseArn, Endpoint, Rds, Relation};

pub use login::{Engine, Login};
pub use session::Session;
pub use strategy::Strategy;
use strategy::alternate;
use tls::Trust;
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
        let trust = Trust::new(std::env::var_os("TLS_CA_FILE").map(Into::into));
        Self { trust, strategy: std::env::var("ROTATION_STRATEGY").ok(), rds: Rds::new() }
    }

    /// The strategy of a secret, unless it is one that this rotator cannot do.
    fn strategy(&self, login: &Login) -> Result<Strategy, TargetError> {
        let refused = |text: String| Err(TargetError::new(Class::Refused, text));
        let named = login.strategy().map(Ok);
        let environment = || self.strategy.as_deref().map(Strategy::parse);
        let strategy = match named.or_else(environment).transpose() {
            Ok(strategy) => strategy,
            Err(problem) => return refused(format!("the variable ROTATION_STRATEGY {problem}")),
        };
        let default = match login.admin() {
            Some(_) => Strategy::AlternatingUsers,
            None => Strategy::SingleUser,
        };
        let strategy = strategy.unwrap_or(default);
        if login.engine == Engine::Redshift {
            return redshift::supported(strategy);
        }
        match (strategy, login.admin()) {
            (Strategy::AlternatingUsers, None) => refused(
                "the strategy alternating-users needs an admin that makes and changes the two users: name \
                 its secret in masterarn"
                    .into(),
            ),
            (Strategy::DualPassword, _) => refused(
                "a PostgreSQL role has one password: dual-password is for MySQL and MariaDB".into(),
            ),
            (strategy, _) => Ok(strategy),
        }
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
        if strategy == Strategy::SingleUser {
            return Ok(edit);
        }
        let edit = edit.set("username", Sensitive::new(alternate(current)?));
        Ok(match &current.alternate {
            // The two change places, so that the one after the next is the current one again.
            Some(_) => edit.set_in(
                "rotation",
                "alternate_username",
                Sensitive::new(current.username.as_str()),
            ),
            None => edit,
        })
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
        let next = match self.strategy(current) {
            Ok(Strategy::AlternatingUsers) => alternate(current).ok(),
            _ => None,
        };
        // What there is to say against it, createSecret has said.
        next.unwrap_or_else(|| current.username.clone())
    }

    async fn admin(&self, secret: AdminSecret<'_>, current: &Login) -> Result<Login, TargetError> {
        let document = secret.document();
        let located = match document.optional_string("host")? {
            Some(_) => None,
            None => DatabaseArn::of_secret(&secret.tags().await?),
        };
        let Some(arn) = located else {
            return Ok(Login::read_admin(document, current)?);
        };
        let Endpoint { engine, host, port } = self.rds.endpoint(&arn).await?;
        let place = Edit::new()
            .set("engine", Sensitive::new(engine))
            .set("host", Sensitive::new(host))
            .set("port", Sensitive::new(port.to_string()));
        Ok(Login::read_admin(&document.edited(&place)?, current)?)
    }

    async fn replicates(&self, admin: &Login, current: &Login) -> Result<bool, TargetError> {
        Ok(match self.rds.relation(&current.host, &admin.host).await? {
            Relation::Replica => true,
            // A server at another port of the host is another server.
            Relation::Same => admin.port == current.port,
            Relation::Unrelated => false,
        })
    }

    async fn close(&self, session: Session) -> Result<(), TargetError> {
        session.close().await;
        Ok(())
    }
}
