// Package e2e holds the end-to-end tests: they know the product only as its users do, by HTTP, by the command line, by
// the page in a browser, and by the ClickHouse and NATS ports whose credentials stand in connection.json.
//
// One server with embedded engines runs in the test process and is shared; every test has a study of its own. What needs
// a server of its own (tokens, restarts, the demo) starts the built binary.
package e2e
