//! Task tokens, with which workers answer waiting states.

use crate::error::{Error, ErrorKind};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;

/// The number of ended tasks whose tokens are remembered, so that a late answer gets `TaskFinished` or `TaskTimedOut`.
///
/// AWS remembers them longer; here an even later answer gets `UnknownToken`.
const REMEMBERED: usize = 100_000;

/// The tokens of waiting tasks; clones share one list.
///
/// Pass `Tokens` to [`Engine::tokens`](crate::Engine::tokens) and keep a clone for the workers, or use the `tokens` of
/// each [`TaskCall`](crate::TaskCall).
///
/// ```
/// use drivetrain_statemachine::{Engine, ErrorKind, Machine, TaskCall, TaskFailure, Tokens};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "Approve", "States": {"Approve": {
///     "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true,
///     "Parameters": {"QueueUrl": "approvals", "MessageBody": {"token.$": "$$.Task.Token"}}
/// }}}"#)?;
/// let (queue, mut waiting) = tokio::sync::mpsc::unbounded_channel();
/// let tokens = Tokens::default();
/// let engine = Engine::new(move |call: TaskCall| {
///     // The response to the request itself; the state continues when the token is answered.
///     let sent = queue.send(call.token).map_err(|_| TaskFailure::new("NoQueue", ""));
///     async move { sent.map(|()| json!({"MessageId": "1"})) }
/// })
/// .tokens(tokens.clone());
/// let execution = engine.start(&machine, json!({}))?;
/// let worker = async {
///     let token = waiting.recv().await.flatten().unwrap_or_default();
///     tokens.succeed(&token, json!("approved")).map(|()| token)
/// };
/// let (outcome, token) = futures::join!(execution.result(), worker);
/// assert_eq!(outcome.output, Some(json!("approved")));
/// assert_eq!(tokens.heartbeat(&token?).unwrap_err().kind(), ErrorKind::TaskFinished);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tokens(Arc<Mutex<TokenRegister>>);

/// A worker's answer about a waiting task.
#[derive(Debug)]
pub(crate) enum TokenAnswer {
    /// The task succeeded with an output.
    Succeed(Value),
    /// The task failed; the name and the cause of the error may be absent.
    Fail {
        /// The error's name, which the machine's retriers and catchers match.
        error: Option<String>,
        /// The cause of the error, a text for people that is often JSON.
        cause: Option<String>,
    },
    /// The task is still in progress, and the time until its next heartbeat starts again.
    Heartbeat,
}

/// The tokens of waiting tasks, and of the tasks that ended last.
#[derive(Debug, Default)]
struct TokenRegister {
    /// The tokens of waiting tasks, and of the ended tasks that are still remembered.
    entries: HashMap<String, TokenEntry>,
    /// The remembered tokens of ended tasks, oldest first.
    ended: VecDeque<String>,
}

/// Whether the task that a token belongs to still waits, and if not, how it ended.
#[derive(Debug)]
enum TokenEntry {
    /// The task waits for answers, which are sent to it.
    Waiting(mpsc::UnboundedSender<TokenAnswer>),
    /// The task has ended, but not by a timeout.
    Finished,
    /// The task has ended by a timeout or a missing heartbeat.
    TimedOut,
}

impl Tokens {
    /// Ends a task with an output.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownToken`] if no known task has the token, [`ErrorKind::TaskFinished`] if the task has ended,
    /// [`ErrorKind::TaskTimedOut`] if it has timed out.
    pub fn succeed(&self, token: &str, output: Value) -> Result<(), Error> {
        self.answer(token, TokenAnswer::Succeed(output))
    }

    /// Ends a task with an error; the name and the cause of the error may be absent.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownToken`] if no known task has the token, [`ErrorKind::TaskFinished`] if the task has ended,
    /// [`ErrorKind::TaskTimedOut`] if it has timed out.
    pub fn fail(
        &self,
        token: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<(), Error> {
        self.answer(token, TokenAnswer::Fail { error, cause })
    }

    /// Reports that a task is still in progress, which restarts the time until its next heartbeat.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownToken`] if no known task has the token, [`ErrorKind::TaskFinished`] if the task has ended,
    /// [`ErrorKind::TaskTimedOut`] if it has timed out.
    pub fn heartbeat(&self, token: &str) -> Result<(), Error> {
        self.answer(token, TokenAnswer::Heartbeat)
    }

    /// Sends an answer to the task that waits for the token; any answer but a heartbeat ends the token.
    fn answer(&self, token: &str, answer: TokenAnswer) -> Result<(), Error> {
        let ends = !matches!(answer, TokenAnswer::Heartbeat);
        let mut register = self.lock();
        match register.entries.get(token) {
            None => return Err(refused(ErrorKind::UnknownToken)),
            Some(TokenEntry::Finished) => return Err(refused(ErrorKind::TaskFinished)),
            Some(TokenEntry::TimedOut) => return Err(refused(ErrorKind::TaskTimedOut)),
            Some(TokenEntry::Waiting(sender)) => {
                if sender.send(answer).is_err() {
                    register.end(token, TokenEntry::Finished);
                    return Err(refused(ErrorKind::TaskFinished));
                }
            }
        }
        if ends {
            register.end(token, TokenEntry::Finished);
        }
        Ok(())
    }

    /// Registers a token, and returns the receiver of the answers to it.
    pub(crate) fn wait(&self, token: &str) -> WaitingTask {
        let (sender, answers) = mpsc::unbounded_channel();
        self.lock()
            .entries
            .insert(token.to_owned(), TokenEntry::Waiting(sender));
        WaitingTask {
            tokens: self.clone(),
            token: token.to_owned(),
            answers,
            timed_out: false,
        }
    }

    /// Locks the register, even if a thread panicked while it held the lock.
    fn lock(&self) -> MutexGuard<'_, TokenRegister> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Builds the error for an answer to a task that has ended, or to an unknown token.
fn refused(kind: ErrorKind) -> Error {
    let message = match kind {
        ErrorKind::TaskFinished => "the task of this token has already ended",
        ErrorKind::TaskTimedOut => "the task of this token has timed out",
        _ => "no known task has this token",
    };
    Error::new(kind, message)
}

impl TokenRegister {
    /// Marks a token as ended; forgets the oldest ended token if too many are remembered.
    fn end(&mut self, token: &str, entry: TokenEntry) {
        self.entries.insert(token.to_owned(), entry);
        self.ended.push_back(token.to_owned());
        if self.ended.len() > REMEMBERED
            && let Some(oldest) = self.ended.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

/// A waiting task, which receives the answers to its token; dropping it ends the token.
#[derive(Debug)]
pub(crate) struct WaitingTask {
    /// The list in which the token is registered.
    tokens: Tokens,
    /// The task's token, which workers send with their answers.
    token: String,
    /// The answers, in the order in which they were sent.
    answers: mpsc::UnboundedReceiver<TokenAnswer>,
    /// `true` if a timeout or a missing heartbeat ended the task.
    timed_out: bool,
}

impl WaitingTask {
    /// Returns the next answer; never completes after the answer that ends the task.
    pub(crate) async fn next(&mut self) -> TokenAnswer {
        match self.answers.recv().await {
            Some(answer) => answer,
            // The sender is dropped after the answer that ends the task, which has been received already.
            None => std::future::pending().await,
        }
    }

    /// Marks the task as timed out; later answers get [`ErrorKind::TaskTimedOut`].
    pub(crate) fn time_out(&mut self) {
        self.timed_out = true;
    }
}

impl Drop for WaitingTask {
    fn drop(&mut self) {
        let mut register = self.tokens.lock();
        if matches!(
            register.entries.get(&self.token),
            Some(TokenEntry::Waiting(_))
        ) {
            let entry = if self.timed_out {
                TokenEntry::TimedOut
            } else {
                TokenEntry::Finished
            };
            register.end(&self.token, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_unknown_then_waiting_then_finished() {
        let tokens = Tokens::default();
        assert_eq!(
            tokens.heartbeat("t").unwrap_err().kind(),
            ErrorKind::UnknownToken
        );
        let waiting = tokens.wait("t");
        assert_eq!(tokens.heartbeat("t"), Ok(()));
        assert_eq!(tokens.succeed("t", Value::Null), Ok(()));
        assert_eq!(
            tokens.succeed("t", Value::Null).unwrap_err().kind(),
            ErrorKind::TaskFinished
        );
        drop(waiting);
        assert_eq!(
            tokens.heartbeat("t").unwrap_err().kind(),
            ErrorKind::TaskFinished
        );
    }

    #[test]
    fn an_answer_to_a_token_that_timed_out_is_an_error() {
        let tokens = Tokens::default();
        let mut waiting = tokens.wait("t");
        waiting.time_out();
        drop(waiting);
        assert_eq!(
            tokens.fail("t", None, None).unwrap_err().kind(),
            ErrorKind::TaskTimedOut
        );
    }

    #[test]
    fn old_tokens_are_forgotten() {
        let tokens = Tokens::default();
        for number in 0..=REMEMBERED {
            drop(tokens.wait(&number.to_string()));
        }
        assert_eq!(
            tokens.heartbeat("0").unwrap_err().kind(),
            ErrorKind::UnknownToken
        );
        assert_eq!(
            tokens.heartbeat("1").unwrap_err().kind(),
            ErrorKind::TaskFinished
        );
    }
}
