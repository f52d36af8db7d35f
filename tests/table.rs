//! The documented tables of parameters are those of the nodes.

use std::{env, fs};

use ofx::plugin::markdown_table;
use pickup::{
    nodes::{animate::Animate, bridge::Bridge, extend::Extend, generate::Generate, repair::Repair, retime::Retime},
    perform::Of,
};

/// What to do when they differ.
const HOW: &str = "run the tests with PICKUP_UPDATE=1 to write it anew";

fn with_table(page: &str, node: &str, table: &str) -> String {
    let start = format!("<!-- table:{node} -->\n");
    let (before, rest) = page.split_once(&start).unwrap_or_else(|| panic!("there is no {start}"));
    let (_, after) = rest.split_once("<!-- /table -->").unwrap_or_else(|| panic!("the table of {node} has no end"));
    format!("{before}{start}{table}<!-- /table -->{after}")
}

#[test]
fn the_documented_parameters_are_those_of_the_nodes() {
    let path = crate::repository().join("plugin/NODES.md");
    // A checkout may have turned the line ends into those of Windows.
    let page = fs::read_to_string(&path).expect("plugin/NODES.md").replace("\r\n", "\n");
    let right = with_table(&page, "Repair", &markdown_table::<Of<Repair>>());
    let right = with_table(&right, "Retime", &markdown_table::<Of<Retime>>());
    let right = with_table(&right, "Generate", &markdown_table::<Of<Generate>>());
    let right = with_table(&right, "Animate", &markdown_table::<Of<Animate>>());
    let right = with_table(&right, "Extend", &markdown_table::<Of<Extend>>());
    let right = with_table(&right, "Bridge", &markdown_table::<Of<Bridge>>());
    if env::var_os("PICKUP_UPDATE").is_some() {
        fs::write(&path, &right).expect("plugin/NODES.md can be written");
        return;
    }
    for (n, (is, should)) in page.lines().zip(right.lines()).enumerate() {
        assert_eq!(is, should, "line {} of plugin/NODES.md: {HOW}", n + 1);
    }
    assert_eq!(page, right, "plugin/NODES.md: {HOW}");
}
