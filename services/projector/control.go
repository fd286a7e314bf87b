package projector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/throughline-trials/throughline/services/log"
)

// controlSubject is where the projector that is at work takes orders from other processes. Only the services' own NATS
// user may publish there.
const controlSubject = "tl.control.rebuild"

// silence is how long a projector that rebuilds may say nothing.
const silence = time.Minute

// errorText is a header of an answer that is an error.
const errorText = "Tl-Error"

// serve takes orders until ctx ends.
func (p *Projector) serve(ctx context.Context) {
	nc := p.config.Log.JetStream().Conn()
	sub, err := nc.SubscribeSync(controlSubject)
	if err != nil {
		p.config.Logger.Warn("the projector takes no orders from other processes", "error", err)
		return
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	var running sync.WaitGroup
	defer running.Wait()
	for {
		order, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return // ctx has ended, or the connection was closed for good
		}
		running.Go(func() { p.obey(ctx, nc, order.Reply) })
	}
}

// obey rebuilds, reports every step and answers last with an empty message, or an error.
func (p *Projector) obey(ctx context.Context, nc *nats.Conn, reply string) {
	said := time.Time{}
	err := p.Rebuild(ctx, func(s RebuildStep) {
		if !s.Done && time.Since(said) < time.Second/10 {
			return
		}
		said = time.Now()
		if text, err := json.Marshal(s); err == nil {
			_ = nc.Publish(reply, text) // whoever asked may have gone
		}
	})
	answer := nats.NewMsg(reply)
	if err != nil {
		answer.Header.Set(errorText, err.Error())
	}
	_ = nc.PublishMsg(answer)
}

// RequestRebuild is [Projector.Rebuild] by the projector that is at work in another process. It returns
// [ErrNotProjecting] if there is none. When ctx ends the rebuild goes on.
func RequestRebuild(ctx context.Context, l *log.Log, report func(RebuildStep)) error {
	if report == nil {
		report = func(RebuildStep) {}
	}
	nc := l.JetStream().Conn()
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("ask for a rebuild: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	if err := nc.PublishRequest(controlSubject, inbox, nil); err != nil {
		return fmt.Errorf("ask for a rebuild: %w", err)
	}
	for {
		answer, err := nextAnswer(ctx, sub)
		if err != nil {
			return err
		}
		if text := answer.Header.Get(errorText); text != "" {
			return fmt.Errorf("rebuild: %w", told(text))
		}
		if len(answer.Data) == 0 {
			return nil
		}
		var s RebuildStep
		if err := json.Unmarshal(answer.Data, &s); err != nil {
			return fmt.Errorf("read progress of rebuild: %w", err)
		}
		report(s)
	}
}

func nextAnswer(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	waiting, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	answer, err := sub.NextMsgWithContext(waiting)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, ErrNotProjecting
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("wait for the rebuild: %w", err)
	}
	return answer, nil
}

// told makes an error of what another process said, so that it can be told apart.
func told(text string) error {
	for _, known := range []error{ErrRebuilding, ErrNotProjecting} {
		if text == known.Error() {
			return known
		}
	}
	return errors.New(text)
}
