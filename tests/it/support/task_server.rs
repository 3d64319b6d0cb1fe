//! The task API of Step Functions, as far as a run uses it: it records each request and answers by a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::s3_server::{KEY_ID, SECRET_KEY};

/// The answer to a request.
#[derive(Clone, Copy)]
pub enum Reply {
    /// The request is accepted.
    Accepted,
    /// The request is refused with this error of the service.
    Error(&'static str),
    /// Another status, and a body that need not be one of Step Functions.
    Status(u16, &'static str),
    /// The connection is closed without an answer.
    Dropped,
    /// The connection is closed in the middle of an answer with this status.
    Cut(u16),
    /// The request is accepted after this time.
    After(Duration),
}

/// A request: its action such as `SendTaskHeartbeat`, and its JSON.
#[derive(Clone, Debug)]
pub struct TaskCall {
    pub action: String,
    pub body: Value,
    pub at: Instant,
    /// `true` once the server has accepted the request, even if the client did not get the answer.
    pub is_accepted: bool,
}

type Script = dyn Fn(&TaskCall, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct Received {
    calls: Mutex<Vec<TaskCall>>,
    more: Condvar,
}

/// A server on threads of its own.
pub struct TaskServer {
    pub endpoint: String,
    received: Arc<Received>,
}

impl TaskServer {
    /// Starts a server that accepts every request.
    pub fn start() -> Self {
        Self::scripted(|_, _| Reply::Accepted)
    }

    /// Starts a server that answers by the action and by how many requests of this action there were, from 1.
    pub fn scripted(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |call, nth| script(&call.action, nth))
    }

    /// Starts a server that answers by the request, and by how many requests of its action there were, from 1.
    pub fn answering(script: impl Fn(&TaskCall, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Received::default());
        let (noted, script): (_, Arc<Script>) = (Arc::clone(&received), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, script) = (Arc::clone(&noted), Arc::clone(&script));
                std::thread::spawn(move || serve(&stream.unwrap(), &noted, &*script));
            }
        });
        Self { endpoint, received }
    }

    /// Returns the environment variables of a process that uses this server for Step Functions.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL_SFN", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub fn calls(&self) -> Vec<TaskCall> {
        self.received.calls.lock().unwrap().clone()
    }

    /// Returns the actions of all requests so far, in order, without `SendTask`.
    pub fn actions(&self) -> Vec<String> {
        let calls = self.calls();
        calls
            .iter()
            .map(|call| call.action.replace("SendTask", ""))
            .collect()
    }

    /// Waits until this many requests have arrived.
    pub fn wait_for(&self, count: usize) {
        let until = Instant::now() + Duration::from_mins(1);
        let mut calls = self.received.calls.lock().unwrap();
        while calls.len() < count {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{calls:?}");
            calls = self.received.more.wait_timeout(calls, left).unwrap().0;
        }
    }
}

/// Serves the requests of one connection.
fn serve(stream: &TcpStream, received: &Received, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(call) = read_call(&mut reader) {
        let asked = call.clone();
        let action = call.action.clone();
        let (index, nth) = {
            let mut calls = received.calls.lock().unwrap();
            calls.push(call);
            received.more.notify_all();
            let same = calls.iter().filter(|call| call.action == action);
            (calls.len() - 1, same.count())
        };
        let error = |name: &str| {
            format!("{{\"__type\":\"com.amazonaws.states#{name}\",\"message\":\"a test\"}}")
        };
        let reply = script(&asked, nth);
        let is_accepted = matches!(reply, Reply::Accepted | Reply::After(_));
        received.calls.lock().unwrap()[index].is_accepted = is_accepted;
        let (status, body) = match reply {
            Reply::Accepted => (200, "{}".to_owned()),
            Reply::Error(name) => (400, error(name)),
            Reply::Status(status, body) => (status, body.to_owned()),
            Reply::Dropped => return,
            Reply::Cut(status) => {
                let head = format!("HTTP/1.1 {status} test\r\nContent-Length: 100\r\n\r\n{{");
                // The client may be gone already.
                (&*stream).write_all(head.as_bytes()).ok();
                return;
            }
            Reply::After(time) => {
                std::thread::sleep(time);
                (200, "{}".to_owned())
            }
        };
        let kind = if body.starts_with('<') {
            "application/xml"
        } else {
            "application/x-amz-json-1.0"
        };
        let written = write!(
            &*stream,
            "HTTP/1.1 {status} test\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if written.is_err() {
            return;
        }
    }
}

/// Reads a request; `None` once the client has closed the connection.
fn read_call(reader: &mut BufReader<TcpStream>) -> Option<TaskCall> {
    let (mut length, mut action) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-amz-target" => action = value.replace("AWSStepFunctions.", ""),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(TaskCall {
        action,
        body: serde_json::from_slice(&body).unwrap(),
        at: Instant::now(),
        is_accepted: false,
    })
}
