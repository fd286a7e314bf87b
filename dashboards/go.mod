module github.com/throughline-trials/throughline/dashboards

go 1.26
