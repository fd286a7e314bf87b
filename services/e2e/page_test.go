package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// visit opens a page of the server.
func (p *tab) visit(path string) {
	p.Helper()
	p.do(chromedp.Navigate(p.base + path))
}

// rows returns the text of each cell of the body of the table under a heading.
func (p *tab) rows(heading string) [][]string {
	p.Helper()
	return eval[[][]string](p, fmt.Sprintf(`[...document.querySelectorAll('section[aria-labelledby=%q] tbody tr')].map(
		(row) => [...row.children].map((cell) => cell.innerText.trim().replace(/\s+/g, " ")))`, heading))
}

// portfolio holds the first page against /v1/delivery-types.
func (p *tab) portfolio(c client) {
	p.Helper()
	var all deliveryTypes
	c.get("/v1/delivery-types", &all)
	rows := p.rows("delivery")
	if len(rows) != len(all.DeliveryTypes) {
		p.Fatalf("%d rows of %d delivery types", len(rows), len(all.DeliveryTypes))
	}
	for i, d := range all.DeliveryTypes {
		want := []string{
			strings.ReplaceAll(d.DeliveryType, "_", " "), fmt.Sprint(d.Studies), fmt.Sprint(d.Arms),
			fmt.Sprintf("%d · %d · %d · %d", d.StudyTiers.High, d.StudyTiers.Medium, d.StudyTiers.Low, d.StudyTiers.NotReported),
		}
		for k, cell := range []int{0, 1, 2, 4} { // participants move while the demo runs
			if rows[i][cell] != want[k] {
				p.Errorf("%s: cell %d is %q, want %q", d.DeliveryType, cell, rows[i][cell], want[k])
			}
		}
	}
	if studies := p.rows("list"); len(studies) != 30 {
		p.Errorf("%d studies on the page, want 30", len(studies))
	}
}

// study holds the page of a study against /attrition and /engagement.
func (p *tab) study(c client, study string) {
	p.Helper()
	tr := &trial{client: c, study: study, position: "e0"}
	words := func(r rate) string {
		if r.Value == nil {
			return "–"
		}
		return fmt.Sprintf("%.1f %% %d of %d", 100**r.Value, r.X, r.N)
	}
	begins := func(what, cell, want string) {
		p.Helper()
		if !strings.HasPrefix(cell, want) {
			p.Errorf("%s is %q on the page, want %q", what, cell, want)
		}
	}
	for heading, kind := range map[string]string{"dropout": "dropout", "nonusage": "non_usage"} {
		rows := p.rows(heading)
		a := tr.attrition("kind=" + kind)
		if len(rows) != len(a.Arms) {
			p.Fatalf("%d rows of %d arms under %s", len(rows), len(a.Arms), heading)
		}
		for i, arm := range a.Arms {
			begins("n of "+arm.Arm, rows[i][1], fmt.Sprint(arm.N))
			begins("events of "+arm.Arm, rows[i][2], fmt.Sprint(arm.Events))
			begins("rate of "+arm.Arm, rows[i][3], words(arm.Rate))
			begins("rate at the end of "+arm.Arm, rows[i][4], words(arm.RateAtEnd))
			if kind == "non_usage" {
				begins("uptake of "+arm.Arm, rows[i][5], words(arm.Uptake))
			}
		}
	}
	e := tr.engagement()
	for i, row := range p.rows("tiers") {
		arm := e.Arms[i]
		begins("tier of "+arm.Arm, row[2], strings.ReplaceAll(arm.Participation.Tier, "_", " "))
		begins("participation of "+arm.Arm, row[3], words(arm.Participation.rate))
		begins("tiers of "+arm.Arm, row[5], fmt.Sprintf("%d · %d · %d · %d", arm.Tiers.High, arm.Tiers.Medium, arm.Tiers.Low, arm.Tiers.NotReported))
		begins("completion of "+arm.Arm, row[6], words(arm.Completion))
	}
}

// faintest finds the text of a page with the least contrast to what is behind it, by the formula of WCAG.
const faintest = `(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
  const part = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (e) => {
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a > 0.99) return c.rgb; }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  let worst = { contrast: 21, text: "" };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), e = walker.currentNode.parentElement;
    if (!text || !e.checkVisibility() || e.closest(".skip, script, style")) continue;
    const a = light(parse(getComputedStyle(e).color).rgb), b = light(behind(e));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < worst.contrast) worst = { contrast, text: text.slice(0, 60) };
  }
  return worst;
})()`

// legible complains if the page is wider than its window, or if any text has less contrast than 4.5.
func (p *tab) legible(what string) {
	p.Helper()
	if over := eval[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
		p.Errorf("%s: the page is %d px wider than the window", what, over)
	}
	worst := eval[struct {
		Contrast float64 `json:"contrast"`
		Text     string  `json:"text"`
	}](p, faintest)
	if worst.Contrast < 4.5 {
		p.Errorf("%s: %q has a contrast of %.2f, want 4.5", what, worst.Text, worst.Contrast)
	}
	if h1 := eval[int](p, "document.querySelectorAll('h1').length"); h1 != 1 {
		p.Errorf("%s: %d first headings, want one", what, h1)
	}
}

// TestPageMoves: a page that stays open shows what arrives, within seconds and without being loaded again.
func TestPageMoves(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	tr := newTrial(t, "moves", oneArm)
	tr.send(tr.event("participant.randomised", "p1", "2026-06-01T09:00:00Z", `"arm": "a"`))
	tr.quality()
	p := newTab(t, browser, tr.base)
	p.visit("/studies/" + tr.study)
	if row := p.rows("dropout")[0]; row[1] != "1" || row[2] != "0" {
		t.Fatalf("n and events %q, want 1 and 0", row[1:3])
	}
	eval[bool](p, "window.stays = true")
	tr.send(tr.event("participant.lost_to_follow_up", "p1", "2026-06-10T09:00:00Z", ""))
	moved := time.Now()
	eval[bool](p, `new Promise((done, failed) => {
		const shown = () => document.querySelector('section[aria-labelledby="dropout"] tbody tr').children[2].innerText.trim() === "1";
		const watch = setInterval(() => { if (shown()) { clearInterval(watch); done(true); } }, 50);
		setTimeout(() => failed(new Error("the page did not move within 20 seconds")), 20000);
	})`)
	t.Logf("the page moved after %s", time.Since(moved).Round(10*time.Millisecond))
	if !eval[bool](p, "window.stays === true") {
		t.Error("the page was loaded again")
	}
	p.clean()

	// What is not there is a page too, and says so.
	p = newTab(t, browser, tr.base)
	p.visit("/studies/nothing-" + tr.study)
	if text := eval[string](p, "document.querySelector('h1').innerText"); text != "No such study" {
		t.Errorf("a study that is not there: %q", text)
	}
}
