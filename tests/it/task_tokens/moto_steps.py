"""Runs steps as EMR would, for executions of moto's Step Functions that hand out the task token, and compares what the
execution's history then says.

    python moto_steps.py <binary> <folder with the job `sales`, its sample and bad data in `bad/`>

Prints one line per case. Ends with 1 at the first difference.
"""

import json
import logging
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

BINARY, FOLDER = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
REGION, HEARTBEAT_SECONDS = "us-east-1", 8
WITHIN = 60


class Cluster:
    """An EMR cluster of moto, whose steps this driver runs as the primary node would."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        account = dict(
            endpoint_url=endpoint, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.sfn = boto3.client("stepfunctions", **account)
        self.emr = boto3.client("emr", **account)
        iam = boto3.client("iam", **account)
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        self.role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.id = self.emr.run_job_flow(
            Name="cluster",
            ReleaseLabel="emr-7.14.0",
            Instances={"MasterInstanceType": "m5.xlarge", "InstanceCount": 1, "KeepJobFlowAliveWhenNoSteps": True},
        )["JobFlowId"]
        self.seen = set()

    def machine(self, name, words):
        """Makes a state machine that adds one step with these words and waits for its token."""
        quoted = ", ".join(f"'{word}'" for word in words)
        step = {
            "Name": name,
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {
                "Jar": "command-runner.jar",
                "Args.$": f"States.Array({quoted}, '--task-token', $$.Task.Token)",
            },
        }
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:emr:addJobFlowSteps.waitForTaskToken",
            "HeartbeatSeconds": HEARTBEAT_SECONDS,
            "Parameters": {"JobFlowId": self.id, "Steps": [step]},
            "End": True,
        }
        definition = json.dumps({"StartAt": "Step", "States": {"Step": state}})
        return self.sfn.create_state_machine(name=name, definition=definition, roleArn=self.role)["stateMachineArn"]

    def start(self, name, words):
        """Starts an execution, and returns its ARN and the step that it has added."""
        machine = self.machine(name, words)
        execution = self.sfn.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]
        return execution, until(self.new_step)

    def new_step(self):
        """Returns a step that was not seen before; `None` if there is none."""
        for step in self.emr.list_steps(ClusterId=self.id)["Steps"]:
            if step["Id"] not in self.seen:
                self.seen.add(step["Id"])
                return step
        return None

    def process(self, step):
        """Starts the process of a step, with the arguments and the working directory that EMR gives it."""
        folder = FOLDER / "mnt/var/lib/hadoop/steps" / step["Id"]
        folder.mkdir(parents=True)
        args = step["Config"]["Args"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {
            "AWS_ENDPOINT_URL_SFN": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return subprocess.Popen(
            [BINARY, *args[1:]], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self, execution):
        """Returns the end of an execution: its status, its error, its cause or output, and its events."""
        def ended():
            found = self.sfn.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found = until(ended)
        events = self.sfn.get_execution_history(executionArn=execution)["events"]
        return found, [event["type"] for event in events]


def until(found):
    """Returns the first result of `found` that is not `None`."""
    limit = time.monotonic() + WITHIN
    while time.monotonic() < limit:
        result = found()
        if result is not None:
            return result
        time.sleep(0.1)
    sys.exit(f"nothing was found within {WITHIN} s by {found.__name__}")


def child_of(process):
    """Returns the id of the child of a process, once there is one."""
    def listed():
        pairs = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        children = [int(pid) for pid, parent in map(str.split, pairs.splitlines()) if int(parent) == process.pid]
        return children[0] if children else None

    return until(listed)


def main():
    logging.disable(logging.CRITICAL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # moto's Step Functions finds moto's EMR by this variable.
    os.environ["MOTO_PORT"] = str(port)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    settings = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
    header = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(endpoint + "/moto-api/config", settings, header, method="POST")).read()
    cluster = Cluster(endpoint)
    run = ["drivetrain", "run", str(FOLDER / "sales")]
    good = [*run, "--input", str(FOLDER / "sales/sample"), "--output", str(FOLDER / "out"), "--heartbeat", "2s"]
    bad = [*run, "--input", str(FOLDER / "bad"), "--output", str(FOLDER / "other"), "--max-rejected", "0"]

    def check(name, words, act, code, status, error, text, event):
        """Runs one case. `act` receives the execution, the token, and a function that starts the process. The text is
        in the output of the task or in what the process says, because moto drops the causes of failures."""
        execution, step = cluster.start(name, words)
        token = step["Config"]["Args"][-1]
        process = act(execution, token, lambda: cluster.process(step))
        out, err = process.communicate(timeout=WITHIN)
        found, events = cluster.end(execution)
        got = (process.returncode, found["status"], found.get("error"))
        said = found.get("cause") or found.get("output") or ""
        if got != (code, status, error) or text not in said + err or event not in events or token in out + err:
            sys.exit(f"{name}: expected {(code, status, error)} with `{text}` and {event}, got {got}: {said}\n{err}{events}")
        print(f"{name}: exit {code}, {status}, {error}, {events[-2]}")

    def plain(_, __, start):
        return start()

    def paused(then):
        """Pauses the child of the run as soon as there is one, acts, and lets the child go on."""
        def act(execution, token, start):
            process = start()
            child = child_of(process)
            os.kill(child, signal.SIGSTOP)
            then(execution, process, child)
            return process

        return act

    def stop(execution, _, child):
        cluster.sfn.stop_execution(executionArn=execution, error="Operator", cause="a test")
        time.sleep(3)
        os.kill(child, signal.SIGCONT)

    def kill_child(_, __, child):
        os.kill(child, signal.SIGKILL)

    def kill_both(_, process, child):
        os.kill(process.pid, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)

    def cancel(_, process, child):
        process.send_signal(signal.SIGTERM)
        os.kill(child, signal.SIGCONT)

    def answered(_, token, start):
        cluster.sfn.send_task_success(taskToken=token, output='"answered by another"')
        time.sleep(1)
        return start()

    def late(_, __, start):
        time.sleep(HEARTBEAT_SECONDS + 2)
        return start()

    check("success", good, plain, 0, "SUCCEEDED", None, '"already_done": false', "TaskSucceeded")
    check("already_done", good, plain, 0, "SUCCEEDED", None, '"already_done": true', "TaskSucceeded")
    check("quality_gate", bad, plain, 4, "FAILED", "Drivetrain.QualityGate", "too many rows", "TaskFailed")
    check("usage", [*good, "--bogus"], plain, 2, "FAILED", "Drivetrain.Usage", "--bogus", "TaskFailed")
    again = [*good, "--force"]
    check("killed_child", again, paused(kill_child), 75, "FAILED", "Drivetrain.TryAgain", "signal 9", "TaskFailed")
    check("cancelled_step", again, paused(cancel), 143, "FAILED", "Drivetrain.Cancelled", "stopped before", "TaskFailed")
    check("killed_node", again, paused(kill_both), -9, "FAILED", "States.Timeout", "", "TaskTimedOut")
    # moto knows no token of an execution that has ended: what AWS calls TaskTimedOut is InvalidToken. A stopped
    # execution it ends only when its task's time is over, as a failure.
    check("stopped_execution", again, paused(stop), 143, "FAILED", "States.Timeout", "nothing was published", "TaskTimedOut")
    check("second_answer", again, answered, 2, "SUCCEEDED", None, "InvalidToken", "TaskSucceeded")
    check("late_start", again, late, 2, "FAILED", "States.Timeout", "InvalidToken", "TaskTimedOut")
    server.stop()


if __name__ == "__main__":
    main()
