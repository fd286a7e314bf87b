// Package dashboards holds the dashboards of Throughline as code.
package dashboards
