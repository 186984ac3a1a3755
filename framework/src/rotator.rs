use std::fmt;
use std::future::{Future, ready};
use std::time::Duration;

use crate::history::{Asked, History};
use crate::{AdminSecret, Class, Credential, Edit, Passwords, SecretId, TargetError, VersionId};

/// One kind of credential, and how one kind of target accepts it.
///
/// # The life of a credential
///
/// [`create`](Self::create) writes the next credential, [`set`](Self::set) makes the target accept it,
/// [`test`](Self::test) proves it the way a consumer would, and then it is current. Where two users take
/// turns, [`compare`](Self::compare) shows first that the next one can do what the current one can. Where
/// credentials overlap, [`retire`](Self::retire) makes the target forget the one before, a whole rotation
/// later.
///
/// # What you write
///
/// A [`Credential`] and three methods. Everything about Secrets Manager – labels, versions, tokens,
/// retries – is the framework's; a rotator is never given a client.
///
/// # What you may rely on
///
/// - `create` is asked for once a version and its answer is stored before anything at the target is
///   changed. New randomness exists only there.
/// - `set` is given an [`Authority`]: a login that the target accepted in this very invocation, with the
///   session that proved it, so that nobody logs in twice.
/// - The pending credential is for the same [`Target`](crate::Target) as the current one, and for the
///   principal that [`successor`](Self::successor) names.
/// - Where an admin sets another principal than the current one, a version of the secret has logged in as
///   the current one in this invocation: nobody gets an account by just naming its neighbour.
/// - Every call is bounded by Lambda's deadline, and dropped when it is reached.
///
/// # What you must hold
///
/// - `test` changes nothing. Not knowing is an error, never [`Verdict::Rejected`]: a credential that is
///   taken for dead is replaced.
/// - `set` can be cut off at any point and repeated with the same arguments, also by two invocations at
///   once; the end is the same.
/// - Errors hold your own words and the target's code, never a driver's message, and no secret.
///
/// # Example
///
/// The README has a complete rotator.
pub trait Rotator: Send + Sync + Sized + 'static {
    /// What this rotator reads of a secret, its own or an admin's.
    type Credential: Credential;

    /// What an accepted login leaves open; `()` where there is no such thing.
    type Session: Send;

    /// Writes the next credential as an edit of the current document.
    ///
    /// Two invocations can do this at once for one version, and only one of their answers is stored; what
    /// the other made is then retired. So leave alone what this version may have made within
    /// [`Create::lifetime`].
    ///
    /// # Errors
    ///
    /// Class `refused` where the target has as many credentials as it may: where
    /// [`retirement`](Self::retirement) says so, what abandoned rotations left is retired then, and this is
    /// asked for once more. No error counts where another invocation has stored the version meanwhile.
    fn create(
        &self,
        next: Create<'_, Self>,
    ) -> impl Future<Output = Result<Edit, TargetError>> + Send;

    /// Tries a credential the way a consumer would.
    fn test(
        &self,
        credential: &Self::Credential,
    ) -> impl Future<Output = Result<Verdict<Self::Session>, TargetError>> + Send;

    /// Brings the target to accept the pending credential.
    fn set(
        &self,
        change: Change<'_, Self>,
    ) -> impl Future<Output = Result<Outcome, TargetError>> + Send;

    /// Checks, changing nothing, whether the authority could [`set`](Self::set) a successor.
    ///
    /// Called when rotation is attached without rotating at once, with the credential in use as `current`.
    fn preflight(
        &self,
        plan: Preflight<'_, Self>,
    ) -> impl Future<Output = Result<(), TargetError>> + Send {
        async move { self.close(plan.by.into_session()).await }
    }

    /// Checks, changing nothing, that `pending` can do what `current` can, in the session that tested it.
    ///
    /// Called where an admin has two principals take turns. An error names the difference, and keeps consumers on the
    /// current credential.
    fn compare(
        &self,
        current: &Self::Credential,
        pending: &Self::Credential,
        session: Self::Session,
    ) -> impl Future<Output = Result<(), TargetError>> + Send {
        let _ = (current, pending);
        async move { self.close(session).await }
    }

    /// When the credential that a rotation replaces stops to work.
    fn retirement(&self, current: &Self::Credential) -> Retire {
        let _ = current;
        Retire::ByTarget
    }

    /// Whether retiring takes several steps, so that one that was cut off leaves a credential that the target rejects
    /// and still counts. Where it does, what the target rejects is retired, too.
    ///
    /// It must not be so where the two could be taken for each other.
    fn retires_in_steps(&self, unwanted: &Self::Credential, current: &Self::Credential) -> bool {
        let _ = (unwanted, current);
        false
    }

    /// Makes the target reject a credential that it accepts; needed where [`retirement`](Self::retirement)
    /// says so.
    ///
    /// Never asked of the current one. It may be gone already: two invocations can do this at once.
    fn retire(
        &self,
        unwanted: &Self::Credential,
        by: Authority<'_, Self>,
    ) -> impl Future<Output = Result<(), TargetError>> + Send {
        let _ = unwanted;
        drop(by);
        ready(Err(TargetError::new(Class::Refused, "this rotator cannot retire a credential")))
    }

    /// Whether [`retire`](Self::retire) of `unwanted` would take `kept` with it, by the names that the target has for them.
    ///
    /// Asked where somebody has written versions by hand: a name there need not be that of the credential beside it.
    fn retires(&self, unwanted: &Self::Credential, kept: &Self::Credential) -> bool {
        unwanted == kept
    }

    /// Ends a session in good order; by default it is just dropped.
    fn close(
        &self,
        session: Self::Session,
    ) -> impl Future<Output = Result<(), TargetError>> + Send {
        drop(session);
        ready(Ok(()))
    }

    /// The principal that the credential after this one is for: the same one, unless two take turns.
    fn successor(&self, current: &Self::Credential) -> String {
        current.principal().to_owned()
    }

    /// Which of the own credentials `set` tries first.
    ///
    /// Where the old one dies when the new one is set, it is the current one: in a calm rotation no login
    /// fails then. Where a second `set` would do harm, it has to be the pending one.
    fn first_try(&self, current: &Self::Credential) -> FirstTry {
        let _ = current;
        FirstTry::Current
    }

    /// Reads the admin's credential, and completes it where its secret leaves out where to log in.
    fn admin(
        &self,
        secret: AdminSecret<'_>,
        current: &Self::Credential,
    ) -> impl Future<Output = Result<Self::Credential, TargetError>> + Send {
        let _ = current;
        ready(Self::Credential::read(secret.document()).map_err(TargetError::from))
    }

    /// Whether what `admin` changes at its target reaches the target of `current`, as that of a replica.
    ///
    /// Asked where the two are not the same.
    fn replicates(
        &self,
        admin: &Self::Credential,
        current: &Self::Credential,
    ) -> impl Future<Output = Result<bool, TargetError>> + Send {
        let _ = (admin, current);
        ready(Ok(false))
    }
}

/// What a rotator makes the next credential of.
#[non_exhaustive]
pub struct Create<'a, R: Rotator> {
    /// The credential to replace.
    pub current: &'a R::Credential,
    /// The version to make, the same in every retry.
    pub version: &'a VersionId,
    /// Where new passwords come from.
    pub passwords: &'a Passwords,
    /// The secret that is rotated.
    pub secret: &'a SecretId,
    /// The longest that an invocation can go on after it began.
    ///
    /// What this version made longer ago, and is not stored, never will be.
    pub lifetime: Duration,
    /// What the secret's versions prove.
    pub history: History<'a, R::Credential>,
    pub(crate) access: &'a dyn Access<R>,
}

impl<'a, R: Rotator> Create<'a, R> {
    /// Logs in whoever may have the target make a credential: the admin, where the secret names one; else the
    /// current credential; else an older version's that still works.
    ///
    /// Nobody logs in unless this is asked for.
    ///
    /// # Errors
    ///
    /// Class `auth-rejected` where none of them works; those of the login and of Secrets Manager.
    pub async fn authority(&self) -> Result<Authority<'a, R>, TargetError> {
        self.access.authority().await
    }
}

/// Behind it is a vault of any kind.
pub(crate) trait Access<R: Rotator>: Sync {
    fn authority(&self) -> Asked<'_, Authority<'_, R>>;
}

// Derived, it would ask for a rotator that is `Debug` itself.
impl<R: Rotator> fmt::Debug for Create<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create")
            .field("current", self.current)
            .field("version", self.version)
            .field("passwords", self.passwords)
            .field("secret", self.secret)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// A change of the target.
#[non_exhaustive]
pub struct Change<'a, R: Rotator> {
    /// The credential in use.
    pub current: &'a R::Credential,
    /// The credential that the target shall accept.
    pub pending: &'a R::Credential,
    /// The version that holds it, the same in every retry.
    pub version: &'a VersionId,
    /// Who makes the change.
    pub by: Authority<'a, R>,
    /// What the secret's versions prove.
    pub history: History<'a, R::Credential>,
}

impl<R: Rotator> fmt::Debug for Change<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("current", self.current)
            .field("pending", self.pending)
            .field("version", self.version)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// A change that is only to be looked at.
#[non_exhaustive]
pub struct Preflight<'a, R: Rotator> {
    /// The credential in use.
    pub current: &'a R::Credential,
    /// Who would make the change.
    pub by: Authority<'a, R>,
    /// What the secret's versions prove.
    pub history: History<'a, R::Credential>,
}

impl<R: Rotator> fmt::Debug for Preflight<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preflight")
            .field("current", self.current)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// What the target said of a credential. That it could not say is an error, never a verdict.
#[derive(Debug)]
pub enum Verdict<S> {
    /// It works; here is the open session.
    Accepted(S),
    /// The target knows that it does not; the reason, as the target's code tells it.
    Rejected(TargetError),
}

/// A credential that the target accepted in this very invocation, with the session that proved it.
pub struct Authority<'a, R: Rotator> {
    holder: Holder,
    credential: &'a R::Credential,
    session: R::Session,
}

impl<'a, R: Rotator> Authority<'a, R> {
    pub(crate) fn new(holder: Holder, credential: &'a R::Credential, session: R::Session) -> Self {
        Self { holder, credential, session }
    }

    /// Whether it is a version of the secret itself, or its admin.
    pub fn holder(&self) -> Holder {
        self.holder
    }

    /// The accepted credential.
    pub fn credential(&self) -> &'a R::Credential {
        self.credential
    }

    /// The open session.
    pub fn into_session(self) -> R::Session {
        self.session
    }
}

impl<R: Rotator> fmt::Debug for Authority<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("holder", &self.holder)
            .field("credential", self.credential)
            .finish_non_exhaustive()
    }
}

/// Whose credential an authority is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holder {
    /// A version of the secret itself.
    Own,
    /// The secret that [`Credential::admin`] names.
    Admin,
}

/// When the credential that a rotation replaced stops to work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retire {
    /// The target forgets it by itself, as a password that is overwritten. Unless two principals take turns, it is
    /// dead from then on: metrics tell how long consumers have it all the same.
    ByTarget,
    /// With the next version, which holds what is accepted and forgets the one before the last, or has the target do
    /// so: nobody is asked.
    ByNextVersion {
        /// How long after a rotation consumers may still have the version before.
        ///
        /// A rotation that begins earlier is refused.
        overlap: Duration,
    },
    /// At the start of the next rotation: consumers have a whole period to change over.
    BeforeCreate {
        /// How long after a credential was replaced consumers may still have it.
        ///
        /// A rotation that begins earlier is refused while the replaced one works. What counts is when the
        /// current version was created and when the secret was last rotated. In neither is seen when a version that
        /// was stored long before became current in a rotation of whose end Secrets Manager never heard. Where
        /// somebody has moved `AWSCURRENT` back to an older version, what it replaced is left alone.
        overlap: Duration,
    },
}

/// Which of a secret's own credentials is tried first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FirstTry {
    /// The current one.
    Current,
    /// The pending one.
    Pending,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It changed something.
    Changed,
    /// There was nothing left to change.
    Unchanged,
}

impl Outcome {
    /// The name in logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}
