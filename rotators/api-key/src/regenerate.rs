//! A value that takes the place of the one before, which dies with it.

use turnlock::{Class, Create, Edit, Sensitive, TargetError};

use crate::ApiKeys;
use crate::description::{Request, Strategy};
use crate::exchange::{Ask, Sender, Session};
use crate::http::Client;
use crate::key::Key;
use crate::label::Label;
use crate::overlapping::{coming, whole};

/// Has the provider answer with another value. What of it is not stored is lost.
pub(crate) async fn create(
    client: &Client,
    next: &Create<'_, ApiKeys>,
    request: &Request,
) -> Result<Edit, TargetError> {
    let key = next.current.remote()?;
    let new = coming(key, &Label::new(next.secret, next.version)?, next)?;
    // A refresh token proves itself by being used, once.
    let refreshed = key.description().strategy == Strategy::RefreshToken;
    let by = if refreshed { None } else { Some(next.authority().await?) };
    let authority = match &by {
        Some(by) => by.credential().remote()?,
        None => key,
    };
    let session = by.map_or(Session(None), turnlock::Authority::into_session);
    let sender = Sender { credential: authority, session: &session };
    let ask = Ask::new(key, request).by(sender).with_new(&new);
    let answer = client.ask(ask).await.map_err(|fault| {
        if !fault.uncertain {
            return fault.error;
        }
        let text = format!("{}; the old value may be dead, {}", fault.error, remedy(key));
        TargetError::new(fault.error.class(), text)
    })?;
    let fields = whole(&answer, request, key).map_err(|(problem, _)| {
        let text = format!("the provider's answer {problem}; {}", remedy(key));
        TargetError::new(Class::Unexpected, text)
    })?;
    tracing::info!("the provider has given another value");
    Ok(fields
        .iter()
        .fold(Edit::new(), |edit, (field, value)| edit.set(field, Sensitive::new(value.expose()))))
}

fn remedy(key: &Key) -> &'static str {
    match &key.admin {
        Some(_) => "and the next attempt has the admin ask for another one",
        None => "and somebody has to make one by hand and store it",
    }
}
