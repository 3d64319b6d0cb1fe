//! `drivetrain new job`: the beginnings of a job folder.

use crate::cli::NewJobArgs;
use crate::error::{Error, ErrorKind, Result};

pub fn new_job(args: &NewJobArgs, _json: bool) -> Result<()> {
    Err(Error::new(ErrorKind::Usage, format!("pending {}", args.name)))
}
