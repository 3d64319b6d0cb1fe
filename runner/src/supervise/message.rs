//! The messages between the parent and the child: JSON objects, one per line.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::callback::Summary;
use crate::error::Failure;
use crate::watch::{Activity, StopReason};

/// A message from the child to the parent.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromChild {
    /// The counters of the run have changed.
    Activity(Activity),
    /// A question, which the parent answers with a [`FromParent::Reply`] of the same number.
    Question {
        /// Number of the question.
        id: u64,
        /// The question itself.
        question: Question,
    },
}

/// A question or a report of the child.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Question {
    /// The child asks whether it may commit.
    MayCommit,
    /// The child is about to put the record of its run.
    AboutToPut,
    /// The announced put has not landed, and the run starts over.
    StartsOver,
    /// The run has ended.
    Ended(Box<Summary>),
}

/// A message from the parent to the child.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromParent {
    /// The reply to a question.
    Reply {
        /// Number of the question.
        id: u64,
        /// The reason for a no; `None` for a yes.
        refused: Option<Failure>,
    },
    /// The run must stop; `None` for a request of a user, such as Ctrl-C.
    Stop(Option<StopReason>),
}

/// Reader of messages.
#[derive(Debug)]
pub(super) struct MessageReader(Lines<BufReader<OwnedReadHalf>>);

impl MessageReader {
    /// Creates a reader of the messages of one end of a pipe.
    pub fn new(half: OwnedReadHalf) -> Self {
        Self(BufReader::new(half).lines())
    }

    /// Returns the next message; `None` at the end of the pipe. The future may be dropped at any time.
    ///
    /// # Errors
    /// If the pipe cannot be read, or contains anything but a message.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        match self.0.next_line().await? {
            None => Ok(None),
            Some(line) => Ok(Some(serde_json::from_str(&line)?)),
        }
    }
}

/// Writes a message.
///
/// # Errors
/// If the other end of the pipe is closed.
pub(super) async fn write(half: &mut OwnedWriteHalf, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    half.write_all(&line).await
}
