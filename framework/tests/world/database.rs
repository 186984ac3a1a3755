//! A database server with users, and the rotator of its passwords in three strategies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use turnlock::{
    AdminSecret, Change, Class, Create, Credential, Document, Edit, FirstTry, History, Holder,
    Malformed, Outcome, Preflight, Retire, Rotator, SecretId, Sensitive, Target, TargetError,
    Verdict,
};

use super::{ADMIN, Fake};
use turnlock::testing::{Blown, Fuse};

#[derive(Debug)]
pub(crate) struct Login {
    host: String,
    username: String,
    password: Sensitive,
    admin: Option<SecretId>,
}

impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host
            && self.username == other.username
            && self.password == other.password
    }
}

impl Credential for Login {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Ok(Self {
            host: secret.string("host")?,
            username: secret.string("username")?,
            password: secret.sensitive("password")?,
            admin: secret.optional_string("masterarn")?.map(SecretId::new),
        })
    }

    fn target(&self) -> Target {
        Target::new(&self.host)
    }

    fn principal(&self) -> &str {
        &self.username
    }

    fn admin(&self) -> Option<SecretId> {
        self.admin.clone()
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strategy {
    SingleUser,
    AlternatingUsers,
    DualPassword,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct User {
    pub(crate) primary: String,
    pub(crate) secondary: Option<String>,
    /// A user without privileges logs in, and can then do nothing.
    pub(crate) granted: bool,
    pub(crate) locked: bool,
    /// Nobody knows who made it.
    pub(crate) stranger: bool,
}

impl User {
    pub(crate) fn new(password: &str) -> Self {
        Self { primary: password.to_owned(), granted: true, ..Self::default() }
    }

    fn accepts(&self, password: &str) -> bool {
        !self.locked && (self.primary == password || self.secondary.as_deref() == Some(password))
    }
}

pub(crate) struct Database {
    fuse: Arc<Fuse>,
    strategy: Strategy,
    users: Mutex<BTreeMap<String, User>>,
    /// The hosts that have what is changed at this one.
    pub(crate) replica_of: Option<&'static str>,
    /// Whether it tells whose user one is by what is stored of the password, and not by a login.
    pub(crate) reads_digests: bool,
    /// What is wrong with the rotator, if anything is.
    pub(crate) flaw: Option<Flaw>,
}

/// A mistake that rotators make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// It retains whatever the password is, without a look whether that is the one to retain.
    RetainsAgain,
    /// It takes a server that does not answer for one that rejects.
    TakesErrorsForRejected,
    /// It grants after the user can log in, and takes one that can for one that was granted all.
    GrantsLast,
}

/// Whom a login was accepted as.
#[derive(Debug)]
pub(crate) struct Session(String);

impl Database {
    pub(crate) fn new(fuse: Arc<Fuse>, strategy: Strategy, users: &[(&str, &str)]) -> Self {
        let users = users.iter().map(|(name, password)| ((*name).to_owned(), User::new(password)));
        Self {
            fuse,
            strategy,
            users: Mutex::new(users.collect()),
            replica_of: None,
            reads_digests: false,
            flaw: None,
        }
    }

    pub(crate) fn users(&self) -> MutexGuard<'_, BTreeMap<String, User>> {
        self.users.lock().unwrap()
    }

    async fn call<T>(&self, name: &str, effect: impl FnOnce() -> T) -> Result<T, TargetError> {
        self.fuse.call(name, effect).await.map_err(broken)
    }

    async fn look<T>(&self, name: &str, effect: impl FnOnce() -> T) -> Result<T, TargetError> {
        self.fuse.look(name, effect).await.map_err(broken)
    }

    /// Look and change in one effect, as under a lock of the server's.
    async fn alter(&self, change: &Change<'_, Self>) -> Result<Outcome, TargetError> {
        let (new, current) = (change.pending.password.expose(), change.current.password.expose());
        self.call("alter user", || {
            let mut users = self.users();
            let user = users.entry(change.pending.username.clone()).or_default();
            if self.flaw == Some(Flaw::RetainsAgain) {
                user.secondary = Some(std::mem::replace(&mut user.primary, new.to_owned()));
                return Outcome::Changed;
            }
            if user.primary == new && !user.locked {
                return Outcome::Unchanged;
            }
            // What an interrupted rotation made primary is nobody's; what consumers have is retained.
            if self.strategy == Strategy::DualPassword && user.accepts(current) {
                user.primary = current.to_owned();
            }
            let old = std::mem::replace(&mut user.primary, new.to_owned());
            user.secondary = (self.strategy == Strategy::DualPassword).then_some(old);
            user.locked = false;
            Outcome::Changed
        })
        .await
    }

    /// Makes the second user locked, and gives it what it needs before it can log in.
    async fn prepare(&self, name: &str) -> Result<(), TargetError> {
        let found = self.look("look at user", || self.users().get(name).cloned()).await?;
        if found.is_none() {
            self.call("create user", || {
                let locked = User { locked: true, ..User::default() };
                self.users().entry(name.to_owned()).or_insert(locked);
            })
            .await?;
        }
        if !found.is_some_and(|user| user.granted) {
            self.call("grant", || self.users().get_mut(name).unwrap().granted = true).await?;
        }
        Ok(())
    }
}

impl Database {
    async fn alter_and_grant(&self, change: &Change<'_, Self>) -> Result<Outcome, TargetError> {
        let outcome = self.alter(change).await?;
        if outcome == Outcome::Changed {
            let name = &change.pending.username;
            self.call("grant", || self.users().get_mut(name).unwrap().granted = true).await?;
        }
        Ok(outcome)
    }

    async fn is_proved(
        &self,
        name: &str,
        history: &History<'_, Login>,
    ) -> Result<bool, TargetError> {
        if !self.reads_digests {
            return history.proves(name).await;
        }
        let stored = self.users().get(name).map(|user| user.primary.clone());
        history.knows(name, |old| Some(old.password.expose()) == stored.as_deref()).await
    }
}

impl Rotator for Database {
    type Credential = Login;
    type Session = Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        let edit = Edit::new().set("password", next.passwords.draw()?);
        let successor = self.successor(next.current);
        Ok(if successor == next.current.username {
            edit
        } else {
            edit.set("username", Sensitive::new(successor))
        })
    }

    async fn test(&self, login: &Login) -> Result<Verdict<Session>, TargetError> {
        let name = format!("login {}", login.username);
        let found = self.look(&name, || self.users().get(&login.username).cloned()).await;
        let found = match found {
            Err(error) if self.flaw == Some(Flaw::TakesErrorsForRejected) => {
                return Ok(Verdict::Rejected(error));
            }
            found => found?,
        };
        match found {
            Some(user) if !user.accepts(login.password.expose()) => {
                self.fuse.note(format!("rejected {}", login.username));
                Ok(Verdict::Rejected(TargetError::new(Class::AuthRejected, "wrong password")))
            }
            Some(user) if !user.granted && self.flaw != Some(Flaw::GrantsLast) => {
                Err(TargetError::new(Class::Permission, "the user may not read anything"))
            }
            Some(_) => Ok(Verdict::Accepted(Session(login.username.clone()))),
            None => {
                self.fuse.note(format!("rejected {}", login.username));
                Ok(Verdict::Rejected(TargetError::new(Class::AuthRejected, "no such user")))
            }
        }
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let allowed = match change.by.holder() {
            Holder::Admin => change.by.credential().username == ADMIN,
            Holder::Own => change.by.credential().username == change.pending.username,
        };
        if !allowed {
            return Err(TargetError::new(Class::Permission, "may not change this user"));
        }
        let name = &change.pending.username;
        let stranger = self.users().get(name).is_some_and(|user| user.stranger);
        if stranger && !self.is_proved(name, &change.history).await? {
            return Err(TargetError::new(Class::Refused, "the user is somebody else's"));
        }
        if self.flaw == Some(Flaw::GrantsLast) {
            return self.alter_and_grant(&change).await;
        }
        if self.strategy == Strategy::AlternatingUsers {
            self.prepare(&change.pending.username).await?;
        }
        self.alter(&change).await
    }

    async fn preflight(&self, plan: Preflight<'_, Self>) -> Result<(), TargetError> {
        let name = format!("preflight {}", plan.by.into_session().0);
        self.look(&name, || ()).await
    }

    async fn compare(&self, _: &Login, _: &Login, session: Session) -> Result<(), TargetError> {
        self.look(&format!("compare {}", session.0), || ()).await
    }

    async fn close(&self, session: Session) -> Result<(), TargetError> {
        self.look(&format!("close {}", session.0), || ()).await
    }

    async fn admin(&self, secret: AdminSecret<'_>, _: &Login) -> Result<Login, TargetError> {
        let document = secret.document();
        if document.optional_string("host")?.is_some() {
            return Ok(Login::read(document)?);
        }
        let mut tags = secret.tags().await?.into_iter();
        let Some((_, host)) = tags.find(|(key, _)| key == "host") else {
            return Ok(Login::read(document)?);
        };
        Ok(Login {
            host,
            username: document.string("username")?,
            password: document.sensitive("password")?,
            admin: None,
        })
    }

    async fn replicates(&self, admin: &Login, _: &Login) -> Result<bool, TargetError> {
        Ok(self.replica_of == Some(admin.host.as_str()))
    }

    fn successor(&self, current: &Login) -> String {
        match (self.strategy, current.username.strip_suffix("_clone")) {
            (Strategy::AlternatingUsers, Some(first)) => first.to_owned(),
            (Strategy::AlternatingUsers, None) => format!("{}_clone", current.username),
            (Strategy::SingleUser | Strategy::DualPassword, _) => current.username.clone(),
        }
    }

    fn retirement(&self, _: &Login) -> Retire {
        match self.strategy {
            Strategy::DualPassword => Retire::ByNextVersion { overlap: Duration::ZERO },
            Strategy::SingleUser | Strategy::AlternatingUsers => Retire::ByTarget,
        }
    }

    fn first_try(&self, _: &Login) -> FirstTry {
        match self.strategy {
            Strategy::DualPassword if self.flaw.is_none() => FirstTry::Pending,
            Strategy::DualPassword => FirstTry::Current,
            Strategy::SingleUser | Strategy::AlternatingUsers => FirstTry::Current,
        }
    }
}

impl Fake for Database {
    const EDITED: &'static [&'static str] = &["password", "username"];

    fn accepts(&self, login: &Login) -> bool {
        let users = self.users();
        let user = users.get(&login.username);
        user.is_some_and(|user| user.granted && user.accepts(login.password.expose()))
    }

    fn snapshot(&self) -> String {
        format!("{:?}", self.users())
    }

    fn others(&self) -> String {
        let users = self.users();
        let others =
            users.iter().filter(|(name, _)| !["app", "app_clone"].contains(&name.as_str()));
        format!("{:?}", others.collect::<Vec<_>>())
    }

    fn count(&self) -> usize {
        self.users().len()
    }
}

fn broken(_: Blown) -> TargetError {
    TargetError::new(Class::Tcp, "the server hung up")
}
