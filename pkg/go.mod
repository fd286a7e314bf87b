module github.com/throughline-trials/throughline/pkg

go 1.26
