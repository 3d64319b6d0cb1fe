"""Does the bundled pipeline's work with DuckDB and prints the seconds of each stage and the peak memory.

    python benches/peers/run_duckdb.py <folder that holds raw/> <output folder> [--threads 2] [--memory-limit 1GiB]

The output folder is cleared. Its tables lie where `drivetrain run` puts them, so `compare.py` finds both.
(The file is not called `duckdb.py`, or Python would import it for the library.)
"""

import argparse
import json
import pathlib
import resource
import shutil
import sys
import time

import duckdb

STAGE = "-- stage: "


def stages(raw, out):
    """The stages of duckdb.sql, each with its name."""
    text = pathlib.Path(__file__).with_name("duckdb.sql").read_text()
    text = text.replace("$raw", str(raw)).replace("$out", str(out))
    parts = ("\n" + text).split("\n" + STAGE)[1:]
    for part in parts:
        name, sql = part.split("\n", 1)
        yield name, sql


def used():
    """Processor seconds of this process so far, and its greatest resident size in bytes."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default=None)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    arguments = parser.parse_args()

    shutil.rmtree(arguments.output, ignore_errors=True)
    for job in ("rental_facts", "vehicle_location_metrics", "user_transaction_analysis"):
        (arguments.output / job).mkdir(parents=True)
    for table in ("location_metrics", "vehicle_type_metrics", "brand_metrics"):
        (arguments.output / "vehicle_location_metrics" / table).mkdir()
    for table in ("user_metrics", "hourly_metrics", "day_of_week_metrics"):
        (arguments.output / "user_transaction_analysis" / table).mkdir()

    began = time.monotonic()
    connection = duckdb.connect(":memory:")
    connection.execute(f"set threads = {arguments.threads}")
    connection.execute("set preserve_insertion_order = false")
    if arguments.memory_limit:
        connection.execute(f"set memory_limit = '{arguments.memory_limit}'")
        connection.execute(f"set temp_directory = '{arguments.output}/_spill'")

    report = {"duckdb": duckdb.__version__, "threads": arguments.threads, "stages": []}
    for name, sql in stages(arguments.input / "raw", arguments.output):
        start, (cpu, _) = time.monotonic(), used()
        connection.execute(sql)
        seconds, cpu = time.monotonic() - start, used()[0] - cpu
        report["stages"].append({"name": name, "seconds": round(seconds, 3), "cpu_seconds": round(cpu, 3)})
        if not arguments.json:
            print(f"{name:40} {seconds:8.2f} s {cpu:8.2f} s of processor time", flush=True)
    cpu, peak = used()
    report["rows"] = connection.execute("select count(*) from facts").fetchone()[0]
    report["seconds"] = round(time.monotonic() - began, 3)
    report["cpu_seconds"] = round(cpu, 3)
    report["peak_bytes"] = peak
    if arguments.json:
        print(json.dumps(report))
    else:
        print(f"{'all':40} {report['seconds']:8.2f} s {cpu:8.2f} s of processor time")
        print(f"{report['rows']} rentals, peak {peak / 2**30:.2f} GiB, DuckDB {report['duckdb']}, {arguments.threads} threads")


if __name__ == "__main__":
    main()
