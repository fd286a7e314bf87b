package api

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/auth"
	tlog "github.com/throughline-trials/throughline/services/log"
	"github.com/throughline-trials/throughline/services/stats"
)

// question is what a read request asks: who asks, of which study, and what its parameters say.
type question struct {
	grant    auth.Grant
	study    string
	after    tlog.Position
	standard stats.Standard
	analyst.AttritionQuery
	format string // of an export
}

// parameter is one parameter of a query. Requests are read, and the API is described, from the same.
type parameter struct {
	name    string
	about   string
	example string
	values  []string // those it may have, the default first; any if empty
	reading
}

// reading is how the text of a parameter becomes part of a question.
type reading struct {
	form  form
	least float64 // of a number
	above bool    // least itself is too little
	into  func(q *question, text string) error
}

// form is what the text of a parameter looks like.
type form string

const (
	formText     form = "text"
	formList     form = "list" // parted by commas
	formTime     form = "time"
	formNumber   form = "number"
	formPosition form = "position"
)

// parameters returns every parameter of the read routes, in the order of the description.
func parameters() []parameter {
	return []parameter{
		{name: "after", example: "e12.a3.s1.q0", reading: position(func(q *question) *tlog.Position { return &q.after }),
			about: "Wait, up to ten seconds, until the results include everything up to this position, which an answer to POST /v1/events gave: read your own writes."},
		{name: "cutoff", example: "2026-11-23T12:00:00Z", reading: moment(func(q *question) *time.Time { return &q.Cutoff }),
			about: "Count what happened up to this time. Default: `as_of`. Write + in an offset as %2B."},
		{name: "as_of", example: "2026-11-23T12:00:00Z", reading: moment(func(q *question) *time.Time { return &q.AsOf }),
			about: "Use what had been received by this time. Default: now, as far as everything received is projected."},
		{name: "definition", example: "default-1", reading: text(func(q *question) *string { return &q.Definition }),
			about: "Version number, or id of the engagement definition, of a published definition of the study. Default: the one that stood at `as_of`."},
		{name: "population", values: words(analyst.Randomised, analyst.Started, analyst.PerProtocol),
			reading: text(func(q *question) *analyst.Population { return &q.Population }),
			about:   "Who is counted: all who were assigned, those who began, or those who followed the protocol."},
		{name: "portion", values: words(event.PortionAll, event.PortionTechnology, event.PortionInPerson),
			reading: text(func(q *question) *event.Portion { return &q.Portion }),
			about:   "Which part of the intervention."},
		{name: "component", example: "app", reading: text(func(q *question) *string { return &q.Component }),
			about: "Id of one component, instead of a portion."},
		{name: "kind", values: words(analyst.Dropout, analyst.NonUsage), reading: text(func(q *question) *analyst.Kind { return &q.Kind }),
			about: "Which attrition: lost to the study, or no longer using the intervention."},
		{name: "variant", values: words(analyst.LastUse, analyst.FirstLapse),
			reading: text(func(q *question) *analyst.Variant { return &q.Variant }),
			about:   "Of non-usage: dated from the last use, or from the first lapse."},
		{name: "by", example: "component", reading: text(func(q *question) *string { return &q.By }),
			about: "Adds `groups`: by component, by site, or by a declared stratification factor, given by its name."},
		{name: "conf", values: words(stats.LogLog, stats.Log, stats.Plain), reading: text(func(q *question) *stats.Conf { return &q.Conf }),
			about: "Scale of the intervals of survival curves."},
		{name: "weights", values: words(stats.Unweighted, stats.GehanBreslow, stats.TaroneWare, stats.Peto, stats.FlemingHarrington),
			reading: text(func(q *question) *stats.Weight { return &q.Weights }),
			about:   "Weights of the log-rank test; `fh` are those of Fleming and Harrington, with the power `rho`."},
		{name: "rho", example: "1", reading: number(0, false, func(q *question) *float64 { return &q.Rho }),
			about: "Power of the weights `fh`. Default: 0."},
		{name: "ties", values: words(stats.Efron, stats.Breslow), reading: text(func(q *question) *stats.Ties { return &q.Ties }),
			about: "How Cox's regression treats events of the same day."},
		{name: "strata", example: "sex", reading: list(func(q *question) *[]string { return &q.Strata }),
			about: "Declared factors, parted by commas: adds `logrank_stratified` and changes nothing else."},
		{name: "horizon", example: "30", reading: number(0, true, func(q *question) *float64 { return &q.Horizon }),
			about: "Of restricted means, in days. Default: the last day that every arm was followed to, at most the planned end."},
		{name: "standard", values: words(stats.Cautious, stats.Optimistic), reading: text(func(q *question) *stats.Standard { return &q.standard }),
			about: "Which boundary of the What Works Clearinghouse is the line between low and high differential attrition."},
		{name: "format", example: "csv", reading: text(func(q *question) *string { return &q.format }),
			about: "Forms of the tables: csv, parquet, or both parted by a comma. Default: both."},
	}
}

func words[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func text[T ~string](at func(*question) *T) reading {
	return reading{form: formText, into: func(q *question, text string) error {
		*at(q) = T(text)
		return nil
	}}
}

func list(at func(*question) *[]string) reading {
	return reading{form: formList, into: func(q *question, text string) error {
		*at(q) = strings.Split(text, ",")
		return nil
	}}
}

func moment(at func(*question) *time.Time) reading {
	return reading{form: formTime, into: func(q *question, text string) error {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1900 || t.Year() >= 2200 {
			return errors.New("must be a time such as 2026-11-23T12:00:00Z (write + in an offset as %2B)")
		}
		*at(q) = t
		return nil
	}}
}

func number(least float64, above bool, at func(*question) *float64) reading {
	return reading{form: formNumber, least: least, above: above, into: func(q *question, text string) error {
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return errors.New("must be a number such as 1.5")
		case above && v <= least:
			return fmt.Errorf("must be above %g", least)
		case v < least:
			return fmt.Errorf("must be at least %g", least)
		}
		*at(q) = v
		return nil
	}}
}

func position(at func(*question) *tlog.Position) reading {
	return reading{form: formPosition, into: func(q *question, text string) error {
		p, err := tlog.ParsePosition(text)
		if err != nil {
			return errors.New("must be a position as an answer to POST /v1/events gave it, such as e12.a3.s1.q0")
		}
		*at(q) = p
		return nil
	}}
}

// take reads a query that may have the parameters named. The error joins everything that is wrong with it; an empty
// parameter counts as not given.
func (q *question) take(query string, takes []string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return &analyst.QueryError{Field: "query", Detail: "is not well-formed: write names and values percent-encoded"}
	}
	errs := unknown(values, takes)
	for _, p := range parameters() {
		given := values[p.name]
		if len(given) == 0 || !slices.Contains(takes, p.name) {
			continue
		}
		if detail := p.take(q, given); detail != "" {
			errs = append(errs, &analyst.QueryError{Field: p.name, Detail: detail})
		}
	}
	return errors.Join(errs...)
}

// take reads one parameter and returns what is wrong with it.
func (p *parameter) take(q *question, given []string) string {
	switch {
	case len(given) > 1:
		return "is given more than once"
	case given[0] == "":
		return ""
	case len(p.values) > 0 && !slices.Contains(p.values, given[0]):
		return "must be " + oneOf(p.values)
	}
	if err := p.into(q, given[0]); err != nil {
		return err.Error()
	}
	return ""
}

// plain is a name that may be repeated in an answer.
var plain = regexp.MustCompile(`^[A-Za-z_]{1,24}$`)

// unknown returns an error for every parameter that a route does not have.
func unknown(values url.Values, takes []string) []error {
	var errs []error
	for name := range values {
		if slices.Contains(takes, name) {
			continue
		}
		if !plain.MatchString(name) {
			name = "a parameter"
		}
		errs = append(errs, &analyst.QueryError{Field: name, Detail: "is not known here: known are " + strings.Join(takes, ", ")})
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

func oneOf(values []string) string {
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}
