package simulate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Loading says how [Load] sends a portfolio.
type Loading struct {
	// Until bounds what is sent: events that have reached a server by then.
	Until time.Time
	// Submit takes one batch and returns once it is safe. It is called concurrently, but one subject's events come in
	// order, each batch after the one before has returned. Its error ends the load.
	Submit func(context.Context, []event.Event) error
	// Have reports whether a study's history is complete already, so that it is left out: whether its event
	// [Study.Last] is known. Nil: no study is.
	Have func(context.Context, *Study) (bool, error)
	// Progress is told after each batch; calls do not overlap. May be nil.
	Progress func(Progress)
	Workers  int // batches under way at once; default 4
	Batch    int // events in a batch, at most event.MaxBatchEvents, which is the default
}

// Progress is how far a load has come.
type Progress struct {
	Study    string // the one being sent
	Studies  int    // all studies
	Done     int    // studies sent or left out
	Skipped  int    // studies left out because they were there
	Subjects int    // all subjects
	Sent     int    // subjects sent or left out
	Events   int    // events sent
}

// Fraction returns the share of the load that is done.
func (p Progress) Fraction() float64 {
	if p.Subjects == 0 {
		return 1
	}
	return float64(p.Sent) / float64(p.Subjects)
}

// Load sends the history of studies: all definitions first, then study by study, the subjects of a study concurrently.
// The last event of a study is sent when all others of it are safe. Sending again after an interruption changes nothing:
// identities and content are the same.
func Load(ctx context.Context, studies []Study, how Loading) (Progress, error) {
	if how.Submit == nil || how.Until.IsZero() {
		return Progress{}, errors.New("load portfolio: Submit and Until are needed")
	}
	l := &loader{Loading: how}
	if l.Workers <= 0 {
		l.Workers = 4
	}
	if l.Batch <= 0 || l.Batch > event.MaxBatchEvents {
		l.Batch = event.MaxBatchEvents
	}
	l.progress.Studies = len(studies)
	missing, err := l.missing(ctx, studies)
	if err != nil {
		return l.progress, err
	}
	if err := l.define(ctx, missing); err != nil {
		return l.progress, err
	}
	for _, study := range missing {
		if err := l.load(ctx, study); err != nil {
			return l.progress, fmt.Errorf("load study %s: %w", study.ID, err)
		}
	}
	return l.progress, nil
}

type loader struct {
	Loading
	mu       sync.Mutex // guards progress and calls of Progress
	progress Progress
}

// missing returns the studies that are not there yet.
func (l *loader) missing(ctx context.Context, studies []Study) ([]*Study, error) {
	var missing []*Study
	for i := range studies {
		study := &studies[i]
		l.progress.Subjects += study.Subjects()
		there := false
		if l.Have != nil {
			var err error
			if there, err = l.Have(ctx, study); err != nil {
				return nil, fmt.Errorf("look for study %s: %w", study.ID, err)
			}
		}
		if !there {
			missing = append(missing, study)
			continue
		}
		l.progress.Done++
		l.progress.Skipped++
		l.progress.Sent += study.Subjects()
	}
	return missing, nil
}

func (l *loader) define(ctx context.Context, studies []*Study) error {
	var definitions []event.Event
	for _, study := range studies {
		definitions = append(definitions, study.Published())
	}
	for len(definitions) > 0 {
		n := min(len(definitions), l.Batch)
		if err := l.submit(ctx, definitions[:n], 0); err != nil {
			return fmt.Errorf("publish definitions: %w", err)
		}
		definitions = definitions[n:]
	}
	return nil
}

// load sends one study.
//
//	subjects ──▶ Workers × (write diary, fill batch, submit) ──▶ last event
func (l *loader) load(ctx context.Context, study *Study) error {
	l.mu.Lock()
	l.progress.Study = study.ID
	l.mu.Unlock()
	last := study.Last()
	if err := l.submit(ctx, study.Common(time.Time{}, l.Until), 0); err != nil {
		return err
	}
	if err := l.subjects(ctx, study, last); err != nil {
		return err
	}
	l.mu.Lock()
	l.progress.Done++
	l.mu.Unlock()
	return l.submit(ctx, []event.Event{last}, 0)
}

func (l *loader) subjects(ctx context.Context, study *Study, last event.Event) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan int)
	var workers sync.WaitGroup
	for range l.Workers {
		workers.Go(func() {
			if err := l.work(ctx, study, queue, last); err != nil {
				cancel(err)
			}
		})
	}
	for i := range study.Subjects() {
		select {
		case queue <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

// work sends subjects until the queue is closed, several small ones in one batch.
func (l *loader) work(ctx context.Context, study *Study, queue <-chan int, last event.Event) error {
	var batch []event.Event
	subjects := 0
	for i := range queue {
		for _, e := range study.Subject(i, time.Time{}, l.Until) {
			if e.ID == last.ID && e.Source == last.Source {
				continue
			}
			batch = append(batch, e)
			if len(batch) == l.Batch {
				if err := l.submit(ctx, batch, subjects); err != nil {
					return err
				}
				batch, subjects = nil, 0
			}
		}
		subjects++
	}
	return l.submit(ctx, batch, subjects)
}

// submit sends a batch and tells of it. An empty batch is not sent.
func (l *loader) submit(ctx context.Context, batch []event.Event, subjects int) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if len(batch) > 0 {
		if err := l.Submit(ctx, batch); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.Events += len(batch)
	l.progress.Sent += subjects
	if l.Progress != nil {
		l.Progress(l.progress)
	}
	return nil
}
