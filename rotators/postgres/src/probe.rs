//! How a server asks a role for its password: seen from its first answer to a login, without logging in.
//!
//! `password_encryption` says how a server stores passwords, `pg_hba.conf` what it asks for, and each is set
//! apart from the other. A role that has md5 stored where SCRAM is asked for can never log in again.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use turnlock::{Class, TargetError};
use turnlock_database::fault::{LOG_IN, slow_login};
use turnlock_database::{Trust, relay};

use crate::engine::Login;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const PROTOCOL_3_0: i32 = 196_608;
/// `AuthenticationCleartextPassword`
pub(crate) const CLEAR_TEXT: i32 = 3;
/// `AuthenticationMD5Password`: sent only where md5 is both asked for and stored.
pub(crate) const MD5: i32 = 5;
/// `AUTH_REQ_DIGEST` of Amazon's drivers for Redshift, which no other driver knows.
pub(crate) const REDSHIFT_DIGEST: i32 = 13;

/// Whether the role logs in by md5 today, so that md5 may be stored again.
///
/// A server that asks for SCRAM, or stores it, answers otherwise; and a SCRAM verifier works under either
/// line of `pg_hba.conf`.
pub(crate) async fn asks_for_md5(login: &Login, trust: &Trust) -> Result<bool, TargetError> {
    Ok(method(login, trust).await? == MD5)
}

/// The number of the method by which the role is asked for its password.
pub(crate) async fn method(login: &Login, trust: &Trust) -> Result<i32, TargetError> {
    let mut server = relay::connect(&login.server).await?;
    let ask = async {
        let Some(name) = &login.server.tls_name else { return ask(server, login).await };
        server.write_all(&SSL_REQUEST).await.ok()?;
        if server.read_u8().await.ok()? != b'S' {
            return None;
        }
        let name = name.clone().try_into().ok()?;
        let connector = TlsConnector::from(trust.client().ok()?);
        ask(connector.connect(name, server).await.ok()?, login).await
    };
    match timeout(LOG_IN, ask).await {
        Ok(Some(method)) => Ok(method),
        Ok(None) => {
            let text = format!("{} does not say how it asks for passwords", login.server);
            Err(TargetError::new(Class::Tcp, text))
        }
        Err(_) => Err(slow_login(&login.server, false)),
    }
}

/// Begins a login and reads the first answer; `None` where it is no request to authenticate.
async fn ask(mut server: impl AsyncRead + AsyncWrite + Unpin, login: &Login) -> Option<i32> {
    let mut parameters = Vec::new();
    let database = login.database.as_deref().unwrap_or_default();
    for text in ["user", &login.username, "database", database] {
        parameters.extend_from_slice(text.as_bytes());
        parameters.push(0);
    }
    parameters.push(0);
    let length = i32::try_from(parameters.len() + 8).ok()?;
    let message = [&length.to_be_bytes()[..], &PROTOCOL_3_0.to_be_bytes(), &parameters].concat();
    server.write_all(&message).await.ok()?;
    server.flush().await.ok()?;

    let mut answer = [0; 9];
    server.read_exact(&mut answer).await.ok()?;
    // In good order, so that the server does not log a broken connection; that it fails changes nothing.
    server.shutdown().await.unwrap_or_default();
    let [kind, _, _, _, _, method @ ..] = answer;
    (kind == b'R').then_some(i32::from_be_bytes(method))
}
