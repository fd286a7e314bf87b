package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/throughline-trials/throughline/pkg/event"
	"github.com/throughline-trials/throughline/services/auth"
)

// decode reads and checks one event by itself.
func (b *batch) decode(it *item) {
	if b.unreadable != "" {
		it.problems = []event.Problem{{Code: event.CodeMalformed, Detail: b.unreadable}}
		return
	}
	e, problems := event.Decode(it.raw, b.gateway.config.Clock())
	it.event = e
	it.typ, _ = event.Lookup(e.Type)
	if e.Study != "" && e.Source != "" && e.ID != "" {
		it.identity, it.named = e.Identity(), true
	}
	if len(problems) == 0 {
		it.content = e.Content()
	}
	it.problems = problems
}

// admit checks one decoded event against the credential: whose study it is, and whether its type is in scope. What is
// wrong with the event itself comes second, so that nobody can put events into another's quarantine.
func admit(it *item, grant auth.Grant) {
	problems := it.problems
	it.problems = nil
	if slices.ContainsFunc(problems, func(p event.Problem) bool { return p.Code == event.CodeMalformed }) {
		it.refuse(problems...)
		return
	}
	if it.event.Study != "" && !grant.Covers(it.event.Study) {
		it.refuseFor(event.CodeNotInScope, "study", "the credential is for another study")
		return
	}
	if it.typ != nil && !mayType(it, grant) {
		it.refuseFor(event.CodeNotInScope, "type", fmt.Sprintf("the type needs a credential with scope %s", it.typ.Scope))
		return
	}
	if it.event.Type == event.TypeUnblinding && !grant.TrustedFor(it.event.Study) {
		it.refuseFor(event.CodeNotInScope, "type", "unblinding needs the local credential or a token with scope admin")
		return
	}
	it.refuse(problems...)
}

// mayType reports whether a type is in scope. What is said about another event is, for those who may do so about some;
// which event it is about is looked at later.
func mayType(it *item, grant auth.Grant) bool {
	return grant.Has(it.typ.Scope) || (aboutAnother(&it.event) && it.event.Subject != "" && grant.Has(event.ScopeAllocate))
}

// checkStudy checks what an event says against the definition of its study. The log is asked before anything is refused
// for being unknown. An error means that the log could not be asked.
func (g *Gateway) checkStudy(ctx context.Context, it *item) error {
	v, known := g.studies.get(it.event.Study)
	it.version = v.seq
	if known {
		if p := v.problem(&it.event); p == nil {
			return nil
		}
	}
	v, known, err := g.studies.refresh(ctx, it.event.Study)
	if err != nil {
		return err
	}
	it.version = v.seq
	if !known {
		it.refuseFor(event.CodeUnknownStudy, "study", "no definition of this study was published: publish it with `throughline study apply`")
		return nil
	}
	if p := v.problem(&it.event); p != nil {
		it.refuse(*p)
	}
	return nil
}

// problem returns the first thing an event names that the definition does not have.
func (v version) problem(e *event.Event) *event.Problem {
	if e.Component != "" {
		if p := v.component("component", e.Component); p != nil {
			return p
		}
	}
	if len(e.Data) == 0 {
		return nil
	}
	return v.dataProblem(e)
}

func (v version) dataProblem(e *event.Event) *event.Problem {
	if c := e.Data.Text("component"); c != "" {
		if p := v.component("data.component", c); p != nil {
			return p
		}
	}
	if arm := e.Data.Text("arm"); arm != "" {
		if _, ok := v.definition.Arm(arm); !ok {
			return &event.Problem{Code: event.CodeUnknownArm, Field: "data.arm", Detail: "the study's definition has no such arm"}
		}
	}
	if site := e.Data.Text("site"); site != "" && len(v.definition.Sites) > 0 {
		if _, ok := v.definition.Site(site); !ok {
			return &event.Problem{Code: event.CodeInvalidValue, Field: "data.site", Detail: "the study's definition has no such site"}
		}
	}
	if strata, ok := e.Data.Get("strata"); ok {
		return v.strataProblem(strata.Map)
	}
	return nil
}

func (v version) component(field, id string) *event.Problem {
	if _, ok := v.definition.Component(id); ok {
		return nil
	}
	return &event.Problem{Code: event.CodeUnknownComponent, Field: field, Detail: "the study's definition has no such component"}
}

func (v version) strataProblem(strata map[string]string) *event.Problem {
	for _, name := range slices.Sorted(maps.Keys(strata)) {
		levels, declared := v.levels(name)
		if !declared {
			return &event.Problem{Code: event.CodeInvalidValue, Field: "data.strata", Detail: "a factor is not declared in the study's definition"}
		}
		if !slices.Contains(levels, strata[name]) {
			return &event.Problem{Code: event.CodeInvalidValue, Field: "data.strata." + name, Detail: "the level is not declared in the study's definition"}
		}
	}
	return nil
}

func (v version) levels(factor string) ([]string, bool) {
	for _, f := range v.definition.Strata {
		if f.Name == factor {
			return f.Levels, true
		}
	}
	return nil, false
}
