package api

import (
	"errors"
	"net/http"
	"net/url"
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

// parameters reads the query of a request; what is wrong with it is gathered, and what was never asked for is an error.
type parameters struct {
	study  string
	values url.Values
	known  map[string]bool
	errs   []error
}

func newParameters(r *http.Request) *parameters {
	p := &parameters{study: r.PathValue("study"), known: map[string]bool{}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.fault("query", "is not well-formed")
	}
	p.values = values
	return p
}

func (p *parameters) fault(name, detail string) {
	p.errs = append(p.errs, &analyst.QueryError{Field: name, Detail: detail})
}

// err returns everything that is wrong, parameters that the route does not have among it.
func (p *parameters) err() error {
	var unknown []string
	for name := range p.values {
		if !p.known[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	errs := slices.Clone(p.errs)
	for range unknown {
		errs = append(errs, &analyst.QueryError{Field: "query", Detail: "has a parameter that is not known here; known are " + p.names()})
		break
	}
	return errors.Join(errs...)
}

func (p *parameters) names() string {
	var names []string
	for name := range p.known {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// text returns a parameter that may be given once.
func (p *parameters) text(name string) string {
	p.known[name] = true
	given := p.values[name]
	if len(given) > 1 {
		p.fault(name, "is given more than once")
	}
	if len(given) == 0 {
		return ""
	}
	return given[0]
}

func (p *parameters) time(name string) time.Time {
	text := p.text(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		p.fault(name, "must be a time such as 2026-11-23T12:00:00Z (write + in an offset as %2B)")
	}
	return t
}

func (p *parameters) number(name string) float64 {
	text := p.text(name)
	if text == "" {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fault(name, "must be a number")
	}
	return v
}

func (p *parameters) position(name string) tlog.Position {
	text := p.text(name)
	if text == "" {
		return tlog.Position{}
	}
	position, err := tlog.ParsePosition(text)
	if err != nil {
		p.fault(name, "must be a position as an answer to POST /v1/events gave it")
	}
	return position
}

// list returns a parameter whose values are parted by commas.
func (p *parameters) list(name string) []string {
	text := p.text(name)
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// query reads what all routes of a study have.
func (p *parameters) query(grant auth.Grant) analyst.Query {
	return analyst.Query{
		Cutoff: p.time("cutoff"), AsOf: p.time("as_of"), Definition: p.text("definition"), Privileged: privileged(grant, p.study),
	}
}

// scoped reads, besides, which participants and which part of the intervention.
func (p *parameters) scoped(grant auth.Grant) analyst.Query {
	q := p.query(grant)
	q.Population = analyst.Population(p.text("population"))
	q.Portion = event.Portion(p.text("portion"))
	q.Component = p.text("component")
	return q
}

func (p *parameters) attrition(grant auth.Grant) analyst.AttritionQuery {
	return analyst.AttritionQuery{
		Query:   p.scoped(grant),
		Kind:    analyst.Kind(p.text("kind")),
		Variant: analyst.Variant(p.text("variant")),
		By:      p.text("by"),
		Conf:    stats.Conf(p.text("conf")),
		Weights: stats.Weight(p.text("weights")),
		Rho:     p.number("rho"),
		Ties:    stats.Ties(p.text("ties")),
		Strata:  p.list("strata"),
		Horizon: p.number("horizon"),
	}
}
