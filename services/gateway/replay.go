package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/study"
)

// replayBatch is how many refused events are sent again together.
const replayBatch = 500

// replayer sends again what the quarantine holds of a study under codes that a newer definition may have cured. It works
// one study at a time, and remembers in the bucket how far it came, so that an interrupted replay is done again.
type replayer struct {
	gateway *Gateway
	bucket  jetstream.KeyValue
	logger  *slog.Logger

	mu      sync.Mutex
	waiting map[string]bool
	woken   chan struct{} // holds one token while something waits
}

func newReplayer(g *Gateway, bucket jetstream.KeyValue) *replayer {
	return &replayer{gateway: g, bucket: bucket, logger: g.config.Logger, waiting: make(map[string]bool), woken: make(chan struct{}, 1)}
}

// wake asks for a replay of a study.
func (r *replayer) wake(studyID string) {
	r.mu.Lock()
	r.waiting[studyID] = true
	r.mu.Unlock()
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

func (r *replayer) take() (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.waiting {
		delete(r.waiting, id)
		return id, true
	}
	return "", false
}

// run replays until ctx ends, first what was interrupted before.
func (r *replayer) run(ctx context.Context) {
	for id := range r.gateway.studies.all() {
		r.wake(id)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.woken:
		}
		for id, ok := r.take(); ok && ctx.Err() == nil; id, ok = r.take() {
			if err := r.replay(ctx, id); err != nil && ctx.Err() == nil {
				r.logger.Warn("a replay of the quarantine was interrupted; trying again", "study", id, "error", err)
				r.wake(id)
				select {
				case <-ctx.Done():
				case <-time.After(retryAfter):
				}
			}
		}
	}
}

// replay sends again what the present definition of a study takes and the one of the last replay did not.
func (r *replayer) replay(ctx context.Context, studyID string) error {
	now, known := r.gateway.studies.get(studyID)
	if !known {
		return nil
	}
	mark, err := r.mark(ctx, studyID)
	if err != nil {
		return err
	}
	last, _, err := r.gateway.log.Last(ctx, tlog.StreamQuarantine)
	if err != nil {
		return err
	}
	if mark.definition == now.seq && mark.quarantine >= last {
		return nil
	}
	before, err := r.definitionAt(ctx, studyID, mark.definition)
	if err != nil {
		return err
	}
	again := resend{replayer: r, study: studyID, waiting: make(map[string][][]byte), takes: func(e *event.Event, seq uint64) bool {
		return now.problem(e) == nil && (seq > mark.quarantine || before == nil || before.problem(e) != nil)
	}}
	subject := "tl.quarantine." + studyID + ".>"
	err = r.gateway.readAll(ctx, tlog.StreamQuarantine, subject, func(m tlog.Message) error { return again.message(ctx, m) })
	if err == nil {
		err = again.flush(ctx)
	}
	if err != nil {
		return err
	}
	return r.setMark(ctx, studyID, mark.after(now.seq, last))
}

// resend gathers refused events by the credential that sent them.
type resend struct {
	replayer *replayer
	study    string
	takes    func(e *event.Event, seq uint64) bool
	waiting  map[string][][]byte
}

func (a *resend) message(ctx context.Context, m tlog.Message) error {
	for refusal, err := range m.Refusals() {
		if err != nil || !curable(refusal.Code) || len(refusal.Event) == 0 {
			continue
		}
		e, problems := event.Decode(refusal.Event, a.replayer.gateway.config.Clock())
		if len(problems) > 0 || e.Study != a.study || !a.takes(&e, m.Seq) {
			continue
		}
		a.waiting[m.Credential] = append(a.waiting[m.Credential], refusal.Event)
		if len(a.waiting[m.Credential]) == replayBatch {
			if err := a.send(ctx, m.Credential); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *resend) flush(ctx context.Context) error {
	for credential := range a.waiting {
		if err := a.send(ctx, credential); err != nil {
			return err
		}
	}
	return nil
}

// send hands events in again under the credential that sent them, which was in scope then.
func (a *resend) send(ctx context.Context, credential string) error {
	raws := a.waiting[credential]
	delete(a.waiting, credential)
	if len(raws) == 0 {
		return nil
	}
	grant := auth.Grant{ID: credential, Study: a.study, Scopes: []event.Scope{event.ScopeEmit, event.ScopeRegister, event.ScopeAllocate}}
	res, err := a.replayer.gateway.handle(ctx, submission{grant: grant, raws: raws, replay: true})
	if err != nil {
		return err
	}
	a.replayer.logger.Info("replayed refused events", "study", a.study, "accepted", res.Accepted, "refused", len(res.Rejected))
	return nil
}

// curable reports whether a newer definition may make an event acceptable that was refused under a code.
func curable(c event.Code) bool {
	return c == event.CodeUnknownStudy || c == event.CodeUnknownArm || c == event.CodeUnknownComponent
}

// replayLate asks for a replay where a definition came between the check of an event and its entry in quarantine.
func (g *Gateway) replayLate(b *batch) {
	if b.replay {
		return
	}
	for i := range b.items {
		it := &b.items[i]
		if it.outcome != refused || !curable(it.code()) {
			continue
		}
		if v, known := g.studies.get(it.event.Study); known && v.seq != it.version {
			g.replayer.wake(it.event.Study)
		}
	}
}

// mark is how far the quarantine of a study was replayed: everything up to a sequence, by a definition.
type mark struct{ definition, quarantine uint64 }

func (m mark) after(definition, quarantine uint64) mark {
	return mark{definition: definition, quarantine: max(m.quarantine, quarantine)}
}

func (r *replayer) mark(ctx context.Context, studyID string) (mark, error) {
	entry, err := r.bucket.Get(ctx, "replay."+studyID)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read how far the quarantine was replayed: %w", err)
	}
	d, q, _ := strings.Cut(string(entry.Value()), " ")
	var m mark
	m.definition, err = strconv.ParseUint(d, 10, 64)
	if err != nil {
		return mark{}, nil // replaying everything again changes nothing
	}
	m.quarantine, err = strconv.ParseUint(q, 10, 64)
	if err != nil {
		return mark{}, nil
	}
	return m, nil
}

func (r *replayer) setMark(ctx context.Context, studyID string, m mark) error {
	text := fmt.Sprintf("%d %d", m.definition, m.quarantine)
	if _, err := r.bucket.PutString(ctx, "replay."+studyID, text); err != nil {
		return fmt.Errorf("record how far the quarantine was replayed: %w", err)
	}
	return nil
}

// definitionAt returns the definition published at a sequence, nil if there is none that can be read.
func (r *replayer) definitionAt(ctx context.Context, studyID string, seq uint64) (*version, error) {
	if seq == 0 {
		return nil, nil
	}
	m, found, err := r.gateway.log.NextOn(ctx, event.StreamStudies, event.StudySubject(studyID, "definition"), seq)
	if err != nil || !found || m.Seq != seq {
		return nil, err
	}
	for _, entry := range m.Entries() {
		if d, err := study.Parse(definitionOf(&entry.Event), ""); err == nil {
			return &version{definition: d, seq: seq}, nil
		}
	}
	return nil, nil
}
