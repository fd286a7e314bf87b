package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

const (
	benchEvents       = 50 // in a request
	benchParticipants = 10_000
	benchClients      = 64
)

// load makes requests of fresh events.
type load struct {
	next   atomic.Int64
	spread int // participants in one request
}

func (l *load) body(buf *bytes.Buffer) {
	n := l.next.Add(1)
	buf.Reset()
	buf.WriteByte('[')
	for i := range benchEvents {
		if i > 0 {
			buf.WriteByte(',')
		}
		participant := (n*int64(l.spread) + int64(i%l.spread)) % benchParticipants
		fmt.Fprintf(buf, `{"specversion":"1.0","id":"0190a5c2-7b1e-7f3a-9c4d-%012d","source":"/apps/hope/android","type":"module.completed","subject":"p%05d",`+
			`"time":"2026-03-01T10:%02d:%02d+01:00","sent":"2026-03-01T11:00:00+01:00","study":"hope","timezone":"Europe/Vienna","component":"app","appversion":"4.2.1",`+
			`"sdkversion":"go/1.0","data":{"session_id":"s-%d","module":"coping-3","active_seconds":312.5,"percent":100}}`,
			n*benchEvents+int64(i), participant, i%60, n%60, n)
	}
	buf.WriteByte(']')
}

func benchGateway(b *testing.B) (*gateway.Gateway, *tlog.Log) {
	l := logtest.Start(b).Log()
	commits, _ := strconv.Atoi(os.Getenv("COMMITS"))
	g, err := gateway.New(context.Background(), gateway.Config{Commits: commits}, gateway.Deps{Log: l, Auth: grants{}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Close(context.Background()) })
	definition := fmt.Sprintf(`{"specversion":"1.0","id":"d","source":"/study","type":"definition.published","time":"2026-01-01T00:00:00Z","study":"hope","data":%s}`, hope)
	r, err := g.SubmitRaw(context.Background(), auth.LocalGrant(), [][]byte{[]byte(definition)})
	if err != nil || r.Accepted != 1 {
		b.Fatal(r, err)
	}
	return g, l
}

// BenchmarkHTTP sends batches over real connections from many clients and counts what is acknowledged.
func BenchmarkHTTP(b *testing.B) {
	for name, spread := range map[string]int{"one_participant": 1, "fifty_participants": 50} {
		b.Run(name, func(b *testing.B) {
			g, _ := benchGateway(b)
			server := httptest.NewServer(g)
			defer server.Close()
			client := server.Client()
			client.Transport.(*http.Transport).MaxIdleConnsPerHost = benchClients
			l := &load{spread: spread}
			share(b, func(buf *bytes.Buffer) {
				l.body(buf)
				resp, err := client.Post(server.URL, batch, buf)
				if err != nil {
					b.Error(err)
					return
				}
				if resp.StatusCode != http.StatusAccepted {
					b.Errorf("status %d", resp.StatusCode)
				}
				_ = resp.Body.Close()
			})
		})
	}
}

// BenchmarkHTTPSingle sends single events over real connections.
func BenchmarkHTTPSingle(b *testing.B) {
	g, _ := benchGateway(b)
	server := httptest.NewServer(g)
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = benchClients
	var next atomic.Int64
	clients(b, 1, func(buf *bytes.Buffer) {
		n := next.Add(1)
		buf.Reset()
		fmt.Fprintf(buf, `{"specversion":"1.0","id":"%d","source":"/apps/hope","type":"session.started","subject":"p%d","time":"2026-03-01T10:00:00Z","study":"hope","component":"app"}`, n, n%benchParticipants)
		resp, err := client.Post(server.URL, single, buf)
		if err != nil {
			b.Error(err)
			return
		}
		if resp.StatusCode != http.StatusAccepted {
			b.Errorf("status %d", resp.StatusCode)
		}
		_ = resp.Body.Close()
	})
}

// BenchmarkSubmit is BenchmarkHTTP without HTTP.
func BenchmarkSubmit(b *testing.B) {
	for name, spread := range map[string]int{"one_participant": 1, "fifty_participants": 50} {
		b.Run(name, func(b *testing.B) {
			g, _ := benchGateway(b)
			l := &load{spread: spread}
			share(b, func(buf *bytes.Buffer) {
				l.body(buf)
				raws, err := event.SplitArray(buf.Bytes())
				if err != nil {
					b.Error(err)
					return
				}
				if r, err := g.SubmitRaw(context.Background(), auth.LocalGrant(), raws); err != nil || r.Accepted != benchEvents {
					b.Error(r, err)
				}
			})
		})
	}
}

// BenchmarkLogAlone publishes the messages that such requests come to, grouped as well as can be, without a gateway.
func BenchmarkLogAlone(b *testing.B) {
	for name, spread := range map[string]int{"one_participant": 1, "fifty_participants": 50} {
		b.Run(name, func(b *testing.B) {
			_, l := benchGateway(b)
			line := strings.Repeat("x", 420)
			var next atomic.Int64
			perMessage := benchEvents / spread
			payload := []byte(strings.Repeat(line+"\n", perMessage))
			messages := min(tlog.MaxBatch, benchClients*spread)
			start := time.Now()
			events := 0
			for b.Loop() {
				out := make([]tlog.Outgoing, messages)
				for i := range out {
					out[i] = tlog.Outgoing{Subject: event.EventsSubject("hope", fmt.Sprintf("p%05d", next.Add(1)%benchParticipants)), Credential: "c", Payload: payload}
				}
				if _, err := l.Publish(context.Background(), out); err != nil {
					b.Fatal(err)
				}
				events += messages * perMessage
			}
			b.ReportMetric(float64(events)/time.Since(start).Seconds(), "events/s")
		})
	}
}

// share runs b.N requests with a batch each from many clients at the same time.
func share(b *testing.B, send func(*bytes.Buffer)) { clients(b, benchEvents, send) }

// clients runs b.N requests with so many events each.
func clients(b *testing.B, events int, send func(*bytes.Buffer)) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	start := time.Now()
	b.ResetTimer()
	for range benchClients {
		all.Go(func() {
			var buf bytes.Buffer
			for left.Add(-1) >= 0 {
				send(&buf)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N*events)/time.Since(start).Seconds(), "events/s")
}
