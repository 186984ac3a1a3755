use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::fuse::Sort;
use super::{Blown, Fuse};
use crate::history::Asked;
use crate::rotator::Access;
use crate::{
    AdminSecret, Authority, Change, Class, Create, Edit, FirstTry, Outcome, Preflight, Retire,
    Rotator, TargetError, Verdict,
};

/// A rotator of which each method is one call of a [`Fuse`], so that it can be tried before a real server.
///
/// What a method does is not interrupted half-way by this; have the target behind a [`Wire`](super::Wire) for that, too.
pub struct Fused<R> {
    rotator: R,
    fuse: Arc<Fuse>,
}

impl<R> Fused<R> {
    /// Puts a rotator behind a fuse.
    pub fn new(rotator: R, fuse: Arc<Fuse>) -> Self {
        Self { rotator, fuse }
    }
}

impl<R> fmt::Debug for Fused<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fused").finish_non_exhaustive()
    }
}

impl<R: Rotator> Fused<R> {
    /// A call that asks nothing of Secrets Manager.
    async fn call<T>(
        &self,
        name: &str,
        sort: Sort,
        work: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        self.fuse.pass(name.to_owned(), sort, work).await.map_err(broken)?
    }

    /// A call that may ask something of Secrets Manager.
    async fn open<T>(
        &self,
        name: &str,
        sort: Sort,
        work: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, TargetError> {
        self.fuse.pass_open(name.to_owned(), sort, work).await.map_err(broken)?
    }
}

fn broken(_: Blown) -> TargetError {
    TargetError::new(Class::Tcp, "the connection broke")
}

impl<'a, R: Rotator> Authority<'a, Fused<R>> {
    fn inner(self) -> Authority<'a, R> {
        Authority::new(self.holder(), self.credential(), self.into_session())
    }
}

/// Logs in by the framework, for the rotator inside.
struct Inside<'a, R: Rotator>(&'a dyn Access<Fused<R>>);

impl<R: Rotator> Access<R> for Inside<'_, R> {
    fn authority(&self) -> Asked<'_, Authority<'_, R>> {
        Box::pin(async { self.0.authority().await.map(Authority::inner) })
    }
}

impl<R: Rotator> Rotator for Fused<R> {
    type Credential = R::Credential;
    type Session = R::Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        let Create { current, version, passwords, secret, lifetime, history, access } = next;
        let access = Inside(access);
        let next =
            Create { current, version, passwords, secret, lifetime, history, access: &access };
        self.open("create", Sort::ChangesTarget, self.rotator.create(next)).await
    }

    async fn test(
        &self,
        credential: &Self::Credential,
    ) -> Result<Verdict<Self::Session>, TargetError> {
        self.call("test", Sort::ReadsTarget, self.rotator.test(credential)).await
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let Change { current, pending, version, by, history } = change;
        let change = Change { current, pending, version, by: by.inner(), history };
        self.open("set", Sort::ChangesTarget, self.rotator.set(change)).await
    }

    async fn preflight(&self, plan: Preflight<'_, Self>) -> Result<(), TargetError> {
        let Preflight { current, by, history } = plan;
        let plan = Preflight { current, by: by.inner(), history };
        self.open("preflight", Sort::ReadsTarget, self.rotator.preflight(plan)).await
    }

    async fn compare(
        &self,
        current: &Self::Credential,
        pending: &Self::Credential,
        session: Self::Session,
    ) -> Result<(), TargetError> {
        let compared = self.rotator.compare(current, pending, session);
        self.call("compare", Sort::ReadsTarget, compared).await
    }

    fn retirement(&self, current: &Self::Credential) -> Retire {
        self.rotator.retirement(current)
    }

    fn retires_in_steps(&self, unwanted: &Self::Credential, current: &Self::Credential) -> bool {
        self.rotator.retires_in_steps(unwanted, current)
    }

    async fn retire(
        &self,
        unwanted: &Self::Credential,
        by: Authority<'_, Self>,
    ) -> Result<(), TargetError> {
        let retired = self.rotator.retire(unwanted, by.inner());
        self.call("retire", Sort::ChangesTarget, retired).await
    }

    fn retires(&self, unwanted: &Self::Credential, kept: &Self::Credential) -> bool {
        self.rotator.retires(unwanted, kept)
    }

    async fn close(&self, session: Self::Session) -> Result<(), TargetError> {
        self.rotator.close(session).await
    }

    fn successor(&self, current: &Self::Credential) -> String {
        self.rotator.successor(current)
    }

    fn first_try(&self, current: &Self::Credential) -> FirstTry {
        self.rotator.first_try(current)
    }

    async fn admin(
        &self,
        secret: AdminSecret<'_>,
        current: &Self::Credential,
    ) -> Result<Self::Credential, TargetError> {
        self.rotator.admin(secret, current).await
    }

    async fn replicates(
        &self,
        admin: &Self::Credential,
        current: &Self::Credential,
    ) -> Result<bool, TargetError> {
        self.rotator.replicates(admin, current).await
    }
}
