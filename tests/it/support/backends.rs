//! The backends on which the store's trait is tested: memory, a folder, an S3 server in this process, and a real
//! `MinIO`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use drivetrain_runner::store::{FileStore, Location, Objects, S3Credentials, S3Settings, Store};
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use tempfile::TempDir;

use super::minio::MinIo;
use super::s3_server::{self, BUCKET, KEY_ID, SECRET_KEY};

/// One backend. Each store that it opens acts as another process.
pub struct Backend {
    kind: Kind,
    folder: Option<Arc<TempDir>>,
    minio: Option<Arc<MinIo>>,
}

enum Kind {
    Memory(Arc<PrefixStore<InMemory>>),
    Folder(PathBuf),
    S3 { endpoint: String, prefix: String },
}

impl Backend {
    pub fn memory() -> Self {
        Self {
            kind: Kind::Memory(Arc::new(PrefixStore::new(InMemory::new(), ""))),
            folder: None,
            minio: None,
        }
    }

    pub fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            kind: Kind::Folder(folder.path().to_owned()),
            folder: Some(Arc::new(folder)),
            minio: None,
        }
    }

    /// Starts an S3 server in this process.
    pub async fn s3() -> Self {
        let folder = s3_server::folder_with_bucket();
        let address = s3_server::serve(folder.path(), Arc::default()).await;
        Self {
            kind: Kind::S3 {
                endpoint: format!("http://{address}"),
                prefix: "out".to_owned(),
            },
            folder: Some(Arc::new(folder)),
            minio: None,
        }
    }

    /// Starts a `MinIO` that ends with the test.
    pub async fn minio() -> Self {
        let minio = MinIo::start().await;
        Self {
            kind: Kind::S3 {
                endpoint: minio.endpoint.clone(),
                prefix: "out".to_owned(),
            },
            folder: None,
            minio: Some(Arc::new(minio)),
        }
    }

    /// Returns an empty backend of the same kind, on the same server.
    pub fn fresh(&self) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        match &self.kind {
            Kind::Memory(_) => Self::memory(),
            Kind::Folder(_) => Self::folder(),
            Kind::S3 { endpoint, .. } => Self {
                kind: Kind::S3 {
                    endpoint: endpoint.clone(),
                    prefix: format!("out/{}", NEXT.fetch_add(1, Ordering::Relaxed)),
                },
                folder: self.folder.clone(),
                minio: self.minio.clone(),
            },
        }
    }

    pub fn location(&self) -> Location {
        match &self.kind {
            Kind::Memory(_) => Location::Memory,
            Kind::Folder(folder) => Location::parse(folder.to_str().unwrap()).unwrap(),
            Kind::S3 { prefix, .. } => Location::parse(&format!("s3://{BUCKET}/{prefix}")).unwrap(),
        }
    }

    pub fn s3_settings(&self) -> S3Settings {
        let endpoint = match &self.kind {
            Kind::S3 { endpoint, .. } => Some(endpoint.clone()),
            _ => None,
        };
        s3_settings(endpoint)
    }

    /// Opens a store with its own connections, like another process.
    pub async fn store(&self) -> Store {
        match &self.kind {
            Kind::Memory(objects) => Store::over(Location::Memory, Arc::clone(objects) as _),
            _ => Store::open(&self.location(), &self.s3_settings())
                .await
                .unwrap(),
        }
    }

    /// Opens the underlying objects of a store, to which a wrapper can forward.
    pub async fn objects(&self) -> Arc<dyn Objects> {
        match &self.kind {
            Kind::Memory(objects) => Arc::clone(objects) as _,
            Kind::Folder(folder) => Arc::new(FileStore::open(folder).unwrap()),
            Kind::S3 { .. } => self.store().await.objects(),
        }
    }
}

/// Returns settings that do not search for credentials, and give up soon.
pub fn s3_settings(endpoint: Option<String>) -> S3Settings {
    S3Settings {
        endpoint,
        region: Some("us-east-1".to_owned()),
        credentials: Some(S3Credentials {
            key_id: KEY_ID.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
        }),
        retries: 1,
    }
}
