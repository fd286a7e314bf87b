package gateway_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
	"github.com/throughline-trials/throughline/services/log/logtest"
)

// FuzzBody sends any body under any media type and encoding: the answer is JSON with one of the agreed statuses, and
// what it counts adds up.
func FuzzBody(f *testing.F) {
	good := `{"specversion":"1.0","id":"1","source":"/x","type":"session.started","subject":"p","time":"2026-03-01T10:00:00Z","study":"hope"}`
	for _, body := range []string{
		"", "[]", "{}", "[", "null", "[null]", good, "[" + good + "]", good + "\n" + good, "[" + good + "," + good + "]", strings.Repeat("[", 5000),
		`[{"a":1}]x`, "\x00", "\xff", packed(good), packed("[" + good + "]")[:30], `{"study":"hope","study":"hope"}`,
	} {
		for media := range uint8(3) {
			f.Add([]byte(body), media, false)
			f.Add([]byte(body), media, true)
		}
	}
	g, err := gateway.New(f.Context(), gateway.Config{QuarantineLimit: 1}, gateway.Deps{Log: logtest.Start(f).Log(), Auth: grants{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = g.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, body []byte, media uint8, zipped bool) {
		r := request([]string{single, batch, lines}[media%3], string(body))
		if zipped {
			r.Header.Set("Content-Encoding", "gzip")
		}
		r = r.WithContext(auth.WithGrant(r.Context(), auth.LocalGrant()))
		rec := httptest.NewRecorder()
		g.ServeHTTP(rec, r)
		var a answer
		if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil {
			t.Fatalf("answer %d is no JSON: %v", rec.Code, err)
		}
		switch rec.Code {
		case 202:
			if a.Accepted+a.Duplicates == 0 && len(a.Rejected) > 0 {
				t.Error("202 although nothing was good")
			}
		case 400, 413:
			if a.Accepted+a.Duplicates > 0 {
				t.Errorf("%d although something was good", rec.Code)
			}
		default:
			t.Errorf("status %d: %s", rec.Code, rec.Body)
		}
	})
}
