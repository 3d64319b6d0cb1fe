//! The backends on which the port of a store is tested: memory, a folder, an S3 server in this process, a real `MinIO`.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drivetrain_runner::store::{FileStore, Location, Objects, S3Credentials, S3Settings, Store};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::support::s3_gate::{Asked, Gate, Passage};

const KEY: &str = "drivetrain-test";
const SECRET: &str = "drivetrain-test-secret";
const BUCKET: &str = "bucket";

/// One backend; each store that it opens acts as another process.
pub struct Backend {
    kind: Kind,
    folder: Option<Arc<TempDir>>,
    server: Option<Arc<Server>>,
}

enum Kind {
    Memory(Arc<PrefixStore<InMemory>>),
    Folder(PathBuf),
    S3 { endpoint: String, prefix: String },
}

/// A process that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Backend {
    pub fn memory() -> Self {
        Self {
            kind: Kind::Memory(Arc::new(PrefixStore::new(InMemory::new(), ""))),
            folder: None,
            server: None,
        }
    }

    pub fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            kind: Kind::Folder(folder.path().to_owned()),
            folder: Some(Arc::new(folder)),
            server: None,
        }
    }

    /// An S3 server on a port of this process.
    pub async fn s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let address = serve(folder.path(), Arc::default()).await;
        Self {
            kind: Kind::S3 {
                endpoint: format!("http://{address}"),
                prefix: "out".to_owned(),
            },
            folder: Some(Arc::new(folder)),
            server: None,
        }
    }

    /// A `MinIO` that this test starts; `.ci/minio` installs it.
    pub async fn minio() -> Self {
        let binary =
            minio_binary().expect("run `.ci/minio` first, or name the binary in DRIVETRAIN_MINIO");
        let folder = tempfile::tempdir().unwrap();
        let port = StdListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let child = Command::new(binary)
            .args(["server", "--quiet", "--address", &address.to_string()])
            .arg(folder.path())
            .env("MINIO_ROOT_USER", KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET)
            .env("MINIO_BROWSER", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Server(child);
        tokio::time::timeout(Duration::from_mins(1), ready(address))
            .await
            .expect("MinIO is ready within a minute");
        let endpoint = format!("http://{address}");
        create_bucket(&endpoint, address).await;
        Self {
            kind: Kind::S3 {
                endpoint,
                prefix: "out".to_owned(),
            },
            folder: Some(Arc::new(folder)),
            server: Some(Arc::new(server)),
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
                server: self.server.clone(),
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

    pub fn settings(&self) -> S3Settings {
        let endpoint = match &self.kind {
            Kind::S3 { endpoint, .. } => Some(endpoint.clone()),
            _ => None,
        };
        settings(endpoint)
    }

    /// A new handle with connections of its own.
    pub async fn store(&self) -> Store {
        match &self.kind {
            Kind::Memory(objects) => Store::over(Location::Memory, Arc::clone(objects) as _),
            _ => Store::open(&self.location(), &self.settings())
                .await
                .unwrap(),
        }
    }

    /// The port below a handle, for a wrapper to stand on.
    pub async fn objects(&self) -> Arc<dyn Objects> {
        match &self.kind {
            Kind::Memory(objects) => Arc::clone(objects) as _,
            Kind::Folder(folder) => Arc::new(FileStore::open(folder).unwrap()),
            Kind::S3 { .. } => self.store().await.objects(),
        }
    }
}

/// An S3 server for processes, with a thread of its own.
pub struct Cloud {
    pub gate: Arc<Gate>,
    pub endpoint: String,
    folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl Cloud {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let gate = Arc::new(Gate::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let address = runtime.block_on(serve(folder.path(), Arc::clone(&gate)));
        Self {
            gate,
            endpoint: format!("http://{address}"),
            folder,
            _runtime: runtime,
        }
    }

    /// Where an object of the bucket lies.
    pub fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// What a process must know to find it.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// Settings that ask no chain, and give up soon.
pub fn settings(endpoint: Option<String>) -> S3Settings {
    S3Settings {
        endpoint,
        region: Some("us-east-1".to_owned()),
        credentials: Some(S3Credentials {
            key_id: KEY.to_owned(),
            secret_key: SECRET.to_owned(),
        }),
        retries: 1,
    }
}

fn minio_binary() -> Option<PathBuf> {
    if let Some(binary) = std::env::var_os("DRIVETRAIN_MINIO") {
        return Some(binary.into());
    }
    let cache = std::env::var_os("DRIVETRAIN_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("XDG_CACHE_HOME")?).join("drivetrain")))
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/drivetrain")))?;
    let script = include_str!("../../../.ci/minio");
    let version = script
        .lines()
        .find_map(|line| line.strip_prefix("version="))?;
    let binary = cache.join(format!("minio-{version}")).join("minio");
    binary.exists().then_some(binary)
}

/// Sends one request and returns the status.
async fn request(address: SocketAddr, method: &str, target: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(answer.into_owned()))
}

async fn ready(address: SocketAddr) {
    while !matches!(
        request(address, "GET", "/minio/health/ready").await,
        Ok(200)
    ) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn create_bucket(endpoint: &str, address: SocketAddr) {
    use object_store::signer::Signer;

    let client = object_store::aws::AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name(BUCKET)
        .with_access_key_id(KEY)
        .with_secret_access_key(SECRET)
        .build()
        .unwrap();
    let put = "PUT".parse().unwrap();
    let root = object_store::path::Path::default();
    let url = client
        .signed_url(put, &root, Duration::from_mins(1))
        .await
        .unwrap();
    let target = url.as_str().strip_prefix(endpoint).unwrap();
    // It says that it is ready a moment before it is.
    let created = async { while request(address, "PUT", target).await.unwrap() == 503 {} };
    tokio::time::timeout(Duration::from_mins(1), created)
        .await
        .expect("MinIO makes a bucket within a minute");
}

/// Serves a folder as S3, through the doors of a gate. Two of the server's faults are mended here: its conditional put is not
/// atomic, so writes take a lock; and it answers 403 instead of `NoSuchUpload` for an upload that it does not know.
async fn serve(folder: &Path, gate: Arc<Gate>) -> SocketAddr {
    let service = {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        builder.build()
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let writes = Arc::new(Mutex::new(()));
    tokio::spawn(async move {
        let server = auto::Builder::new(TokioExecutor::new());
        while let Ok((stream, _)) = listener.accept().await {
            // Without it each small answer waits 40 ms for the acknowledgement of the one before.
            stream.set_nodelay(true).unwrap();
            let (service, writes, gate) = (service.clone(), Arc::clone(&writes), Arc::clone(&gate));
            let answer = service_fn(move |request| {
                guarded(
                    service.clone(),
                    Arc::clone(&writes),
                    Arc::clone(&gate),
                    request,
                )
            });
            let connection = server
                .serve_connection(TokioIo::new(stream), answer)
                .into_owned();
            tokio::spawn(async move {
                connection.await.ok();
            });
        }
    });
    address
}

async fn guarded(
    service: S3Service,
    writes: Arc<Mutex<()>>,
    gate: Arc<Gate>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<s3s::HttpResponse, s3s::HttpError> {
    let asked = Asked::of(&request);
    let (after, lost) = match gate.pass(&asked).await {
        Passage::Through(after) => (after, None),
        Passage::Answered(status, body) => return Ok(said(status, body)),
        Passage::Lost(status, body) => (None, Some(said(status, body))),
    };
    // A task of its own: a client that goes away stops no work that a store has begun.
    let response = tokio::spawn(answer(service, writes, request))
        .await
        .unwrap();
    if let Some((reached, open)) = after {
        reached.send(asked).ok();
        open.notified().await;
    }
    lost.map_or(response, Ok)
}

fn said(status: u16, body: String) -> s3s::HttpResponse {
    let mut response = s3s::HttpResponse::new(s3s::Body::from(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    response
}

async fn answer(
    service: S3Service,
    writes: Arc<Mutex<()>>,
    request: hyper::Request<hyper::body::Incoming>,
) -> Result<s3s::HttpResponse, s3s::HttpError> {
    let writes_object = request.method() == "PUT" || request.method() == "POST";
    let query = request.uri().query().unwrap_or_default();
    let of_upload = query.contains("uploadId=") && request.method() != "PUT";
    let _guard = if writes_object {
        Some(writes.lock().await)
    } else {
        None
    };
    let mut response = hyper::service::Service::call(&service, request).await?;
    if of_upload && response.status() == 403 {
        let body = "<Error><Code>NoSuchUpload</Code></Error>".to_owned();
        response = s3s::HttpResponse::new(s3s::Body::from(body));
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
    }
    Ok(response)
}
