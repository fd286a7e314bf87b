package bench

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	"github.com/throughline-trials/throughline/services/gateway"
)

// clients is how many requests are under way at once where the gateway alone is measured.
const clients = 32

// everybody grants everything to every request.
type everybody struct{}

// Authenticate implements [gateway.Authenticator].
func (everybody) Authenticate(*http.Request) (auth.Grant, error) { return auth.LocalGrant(), nil }

// http measures requests to a gateway over connections of this machine, and so fills the log.
func (p *parts) http(ctx context.Context) error {
	g, err := gateway.New(ctx, gateway.Config{}, gateway.Deps{Log: p.log, Auth: everybody{}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	err = p.requests(ctx, newSender("http://"+listener.Addr().String()))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(closing), g.Close(closing))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func (p *parts) requests(ctx context.Context, s *sender) error {
	if _, _, err := s.setup(ctx, p.shapes.one.profile); err != nil {
		return err
	}
	for _, how := range []struct {
		name, log string
		batch     func() []event.Event
	}{{HTTPOne, LogAlone, p.shapes.one.batch}, {HTTPFifty, LogAloneSmall, p.shapes.fifty.batch}} {
		o, err := s.drive(ctx, clients, how.batch, p.Scale.Part, 0)
		if err != nil {
			return err
		}
		f := p.report.add(rate(how.name, o.events, o.took))
		f.P50, f.P99 = o.latency.quantile(0.50), o.latency.quantile(0.99)
		p.report.limited(f, DecodeAlone, how.log)
	}
	return nil
}
