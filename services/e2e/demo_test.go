package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// demoPatience is how long the demo may take to be complete.
const demoPatience = 120 * time.Second

type deliveryTypes struct {
	StudyTiers    tiers          `json:"study_tiers"`
	DeliveryTypes []deliveryType `json:"delivery_types"`
}

type deliveryType struct {
	DeliveryType string `json:"delivery_type"`
	Studies      int    `json:"studies"`
	Arms         int    `json:"arms"`
	Participants int    `json:"participants"`
	StudyTiers   tiers  `json:"study_tiers"`
	Completion   rate   `json:"completion"`
	Reference    []any  `json:"reference"`
	Forest       []struct {
		Study   string `json:"study"`
		Tier    string `json:"tier"`
		Dropout rate   `json:"dropout"`
	} `json:"forest"`
}

// of returns one delivery type.
func (d deliveryTypes) of(t testing.TB, name string) deliveryType {
	t.Helper()
	for _, one := range d.DeliveryTypes {
		if one.DeliveryType == name {
			return one
		}
	}
	t.Fatalf("no delivery type %s", name)
	return deliveryType{}
}

// TestDemo: the portfolio of the review, computed by the platform from events; the numbers follow them; the pages show
// them.
func TestDemo(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	began := time.Now()
	server := up(t, data, "--demo")
	server.awaitDemo(t)
	t.Logf("the demo was complete after %s", time.Since(began).Round(time.Second))
	c := server.client(t)
	var got deliveryTypes
	c.get("/v1/delivery-types", &got)
	studies := map[string]int{}
	for _, d := range got.DeliveryTypes {
		studies[d.DeliveryType] = d.Studies
		if len(d.Forest) != d.Studies || len(d.Reference) == 0 {
			t.Errorf("%s: %d rows of %d studies, %d ranges of the review", d.DeliveryType, len(d.Forest), d.Studies, len(d.Reference))
		}
	}
	want := map[string]int{"peer_to_peer_network": 14, "peer_delivered_technology": 11, "synchronous": 2, "asynchronous": 3}
	if fmt.Sprint(studies) != fmt.Sprint(want) {
		t.Errorf("studies %v, want %v", studies, want)
	}
	if want := (tiers{High: 14, Medium: 7, Low: 5, NotReported: 4}); got.StudyTiers != want {
		t.Errorf("tiers %+v, want %+v", got.StudyTiers, want)
	}
	trial, completion := completionOf86(t, c, got)
	equal(t, "completion of the synchronous trial", completion.String(), "86/276")

	t.Run("pages", func(t *testing.T) { demoPages(t, server, trial) })
	t.Run("void", func(t *testing.T) { voidCompletion(t, server, trial) })

	server.stop()
	began = time.Now()
	server = up(t, data, "--demo") // the second time
	server.awaitDemo(t)
	t.Logf("and again after %s", time.Since(began).Round(time.Second))
	var again deliveryTypes
	server.client(t).get("/v1/delivery-types", &again)
	if again.StudyTiers != got.StudyTiers || again.of(t, "synchronous").Participants != got.of(t, "synchronous").Participants {
		t.Errorf("the second time tiers are %+v and %d are in synchronous studies, the first time %+v and %d",
			again.StudyTiers, again.of(t, "synchronous").Participants, got.StudyTiers, got.of(t, "synchronous").Participants)
	}
	server.stop()
}

// awaitDemo waits until the server says that the demo is there.
func (p *process) awaitDemo(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(demoPatience)
	for !strings.Contains(p.said.String(), "demo: 30 studies are there") {
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("the server ended: %v\n%s", err, p.said)
		case <-limit:
			t.Fatalf("the demo is not complete after %s\n%s", demoPatience, p.said)
		case <-tick.C:
		}
	}
	// It waits until all that is in the log now is projected, and finds every event of the demo once.
	run(t, "verify", "--data", p.data).want(t, 0)
}

// completionOf86 returns the synchronous trial of 276 participants and its completion over all arms.
func completionOf86(t *testing.T, c client, all deliveryTypes) (string, rate) {
	t.Helper()
	for _, row := range all.of(t, "synchronous").Forest {
		var e struct{ Completion rate }
		c.get("/v1/studies/"+row.Study+"/engagement", &e)
		if e.Completion.N == 276 {
			return row.Study, e.Completion
		}
	}
	t.Fatal("no synchronous study has 276 participants")
	return "", rate{}
}

// voidCompletion voids all that is said of one participant who completed, but for the assignment: one fewer completed.
func voidCompletion(t *testing.T, server *process, study string) {
	database := openFacts(t, server.connection)
	who := database.strings(fmt.Sprintf("SELECT participant FROM throughline.events WHERE study = '%s' AND type = 'intervention.completed' AND kind = 'event' ORDER BY participant LIMIT 1", study))
	if len(who) != 1 {
		t.Fatalf("nobody completed %s", study)
	}
	tr := &trial{client: server.client(t), study: study}
	var voids []string
	for _, line := range database.strings(fmt.Sprintf("SELECT concat(source, ' ', id) FROM throughline.events WHERE study = '%s' AND participant = '%s' AND kind = 'event' AND type NOT IN ('event.voided', 'event.corrected')", study, who[0])) {
		source, id, _ := strings.Cut(line, " ")
		data, err := json.Marshal(map[string]string{"target_source": source, "target_id": id})
		if err != nil {
			t.Fatal(err)
		}
		voids = append(voids, tr.event("event.voided", who[0], time.Now().UTC().Format(time.RFC3339), strings.Trim(string(data), "{}")))
	}
	for part := range slices.Chunk(voids, 500) {
		tr.offer(http.StatusAccepted, part...)
	}
	var e struct{ Completion rate }
	tr.results("engagement", &e)
	equal(t, "completion without one who completed", e.Completion.String(), "85/276")
}

// demoPages looks at the pages of the demo at two widths and in two colour schemes.
func demoPages(t *testing.T, server *process, study string) {
	browser := newBrowser(t)
	base := server.connection.HTTP
	p := newTab(t, browser, base)
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			p.look(width, 900, scheme)
			name := fmt.Sprintf("%d px %s", width, scheme)
			p.visit("/")
			p.portfolio(server.client(t))
			p.legible("portfolio at " + name)
			p.save("portfolio " + name)
			p.visit("/studies/" + study)
			p.study(server.client(t), study)
			p.legible("study at " + name)
			p.save("study " + name)
		}
	}
	p.clean()
}
