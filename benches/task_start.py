#!/usr/bin/env python3
"""Measures the time from the start of a run to its first request to the store: without a token, with one in the same
process, and with one in a parent process.

    cargo build && python3 benches/task_start.py target/debug/drivetrain [rounds]

One server on the loopback interface answers the heartbeats, and notes the first request to the store. The kinds of runs
take turns, so that the load of the machine affects all of them alike.
"""

import http.server
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOKEN = "token-of-a-benchmark"
KINDS = {
    "no token": [],
    "in process": ["--task-token", TOKEN, "--no-supervise"],
    "supervised": ["--task-token", TOKEN],
}


class Server(http.server.ThreadingHTTPServer):
    """The server of both services; `first` is set at the first request to the store."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.first = threading.Event()
        self.at = 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self):
        """Accepts what is sent to Step Functions, and refuses what is sent to the store."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        is_task = "x-amz-target" in self.headers
        if not is_task and not self.server.first.is_set():
            self.server.at = time.perf_counter()
            self.server.first.set()
        body = b"{}" if is_task else b""
        self.send_response(200 if is_task else 403)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = handle_request

    def log_message(self, *_):
        """Prints nothing."""


def measure(binary, flags, server, job):
    """Returns the milliseconds from the start of one run to its first request to the store."""
    server.first.clear()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "us-east-1",
    }
    command = [binary, "run", job, "--input", "s3://bucket/in", "--output", "s3://bucket/out", *flags]
    began = time.perf_counter()
    run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not server.first.wait(timeout=60):
        sys.exit("the run sent no request to the store within a minute")
    took = (server.at - began) * 1000
    run.wait()
    return took


def main():
    binary = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([binary, "new", "job", "sales"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        job = os.path.join(folder, "sales")
        times = {kind: [] for kind in KINDS}
        for _ in range(rounds):
            for kind, flags in KINDS.items():
                times[kind].append(measure(binary, flags, server, job))
    for kind, taken in times.items():
        low, high = min(taken), max(taken)
        print(f"{kind:<11} median {statistics.median(taken):6.1f} ms, {low:.1f} to {high:.1f} ms, {rounds} runs")


if __name__ == "__main__":
    main()
