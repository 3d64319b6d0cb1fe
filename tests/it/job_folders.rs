//! Job folders as people write them, and as `new job` drafts them.

use crate::harness::Place;

#[test]
fn a_query_that_is_missing_is_told_before_anything_is_read() {
    let place = Place::new();
    place.run("new job sales").succeeds();
    for text in ["", " \n", "-- later\n"] {
        place.write("sales/daily_sales.sql", text);
        let ran = place.run("check ./sales");
        assert_eq!(ran.code, Some(2), "{text:?}\n{}", ran.stdout);
        let says = "there is no query";
        assert!(
            ran.stdout.contains("sales/daily_sales.sql:1:1"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains(says), "{text:?}\n{}", ran.stdout);
        let ran = place.run("run ./sales --input nowhere --output lake");
        ran.fails(2, &["daily_sales.sql:1:1", says]);
        assert!(!place.path("lake").exists());
    }
}
