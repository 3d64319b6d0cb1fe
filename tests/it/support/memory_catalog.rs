//! A catalog in the memory of the test, with the semantics of Glue that a registration relies on.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use drivetrain_runner::catalog::{Catalog, CatalogPartition, CatalogTable, StoredTable, Written};
use drivetrain_runner::error::Result;

/// The tables by name, each with its partitions by value.
pub type Tables = BTreeMap<String, (StoredTable, BTreeMap<Vec<String>, CatalogPartition>)>;

#[derive(Default)]
pub struct MemoryCatalog(pub Mutex<Tables>);

impl MemoryCatalog {
    /// Returns the tables and partitions without their versions.
    pub fn content(&self) -> BTreeMap<String, (CatalogTable, Vec<CatalogPartition>)> {
        let tables = self.0.lock().unwrap();
        let content = tables.iter().map(|(name, (table, partitions))| {
            let partitions = partitions.values().cloned().collect();
            (name.clone(), (table.table.clone(), partitions))
        });
        content.collect()
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn tables(&self) -> Result<Vec<String>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }

    async fn table(&self, name: &str) -> Result<Option<StoredTable>> {
        let tables = self.0.lock().unwrap();
        Ok(tables.get(name).map(|(table, _)| table.clone()))
    }

    async fn create_table(&self, table: &CatalogTable) -> Result<Written> {
        let mut tables = self.0.lock().unwrap();
        if tables.contains_key(&table.name) {
            return Ok(Written::Stale);
        }
        let created = StoredTable {
            table: table.clone(),
            version_id: "0".to_owned(),
        };
        tables.insert(table.name.clone(), (created, BTreeMap::new()));
        Ok(Written::Done)
    }

    async fn update_table(&self, table: &CatalogTable, version_id: &str) -> Result<Written> {
        let mut tables = self.0.lock().unwrap();
        match tables.get_mut(&table.name) {
            Some((stored, _)) if stored.version_id == version_id => {
                let version: u64 = version_id.parse().unwrap();
                stored.table = table.clone();
                stored.version_id = (version + 1).to_string();
                Ok(Written::Done)
            }
            _ => Ok(Written::Stale),
        }
    }

    async fn partitions(&self, table: &str) -> Result<Vec<CatalogPartition>> {
        let tables = self.0.lock().unwrap();
        let partitions = tables.get(table).map(|(_, found)| found.values().cloned());
        Ok(partitions.map(Iterator::collect).unwrap_or_default())
    }

    async fn create_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        let mut tables = self.0.lock().unwrap();
        let (_, found) = tables.get_mut(table).unwrap();
        for partition in partitions {
            let entry = found.entry(partition.values.clone());
            entry.or_insert_with(|| partition.clone());
        }
        Ok(())
    }

    async fn update_partitions(&self, table: &str, partitions: &[CatalogPartition]) -> Result<()> {
        let mut tables = self.0.lock().unwrap();
        let (_, found) = tables.get_mut(table).unwrap();
        for partition in partitions {
            if let Some(entry) = found.get_mut(&partition.values) {
                *entry = partition.clone();
            }
        }
        Ok(())
    }

    async fn delete_partitions(&self, table: &str, values: &[Vec<String>]) -> Result<()> {
        let mut tables = self.0.lock().unwrap();
        let (_, found) = tables.get_mut(table).unwrap();
        for values in values {
            found.remove(values);
        }
        Ok(())
    }
}
