package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDesk is the work of a trial's desk by the command line, on a server of its own: from open mode to tokens.
func TestDesk(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	server := up(t, data)
	on := func(args ...string) outcome { t.Helper(); return run(t, append(args, "--data", data)...) }

	t.Run("connection", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(data, "connection.json"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("connection.json: %v, mode %v; want 0600", err, info.Mode())
		}
		server.awaitSaid(t, "open mode")
	})
	t.Run("data folder in use", func(t *testing.T) {
		run(t, "up", "--data", data, "--listen", "127.0.0.1:0", "--nats", "127.0.0.1:0", "--clickhouse", "127.0.0.1:0").
			want(t, 1, data, fmt.Sprint(server.connection.PID), "--server")
		on("study", "list").want(t, 0)
	})
	t.Run("study apply", func(t *testing.T) {
		file := write(t, "desk.yaml", studyFile)
		var applied struct {
			Study, Position string
			Changed         bool
		}
		on("study", "apply", file, "--json").want(t, 0).json(t, &applied)
		if applied.Study != "desk" || !applied.Changed || applied.Position == "" {
			t.Errorf("applied %+v", applied)
		}
		before := messages(t, server.connection, "desk")
		on("study", "apply", file, "--json").want(t, 0).json(t, &applied)
		if after := messages(t, server.connection, "desk"); applied.Changed || after["studies"] != before["studies"] {
			t.Errorf("applied again: %+v; %d messages, before %d", applied, after["studies"], before["studies"])
		}
		on("study", "apply", write(t, "faulty.yaml", faultyFile)).want(t, 1, "design", "timezone")
		if after := messages(t, server.connection, "desk"); after["studies"] != before["studies"] {
			t.Error("a faulty definition reached the log")
		}
		var list struct{ Studies []struct{ ID string } }
		on("study", "list", "--json").want(t, 0).json(t, &list)
		if len(list.Studies) != 1 || list.Studies[0].ID != "desk" {
			t.Errorf("studies %+v, want desk", list.Studies)
		}
		var shown struct {
			ID   string
			Arms []struct{ ID string }
		}
		on("study", "show", "desk", "--json").want(t, 0).json(t, &shown)
		if shown.ID != "desk" || len(shown.Arms) != 2 {
			t.Errorf("shown %+v", shown)
		}
		on("study", "show", "nothing").want(t, 1, "No such study")
	})
	t.Run("import", func(t *testing.T) { importTwice(t, server, on) })
	t.Run("simulate", func(t *testing.T) {
		order := []string{"simulate", "--id", "pilot", "--participants", "12", "--duration", "28", "--start", "2026-03-02", "--json"}
		var first, second map[string]any
		on(order...).want(t, 0).json(t, &first)
		before := messages(t, server.connection, "pilot")
		on(order...).want(t, 0).json(t, &second)
		facts := openFacts(t, server.connection)
		on("verify").want(t, 0)
		if n := len(facts.counted("pilot")); n == 0 || before["allocations"] != 12 || messages(t, server.connection, "pilot")["allocations"] != 12 {
			t.Errorf("%d facts, %d randomisations; %v, then %v", n, before["allocations"], first, second)
		}
	})
	t.Run("rebuild while events arrive", func(t *testing.T) { rebuildWhileArriving(t, server, on) })
	t.Run("tokens", func(t *testing.T) { endOpenMode(t, server, on) })

	server.stop()
	t.Run("without a server", func(t *testing.T) {
		var report verifyReport
		on("verify", "--json").want(t, 0).json(t, &report)
		if !report.OK || report.LogEvents == 0 || report.LogEvents != report.FactEvents {
			t.Errorf("report %+v", report)
		}
		var list struct{ Studies []struct{ ID string } }
		on("study", "list", "--json").want(t, 0).json(t, &list)
		if len(list.Studies) != 4 { // of this test, the import, the simulation and the rebuild
			t.Errorf("studies %+v, want four", list.Studies)
		}
		if _, err := os.Stat(filepath.Join(data, "connection.json")); err == nil {
			t.Error("connection.json is left behind")
		}
	})
}

// verifyReport is the answer of verify --json.
type verifyReport struct {
	OK          bool `json:"ok"`
	LogEvents   int  `json:"log_events"`
	FactEvents  int  `json:"fact_events"`
	Quarantined int  `json:"quarantined"`
	Duplicates  int  `json:"duplicates"`
	Missing     int  `json:"missing"`
	Doubled     int  `json:"doubled"`
	Altered     int  `json:"altered"`
}

const usersHeader = "user.index,intake.survey.utime,intake.survey.tz,intake.survey.gmtoff,first.notif.utime,first.steps.utime,exit.survey.utime,exit.survey.tz," +
	"last.notif.utime,last.steps.utime,travel.start,travel.end,dropout.date,totaldays,own.phone,selfeff.intake,selfeff.exit\n"

// Three made-up rows in the form of the HeartSteps table: one who finished, one who left on day 17 after wearing the
// tracker to day 12, one who finished and is corrected and emptied below.
const (
	userFinished  = "1,2015-07-22 14:34:03,Etc/GMT+4,-14400,2015-07-22 16:31:53,2015-07-22 16:42:00,2015-09-05 06:00:00,Etc/GMT+4,2015-09-04 21:31:27,2015-09-03 14:03:00,,,,41,True,19,20.0\n"
	userLeft      = "2,2015-07-24 14:46:56,Etc/GMT+4,-14400,2015-07-24 17:01:56,2015-07-24 17:38:00,,Etc/GMT+4,2015-08-10 00:31:38,2015-08-05 14:24:00,,,2015-08-10,17,False,12,\n"
	userCorrected = "3,2015-08-01 14:00:00,Etc/GMT+4,-14400,2015-08-01 16:00:00,2015-08-01 16:30:00,2015-09-13 18:00:00,Etc/GMT+4,2015-09-12 20:00:00,2015-09-12 14:00:00,2015-08-10,2015-08-20,,33,True,15,17\n"
)

// importTwice imports the documented example's mapping with rows of its form: again, changed, emptied and faulty.
func importTwice(t *testing.T, server *process, on func(...string) outcome) {
	example, err := filepath.Abs("../../deploy/examples/heartsteps")
	if err != nil {
		t.Fatal(err)
	}
	on("study", "apply", filepath.Join(example, "study.yaml")).want(t, 0)
	type report struct{ New, Unchanged, Corrected, Voided, Refused int }
	load := func(code int, text string, more ...string) (r report) {
		t.Helper()
		args := append([]string{"import", write(t, "users.csv", usersHeader+text), "--mapping", filepath.Join(example, "mapping.yaml"), "--json"}, more...)
		on(args...).want(t, code).json(t, &r)
		return r
	}
	all := userFinished + userLeft + userCorrected
	dry := load(0, all, "--dry-run")
	if after := messages(t, server.connection, "heartsteps-v1"); dry.New == 0 || after["events"] != 0 {
		t.Errorf("dry run %+v left %v in the log", dry, after)
	}
	first := load(0, all)
	if first != dry || first.Refused != 0 {
		t.Errorf("imported %+v, the dry run said %+v", first, dry)
	}
	before := messages(t, server.connection, "heartsteps-v1")
	again := load(0, all)
	if want := (report{Unchanged: first.New}); again != want {
		t.Errorf("imported again: %+v, want %+v", again, want)
	}
	if after := messages(t, server.connection, "heartsteps-v1"); after["events"] != before["events"] {
		t.Errorf("the log went from %v to %v", before, after)
	}

	// The first left on day 17 (10 August); both others finished: 1 of 3. Follow-up is 42 days.
	results := trial{client: server.client(t), study: "heartsteps-v1", position: "e0"}
	on("verify").want(t, 0) // waits until all of it is projected
	equal(t, "dropout", results.attrition().arm("heartsteps").RateAtEnd.String(), "1/3")
	// Wear to day 12 is non-use from then on; wear to the days 43 and 42 is not: τ = 42 and A = 84 - 14.
	equal(t, "non-usage", results.attrition("kind=non_usage").arm("heartsteps").RateAtEnd.String(), "1/3")

	// A changed cell corrects its event: worn to day 12 as well. An emptied one voids it: no date of dropout.
	changed := strings.Replace(userCorrected, "2015-09-12 14:00:00", "2015-08-13 14:00:00", 1)
	changed = strings.Replace(changed, ",2015-09-13 18:00:00,", ",,", 1)
	r := load(0, userFinished+strings.Replace(userLeft, "2015-08-10,17", ",17", 1)+changed)
	if r.New != 0 || r.Corrected != 1 || r.Voided < 3 || r.Refused != 0 {
		t.Errorf("imported with changes: %+v, want one corrected, the dropout, both ends and a score voided", r)
	}
	on("verify").want(t, 0)
	equal(t, "dropout after the change", results.attrition().arm("heartsteps").RateAtEnd.String(), "0/3")
	equal(t, "non-usage after the change", results.attrition("kind=non_usage").arm("heartsteps").RateAtEnd.String(), "2/3")

	// Faulty dates are refused by row and column, with exit code 1; all else of the file is as it was.
	before = messages(t, server.connection, "heartsteps-v1")
	faulty := "4,sometime,Etc/GMT+4,-14400,2015-13-01 16:00:00,,,Etc/GMT+4,,,,,,33,True,,\n"
	var text struct {
		Refusals []struct {
			Row          int
			Column, Code string
		}
		Refused int
	}
	o := on("import", write(t, "faulty.csv", usersHeader+faulty), "--mapping", filepath.Join(example, "mapping.yaml"), "--json").want(t, 1)
	o.json(t, &text)
	if text.Refused == 0 || len(text.Refusals) == 0 || text.Refusals[0].Row != 2 || text.Refusals[0].Column == "" || strings.Contains(o.out+o.err, "sometime") {
		t.Errorf("faulty dates: %+v\n%s", text, o.out)
	}
	if after := messages(t, server.connection, "heartsteps-v1"); after["events"] != before["events"] {
		t.Errorf("the log went from %v to %v", before, after)
	}
}

// rebuildWhileArriving makes the facts anew while events go on arriving, and finds every one of them once.
func rebuildWhileArriving(t *testing.T, server *process, on func(...string) outcome) {
	tr := trialOn(server.client(t), "rebuilt", oneArm)
	tr.send(tr.event("participant.randomised", "p1", "2026-05-01T09:00:00Z", `"arm": "a"`))
	n := 0
	for range 2 {
		rebuild := command(t, "rebuild", "--data", server.data)
		done := make(chan outcome)
		go func() { done <- finish(rebuild) }()
		for running := true; running; {
			tr.send(tr.event("exercise.completed", "p1", time.Date(2026, 5, 2, 0, 0, n, 0, time.UTC).Format(time.RFC3339), ""))
			n++
			select {
			case o := <-done:
				o.want(t, 0)
				running = false
			default:
			}
		}
	}
	var report verifyReport
	on("verify", "--json").want(t, 0).json(t, &report)
	if n < 4 || !report.OK || report.Missing+report.Doubled+report.Altered != 0 {
		t.Errorf("after %d events during the rebuild: %+v", n, report)
	}
	if q := tr.quality(); q.Events != n+1 {
		t.Errorf("%d events, want %d", q.Events, n+1)
	}
}

// endOpenMode makes tokens: the first ends open mode, each is good for its scopes and study alone.
func endOpenMode(t *testing.T, server *process, on func(...string) outcome) {
	open := server.client(t)
	open.ask("/v1/studies/desk/attrition").status200(t)
	// Open mode may not make tokens: that needs the local credential.
	open.request(http.MethodPost, "/v1/admin/tokens", []byte(`{"study": "desk", "scopes": ["admin"]}`), "Content-Type", "application/json").problem(t, http.StatusForbidden)

	type token struct{ ID, Token, Hash string }
	create := func(study, scopes string) token {
		t.Helper()
		var made token
		on("token", "create", "--study", study, "--scope", scopes, "--app", "android", "--json").want(t, 0).json(t, &made)
		if made.Token == "" || made.ID == "" || made.Hash != "" {
			t.Fatalf("made %+v", made)
		}
		return made
	}
	read := create("desk", "read")
	open.ask("/v1/studies").problem(t, http.StatusUnauthorized)
	open.post(mediaSingle, "{}").problem(t, http.StatusUnauthorized)

	as := func(secret string) *trial {
		return &trial{client: client{TB: t, base: open.base, token: secret}, study: "desk", ids: int(time.Now().UnixMicro() % 1e9)}
	}
	emit, register, allocate, admin := create("desk", "emit"), create("desk", "register"), create("desk", "allocate"), create("desk", "admin")
	use := func(tr *trial) string { return tr.event("exercise.completed", "p1", "2026-06-01T09:00:00Z", "") }
	enrol := func(tr *trial) string { return tr.event("participant.enrolled", "p1", "2026-06-01T09:00:00Z", "") }
	assign := func(tr *trial) string {
		return tr.event("participant.randomised", "p1", "2026-06-01T09:00:00Z", `"arm": "peer"`)
	}
	before := messages(t, server.connection, "desk")
	refused := func(secret string, events ...func(*trial) string) {
		t.Helper()
		for _, make := range events {
			tr := as(secret)
			r := tr.offer(http.StatusBadRequest, make(tr))
			if len(r.Rejected) != 1 || r.Rejected[0].Code != "not_in_scope" {
				t.Errorf("refused %+v, want not_in_scope", r.Rejected)
			}
		}
	}
	refused(read.Token, use, enrol, assign)
	refused(emit.Token, enrol, assign)
	refused(register.Token, assign, use)
	refused(allocate.Token, use, enrol)
	other := as(emit.Token)
	other.study = "rebuilt"
	if r := other.offer(http.StatusBadRequest, use(other)); r.Rejected[0].Code != "not_in_scope" {
		t.Errorf("an event of another study: %+v", r.Rejected)
	}
	if after := messages(t, server.connection, "desk"); after["events"] != before["events"] || after["allocations"] != before["allocations"] {
		t.Errorf("the log went from %v to %v", before, after)
	}
	for secret, make := range map[string]func(*trial) string{emit.Token: use, register.Token: enrol, allocate.Token: assign} {
		tr := as(secret)
		tr.send(make(tr))
	}
	as("tl_wrong").ask("/v1/studies").problem(t, http.StatusUnauthorized)

	// The study is randomised, so that it is coded unless it says otherwise: arms are for scope admin.
	for _, path := range []string{"/attrition", "/engagement"} {
		as(read.Token).ask("/v1/studies/desk"+path).problem(t, http.StatusForbidden)
		as(admin.Token).ask("/v1/studies/desk" + path).status200(t)
		as(admin.Token).ask("/v1/studies/rebuilt"+path).problem(t, http.StatusForbidden)
	}
	as(read.Token).ask("/v1/studies/desk").status200(t)
	as(read.Token).ask("/v1/studies/desk/quality").status200(t)
	as(read.Token).ask("/v1/studies/rebuilt/quality").problem(t, http.StatusForbidden)
	as(emit.Token).ask("/v1/studies/desk/quality").problem(t, http.StatusForbidden)
	for _, path := range []string{"verify", "rebuild"} {
		as(read.Token).request(http.MethodPost, "/v1/admin/"+path, nil).problem(t, http.StatusForbidden)
	}
	as(read.Token).ask("/v1/admin/tokens").problem(t, http.StatusForbidden)

	signIn(t, open, admin.Token, "tl_wrong")

	list := on("token", "list", "--json").want(t, 0)
	var tokens struct{ Tokens []token }
	list.json(t, &tokens)
	if len(tokens.Tokens) != 5 || strings.Contains(list.out, read.Token) || strings.Contains(list.out, "hash") {
		t.Errorf("tokens %s", list.out)
	}
	on("token", "revoke", read.ID).want(t, 0)
	on("token", "revoke", "nothing").want(t, 1)
	as(read.Token).ask("/v1/studies/desk").problem(t, http.StatusUnauthorized)
	// Health and metrics need no credential and tell nothing about anybody.
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		a := open.ask(path).status200(t)
		if strings.Contains(string(a.body), `"p1"`) {
			t.Errorf("%s names a participant", path)
		}
	}
}

// signIn goes through the page's door: a token is kept as a cookie of this origin's pages, with which nothing is written.
func signIn(t *testing.T, c client, token, wrong string) {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, path, body string, headers ...string) (status int, location string, cookies []*http.Cookie) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Header.Get("Location"), res.Cookies()
	}
	const form = "application/x-www-form-urlencoded"
	if status, to, _ := do("GET", "/", ""); status != http.StatusSeeOther || to != "/signin" {
		t.Errorf("the page without a token: %d to %q, want 303 to /signin", status, to)
	}
	if status, _, cookies := do("POST", "/signin", "token="+wrong, "Content-Type", form); status != http.StatusUnauthorized || len(cookies) > 0 {
		t.Errorf("a wrong token: %d, %v", status, cookies)
	}
	if status, _, cookies := do("POST", "/signin", "token="+token, "Content-Type", form, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden || len(cookies) > 0 {
		t.Errorf("signed in from another site: %d, %v", status, cookies)
	}
	status, _, cookies := do("POST", "/signin", "token="+token, "Content-Type", form)
	if len(cookies) != 1 {
		t.Fatalf("signed in: %d, %v", status, cookies)
	}
	cookie := cookies[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v, want HttpOnly and SameSite=Strict", cookie)
	}
	signed := cookie.Name + "=" + cookie.Value
	if status, _, _ := do("GET", "/studies/desk", "", "Cookie", signed); status != http.StatusOK {
		t.Errorf("the page with the cookie: %d", status)
	}
	if status, _, _ := do("POST", "/v1/events", "{}", "Cookie", signed, "Content-Type", mediaSingle); status != http.StatusUnauthorized {
		t.Errorf("an event with the cookie alone: %d, want 401", status)
	}
}

// status200 complains unless the answer is good.
func (a answer) status200(t testing.TB) answer {
	t.Helper()
	if a.status != http.StatusOK {
		t.Errorf("status %d, want 200: %.300s", a.status, a.body)
	}
	return a
}
