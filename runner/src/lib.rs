//! Runs jobs: reads, writes, commits; and the command line.
