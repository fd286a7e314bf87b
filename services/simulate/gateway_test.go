package simulate

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

type local struct{}

func (local) Authenticate(*http.Request) (auth.Grant, error) { return auth.LocalGrant(), nil }

// TestGatewayTakesThePortfolio loads the portfolio through a real gateway into a real log: nothing is refused, and what is
// sent twice is known, within the load and when all of it is sent again.
func TestGatewayTakesThePortfolio(t *testing.T) {
	g, err := gateway.New(t.Context(), gateway.Config{}, gateway.Deps{Log: logtest.Start(t).Log(), Auth: local{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var accepted, duplicates atomic.Int64
	submit := func(ctx context.Context, events []event.Event) error {
		result, err := g.Submit(ctx, auth.LocalGrant(), events)
		accepted.Add(int64(result.Accepted))
		duplicates.Add(int64(result.Duplicates))
		for _, refused := range result.Rejected {
			t.Errorf("refused: %+v", refused)
		}
		return err
	}
	now := time.Now()
	studies := portfolio(t, now)
	begun := time.Now()
	progress, err := Load(t.Context(), studies, Loading{Until: now, Submit: submit})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events in %s: %d accepted, %d duplicates", progress.Events, time.Since(begun), accepted.Load(), duplicates.Load())
	distinct := map[event.Identity]bool{}
	for _, s := range studies {
		for e := range s.Events(now) {
			distinct[e.Identity()] = true
		}
	}
	if n := accepted.Load(); n != int64(len(distinct)) || duplicates.Load() != int64(progress.Events-len(distinct)) {
		t.Errorf("%d accepted, %d duplicates of %d events, %d of them distinct", n, duplicates.Load(), progress.Events, len(distinct))
	}
	accepted.Store(0)
	if _, err := Load(t.Context(), studies, Loading{Until: now, Submit: submit}); err != nil {
		t.Fatal(err)
	}
	if accepted.Load() != 0 {
		t.Errorf("%d events are new when loaded again", accepted.Load())
	}
}
