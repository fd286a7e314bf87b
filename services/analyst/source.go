package analyst

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/store"
	"github.com/throughline-trials/throughline/services/study"
)

// source reads facts for the core.
type source struct{ store *store.Store }

// edition is what is said about a study as a whole, as of a time.
type edition struct {
	plans []*plan     // every published definition, the first first
	rows  []store.Row // that have no participant
}

// edition reads a study as of a time. kept are plans of earlier readings, which are not made again.
func (s source) edition(ctx context.Context, id string, asOf time.Time, kept []*plan) (*edition, error) {
	var out edition
	q := store.Query{
		Tables: []string{store.TableStudies}, Study: id, ReceivedUpTo: asOf, Kinds: []store.Kind{store.KindEvent}, BySequence: true,
	}
	err := s.store.Facts(ctx, q, func(r *store.Row) error {
		out.rows = append(out.rows, *r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read study: %w", err)
	}
	for i := range out.rows {
		r := &out.rows[i]
		if r.Event.Type != event.TypeDefinition {
			continue
		}
		version := len(out.plans) + 1
		if version <= len(kept) {
			out.plans = append(out.plans, kept[version-1])
			continue
		}
		document, _ := r.Event.Data.Get(event.DefinitionAttribute)
		def, err := study.Parse(document.Object, id+".json")
		if err != nil {
			return nil, fmt.Errorf("read definition %d of study %s: %w", version, id, err)
		}
		out.plans = append(out.plans, newPlan(def, version))
	}
	return &out, nil
}

// current returns the plan of the definition that stands as of a time; nil if there is none.
func (e *edition) current(asOf time.Time) *plan {
	version, stands := 0, (*plan)(nil)
	for _, entry := range resolve(e.rows, Clock{AsOf: asOf}) {
		if entry.event.Type != event.TypeDefinition {
			continue
		}
		if version++; !entry.voided && !entry.event.IsTest {
			stands = e.plans[version-1]
		}
	}
	return stands
}

// named returns the plan of a version number or of the last definition with an engagement id.
func (e *edition) named(name string, asOf time.Time) (*plan, error) {
	if name == "" {
		if p := e.current(asOf); p != nil {
			return p, nil
		}
		return nil, ErrUnknownStudy
	}
	if version, err := strconv.Atoi(name); err == nil && version >= 1 && version <= len(e.plans) {
		return e.plans[version-1], nil
	}
	for i := len(e.plans) - 1; i >= 0; i-- {
		if e.plans[i].def.DefinitionID() == name {
			return e.plans[i], nil
		}
	}
	return nil, refuse("definition", "no such definition was published as of then: give a version number or an engagement id")
}

// records derives the participants of a study from facts: those named, or all if participants is nil. Each record goes
// to fn with its rows, which are reused.
func (s source) records(ctx context.Context, p *plan, id string, participants []string, clock Clock, fn func(*Record, []store.Row)) error {
	q := store.Query{
		Tables: []string{store.TableEvents, store.TableAllocations}, Study: id, Participants: participants,
		ReceivedUpTo: clock.AsOf, Kinds: []store.Kind{store.KindEvent}, Lean: true,
	}
	var rows []store.Row
	finish := func() {
		if len(rows) > 0 && rows[0].Event.Subject != "" {
			record := p.derive(rows, clock)
			fn(&record, rows)
		}
		clear(rows)
		rows = rows[:0]
	}
	err := s.store.Facts(ctx, q, func(r *store.Row) error {
		if len(rows) > 0 && rows[0].Event.Subject != r.Event.Subject {
			finish()
		}
		rows = append(rows, *r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("derive participants: %w", err)
	}
	finish()
	return nil
}

// news is what was projected since a cut.
type news struct {
	rows    map[store.Participant][]store.Row // by table and sequence
	studies map[string]bool                   // of which something was said as a whole
	newest  time.Time                         // receipt of the latest
	many    bool                              // more than is read at once: rows is empty, and only who was touched is known
}

// maxNews bounds the rows of one piece of news.
const maxNews = 100_000

var errMany = errors.New("more rows than are read at once")

// news reads the rows of a cut's position to another that were received by a time.
func (s source) news(ctx context.Context, after, upTo log.Position, asOf time.Time) (*news, error) {
	out := &news{rows: map[store.Participant][]store.Row{}, studies: map[string]bool{}}
	n := 0
	for _, table := range []string{store.TableEvents, store.TableAllocations, store.TableStudies} {
		from, to := after.At(event.Stream(table)), upTo.At(event.Stream(table))
		if from >= to {
			continue
		}
		q := store.Query{Tables: []string{table}, From: from + 1, To: to, ReceivedUpTo: asOf, Kinds: []store.Kind{store.KindEvent}}
		err := s.store.Facts(ctx, q, func(r *store.Row) error {
			if n++; n > maxNews {
				return errMany
			}
			out.take(r)
			return nil
		})
		if errors.Is(err, errMany) {
			return s.touched(ctx, after, upTo, asOf)
		}
		if err != nil {
			return nil, fmt.Errorf("read news: %w", err)
		}
	}
	return out, nil
}

func (n *news) take(r *store.Row) {
	if r.Received.After(n.newest) {
		n.newest = r.Received
	}
	if r.Event.Subject == "" {
		n.studies[r.Event.Study] = true
		return
	}
	who := store.Participant{Study: r.Event.Study, Participant: r.Event.Subject}
	n.rows[who] = append(n.rows[who], *r)
}

// touched is news without the rows.
func (s source) touched(ctx context.Context, after, upTo log.Position, asOf time.Time) (*news, error) {
	list, err := s.store.Touched(ctx, after, upTo)
	if err != nil {
		return nil, err
	}
	out := &news{rows: map[store.Participant][]store.Row{}, studies: map[string]bool{}, newest: asOf, many: true}
	for _, who := range list {
		if who.Participant == "" {
			out.studies[who.Study] = true
		} else {
			out.rows[who] = nil
		}
	}
	return out, nil
}

// refusals counts what was turned away of a study.
func (s source) refusals(ctx context.Context, id string, asOf time.Time) (Refusals, error) {
	out := Refusals{Quarantined: map[event.Code]int{}}
	received := strconv.FormatInt(asOf.UnixMicro(), 10)
	where := " WHERE study = " + quoted(id) + " AND received <= fromUnixTimestamp64Micro(" + received + ", 'UTC')"
	var duplicates uint64
	statement := "SELECT sum(n) FROM (SELECT count() AS n FROM {db}.events" + where + " AND kind = 'duplicate' UNION ALL SELECT count() AS n FROM {db}.allocations" +
		where + " AND kind = 'duplicate' UNION ALL SELECT count() AS n FROM {db}.studies" + where + " AND kind = 'duplicate')"
	if err := s.store.Conn().QueryRow(ctx, s.store.SQL(statement)).Scan(&duplicates); err != nil {
		return out, fmt.Errorf("count duplicates: %w", err)
	}
	out.Duplicates = int(duplicates)
	rows, err := s.store.Conn().Query(ctx, s.store.SQL(quarantinedStatement(where)))
	if err != nil {
		return out, fmt.Errorf("count quarantine: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var code string
		var n uint64
		if err := rows.Scan(&code, &n); err != nil {
			return out, fmt.Errorf("count quarantine: %w", err)
		}
		out.Quarantined[event.Code(code)] = int(n)
	}
	if err := errors.Join(rows.Err()); err != nil {
		return out, fmt.Errorf("count quarantine: %w", err)
	}
	return out, nil
}

// quarantinedStatement counts distinct refused events by code. One that was accepted since is left out, but for those
// whose code says that another event has their identity.
func quarantinedStatement(where string) string {
	refused, accepted := "", ""
	for i, table := range store.Tables() {
		if i > 0 {
			refused += " UNION ALL "
		}
		refused += "SELECT toString(code) AS code, identity, '" + table + "' AS source, seq, idx FROM {db}." + table + where + " AND kind = 'refused'"
	}
	for i, table := range []string{store.TableEvents, store.TableAllocations, store.TableStudies} {
		if i > 0 {
			accepted += " UNION ALL "
		}
		accepted += "SELECT identity FROM {db}." + table + where + " AND kind = 'event' AND identity IN (SELECT identity FROM refused)"
	}
	return "WITH refused AS (" + refused + "), accepted AS (" + accepted + ") " +
		"SELECT code, uniqExact(if(identity = toFixedString('', 16), concat(source, toString(seq), '.', toString(idx)), toString(identity))) AS n FROM refused " +
		"WHERE code = 'id_reused' OR identity NOT IN (SELECT identity FROM accepted) GROUP BY code ORDER BY code"
}

func quoted(s string) string {
	out := make([]byte, 0, len(s)+2)
	out = append(out, '\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return string(append(out, '\''))
}
