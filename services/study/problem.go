package study

import "github.com/throughline-trials/throughline/services/study/document"

// Problem is one fault of a definition.
type Problem = document.Problem

// Problems is everything wrong with a definition, in the order of the text. It is the error of [Parse].
type Problems = document.Problems

// MaxBytes is the size of the largest definition that is read.
const MaxBytes = document.MaxBytes
