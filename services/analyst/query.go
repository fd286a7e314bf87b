package analyst

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/stats"
	"github.com/throughline-trials/throughline/services/study"
)

// Errors that callers tell apart.
var (
	ErrUnknownStudy = errors.New("no definition of this study is published as of then: see throughline study list")
	ErrBlinded      = errors.New("the study's blinding keeps results by arm from its analysts: they need the scope admin")
)

// QueryError is a question that cannot be answered as it stands.
type QueryError struct {
	Field  string // parameter at fault, e.g. "cutoff"
	Detail string // what is wrong and what to do, for people
}

// Error returns field and detail.
func (e *QueryError) Error() string { return e.Field + ": " + e.Detail }

func refuse(field, format string, args ...any) error {
	return &QueryError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Kind is one of the two attritions.
type Kind string

// The kinds.
const (
	Dropout  Kind = "dropout"   // lost to the study; the default
	NonUsage Kind = "non_usage" // stopped using the intervention
)

// Population says who is counted.
type Population string

// The populations.
const (
	Randomised  Population = "randomised" // everyone assigned; the default
	Started     Population = "started"    // any qualifying activity, or intervention.started
	PerProtocol Population = "per_protocol"
)

// Query is what every question has. The zero value asks for what is known now.
type Query struct {
	Cutoff     time.Time  // zero: AsOf
	AsOf       time.Time  // zero: the last moment up to which everything is projected
	Definition string     // version number or engagement id of a published definition; empty: the one that stands as of AsOf
	Population Population // empty: randomised
	Portion    event.Portion
	Component  string // of one component only; not together with a portion
	Privileged bool   // the asker may see arms whatever the blinding
}

// AttritionQuery asks for attrition. Empty fields mean their defaults.
type AttritionQuery struct {
	Query
	Kind    Kind
	Variant Variant      // of non-usage
	By      string       // component, site or a declared factor: adds groups
	Conf    stats.Conf   // scale of the intervals of curves
	Weights stats.Weight // of the log-rank test
	Rho     float64      // power of the weight fh
	Strata  []string     // factors by which a stratified test is added
	Ties    stats.Ties   // of Cox's regression
	Horizon float64      // of restricted means, in days; 0: the default
}

// EngagementQuery asks for engagement and its tiers.
type EngagementQuery struct{ Query }

// complete fills in defaults and returns everything that is wrong with the question.
func (q *Query) complete(def *study.Definition) error {
	var errs []error
	if q.Population == "" {
		q.Population = Randomised
	}
	if !slices.Contains([]Population{Randomised, Started, PerProtocol}, q.Population) {
		errs = append(errs, refuse("population", "must be randomised, started or per_protocol"))
	}
	if q.Component != "" {
		if _, ok := def.Component(q.Component); !ok {
			errs = append(errs, refuse("component", "the definition has no such component"))
		}
		if q.Portion != "" && q.Portion != event.PortionAll {
			errs = append(errs, refuse("component", "give a component or a portion, not both"))
		}
	}
	if q.Portion == "" {
		q.Portion = event.PortionAll
	}
	if !slices.Contains([]event.Portion{event.PortionAll, event.PortionTechnology, event.PortionInPerson}, q.Portion) {
		errs = append(errs, refuse("portion", "must be all, technology or in_person"))
	}
	return errors.Join(errs...)
}

func (q *AttritionQuery) complete(def *study.Definition) error {
	errs := []error{q.Query.complete(def)}
	check := func(field string, err error) {
		if err != nil {
			errs = append(errs, refuse(field, "%s", err))
		}
	}
	if q.Kind == "" {
		q.Kind = Dropout
	}
	if q.Kind != Dropout && q.Kind != NonUsage {
		errs = append(errs, refuse("kind", "must be dropout or non_usage"))
	}
	if q.Variant == "" {
		q.Variant = LastUse
	}
	if q.Variant != LastUse && q.Variant != FirstLapse {
		errs = append(errs, refuse("variant", "must be last_use or first_lapse"))
	}
	var err error
	q.Conf, err = stats.ParseConf(string(q.Conf))
	check("conf", err)
	q.Weights, err = stats.ParseWeight(string(q.Weights))
	check("weights", err)
	q.Ties, err = stats.ParseTies(string(q.Ties))
	check("ties", err)
	if math.IsNaN(q.Rho) || math.IsInf(q.Rho, 0) || q.Rho < 0 {
		errs = append(errs, refuse("rho", "must be a number of at least 0"))
	}
	if math.IsNaN(q.Horizon) || math.IsInf(q.Horizon, 0) || q.Horizon < 0 {
		errs = append(errs, refuse("horizon", "must be a number of days above 0"))
	}
	for _, factor := range q.Strata {
		if _, ok := def.Strata.Levels(factor); !ok {
			errs = append(errs, refuse("strata", "the definition declares no such factor; it has %s", factors(def)))
		}
	}
	if _, declared := def.Strata.Levels(q.By); q.By != "" && q.By != "component" && q.By != "site" && !declared {
		errs = append(errs, refuse("by", "must be component, site or a declared factor; the definition has %s", factors(def)))
	}
	return errors.Join(errs...)
}

func factors(def *study.Definition) string {
	names := make([]string, len(def.Strata))
	for i, f := range def.Strata {
		names[i] = f.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
