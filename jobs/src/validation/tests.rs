//! Tests that every class of mistake is reported at its position.

use std::fmt::Write as _;

use crate::bundled;
use crate::contract::{Origin, schema_of};
use crate::job::{InputOrigin, Job, JobFile};

/// A valid job that uses most features. Each case replaces one piece of its text.
const GOOD: &str = r#"name = "sales"
description = "Sales by day"

[parameters]
from = "date"
to = { type = "date", description = "last day" }
least = { type = "decimal(12,2)", default = "0.5" }

[inputs.shops]
key = "shop_id"

[inputs.shops.columns]
shop_id = "int not null"
city = "string"

[inputs.orders]
delimiter = ";"
nulls = ["", "NULL"]
key = { columns = ["order_id"], severity = "warn" }
references = ["shop_id -> shops.shop_id"]

[inputs.orders.columns]
order_id = { type = "bigint not null", from = "Order No" }
shop_id = "int"
amount = "decimal(12,2) not null"
paid = { type = "boolean not null", true = ["yes", "y"], false = "no" }
sold_at = { type = "timestamp not null", format = "%d.%m.%Y %H:%M", zone = "UTC" }
day = { type = "date not null", path = "dt" }

[inputs.orders.rules]
amount_is_positive = "amount > 0"
paid_in_full = { sql = "paid or amount < 100", severity = "warn" }

[tables]
paid_orders = "select * from orders where paid and amount >= $least"

[outputs.days]
partition_by = "day"
window = "day"
order_by = "revenue desc"
key = ["day", "shop_id"]
references = ["shop_id -> shops.shop_id"]
where = "revenue > $least"

[outputs.days.columns]
shop_id = "int"
revenue = "decimal(18,2) not null"
big = "boolean not null"
day = "date not null"

[outputs.cities]
sql = """
select city, count(*) as shops
from shops
group by city
"""

[outputs.cities.columns]
city = "string"
shops = "bigint not null"

[checks.adds_up]
expected = "select sum(amount) from paid_orders"
got = "select sum(revenue) from days"

[checks.no_empty_city]
severity = "warn"
no_rows = "select * from cities where city = ''"
"#;

const DAYS: &str = "select day, shop_id,
  sum(amount) as revenue, sum(amount) > 1000 as big
from paid_orders
group by day, shop_id
";

fn files(toml: &str, days: &str) -> Vec<JobFile> {
    let file = |name: &str, text: &str| JobFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    vec![file("job.toml", toml), file("days.sql", days)]
}

/// Returns the problems of the valid job after one text of it was replaced, one per line, with hints below them.
async fn mistake(from: &str, to: &str) -> String {
    let (toml, days) = match (GOOD.contains(from), DAYS.contains(from)) {
        (true, _) => (GOOD.replacen(from, to, 1), DAYS.to_owned()),
        (false, true) => (GOOD.to_owned(), DAYS.replacen(from, to, 1)),
        (false, false) => panic!("`{from}` is not part of the valid job"),
    };
    match Job::check(files(&toml, &days), &|_| None).await {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

#[tokio::test]
async fn the_valid_job_and_the_bundled_jobs_pass() {
    assert_eq!(mistake("Sales by day", "Sales").await, "");
    for name in bundled::NAMES {
        let checked = Job::check(bundled::files(name).unwrap(), &|_| None).await;
        assert_eq!(
            checked
                .map_err(|problems| problems.to_string())
                .map(|job| job.name),
            Ok(name.to_owned())
        );
    }
}

/// `tests/mistakes.txt` has one case per paragraph: a text of the valid job after `-`, its replacement after `+` (`⏎`
/// is a line end), and the problems that must be reported.
#[tokio::test]
async fn every_mistake_is_reported_at_its_position() {
    let mut found = String::new();
    for case in MISTAKES.split("\n\n") {
        let mut lines = case.lines();
        let from = lines.next().unwrap().strip_prefix("- ").unwrap();
        let to = lines
            .next()
            .unwrap()
            .strip_prefix('+')
            .unwrap()
            .trim_start();
        let problems = mistake(&from.replace('⏎', "\n"), &to.replace('⏎', "\n")).await;
        assert_ne!(problems, "", "{case}");
        let gap = if found.is_empty() { "" } else { "\n" };
        let to = format!("+ {to}");
        write!(found, "{gap}- {from}\n{}\n{problems}\n", to.trim_end()).unwrap();
    }
    assert!(
        found == MISTAKES,
        "the problems differ; these were found:\n{found}"
    );
}

const MISTAKES: &str = include_str!("../../tests/mistakes.txt");

/// Another job, which reads an output of the valid job and takes the contract of one of its inputs.
const BOOKS: &str = r#"name = "books"

[inputs.sold]
table = "sales.days"

[inputs.places]
contract = "sales.shops"

[outputs.totals]
sql = "select day, sum(revenue) as revenue from sold group by day"

[outputs.totals.columns]
day = "date not null"
revenue = "decimal(18,2)"
"#;

fn others(name: &str) -> Option<Vec<JobFile>> {
    match name {
        "sales" => Some(files(GOOD, DAYS)),
        "books" => Some(vec![JobFile {
            name: "job.toml".to_owned(),
            text: BOOKS.to_owned(),
        }]),
        _ => None,
    }
}

async fn books(from: &str, to: &str) -> Result<Job, String> {
    assert!(BOOKS.contains(from), "{from}");
    let files = vec![JobFile {
        name: "job.toml".to_owned(),
        text: BOOKS.replacen(from, to, 1),
    }];
    Job::check(files, &others)
        .await
        .map_err(|problems| problems.to_string())
}

#[tokio::test]
async fn contracts_and_tables_come_from_other_jobs() {
    let sales = Job::parse(files(GOOD, DAYS), &|_| None).unwrap();
    let job = books("books", "books").await.unwrap();
    let sold = &job.inputs[0];
    assert_eq!(
        sold.origin,
        InputOrigin::Table {
            job: "sales".to_owned(),
            table: "days".to_owned()
        }
    );
    assert_eq!(sold.contract.schema(), schema_of(&sales.outputs[0].columns));
    assert_eq!(
        sold.contract.columns[3].origin,
        Origin::Path("day".to_owned())
    );
    let places = &job.inputs[1];
    assert_eq!(places.origin, InputOrigin::Raw("shops".to_owned()));
    assert_eq!(places.contract, sales.inputs[0].contract);
    let bundled = books("sales.shops", "user_transaction_analysis.users")
        .await
        .unwrap();
    assert_eq!(
        bundled.inputs[1].origin,
        InputOrigin::Raw("users".to_owned())
    );
    assert_eq!(bundled.inputs[1].contract.columns.len(), 9);
}

#[tokio::test]
async fn unknown_and_circular_links_are_reported() {
    for (from, to, expected) in [
        (
            "sales.days",
            "sales.dais",
            "job.toml:4:9: job `sales` has no output `dais`\n  hint: did you mean `days`?",
        ),
        (
            "sales.shops",
            "sales.shop",
            "job.toml:7:12: job `sales` has no input `shop`\n  hint: did you mean `shops`?",
        ),
        (
            "sales.days",
            "sale.days",
            "job.toml:4:9: there is no job `sale`\n  hint: create the job in a folder `sale` beside the folder of this job, or \
             link to a bundled job: choose from `rental_facts`, `vehicle_location_metrics`, `user_transaction_analysis`",
        ),
        (
            "sales.days",
            "days",
            "job.toml:4:9: `days` is not a valid link to a dataset of another job\n  hint: write `job.dataset`, for \
             example `sales.days`",
        ),
        (
            "sales.days",
            "books.totals",
            "job.toml:4:9: the job cannot read its own output `totals`\n  hint: remove the input: a query can read the \
             outputs declared above it by name",
        ),
        (
            "sales.shops",
            "books.places",
            "job.toml:7:12: the link `books.places` leads back to itself\n  hint: declare the contract in one of the inputs instead of linking to another job",
        ),
    ] {
        assert_eq!(
            books(from, to).await.map(|job| job.name),
            Err(expected.to_owned())
        );
    }
}

#[tokio::test]
async fn two_jobs_that_read_each_other_are_refused() {
    let reads_books = GOOD.replace(
        "[tables]\n",
        "[inputs.totals]\ntable = \"books.totals\"\n\n[tables]\n",
    );
    let problems = Job::check(files(&reads_books, DAYS), &others)
        .await
        .unwrap_err();
    assert_eq!(
        problems.to_string(),
        "job.toml:35:9: the jobs read each other: this job reads `books`, which reads this job\n  hint: merge the jobs, or let one of them read the raw data instead"
    );
}

#[tokio::test]
async fn all_mistakes_of_a_folder_are_reported_at_once() {
    let toml = GOOD
        .replace("amount = \"decimal(12,2) not null\"", "amount = \"money\"")
        .replace("partition_by = \"day\"", "partition_by = \"month\"")
        .replace(
            "shops = \"bigint not null\"",
            "stores = \"bigint not null\"",
        );
    let problems = Job::check(files(&toml, &DAYS.replace("as big", "as huge")), &|_| None)
        .await
        .unwrap_err();
    let found = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            "unknown type `money`",
            "there is no column `month`",
            "window column `day` is not a partition column",
            "the query in `days.sql` returns a column `huge` that the output does not declare",
            "the query in `days.sql` does not return the column `big`",
            "the query in `job.toml` returns a column `shops` that the output does not declare",
            "the query in `job.toml` does not return the column `stores`",
        ]
    );
}

#[test]
fn a_folder_without_a_job_file_is_reported() {
    let problems = Job::parse(Vec::new(), &|_| None).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "job.toml:1:1: the job folder has no `job.toml`\n  hint: run `drivetrain new job <name>` to create a working example"
    );
}

#[test]
fn no_prefix_of_a_job_file_crashes_the_parser() {
    for end in (0..GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
        drop(Job::parse(files(&GOOD[..end], DAYS), &others));
    }
    let lines = GOOD.lines().collect::<Vec<_>>();
    for without in 0..lines.len() {
        let rest = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != without)
            .map(|(_, line)| *line);
        drop(Job::parse(
            files(&rest.collect::<Vec<_>>().join("\n"), DAYS),
            &others,
        ));
    }
}
