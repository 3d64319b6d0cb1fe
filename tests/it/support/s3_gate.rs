//! The gate of the in-process S3 server: a test sees every request, holds one back, or has it answered as AWS would.
//!
//! The binary under test knows nothing of it. The test kills it, or runs another one, while its request waits at the gate.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use tokio::sync::Notify;

/// One request: its method, its key in the bucket (the prefix, if it lists), and the query of its URL.
#[derive(Clone, Debug)]
pub struct S3Request {
    pub method: Method,
    pub key: String,
    pub query: String,
}

impl S3Request {
    pub fn of<B>(request: &hyper::Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let path = decoded(request.uri().path());
        let (_, key) = path[1..].split_once('/').unwrap_or_default();
        let prefix = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("prefix="));
        Self {
            method: request.method().clone(),
            key: prefix.map_or_else(|| key.to_owned(), decoded),
            query,
        }
    }

    pub fn lists(&self) -> bool {
        self.query.contains("list-type=2")
    }

    /// `true` if it reads an object or its metadata.
    pub fn reads(&self) -> bool {
        !self.lists() && (self.method == Method::GET || self.method == Method::HEAD)
    }

    pub fn opens_upload(&self) -> bool {
        self.method == Method::POST && self.query.starts_with("uploads")
    }

    pub fn sends_part(&self) -> bool {
        self.method == Method::PUT && self.query.contains("partNumber=")
    }

    pub fn completes(&self) -> bool {
        self.method == Method::POST && self.query.contains("uploadId=")
    }

    pub fn aborts(&self) -> bool {
        self.method == Method::DELETE && self.query.contains("uploadId=")
    }

    pub fn deletes(&self) -> bool {
        self.query == "delete"
            || self.query == "delete="
            || (self.method == Method::DELETE && !self.aborts())
    }

    pub fn puts(&self, part: &str) -> bool {
        self.method == Method::PUT && self.query.is_empty() && self.key.contains(part)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// When a request waits: before its effect, or after its effect and before its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

type Matches = dyn Fn(&S3Request) -> bool + Send;

struct Rule {
    matches: Box<Matches>,
    /// Number of matching requests that pass first.
    pass: usize,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Hold(When, Sender<S3Request>, Arc<Notify>),
    Answer(u16, String),
    /// The request has its effect, and its answer is lost.
    Lose(u16, String),
}

/// A request that the gate holds back, or will.
pub struct HeldRequest {
    reached: Receiver<S3Request>,
    resume: Arc<Notify>,
}

impl HeldRequest {
    /// Waits until the request is at the gate.
    #[track_caller]
    pub fn reached(&self) -> S3Request {
        self.reached
            .recv_timeout(Duration::from_mins(1))
            .expect("the request comes within a minute")
    }

    pub fn resume(&self) {
        self.resume.notify_one();
    }
}

/// What the server does with a request.
pub enum Passage {
    Through(Option<(Sender<S3Request>, Arc<Notify>)>),
    Answered(u16, String),
    Lost(u16, String),
}

/// The rules of one server; without any, every request passes.
#[derive(Default)]
pub struct Gate {
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<S3Request>>,
}

impl Gate {
    /// Holds back the `nth` matching request from now on, counted from 1, and no other.
    pub fn hold(
        &self,
        when: When,
        nth: usize,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) -> HeldRequest {
        let (sender, reached) = channel();
        let resume = Arc::new(Notify::new());
        let action = Action::Hold(when, sender, Arc::clone(&resume));
        self.add(matches, nth - 1, action);
        HeldRequest { reached, resume }
    }

    /// Answers every matching request from now on.
    pub fn answer(
        &self,
        status: u16,
        body: &str,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) {
        self.add(matches, 0, Action::Answer(status, body.to_owned()));
    }

    /// Lets the next matching request have its effect, and answers this instead.
    pub fn lose(
        &self,
        status: u16,
        body: &str,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
    ) {
        self.add(matches, 0, Action::Lose(status, body.to_owned()));
    }

    fn add(
        &self,
        matches: impl Fn(&S3Request) -> bool + Send + 'static,
        pass: usize,
        action: Action,
    ) {
        self.rules.lock().unwrap().push(Rule {
            matches: Box::new(matches),
            pass,
            action,
        });
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules.lock().unwrap().clear();
    }

    /// Returns the requests since the last call of this function.
    pub fn take_requests(&self) -> Vec<S3Request> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Notes a request and finds its rule; waits here if the request waits before its effect.
    pub async fn pass(&self, seen: &S3Request) -> Passage {
        self.seen.lock().unwrap().push(seen.clone());
        match self.action(seen) {
            None => Passage::Through(None),
            Some(Action::Answer(status, body)) => Passage::Answered(status, body),
            Some(Action::Lose(status, body)) => Passage::Lost(status, body),
            Some(Action::Hold(When::After, reached, resume)) => {
                Passage::Through(Some((reached, resume)))
            }
            Some(Action::Hold(When::Before, reached, resume)) => {
                reached.send(seen.clone()).ok();
                resume.notified().await;
                Passage::Through(None)
            }
        }
    }

    fn action(&self, seen: &S3Request) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap();
        let index = rules.iter().position(|rule| (rule.matches)(seen))?;
        if rules[index].pass > 0 {
            rules[index].pass -= 1;
            return None;
        }
        Some(match &rules[index].action {
            // A second process sends the same request, and must not wait.
            Action::Hold(..) | Action::Lose(..) => rules.remove(index).action,
            answer @ Action::Answer(..) => answer.clone(),
        })
    }
}
