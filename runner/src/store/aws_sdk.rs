//! The AWS SDK's settings, which all clients of AWS services share: credential chain, region, endpoints, HTTP client.

use std::time::Duration;

use aws_config::imds;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::tls;
use aws_types::sdk_config::SharedHttpClient;
use aws_types::service_config::ServiceConfigKey;
use url::Url;

use crate::error::{Error, ErrorKind, Result};

/// The longest wait for the metadata service, which is on the same host.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns a loader of the SDK's settings: variables, profiles, single sign-on, container and instance roles. Its HTTP
/// client uses the one TLS provider of this binary.
pub(crate) fn loader() -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).http_client(http_client())
}

/// Returns a client of the instance metadata service of EC2. It tries a request once, because its caller asks again.
pub(crate) fn metadata_client() -> imds::Client {
    let config = ProviderConfig::without_region().with_http_client(http_client());
    imds::Client::builder()
        .configure(&config)
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .max_attempts(1)
        .build()
}

/// Returns a client with the one TLS provider of this binary.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https()
}

/// Returns the endpoint that is configured for a service, such as `S3`: the variable `AWS_ENDPOINT_URL_<SERVICE>`, the
/// profile's `services` section, `AWS_ENDPOINT_URL`, the profile's `endpoint_url`, in this order.
pub(crate) fn endpoint(config: &SdkConfig, service: &'static str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    config
        .service_config()
        .and_then(|services| services.load_config(key))
        .or_else(|| config.endpoint_url().map(str::to_owned))
        .filter(|endpoint| !endpoint.is_empty())
}

/// Checks that the endpoint of a service is an HTTP URL. Without this check, the client would fail only when it signs
/// its first request.
///
/// # Errors
/// `Usage` for any other text.
pub(crate) fn require_url(endpoint: &str, service: &str) -> Result<()> {
    let url = Url::parse(endpoint);
    let is_address = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    if url.as_ref().is_ok_and(is_address) {
        return Ok(());
    }
    let error = Error::new(
        ErrorKind::Usage,
        format!("the endpoint `{endpoint}` is not an `http://` or `https://` URL"),
    )
    .hint(format!(
        "set AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_{service} or the profile's `endpoint_url` to a URL such as `http://localhost:9000`",
    ));
    Err(match url {
        Err(why) => error.caused_by(why),
        Ok(_) => error,
    })
}

/// Returns the profile that the environment selects, for messages only.
#[expect(
    clippy::disallowed_methods,
    reason = "the SDK reads these variables too, but does not say which profile it chose"
)]
pub(crate) fn profile() -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    // A key in the environment takes precedence over any profile.
    match variable("AWS_ACCESS_KEY_ID") {
        Some(_) => None,
        None => variable("AWS_PROFILE"),
    }
}

/// Builds the error of a service for which no region is configured; `what` needs the region.
pub(crate) fn no_region(what: &str) -> Error {
    let by = profile().map_or_else(String::new, |profile| format!(" in profile `{profile}`"));
    let message = format!("no region is configured for {what}{by}");
    Error::new(ErrorKind::Failed, message).hint("set AWS_REGION, or `region` in the AWS profile")
}

/// Builds the error of a service for which the SDK finds no credentials; `what` needs the credentials.
pub(crate) fn no_credentials(what: &str) -> Error {
    let (message, hint) = match profile() {
        Some(profile) => (
            format!("no credentials were found for {what} in profile `{profile}`"),
            format!("log in (`aws sso login --profile {profile}`), or correct the profile"),
        ),
        None => (
            format!("no credentials were found for {what}"),
            "log in (`aws sso login`), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
        ),
    };
    Error::new(ErrorKind::Failed, message).hint(hint)
}
