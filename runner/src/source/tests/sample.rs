//! Generated samples, read by the contracts of the bundled job: the result must match the generator's account.

use drivetrain_jobs::bundled;

use super::*;
use crate::generate::{self, DefectShare, SampleManifest, SampleSettings};
use crate::store::Store;
use crate::watch::StopSignal;

async fn sample(dirt: &str) -> (SampleManifest, Vec<InputObjects>) {
    let place = Store::memory();
    let store = place.reader();
    let settings = SampleSettings::new(20_000, 11, dirt.parse::<DefectShare>().unwrap()).unwrap();
    let (progress, stop) = (Progress::default(), StopSignal::never());
    let generated = generate::generate(&settings, &place, &progress, &stop)
        .await
        .unwrap();
    let job = bundled::job("rental_facts").unwrap();
    let mut inputs = Vec::new();
    for input in &job.inputs {
        let table_root = Path::parse(format!("raw/{}", input.name)).unwrap();
        inputs.push(InputObjects {
            name: input.name.clone(),
            contract: input.contract.clone(),
            store: Arc::clone(&store),
            objects: store.list(Some(&table_root)).try_collect().await.unwrap(),
            display_root: format!("memory://{table_root}"),
            table_root,
            columns_needed: None,
            cluster_by: None,
        });
    }
    (generated.manifest, inputs)
}

#[tokio::test]
async fn a_clean_sample_is_accepted_completely() {
    let (manifest, inputs) = sample("0").await;
    let settings = ReadSettings {
        threads: 2,
        ..ReadSettings::default()
    };
    let sources = read_with(inputs, &settings).await.unwrap();
    for dataset in &sources.datasets {
        let planted = manifest.dataset(&dataset.name).unwrap();
        assert_eq!(
            dataset.report.accepted, planted.accepted_rows,
            "{}",
            dataset.name
        );
        assert_eq!(dataset.report.quarantined, 0, "{:?}", dataset.report);
    }
}

#[tokio::test]
async fn every_fault_planted_in_a_dirty_sample_is_found() {
    let (manifest, inputs) = sample("0.03").await;
    for (threads, block_bytes) in [(1, 8 << 20), (3, 50_000)] {
        let settings = ReadSettings {
            threads,
            block_bytes: Some(block_bytes),
            max_bad_share: 1.0,
            ..ReadSettings::default()
        };
        let sources = read_with(inputs.clone(), &settings).await.unwrap();
        for dataset in &sources.datasets {
            let planted = manifest.dataset(&dataset.name).unwrap();
            let report = &dataset.report;
            let rejected = planted.rejected_total();
            assert_eq!(report.rows_read, report.accepted + report.quarantined);
            assert_eq!(
                report.accepted, planted.accepted_rows,
                "{} {report:?} {planted:?}",
                dataset.name
            );
            assert_eq!(report.lines, planted.lines, "{}", dataset.name);
            assert_eq!(
                report.quarantined_by_reference, planted.cascaded_rows,
                "{}",
                dataset.name
            );
            assert_eq!(
                report.quarantined - report.quarantined_by_reference,
                rejected.rows
            );
            assert_eq!(report.quarantined_lines, rejected.lines);
        }
    }
}
