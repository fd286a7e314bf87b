package event_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// typical is an event as an app sends it, about 400 bytes.
func typical(b *testing.B) []byte {
	return session().with("id", "0193585a-7c4e-7d3a-9b1e-2f6a8c0d4e55", "time", "2026-11-23T06:30:00.123-05:00",
		"sent", "2026-11-23T11:30:02.5Z", "timezone", "America/New_York", "component", "app", "appversion", "4.12.0",
		"data", object{"session_id": "0193585a-7c4e-7d3a-9b1e-2f6a8c0d4e56", "active_seconds": 312, "ended_by": "user"}).raw(b)
}

func BenchmarkDecode(b *testing.B) {
	raw := typical(b)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := event.Decode(raw, now); problems != nil {
			b.Fatal(problems)
		}
	}
}

// BenchmarkValid is the limit that Decode is seen beside: the standard library checking syntax alone.
func BenchmarkValid(b *testing.B) {
	raw := typical(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if !json.Valid(raw) {
			b.Fatal("not valid")
		}
	}
}

func BenchmarkDecodeRefused(b *testing.B) {
	raw := bytes.Replace(typical(b), []byte("312"), []byte("-12"), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := event.Decode(raw, now); len(problems) != 1 {
			b.Fatal(problems)
		}
	}
}

func benchmarked(b *testing.B) event.Event {
	e, _ := event.Decode(typical(b), time.Time{})
	b.ReportAllocs()
	return e
}

func BenchmarkAppendJSON(b *testing.B) {
	e := benchmarked(b)
	var line []byte
	for b.Loop() {
		line = e.AppendJSON(line[:0])
	}
}

func BenchmarkIdentity(b *testing.B) {
	e := benchmarked(b)
	for b.Loop() {
		e.Identity()
	}
}

func BenchmarkContent(b *testing.B) {
	e := benchmarked(b)
	for b.Loop() {
		e.Content()
	}
}

func BenchmarkSplitArray(b *testing.B) {
	raw := typical(b)
	body := append(append([]byte("["), bytes.Repeat(append(raw, ','), 49)...), append(raw, ']')...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if elements, err := event.SplitArray(body); err != nil || len(elements) != 50 {
			b.Fatal(len(elements), err)
		}
	}
}
