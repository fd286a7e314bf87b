package e2e

import "pgregory.net/rapid"

var _ = rapid.Check
