//! An S3 server in this process, over a folder and behind a gate.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError, HttpResponse};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::s3_gate::{Gate, Passage, S3Request};

pub const KEY_ID: &str = "drivetrain-test";
pub const SECRET_KEY: &str = "drivetrain-test-secret";
pub const BUCKET: &str = "bucket";

/// A server on its own threads, for tests that start processes.
pub struct S3Server {
    pub gate: Arc<Gate>,
    pub endpoint: String,
    folder: TempDir,
    _runtime: Runtime,
}

impl S3Server {
    pub fn start() -> Self {
        let folder = folder_with_bucket();
        let gate = Arc::new(Gate::default());
        let runtime = Builder::new_multi_thread()
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

    /// Returns the path of the file that holds an object of the bucket.
    pub fn path(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// Returns the environment variables of a process that uses this server.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Returns the names of the files that hold uploads which were neither completed nor aborted.
    pub fn open_uploads(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).collect()
    }

    pub fn forget_uploads(&self) {
        for name in self.open_uploads() {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }
    }
}

pub fn folder_with_bucket() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
    folder
}

/// Serves a folder as S3 through a gate, and works around two bugs of the library's server: its conditional put is not
/// atomic, so writes take a lock, and it answers 403 instead of `NoSuchUpload` for an unknown upload.
pub async fn serve(folder: &Path, gate: Arc<Gate>) -> SocketAddr {
    let service = {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET_KEY));
        builder.build()
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let writes = Arc::new(Mutex::new(()));
    tokio::spawn(async move {
        let server = auto::Builder::new(TokioExecutor::new());
        while let Ok((stream, _)) = listener.accept().await {
            // Without this, each small answer waits 40 ms for the acknowledgement of the previous one.
            stream.set_nodelay(true).unwrap();
            let (service, writes, gate) = (service.clone(), Arc::clone(&writes), Arc::clone(&gate));
            let through_gate = service_fn(move |request| {
                through_gate(
                    service.clone(),
                    Arc::clone(&writes),
                    Arc::clone(&gate),
                    request,
                )
            });
            let connection = server
                .serve_connection(TokioIo::new(stream), through_gate)
                .into_owned();
            tokio::spawn(async move {
                connection.await.ok();
            });
        }
    });
    address
}

async fn through_gate(
    service: S3Service,
    writes: Arc<Mutex<()>>,
    gate: Arc<Gate>,
    request: Request<Incoming>,
) -> Result<HttpResponse, HttpError> {
    let seen = S3Request::of(&request);
    let (after, lost) = match gate.pass(&seen).await {
        Passage::Through(after) => (after, None),
        Passage::Answered(status, body) => return Ok(response(status, body)),
        Passage::Lost(status, body) => (None, Some(response(status, body))),
    };
    // The answer is computed in its own task, because a store finishes a request even if the client disconnects.
    let answer = tokio::spawn(answer(service, writes, request))
        .await
        .unwrap();
    if let Some((reached, resume)) = after {
        reached.send(seen).ok();
        resume.notified().await;
    }
    lost.map_or(answer, Ok)
}

fn response(status: u16, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

async fn answer(
    service: S3Service,
    writes: Arc<Mutex<()>>,
    request: Request<Incoming>,
) -> Result<HttpResponse, HttpError> {
    let writes_object = request.method() == "PUT" || request.method() == "POST";
    let query = request.uri().query().unwrap_or_default();
    let of_upload = query.contains("uploadId=") && request.method() != "PUT";
    let _guard = if writes_object {
        Some(writes.lock().await)
    } else {
        None
    };
    let answer = Service::call(&service, request).await?;
    if of_upload && answer.status() == 403 {
        let body = "<Error><Code>NoSuchUpload</Code></Error>".to_owned();
        return Ok(response(404, body));
    }
    Ok(answer)
}
