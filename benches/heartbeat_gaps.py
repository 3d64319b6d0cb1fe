#!/usr/bin/env python3
"""Measures the gaps between heartbeats, at the server that receives them, while the machine is overloaded: two busy
processes per processor, and a run whose memory limit makes it spill.

    cargo build
    target/debug/drivetrain generate --rentals 20000000 --out data
    python3 benches/heartbeat_gaps.py target/debug/drivetrain data

Prints the number of heartbeats, the longest gap, the length of the run, and what the run spilled.
"""

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

INTERVAL = "5s"
MEMORY = "700MiB"


class Handler(http.server.BaseHTTPRequestHandler):
    """Accepts every request, and notes when it came."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.calls.append((time.monotonic(), self.headers["x-amz-target"].split(".")[-1]))
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Prints nothing."""


def main():
    binary, data = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.calls = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ENDPOINT_URL_SFN": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_REGION": "us-east-1",
        "DRIVETRAIN_TASK_TOKEN": "token-of-a-benchmark",
    }
    command = [binary, "run", "rental_facts", "--input", data, "--heartbeat", INTERVAL, "--memory-limit", MEMORY]
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
    try:
        with tempfile.TemporaryDirectory() as output:
            began = time.monotonic()
            command += ["--output", output, "--output-format", "json"]
            run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            took = time.monotonic() - began
    finally:
        for process in busy:
            process.kill()
    report = json.loads(run.stdout)
    times = [at for at, action in server.calls if action == "SendTaskHeartbeat"]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    answers = [action for _, action in server.calls if action != "SendTaskHeartbeat"]
    print(f"run of {took:.0f} s, limit {MEMORY}, spilled {report['spilled_bytes'] / 2**20:.0f} MiB,"
          f" peak {report['peak_memory_bytes'] / 2**20:.0f} MiB")
    print(f"{len(times)} heartbeats every {INTERVAL}, longest gap {max(gaps):.2f} s, answers: {', '.join(answers)}")


if __name__ == "__main__":
    main()
