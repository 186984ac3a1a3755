//! Signatures by an AWS access key, or by the function's own role.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::header::{HeaderName, HeaderValue};
use turnlock::{Class, Sensitive, TargetError};

use crate::description::{Request, Sigv4};
use crate::place::Call;
use crate::template::Template;
use crate::values::Values;

/// How often credentials are asked for where they are not in the environment, as they are in Lambda.
const CREDENTIAL_ATTEMPTS: u32 = 3;

/// Signs with the access key that the description names.
pub(crate) fn sign_by_key(
    call: &mut Call,
    signature: &Sigv4,
    request: &Request,
    values: &Values<'_>,
) -> Result<(), TargetError> {
    let fill = |template| filled(call, template, values);
    let (id, secret) = (fill(&signature.access_key_id)?, fill(&signature.secret_access_key)?);
    let credentials = Credentials::new(id.expose(), secret.expose(), None, None, "secret");
    let (service, region) = signed_for(signature, request);
    let (service, region) = (fill(service)?, fill(region)?);
    sign_with(call, credentials, service, region)
}

/// Signs with the credentials of the environment, which in Lambda are those of the function's role.
pub(crate) async fn sign_by_role(
    call: &mut Call,
    signature: Option<&Sigv4>,
    request: &Request,
    values: &Values<'_>,
) -> Result<(), TargetError> {
    let signature = signature.ok_or_else(|| fault(call, "is not to be signed"))?;
    let (service, region) = signed_for(signature, request);
    let (service, region) = (filled(call, service, values)?, filled(call, region, values)?);
    let config = turnlock::aws::configuration(CREDENTIAL_ATTEMPTS).load().await;
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| fault(call, "finds no credentials of the function"))?;
    let credentials = provider.provide_credentials().await;
    let credentials =
        credentials.map_err(|_| fault(call, "gets no credentials of the function's role"))?;
    sign_with(call, credentials, service, region)
}

/// The service and the region.
fn signed_for<'a>(signature: &'a Sigv4, request: &'a Request) -> (&'a Template, &'a Template) {
    match &request.signed_for {
        Some(told) => (&told.service, &told.region),
        None => (&signature.service, &signature.region),
    }
}

fn filled(call: &Call, template: &Template, values: &Values<'_>) -> Result<Sensitive, TargetError> {
    let filled = template.plain(values).ok().flatten();
    filled.ok_or_else(|| fault(call, "has no value for a part of its signature"))
}

fn sign_with(
    call: &mut Call,
    credentials: Credentials,
    service: Sensitive,
    region: Sensitive,
) -> Result<(), TargetError> {
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(region.expose())
        .name(service.expose())
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| fault(call, "cannot be signed"))?;
    let headers = call
        .headers
        .iter()
        .filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str(), value)));
    let body = call.body.as_ref().map_or("", |body| body.expose());
    let request = SignableRequest::new(
        call.method.name(),
        call.url.as_str(),
        headers,
        SignableBody::Bytes(body.as_bytes()),
    );
    let signed = request.and_then(|request| sign(request, &parameters.into()));
    let signed = signed.map_err(|_| fault(call, "cannot be signed"))?;
    for (name, value) in signed.into_parts().0.headers() {
        let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        else {
            return Err(fault(call, "cannot be signed"));
        };
        value.set_sensitive(true);
        call.headers.insert(name, value);
    }
    Ok(())
}

fn fault(call: &Call, problem: &str) -> TargetError {
    TargetError::new(Class::Refused, format!("{} {problem}", call.name))
}
