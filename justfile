# Lists the recipes.
default:
    @just --list

# Runs all that must pass before a change is merged, or the named steps of it.
check *steps:
    .ci/run {{ steps }}

# Builds the binary that ships.
release:
    cargo build --release --locked

# Measures the release build against DuckDB over generated rentals, and compares the tables that come out.
peers rentals="10000000" folder="/tmp/drivetrain-peers": release
    target/release/drivetrain generate --rentals {{ rentals }} --seed 7 --out {{ folder }}
    "$(benches/peers/prepare)" benches/peers/run_duckdb.py {{ folder }} {{ folder }}/duckdb
    time target/release/drivetrain run rental_facts --input {{ folder }} --output {{ folder }}/drivetrain
    time target/release/drivetrain run vehicle_location_metrics --input {{ folder }} --output {{ folder }}/drivetrain
    time target/release/drivetrain run user_transaction_analysis --input {{ folder }} --output {{ folder }}/drivetrain
    "$(benches/peers/prepare)" benches/peers/compare.py {{ folder }}/drivetrain {{ folder }}/duckdb
