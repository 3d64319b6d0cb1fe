//! What every catalog does, whatever is behind it.

use std::collections::BTreeMap;

use drivetrain_runner::catalog::{
    Catalog, CatalogColumn, CatalogPartition, CatalogTable, FileCatalog, Serde, StorageDescriptor,
    Written,
};

use crate::support::memory_catalog::MemoryCatalog;

fn column(name: &str, kind: &str) -> CatalogColumn {
    CatalogColumn {
        name: name.to_owned(),
        kind: kind.to_owned(),
        comment: None,
    }
}

fn descriptor(location: &str) -> StorageDescriptor {
    StorageDescriptor {
        columns: vec![column("amount", "decimal(12,2)")],
        location: location.to_owned(),
        input_format: "in".to_owned(),
        output_format: "out".to_owned(),
        serde_info: Serde {
            serialization_library: "serde".to_owned(),
            parameters: BTreeMap::new(),
        },
    }
}

fn table(name: &str, rows: u64) -> CatalogTable {
    CatalogTable {
        name: name.to_owned(),
        description: None,
        table_type: "EXTERNAL_TABLE".to_owned(),
        parameters: BTreeMap::from([("rows".to_owned(), rows.to_string())]),
        storage_descriptor: descriptor("s3://lake/sales/"),
        partition_keys: vec![column("day", "date"), column("city", "string")],
    }
}

fn partition(city: &str, location: &str) -> CatalogPartition {
    CatalogPartition {
        values: vec!["2024-01-01".to_owned(), city.to_owned()],
        parameters: BTreeMap::new(),
        storage_descriptor: descriptor(location),
    }
}

async fn conforms(catalog: &dyn Catalog) {
    assert_eq!(catalog.tables().await.unwrap(), Vec::<String>::new());
    assert_eq!(catalog.table("sales").await.unwrap(), None);
    assert_eq!(catalog.partitions("sales").await.unwrap(), []);
    let first = table("sales", 1);
    assert_eq!(catalog.create_table(&first).await.unwrap(), Written::Done);
    let again = catalog.create_table(&table("sales", 9)).await.unwrap();
    assert_eq!(again, Written::Stale);
    let other = table("a_table", 1);
    assert_eq!(catalog.create_table(&other).await.unwrap(), Written::Done);
    assert_eq!(catalog.tables().await.unwrap(), ["a_table", "sales"]);
    let created = catalog.table("sales").await.unwrap().unwrap();
    assert_eq!(created.table, first);

    let second = table("sales", 2);
    let version = &created.version_id;
    let written = catalog.update_table(&second, version).await.unwrap();
    assert_eq!(written, Written::Done);
    let late = catalog.update_table(&table("sales", 3), version).await;
    assert_eq!(late.unwrap(), Written::Stale);
    let missing = catalog.update_table(&table("none", 3), version).await;
    assert_eq!(missing.unwrap(), Written::Stale);
    let updated = catalog.table("sales").await.unwrap().unwrap();
    assert_eq!(updated.table, second);
    assert_ne!(updated.version_id, created.version_id);

    let odd = ["São Paulo / \"x\"", "a", "b"];
    let some = odd.map(|city| partition(city, "s3://lake/sales/1/"));
    catalog.create_partitions("sales", &some).await.unwrap();
    let other = [
        partition("a", "s3://lake/sales/2/"),
        partition("c", "s3://lake/sales/2/"),
    ];
    catalog.create_partitions("sales", &other).await.unwrap();
    let find = async |city: &str| {
        let all = catalog.partitions("sales").await.unwrap();
        let mut found = all
            .into_iter()
            .filter(|partition| partition.values[1] == city);
        found
            .next()
            .map(|partition| partition.storage_descriptor.location)
    };
    assert_eq!(find("a").await.unwrap(), "s3://lake/sales/1/");
    assert_eq!(find("c").await.unwrap(), "s3://lake/sales/2/");
    let changed = [
        partition("a", "s3://lake/sales/3/"),
        partition("d", "s3://lake/sales/3/"),
    ];
    catalog.update_partitions("sales", &changed).await.unwrap();
    assert_eq!(find("a").await.unwrap(), "s3://lake/sales/3/");
    assert_eq!(find("d").await, None);
    let gone = [odd[0], "b", "d"].map(|city| partition(city, "").values);
    catalog.delete_partitions("sales", &gone).await.unwrap();
    assert_eq!(find(odd[0]).await, None);
    assert_eq!(catalog.partitions("sales").await.unwrap().len(), 2);

    // The partitions of a table stay with a new description of it.
    let third = table("sales", 4);
    let written = catalog.update_table(&third, &updated.version_id).await;
    assert_eq!(written.unwrap(), Written::Done);
    let many: Vec<CatalogPartition> = (0..1_000)
        .map(|at| partition(&format!("{at:04}"), "s3://lake/"))
        .collect();
    catalog.create_partitions("sales", &many).await.unwrap();
    assert_eq!(catalog.partitions("sales").await.unwrap().len(), 1_002);
}

#[tokio::test]
async fn a_catalog_in_a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&FileCatalog::new(&folder.path().join("new/catalog"))).await;
}

#[tokio::test]
async fn the_catalog_of_the_tests_conforms() {
    conforms(&MemoryCatalog::default()).await;
}
