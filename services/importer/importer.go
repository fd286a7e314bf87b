// Package importer turns a registry or EDC export into events: a mapping ([ParseMapping]) says which column makes which
// event, and [Run] sends what the file says and the log does not.
//
// Every event has an id made of the mapping, the row's key and the event's name, so that the same file imported twice
// changes nothing. A row whose content changed is sent as event.corrected, an emptied one as event.voided, one that is
// filled again as a void of the void; these are numbered after the id of the event that they are about.
//
//	file ── table ──▶ builder ──▶ wishes ──┐
//	                                       ├─▶ planner ──▶ Sender ──▶ Report
//	log  ── History ──▶ records ───────────┘
//
// Rows are worked on in chunks, so that memory is bounded by the chunk and by 16 bytes a row for finding keys that occur
// twice. Refusals name row, column and reason and never hold what a cell holds.
package importer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
)

// Config is one import.
type Config struct {
	Mapping *Mapping
	File    io.Reader
	Size    int64  // of the file in bytes, for progress; 0: unknown
	Study   string // empty: that of the mapping
	Key     []byte // of hashed pseudonyms; always the same one for a study
	History History
	Sender  Sender // may be nil in a dry run
	DryRun  bool   // work out everything, send nothing

	Progress func(Progress)   // called after every chunk; may be nil
	Now      func() time.Time // bounds the times of events; nil: time.Now
}

// Progress is how far an import is.
type Progress struct {
	Rows  int
	Read  int64 // bytes of the file
	Size  int64 // bytes of the file, 0 if unknown
	Sent  int   // events
	Error int   // refusals
}

// Validate returns all that is wrong with the configuration.
func (c *Config) Validate() error {
	var faults []error
	if c.Mapping == nil {
		faults = append(faults, errors.New("mapping: is missing"))
	}
	if c.File == nil {
		faults = append(faults, errors.New("file: is missing"))
	}
	if c.Sender == nil && !c.DryRun {
		faults = append(faults, errors.New("sender: is missing, and this is no dry run"))
	}
	if study := c.study(); c.Mapping != nil && !event.ValidStudy(study) {
		faults = append(faults, errors.New("study: is missing or no study id: name it with --study or in the mapping"))
	}
	return errors.Join(faults...)
}

func (c *Config) study() string {
	if c.Study != "" || c.Mapping == nil {
		return c.Study
	}
	return c.Mapping.Study
}

// Chunk sizes: rows are read until so many events are wanted.
const chunkEvents = MaxHistoryKeys

// Run imports a file. Without a History everything is sent, and the log finds what it has already: changed rows are then
// refused as id_reused instead of corrected. The report is never nil once the file could be opened; with an error it says
// what was done before, and the same import can be run again.
func Run(ctx context.Context, config Config) (*Report, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check import: %w", err)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	m := config.Mapping
	namer, err := newNamer(config.study(), m.Subject, config.Key)
	if err != nil {
		return nil, err
	}
	table, err := newTable(config.File, m.Format)
	if err != nil {
		return nil, err
	}
	if err := table.missing(m.columns()); err != nil {
		return nil, fmt.Errorf("match columns: %w", err)
	}
	r := &run{
		config: config, table: table, seen: map[[16]byte]int32{}, report: newReport(m, config.study(), config.DryRun),
		builder: &builder{mapping: m, namer: namer, columns: table.columns, now: config.Now, zones: map[string]*time.Location{}},
	}
	return r.report, r.all(ctx)
}

// run is one import under way.
type run struct {
	config  Config
	table   *table
	builder *builder
	seen    map[[16]byte]int32 // row by digest of its key
	report  *Report
	wishes  []wish
	sent    int
}

func (r *run) all(ctx context.Context) error {
	for {
		rec, err := r.table.next()
		if errors.Is(err, io.EOF) {
			return r.flush(ctx)
		}
		if err != nil {
			return errors.Join(err, r.flush(ctx))
		}
		r.take(rec)
		if len(r.wishes)+len(r.config.Mapping.Events) > chunkEvents {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("import file: %w", err)
		}
	}
}

// take turns one row into wishes.
func (r *run) take(rec record) {
	row := &row{builder: r.builder, record: rec}
	if rec.fault != "" {
		r.report.Rows++
		r.report.refuse(row.refusal("", &fault{code: CodeRow, reason: rec.fault}))
		return
	}
	if rec.blank() {
		r.report.Blank++
		return
	}
	r.report.Rows++
	if !row.holds(r.config.Mapping.When) {
		r.report.Skipped++
		return
	}
	if f := r.identify(row); f != nil {
		r.report.refuse(row.refusal("", f))
		return
	}
	for i := range r.config.Mapping.Events {
		spec := &r.config.Mapping.Events[i]
		w, f := row.wish(spec)
		if f != nil {
			r.report.refuse(row.refusal(spec.Name, f))
			continue
		}
		r.wishes = append(r.wishes, w)
	}
}

// identify finds the row's name and participant, and refuses a key that was there before.
func (r *run) identify(row *row) *fault {
	key, f := row.key()
	if f != nil {
		return f
	}
	row.name = r.builder.namer.rowName(key)
	digest := sha256.Sum256([]byte(row.name))
	if first, twice := r.seen[[16]byte(digest[:16])]; twice {
		reason := fmt.Sprintf("has the key of row %d: keys name a row for ever; add a column to row_key or remove one of the rows", first)
		return &fault{r.config.Mapping.RowKey[0], CodeTwice, reason}
	}
	r.seen[[16]byte(digest[:16])] = int32(row.row)
	subject, reason := r.builder.namer.pseudonym(row.cell(r.config.Mapping.Subject.Column))
	if reason != "" {
		return cellFault(r.config.Mapping.Subject.Column, reason)
	}
	row.subject = subject
	return nil
}

// flush plans and sends what is gathered.
func (r *run) flush(ctx context.Context) error {
	defer r.tell()
	wishes := r.wishes
	r.wishes = r.wishes[:0]
	if len(wishes) == 0 {
		return nil
	}
	records, err := r.history(ctx, wishes)
	if err != nil {
		return fmt.Errorf("read what was imported before: %w", err)
	}
	steps := make([]step, 0, len(wishes))
	for _, w := range wishes {
		var known *Record
		if record, ok := records[w.id]; ok {
			known = &record
		}
		steps = append(steps, planner{r.config.Now}.plan(w, known))
	}
	return r.send(ctx, steps)
}

func (r *run) history(ctx context.Context, wishes []wish) (Records, error) {
	if r.config.History == nil {
		return nil, nil
	}
	q := HistoryQuery{Study: r.config.study(), Source: r.config.Mapping.Source, Keys: make([]HistoryKey, len(wishes))}
	for i, w := range wishes {
		q.Keys[i] = HistoryKey{Subject: w.subject, ID: w.id}
	}
	return r.config.History.Records(ctx, q)
}

func (r *run) tell() {
	if r.config.Progress != nil {
		r.config.Progress(Progress{
			Rows: r.report.Rows, Read: r.table.source.total, Size: r.config.Size, Sent: r.sent, Error: r.report.Refused,
		})
	}
}
