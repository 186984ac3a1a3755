//! A value that takes the place of the one before, which dies with it.

use turnlock::{Class, Create, Edit, TargetError};

use crate::ApiKeys;
use crate::description::{Request, Strategy};
use crate::exchange::{Ask, Sender};
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
    let by = next.authority().await?;
    let authority = by.credential().remote()?;
    let session = by.into_session();
    let sender = Sender { credential: authority, session: &session };
    // Where an older version's works, and not the current one, that is what is exchanged.
    let refreshed = key.description().strategy == Strategy::RefreshToken && !authority.is_admin();
    let about = if refreshed { authority } else { key };
    let ask = Ask::new(about, request).by(sender).with_new(&new);
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
    Ok(fields.edit())
}

fn remedy(key: &Key) -> &'static str {
    match &key.admin {
        Some(_) => "and the next attempt has the admin ask for another one",
        None => "and somebody has to make one by hand and store it",
    }
}
