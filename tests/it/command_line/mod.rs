mod job_folders;
mod json_output;
mod logged_jobs;
mod printing;
mod ways_out;
