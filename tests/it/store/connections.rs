//! Stores that cannot be opened or do not answer, and how a process finds its endpoint, region and credentials.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use bytes::Bytes;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::store::{Location, S3Settings, Store};
use object_store::path::Path;

use crate::support::backends::{Backend, s3_settings};

fn key(text: &str) -> Path {
    Path::parse(text).unwrap()
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_missing_input() {
    let backend = Backend::folder();
    let location = backend.location().join("no/such").unwrap();
    let error = Store::open(&location, &s3_settings(None))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputMissing);
    Store::create(&location, &s3_settings(None)).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_missing_input() {
    let backend = Backend::s3().await;
    let location = Location::parse("s3://no-such-bucket/x").unwrap();
    let store = Store::open(&location, &backend.s3_settings())
        .await
        .unwrap();
    let error = store.list(&key("raw")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputMissing);
    let text = error.to_string();
    assert!(
        text.ends_with("bucket `no-such-bucket` does not exist"),
        "{text}"
    );
}

#[tokio::test]
async fn wrong_credentials_are_refused_for_good() {
    let backend = Backend::s3().await;
    let mut settings = backend.s3_settings();
    settings.credentials.as_mut().unwrap().secret_key = "wrong".to_owned();
    let store = Store::open(&backend.location(), &settings).await.unwrap();
    let error = store.list(&key("raw")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let text = error.to_string();
    assert!(
        text.ends_with("the store does not accept the credentials for bucket `bucket`"),
        "{text}"
    );
}

#[tokio::test]
async fn an_endpoint_that_nobody_answers_is_worth_another_try() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let location = Location::parse("s3://bucket/x").unwrap();
    let store = Store::open(&location, &s3_settings(Some(endpoint)))
        .await
        .unwrap();
    let error = store.list(&key("raw")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    let text = error.to_string();
    assert!(
        text.ends_with("the store of bucket `bucket` does not answer"),
        "{text}"
    );
}

const CHILD: &str = "store::connections::settings_as_a_process_finds_them";
const LOCATION: &str = "DRIVETRAIN_TEST_LOCATION";

/// The other half of the test below: a process whose environment is its own.
#[tokio::test]
#[ignore = "is started by the test of variables and profiles"]
async fn settings_as_a_process_finds_them() {
    let location = std::env::var(LOCATION).expect("its parent names a location");
    let location = Location::parse(&location).unwrap();
    let store = Store::open(&location, &S3Settings::default())
        .await
        .unwrap();
    let record = key("found/record.json");
    store
        .put_new(&record, Bytes::from_static(b"1"))
        .await
        .unwrap();
    store.delete(vec![record]).await.unwrap();
}

/// What it is, the variables, and the error that is to come.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Option<&'a str>);

#[tokio::test(flavor = "multi_thread")]
async fn variables_and_profiles_are_found_as_the_aws_sdk_finds_them() {
    let backend = Backend::s3().await;
    let settings = backend.s3_settings();
    let endpoint = settings.endpoint.unwrap();
    let pair = settings.credentials.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let profile = format!(
        "[profile test]\nregion = eu-central-1\nservices = ours\naws_access_key_id = {}\naws_secret_access_key = {}\n\n[services ours]\ns3 =\n  endpoint_url = {endpoint}\n",
        pair.key_id, pair.secret_key
    );
    std::fs::write(&config, profile).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let keys = [
        ("AWS_ACCESS_KEY_ID", pair.key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", pair.secret_key.as_str()),
        ("AWS_REGION", "us-east-1"),
    ];
    let cases: [Case; 6] = [
        (
            "any service's endpoint",
            [&keys[..], &[("AWS_ENDPOINT_URL", &endpoint)]].concat(),
            None,
        ),
        (
            "the endpoint of S3 goes before",
            [
                &keys[..],
                &[
                    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                    ("AWS_ENDPOINT_URL_S3", &endpoint),
                ],
            ]
            .concat(),
            None,
        ),
        (
            "no region, which only AWS has",
            [&keys[..2], &[("AWS_ENDPOINT_URL_S3", &endpoint)]].concat(),
            None,
        ),
        (
            "a profile",
            vec![("AWS_CONFIG_FILE", &config), ("AWS_PROFILE", "test")],
            None,
        ),
        (
            "no credentials",
            vec![("AWS_ENDPOINT_URL", &endpoint), ("AWS_REGION", "us-east-1")],
            Some("no credentials are found for bucket `bucket`"),
        ),
        (
            "no region at AWS",
            keys[..2].to_vec(),
            Some("no region is known for bucket `bucket`"),
        ),
    ];
    for (name, variables, expected) in cases {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", CHILD, "--ignored", "--nocapture"])
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env(LOCATION, backend.location().to_string())
            .envs(variables);
        let output = tokio::task::spawn_blocking(move || child.output().unwrap());
        let output = output.await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.success(),
            expected.is_none(),
            "{name}: {text}"
        );
        assert!(text.contains(expected.unwrap_or("")), "{name}: {text}");
    }
}
