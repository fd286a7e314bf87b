// Package export writes a study as analysis-ready tables: what a statistician reads into R, SAS, Stata or Python to check
// the published numbers, or to go beyond them.
//
//	analyst.Dataset ──▶ Table… ──▶ CSV, Parquet
//	                      └──────▶ dictionary (Markdown, CSV), manifest.json, reproduce.R, README.md
//
// One archive is one study at two clocks under one definition; the manifest names them, with a checksum of every file.
// Participants appear under their pseudonyms only. A cell that is empty in CSV is null in Parquet: undefined, not 0.
package export
