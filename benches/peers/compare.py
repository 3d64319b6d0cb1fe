"""Compares two outputs of the bundled pipeline: every table, row and column, decimals exactly.

    python benches/peers/compare.py <one output folder> <the other>

Ends with 0 if both hold the same, 1 if not, and says where. Neither the number nor the names of files matter.
"""

import argparse
import pathlib
import sys

import duckdb

# Table: (partition column or none, key, columns with the types that DATA.md sets, as DuckDB names them).
MONEY, SUM, MEAN, HOURS = "DECIMAL(12,2)", "DECIMAL(18,2)", "DECIMAL(18,4)", "DECIMAL(12,4)"
TEXT, COUNT, INT, DATE, FLAG, TIME = "VARCHAR", "BIGINT", "INTEGER", "DATE", "BOOLEAN", "TIMESTAMP"
TABLES = {
    "rental_facts/rental_facts": (
        "rental_date",
        ["rental_id"],
        {
            "rental_id": TEXT, "user_id": TEXT, "vehicle_id": TEXT, "rental_start_time": TIME, "rental_end_time": TIME,
            "pickup_location": INT, "dropoff_location": INT, "total_amount": MONEY, "rental_hours": HOURS,
            "vehicle_type": TEXT, "brand": TEXT, "pickup_city": TEXT, "pickup_state": TEXT, "dropoff_city": TEXT,
            "dropoff_state": TEXT, "user_is_active": FLAG, "starts_before_signup": FLAG, "by_inactive_user": FLAG,
            "off_price_rule": FLAG, "rental_date": DATE,
        },
    ),
    "vehicle_location_metrics/location_metrics": (
        None,
        ["location_id"],
        {
            "location_id": INT, "location_name": TEXT, "city": TEXT, "state": TEXT, "total_pickups": COUNT,
            "total_dropoffs": COUNT, "pickup_revenue": SUM, "dropoff_revenue": SUM, "total_revenue": SUM,
            "avg_transaction_amount": MEAN, "max_transaction_amount": MONEY, "min_transaction_amount": MONEY,
            "unique_vehicles_picked_up": COUNT, "unique_vehicles_dropped_off": COUNT, "total_unique_vehicles": COUNT,
            "total_rental_hours": MEAN,
        },
    ),
    "vehicle_location_metrics/vehicle_type_metrics": (
        None,
        ["vehicle_type"],
        {
            "vehicle_type": TEXT, "total_rentals": COUNT, "total_revenue": SUM, "avg_rental_amount": MEAN,
            "max_rental_amount": MONEY, "min_rental_amount": MONEY, "avg_rental_duration_hours": MEAN,
            "max_rental_duration_hours": HOURS, "min_rental_duration_hours": HOURS, "total_rental_hours": MEAN,
            "unique_vehicles": COUNT,
        },
    ),
    "vehicle_location_metrics/brand_metrics": (
        None,
        ["brand", "vehicle_type"],
        {
            "brand": TEXT, "vehicle_type": TEXT, "total_rentals": COUNT, "total_revenue": SUM, "avg_rental_amount": MEAN,
            "unique_vehicles": COUNT,
        },
    ),
    "user_transaction_analysis/daily_metrics": (
        "rental_month",
        ["rental_date"],
        {
            "rental_date": DATE, "total_transactions": COUNT, "total_revenue": SUM, "avg_transaction_amount": MEAN,
            "max_transaction_amount": MONEY, "min_transaction_amount": MONEY, "unique_users": COUNT,
            "unique_vehicles": COUNT, "rental_month": TEXT,
        },
    ),
    "user_transaction_analysis/user_metrics": (
        None,
        ["user_id"],
        {
            "user_id": TEXT, "total_rentals": COUNT, "total_spent": SUM, "avg_rental_amount": MEAN,
            "max_rental_amount": MONEY, "min_rental_amount": MONEY, "avg_rental_duration_hours": MEAN,
            "total_rental_hours": MEAN, "unique_vehicles_rented": COUNT, "first_name": TEXT, "last_name": TEXT,
            "email": TEXT, "is_active": FLAG, "first_rental_date": DATE, "last_rental_date": DATE,
            "spending_percentile": "DECIMAL(5,2)", "spending_category": TEXT,
        },
    ),
    "user_transaction_analysis/hourly_metrics": (
        None,
        ["hour_of_day"],
        {"hour_of_day": INT, "total_transactions": COUNT, "total_revenue": SUM, "avg_transaction_amount": MEAN},
    ),
    "user_transaction_analysis/day_of_week_metrics": (
        None,
        ["day_of_week"],
        {
            "day_of_week": TEXT, "day_order": INT, "total_transactions": COUNT, "total_revenue": SUM,
            "avg_transaction_amount": MEAN,
        },
    ),
}

# Differing rows that are shown for a table.
SHOWN = 3


def partitions(folder, column):
    """The values of the partition column, by the folders' names; one `None` for a table without."""
    if column is None:
        return {None}
    return {path.name.split("=", 1)[1] for path in folder.glob(f"{column}=*") if path.is_dir()}


def relation(folder, partition, columns):
    """A query that reads a table, or one partition of it."""
    column, value = partition
    if value is None:
        return f"read_parquet('{folder}/*.parquet', hive_partitioning = false)"
    return (
        f"read_parquet('{folder}/{column}={value}/*.parquet', hive_partitioning = true,"
        f" hive_types = {{'{column}': {columns[column]}}})"
    )


def described(connection, source):
    """The columns of a query with their types."""
    return {row[0]: row[1] for row in connection.execute(f"describe from {source}").fetchall()}


def differences(connection, table, one, other):
    """Says, one line each, where two folders do not hold the same table."""
    column, key, columns = TABLES[table]
    values = [partitions(folder, column) for folder in (one, other)]
    if values[0] != values[1]:
        yield f"partitions differ: {sorted(values[0] ^ values[1])[:SHOWN]}"
    rows = 0
    for value in sorted(values[0] & values[1], key=str):
        sources = [relation(folder, (column, value), columns) for folder in (one, other)]
        for folder, source in zip((one, other), sources):
            found = described(connection, source)
            if found != columns:
                wrong = {name: (found.get(name), columns.get(name)) for name in found.keys() | columns.keys()}
                wrong = {name: pair for name, pair in wrong.items() if pair[0] != pair[1]}
                yield f"{folder}: columns (got, expected): {wrong}"
                return
            total, distinct = connection.execute(
                f"select count(*), count(distinct row({', '.join(key)})) from {source}"
            ).fetchone()
            if total != distinct:
                yield f"{folder}: {total} rows, but {distinct} keys"
            rows += total
        on = " and ".join(f"one.{name} is not distinct from other.{name}" for name in key)
        counts = ", ".join(f"count(*) filter (one.{name} is distinct from other.{name})" for name in columns)
        one_rows, other_rows = (f"(select *, true as is_there from {source})" for source in sources)
        query = f"from {one_rows} as one full join {other_rows} as other on {on}"
        absent, *unequal = connection.execute(
            f"select count(*) filter (one.is_there is null or other.is_there is null), {counts} {query}"
        ).fetchone()
        if absent:
            yield f"{value or 'all'}: {absent} rows stand on one side only"
        for name, count in zip(columns, unequal):
            if count and not absent:
                keys = ", ".join(f"one.{part}" for part in key)
                shown = connection.execute(
                    f"select {keys}, one.{name}, other.{name} {query}"
                    f" where one.{name} is distinct from other.{name} limit {SHOWN}"
                ).fetchall()
                yield f"{value or 'all'}: `{name}` differs in {count} rows, as in {shown}"
    if not rows:
        yield "no rows"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("one", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    connection = duckdb.connect(":memory:")
    connection.execute(f"set threads = {arguments.threads}")
    is_same = True
    for table in TABLES:
        found = list(differences(connection, table, arguments.one / table, arguments.other / table))
        print(f"{table}: {'same' if not found else 'DIFFERENT'}", flush=True)
        for line in found[:20]:
            print(f"  {line}")
        is_same &= not found
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
