//! S3 and compatible stores, configured as the AWS SDK configures itself.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, CredentialProvider, RetryConfig};
use tokio::sync::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::store::aws_sdk;

/// The time limit for opening a connection; one that takes longer seldom succeeds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for a request. A part of 8 MiB takes 67 seconds over a line of 1 Mbit/s; a streamed read continues
/// after a timeout.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);
/// The time before expiry at which credentials are refreshed, longer than any request takes.
const REFRESH_BEFORE: Duration = Duration::from_mins(5);

/// The caller's S3 settings. For a field that is `None`, the AWS SDK looks in the environment and the profile.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The URL of an S3-compatible store other than AWS, such as `http://localhost:9000`.
    pub endpoint: Option<String>,
    /// The region of the bucket, such as `eu-central-1`.
    pub region: Option<String>,
    /// A key pair that replaces the SDK's credential chain.
    pub credentials: Option<S3Credentials>,
    /// The number of retries after a transient failure. With the default of 8, the pauses between retries add
    /// up to about 15 seconds, after which a store that refuses connections is given up.
    pub retries: usize,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            credentials: None,
            retries: 8,
        }
    }
}

/// A key pair that does not expire.
#[derive(Clone)]
pub struct S3Credentials {
    /// The id of the access key, as in `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// The secret of the access key, as in `AWS_SECRET_ACCESS_KEY`; it is never printed.
    pub secret_key: String,
}

/// Prints the id and omits the secret.
impl std::fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Credentials")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// Opens a bucket as a store whose keys are relative to `prefix`.
///
/// # Errors
/// `Failed` if no credentials or no region can be found; `Usage` for an invalid endpoint or other invalid settings.
pub(crate) async fn open(
    bucket: &str,
    prefix: &Path,
    settings: &S3Settings,
) -> Result<PrefixStore<AmazonS3>> {
    let chain = chain(settings).await;
    let endpoint = settings
        .endpoint
        .clone()
        .or_else(|| aws_sdk::endpoint(&chain, "S3"));
    if let Some(endpoint) = &endpoint {
        aws_sdk::require_url(endpoint, "S3")?;
    }
    let region = match (chain.region(), &endpoint) {
        (Some(region), _) => region.to_string(),
        // Stores other than AWS have no regions, but the signature contains one; all of them accept this one.
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => return Err(aws_sdk::no_region(&format!("bucket `{bucket}`"))),
    };
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout(REQUEST_TIMEOUT)
        .with_allow_http(
            endpoint
                .as_deref()
                .is_some_and(|endpoint| endpoint.starts_with("http://")),
        );
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(4),
            base: 2.0,
        },
        max_retries: settings.retries,
        retry_timeout: Duration::from_secs(90),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_client_options(client)
        .with_retry(retry);
    builder = match endpoint {
        // Other stores seldom have a host name per bucket.
        Some(endpoint) => builder
            .with_endpoint(endpoint)
            .with_virtual_hosted_style_request(false),
        // A bucket name with dots does not match AWS's wildcard certificate.
        None => builder.with_virtual_hosted_style_request(!bucket.contains('.')),
    };
    builder = if let Some(pair) = &settings.credentials {
        builder
            .with_access_key_id(&pair.key_id)
            .with_secret_access_key(&pair.secret_key)
    } else {
        let provider = chain
            .credentials_provider()
            .ok_or_else(|| no_credentials(bucket))?;
        let credentials = ChainCredentials::new(provider);
        // The credentials are requested here, so that a run without credentials fails at its start with the SDK's own
        // error.
        credentials
            .current()
            .await
            .map_err(|error| no_credentials(bucket).caused_by(io::Error::other(error)))?;
        builder.with_credentials(Arc::new(credentials))
    };
    let store = builder.build().map_err(|error| {
        Error::new(ErrorKind::Usage, format!("cannot open bucket `{bucket}`")).caused_by(error)
    })?;
    Ok(PrefixStore::new(store, prefix.clone()))
}

/// Builds the error of a bucket for which the SDK finds no credentials.
fn no_credentials(bucket: &str) -> Error {
    aws_sdk::no_credentials(&format!("bucket `{bucket}`"))
}

/// Loads the SDK's settings, in which those of the caller replace what the SDK finds.
async fn chain(settings: &S3Settings) -> SdkConfig {
    let mut loader = aws_sdk::loader();
    if let Some(region) = &settings.region {
        loader = loader.region(Region::new(region.clone()));
    } else if settings.endpoint.is_some() {
        loader = loader.region(Region::from_static("us-east-1"));
    }
    if settings.credentials.is_some() {
        loader = loader.no_credentials();
    }
    loader.load().await
}

/// The SDK's credentials for `object_store`, refreshed before they expire.
#[derive(Debug)]
struct ChainCredentials {
    /// The SDK's provider, which looks in the environment, profiles and roles.
    provider: SharedCredentialsProvider,
    /// The last credentials; the lock also prevents concurrent refreshes.
    held: Mutex<Option<CachedCredential>>,
}

/// Credentials that were found, and the time from which they are refreshed.
#[derive(Debug)]
struct CachedCredential {
    /// The credentials in the type by which `object_store` signs requests.
    credential: Arc<AwsCredential>,
    /// The time from which the provider is asked again; `None` if the credentials do not expire.
    refresh_at: Option<SystemTime>,
}

impl ChainCredentials {
    /// Wraps a provider, which is asked only when credentials are needed.
    fn new(provider: SharedCredentialsProvider) -> Self {
        Self {
            provider,
            held: Mutex::new(None),
        }
    }

    /// Returns valid credentials; asks the provider only if there are none yet or they expire soon.
    async fn current(&self) -> std::result::Result<Arc<AwsCredential>, CredentialsError> {
        let mut held = self.held.lock().await;
        if let Some(held) = &*held
            && held.refresh_at.is_none_or(|at| SystemTime::now() < at)
        {
            return Ok(Arc::clone(&held.credential));
        }
        let found = self.provider.provide_credentials().await?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *held = Some(CachedCredential {
            credential: Arc::clone(&credential),
            refresh_at: found.expiry().map(|at| at - REFRESH_BEFORE),
        });
        Ok(credential)
    }
}

#[async_trait]
impl CredentialProvider for ChainCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.current()
            .await
            .map_err(|error| object_store::Error::Unauthenticated {
                path: "credentials".to_owned(),
                source: error.into(),
            })
    }
}
