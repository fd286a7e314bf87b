package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/throughline-trials/throughline/services/analyst"
	"github.com/throughline-trials/throughline/services/export"
)

// exports returns the routes that hand out tables of participants.
func (a *API) exports() []route {
	rt := route{
		method: http.MethodGet, path: "/v1/studies/{study}/export", summary: "Export tables for analysis", status: http.StatusOK, media: "application/zip",
		about: "A ZIP archive of tables, participant by participant under their pseudonyms, with a data dictionary, a manifest with checksums and an R script " +
			"that reproduces the published numbers. An archive that no program opens was cut off: ask again.",
		takes: []string{"after", "cutoff", "as_of", "definition", "format"}, refuses: []refusal{invalidParameter, blinded, unknownStudy, notReached},
	}
	rt.handle = a.admit(rt, a.export)
	return []route{rt}
}

// export streams the archive. One that fails after its beginning has no directory at its end: no program takes it for
// whole.
func (a *API) export(ctx context.Context, w http.ResponseWriter, r *http.Request, q *question) {
	formats, err := export.ParseFormats(q.format)
	if err != nil {
		a.refuse(w, r, &analyst.QueryError{Field: "format", Detail: err.Error()})
		return
	}
	dataset, err := a.Reader.Dataset(ctx, q.study, q.Query)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	a.Logger.Info("study exported", "study", q.study, "credential", q.grant.ID, "as_of", dataset.AsOf, "cutoff", dataset.Cutoff)
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.zip"`, q.study, dataset.Cutoff.Format("20060102T150405Z")))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodHead { // the length is not known before
		return
	}
	if err := export.Write(w, dataset, formats); err != nil && r.Context().Err() == nil {
		a.Logger.Error("export failed", "study", q.study, "error", err)
	}
}
