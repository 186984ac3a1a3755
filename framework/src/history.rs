//! What a rotator may ask of Secrets Manager, without a client and without a label.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::{Document, TargetError};

pub(crate) type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, TargetError>> + Send + 'a>>;

pub(crate) type Recognise<'a, C> = dyn Fn(&C) -> bool + Send + Sync + 'a;

/// What the versions of a secret prove about accounts at its target.
pub struct History<'a, C>(&'a dyn Past<C>);

/// Behind it are a vault and a rotator of any kind.
pub(crate) trait Past<C>: Sync {
    fn proves<'f>(&'f self, principal: &'f str) -> Asked<'f, bool>;

    fn knows<'f>(&'f self, principal: &'f str, recognise: &'f Recognise<'f, C>) -> Asked<'f, bool>;

    fn in_use<'f>(&'f self, recognise: &'f Recognise<'f, C>) -> Asked<'f, bool>;
}

impl<'a, C> History<'a, C> {
    pub(crate) fn new(past: &'a dyn Past<C>) -> Self {
        Self(past)
    }

    /// Whether a version of the secret, with a label or without, logs in as `principal` at the same target.
    ///
    /// That a version names an account proves nothing, since whoever may write the secret may write any
    /// name; the password does. The versions are tried one after the other, until one is accepted: ask only
    /// where there is a reason to think that one will be.
    ///
    /// # Errors
    ///
    /// Where the target could not say.
    pub async fn proves(&self, principal: &str) -> Result<bool, TargetError> {
        self.0.proves(principal).await
    }

    /// Whether a version of the secret, with a label or without, is one that the rotator recognises by what the
    /// target has stored: the same proof without a login.
    ///
    /// Only versions for `principal` at the same target are asked about.
    ///
    /// # Errors
    ///
    /// Where none is recognised, and not all could be read.
    pub async fn knows(
        &self,
        principal: &str,
        recognise: impl Fn(&C) -> bool + Send + Sync,
    ) -> Result<bool, TargetError> {
        self.0.knows(principal, &recognise).await
    }

    /// Whether consumers may have a credential that the rotator recognises: one of a version with a label, of
    /// whatever name.
    ///
    /// Where credentials overlap, and the current version became current less than the overlap ago, it may be
    /// one of a version that has lost its label since; so these count too. So does the one that is the
    /// [`authority`](crate::Create::authority), where that is an older version's: nothing else may work.
    ///
    /// # Errors
    ///
    /// Where none is recognised before a version that cannot be read: not to know is no verdict.
    pub async fn in_use(
        &self,
        recognise: impl Fn(&C) -> bool + Send + Sync,
    ) -> Result<bool, TargetError> {
        self.0.in_use(&recognise).await
    }
}

// Derived, they would ask it of the credential.
impl<C> Clone for History<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for History<'_, C> {}

impl<C> fmt::Debug for History<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("History")
    }
}

/// The secret that holds an admin's credential.
#[derive(Clone, Copy)]
pub struct AdminSecret<'a> {
    document: &'a Document,
    about: &'a dyn About,
}

/// Behind it is a vault of any kind.
pub(crate) trait About: Sync {
    fn tags(&self) -> Asked<'_, Vec<(String, String)>>;
}

impl<'a> AdminSecret<'a> {
    pub(crate) fn new(document: &'a Document, about: &'a dyn About) -> Self {
        Self { document, about }
    }

    /// Its current version.
    pub fn document(&self) -> &'a Document {
        self.document
    }

    /// Its tags, key and value; one call to Secrets Manager.
    ///
    /// # Errors
    ///
    /// Where Secrets Manager does not answer; class `permission` where the function's role may not
    /// `secretsmanager:DescribeSecret` the admin's secret.
    pub async fn tags(&self) -> Result<Vec<(String, String)>, TargetError> {
        self.about.tags().await
    }
}

impl fmt::Debug for AdminSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdminSecret").field(self.document).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::Sensitive;

    struct Nothing;

    impl Past<()> for Nothing {
        fn proves<'f>(&'f self, _: &'f str) -> Asked<'f, bool> {
            Box::pin(ready(Ok(false)))
        }

        fn knows<'f>(&'f self, _: &'f str, _: &'f Recognise<'f, ()>) -> Asked<'f, bool> {
            Box::pin(ready(Ok(false)))
        }

        fn in_use<'f>(&'f self, _: &'f Recognise<'f, ()>) -> Asked<'f, bool> {
            Box::pin(ready(Ok(false)))
        }
    }

    impl About for Nothing {
        fn tags(&self) -> Asked<'_, Vec<(String, String)>> {
            Box::pin(ready(Ok(Vec::new())))
        }
    }

    #[test]
    fn they_print_their_names_and_the_names_of_fields() {
        assert_eq!(format!("{:?}", History::new(&Nothing)), "History");
        let document = Document::parse(Sensitive::new(r#"{"password":"first-secret"}"#)).unwrap();
        let printed = format!("{:?}", AdminSecret::new(&document, &Nothing));
        assert_eq!(printed, r#"AdminSecret(["password"])"#);
    }
}
