//! What a store's failure means to the person who runs a job.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, ErrorKind};
use crate::store::frozen_reader::replaced;
use crate::store::location::Location;
use crate::store::s3::profile;

/// The class of a store's failure, as far as the way out differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFailure {
    Certificate,
    Clock,
    Credentials,
    DiskFull,
    Expired,
    MissingBucket,
    MissingObject,
    NoFolder,
    NoHardLinks,
    Permission,
    Region,
    Replaced,
    Throttled,
    Unknown,
    Unreachable,
}

/// Turns a store's error into one that names the place, says what can be done, and has the kind that the exit code comes from.
///
/// `doing` says what was being done, in the words that follow "cannot".
#[must_use]
pub fn explain(error: object_store::Error, doing: impl fmt::Display, location: &Location) -> Error {
    let (failure, chain) = failure(&error);
    let (kind, what, hint) = meaning(failure, &chain, location);
    let explained = Error::new(kind, format!("cannot {doing}: {what}")).caused_by(error);
    match hint {
        Some(hint) => explained.hint(hint),
        None => explained,
    }
}

impl StoreFailure {
    /// Finds the class of a failure from its type, and from code and status in the store's answer.
    pub(crate) fn of(error: &object_store::Error) -> Self {
        failure(error).0
    }
}

fn meaning(
    failure: StoreFailure,
    chain: &Chain,
    location: &Location,
) -> (ErrorKind, String, Option<String>) {
    let hinted = |kind, what: String, hint: &str| (kind, what, Some(hint.to_owned()));
    let (bucket, credentials) = match location {
        Location::S3 { bucket, .. } => (format!("bucket `{bucket}`"), credentials()),
        place => (format!("`{place}`"), "the credentials".to_owned()),
    };
    match failure {
        StoreFailure::Certificate => hinted(
            ErrorKind::Failed,
            format!("the store of {bucket} shows a certificate that nobody vouches for"),
            "check the host in AWS_ENDPOINT_URL, or name the authority's certificates with SSL_CERT_FILE",
        ),
        StoreFailure::Clock => hinted(
            ErrorKind::Failed,
            format!("the store of {bucket} says that this machine's clock is wrong"),
            "set the clock: a signature is good for 15 minutes",
        ),
        StoreFailure::Credentials => hinted(
            ErrorKind::Failed,
            format!("the store does not accept {credentials} for {bucket}"),
            "`aws sts get-caller-identity` shows which ones are found; set AWS_PROFILE or AWS_ACCESS_KEY_ID",
        ),
        StoreFailure::DiskFull => hinted(
            ErrorKind::Failed,
            format!("the disk that holds {bucket} is full"),
            "free space there, then run the same command again",
        ),
        StoreFailure::Expired => hinted(
            ErrorKind::Failed,
            format!("{credentials} for {bucket} have expired"),
            "log in again (`aws sso login`), or set new ones, then run the same command again",
        ),
        StoreFailure::MissingBucket => hinted(
            ErrorKind::InputMissing,
            format!("{bucket} does not exist"),
            "check the name, and that AWS_ENDPOINT_URL means the right store",
        ),
        StoreFailure::MissingObject => hinted(
            ErrorKind::InputMissing,
            "it is not there".to_owned(),
            match location {
                Location::Folder(_) => "check the path",
                _ => "check the bucket and the prefix",
            },
        ),
        StoreFailure::NoFolder => hinted(
            ErrorKind::InputMissing,
            "it is no folder".to_owned(),
            "name a folder; raw data lies in `<input>/raw/<dataset>/`",
        ),
        StoreFailure::NoHardLinks => hinted(
            ErrorKind::Failed,
            format!("the volume of {bucket} has no hard links, and a commit is one"),
            "put the output on a volume that has them (ext4, xfs, APFS), or on S3",
        ),
        StoreFailure::Permission => hinted(
            ErrorKind::Failed,
            match location {
                Location::S3 { .. } => format!("{credentials} have no permission on {bucket}"),
                _ => format!("no permission on {bucket}"),
            },
            match location {
                Location::Folder(_) => "check the owner and the mode of the folder and its files",
                _ => "check the role's policy: get, put, list, delete and multipart on this prefix",
            },
        ),
        StoreFailure::Region => match chain.region() {
            Some(region) => (
                ErrorKind::Failed,
                format!("{bucket} lies in the region `{region}`"),
                Some(format!("set AWS_REGION={region}")),
            ),
            None => hinted(
                ErrorKind::Failed,
                format!("{bucket} lies in another region"),
                "set AWS_REGION to the bucket's region (`aws s3api get-bucket-location` tells it)",
            ),
        },
        StoreFailure::Replaced => hinted(
            ErrorKind::TryAgain,
            "it was replaced or deleted after this run had listed it".to_owned(),
            "run the same command again: it starts from the new version",
        ),
        StoreFailure::Throttled => hinted(
            ErrorKind::TryAgain,
            format!("the store of {bucket} asks to slow down"),
            "run the same command again later",
        ),
        StoreFailure::Unreachable => hinted(
            ErrorKind::TryAgain,
            format!("the store of {bucket} does not answer"),
            "check the network and AWS_ENDPOINT_URL, then run the same command again",
        ),
        StoreFailure::Unknown => (ErrorKind::Failed, "the store refused".to_owned(), None),
    }
}

/// The credentials in a message, by the profile that they come from where one is named.
fn credentials() -> String {
    match profile() {
        Some(profile) => format!("the credentials of profile `{profile}`"),
        None => "the credentials".to_owned(),
    }
}

fn failure(error: &object_store::Error) -> (StoreFailure, Chain) {
    use object_store::Error as Store;
    let chain = Chain::of(error);
    let by_kind = || match error {
        Store::NotFound { .. } => StoreFailure::MissingObject,
        Store::PermissionDenied { .. } => StoreFailure::Permission,
        Store::Unauthenticated { .. } => StoreFailure::Credentials,
        Store::Precondition { .. } => StoreFailure::Replaced,
        _ if chain.http.is_some() => StoreFailure::Unreachable,
        _ => chain.status().map_or(StoreFailure::Unknown, by_status),
    };
    let failure = match replaced(error) {
        Some(_) => StoreFailure::Replaced,
        // The TLS library's words: its error is not ours to name.
        None if chain.text.contains("invalid peer certificate") => StoreFailure::Certificate,
        None => chain
            .code()
            .and_then(by_code)
            .or_else(|| chain.io.and_then(by_io))
            .unwrap_or_else(by_kind),
    };
    (failure, chain)
}

/// S3's error codes, which say more than the status.
fn by_code(code: &str) -> Option<StoreFailure> {
    Some(match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => StoreFailure::Permission,
        "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "PermanentRedirect" => StoreFailure::Region,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => StoreFailure::Expired,
        "InvalidAccessKeyId" | "InvalidToken" | "SignatureDoesNotMatch" => {
            StoreFailure::Credentials
        }
        "NoSuchBucket" => StoreFailure::MissingBucket,
        "RequestTimeTooSkewed" => StoreFailure::Clock,
        "SlowDown" | "ServiceUnavailable" | "Throttling" | "TooManyRequests" => {
            StoreFailure::Throttled
        }
        "InternalError" | "RequestTimeout" | "OperationAborted" => StoreFailure::Unreachable,
        "XMinioStorageFull" => StoreFailure::DiskFull,
        _ => return None,
    })
}

fn by_io(kind: io::ErrorKind) -> Option<StoreFailure> {
    Some(match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreFailure::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreFailure::Permission
        }
        io::ErrorKind::NotADirectory => StoreFailure::NoFolder,
        io::ErrorKind::TimedOut | io::ErrorKind::ConnectionRefused => StoreFailure::Unreachable,
        // The file store says so of a volume that refuses them.
        io::ErrorKind::Unsupported => StoreFailure::NoHardLinks,
        _ => return None,
    })
}

fn by_status(status: u16) -> StoreFailure {
    match status {
        301 | 307 | 308 => StoreFailure::Region,
        401 => StoreFailure::Credentials,
        403 => StoreFailure::Permission,
        429 | 503 => StoreFailure::Throttled,
        408 | 500..=599 => StoreFailure::Unreachable,
        _ => StoreFailure::Unknown,
    }
}

/// What the chain of causes holds. `object_store` keeps its answer's type to itself, so code and status are read from its text.
struct Chain {
    text: String,
    io: Option<io::ErrorKind>,
    http: Option<HttpErrorKind>,
}

impl Chain {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut chain = Self {
            text: String::new(),
            io: None,
            http: None,
        };
        let mut next = Some(error);
        while let Some(error) = next {
            chain.text.push_str(&error.to_string());
            chain.text.push('\n');
            if let Some(error) = error.downcast_ref::<io::Error>() {
                chain.io = chain.io.or(Some(error.kind()));
            }
            if let Some(error) = error.downcast_ref::<HttpError>() {
                chain.http = chain.http.or(Some(error.kind()));
            }
            next = error.source();
        }
        chain
    }

    fn code(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<Code>")?;
        rest.split_once("</Code>").map(|(code, _)| code)
    }

    /// The bucket's region, where the answer says it.
    fn region(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("<Region>")?;
        rest.split_once("</Region>").map(|(region, _)| region)
    }

    fn status(&self) -> Option<u16> {
        if self.text.contains("Received redirect without LOCATION") {
            return Some(301);
        }
        let (_, rest) = self.text.split_once("status code: ")?;
        rest.get(..3)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    #[test]
    fn each_failure_has_the_kind_that_says_what_can_be_done() {
        let location = Location::parse("s3://bucket/x").unwrap();
        let code = |code: &str| {
            generic(&format!(
                "Server returned non-2xx status code: 400 Bad Request: <Error><Code>{code}</Code></Error>"
            ))
        };
        let status = |status: &str| {
            generic(&format!(
                "Server returned non-2xx status code: {status} Text: "
            ))
        };
        let disk = object_store::Error::Generic {
            store: "file system",
            source: io::Error::from(io::ErrorKind::StorageFull).into(),
        };
        for (error, kind, text) in [
            (
                code("NoSuchBucket"),
                ErrorKind::InputMissing,
                "bucket `bucket` does not exist",
            ),
            (
                code("AuthorizationHeaderMalformed"),
                ErrorKind::Failed,
                "bucket `bucket` lies in another region",
            ),
            (
                code("ExpiredToken"),
                ErrorKind::Failed,
                "the credentials for bucket `bucket` have expired",
            ),
            (
                status("503"),
                ErrorKind::TryAgain,
                "the store of bucket `bucket` asks to slow down",
            ),
            (
                status("500"),
                ErrorKind::TryAgain,
                "the store of bucket `bucket` does not answer",
            ),
            (
                status("403"),
                ErrorKind::Failed,
                "the credentials have no permission on bucket `bucket`",
            ),
            (
                generic("error sending request: invalid peer certificate: UnknownIssuer"),
                ErrorKind::Failed,
                "the store of bucket `bucket` shows a certificate that nobody vouches for",
            ),
            (
                disk,
                ErrorKind::Failed,
                "the disk that holds bucket `bucket` is full",
            ),
        ] {
            let explained = explain(error, "read `a.csv`", &location);
            assert_eq!(explained.kind(), kind, "{explained}");
            assert_eq!(
                explained.to_string(),
                format!("cannot read `a.csv`: {text}")
            );
            assert!(explained.hint_text().is_some());
        }
    }
}
