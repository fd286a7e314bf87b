package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/throughline-trials/throughline/services/auth"
	tlog "github.com/throughline-trials/throughline/services/log"
)

// Config is how a gateway works. The zero value is good; each default stands beside its field.
type Config struct {
	Reserve         uint64                 // bytes that must stay free on the log's disk: 1 GiB
	FreeSpace       func() (uint64, error) // probe of the log's disk, see [FreeSpace]; nil: not watched
	Recent          int                    // identities remembered to tell duplicates: 1,000,000
	QuarantineLimit int                    // refused events kept for one credential: 100,000
	ReadTimeout     time.Duration          // for a whole body to arrive: 30 s
	MaxRequests     int                    // handled at the same time, bodies read: 1,024
	MaxMemory       int64                  // bytes of bodies held at the same time: 256 MiB
	QueueBytes      int                    // waiting for each stream of the log: 64 MiB
	Commits         int                    // to the stream of events at the same time: 2
	Clock           func() time.Time       // time.Now
	Logger          *slog.Logger           // discards
	Metrics         prometheus.Registerer  // nil: figures are kept but registered nowhere
}

// Deps is what a gateway stands on.
type Deps struct {
	Log  *tlog.Log
	Auth Authenticator // nil: only [Gateway.Submit] works, every request is refused
}

// Authenticator tells what a request's credential grants; [auth.Keyring] is one.
type Authenticator interface {
	Authenticate(r *http.Request) (auth.Grant, error)
}

func (c Config) withDefaults() Config {
	setDefault(&c.Reserve, 1<<30)
	setDefault(&c.Recent, 1_000_000)
	setDefault(&c.QuarantineLimit, 100_000)
	setDefault(&c.ReadTimeout, 30*time.Second)
	setDefault(&c.MaxRequests, 1024)
	setDefault(&c.MaxMemory, 256<<20)
	setDefault(&c.QueueBytes, 64<<20)
	setDefault(&c.Commits, 2)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"recent", int64(c.Recent)}, {"quarantine limit", int64(c.QuarantineLimit)}, {"read timeout", int64(c.ReadTimeout)},
		{"max requests", int64(c.MaxRequests)}, {"max memory", c.MaxMemory}, {"queue bytes", int64(c.QueueBytes)}, {"commits", int64(c.Commits)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("%s %d: must not be negative", f.name, f.value))
		}
	}
	if c.MaxMemory > 0 && c.MaxMemory < minMemory {
		errs = append(errs, fmt.Errorf("max memory %d: one request may need %d bytes", c.MaxMemory, minMemory))
	}
	return errors.Join(errs...)
}

// minMemory is what one request may hold: a body as sent, and unpacked.
const minMemory = 10 << 20
