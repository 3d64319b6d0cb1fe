//! Stores that cannot be opened or do not answer.

use drivetrain_runner::ErrorKind;
use drivetrain_runner::store::{Location, Store};
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
async fn wrong_credentials_are_a_permanent_failure() {
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
async fn an_endpoint_that_does_not_answer_can_be_retried() {
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
