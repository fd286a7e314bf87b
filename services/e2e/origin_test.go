package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// attack tries from a page what a page can try against a server: to read what it holds, and to write an event. It returns
// what came of each try: the start of what was read, or how it failed.
const attack = `(async (base, event) => {
  const came = {};
  const got = async (name, make) => {
    try {
      const r = await make();
      came[name] = r.type === "opaque" ? "opaque" : r.status + " " + (await r.text()).slice(0, 200);
    } catch (e) { came[name] = "blocked"; }
  };
  const json = "application/cloudevents+json";
  await got("read", () => fetch(base + "/v1/studies"));
  await got("read with credentials", () => fetch(base + "/v1/studies", { credentials: "include" }));
  await got("read blindly", () => fetch(base + "/v1/studies", { mode: "no-cors" }));
  await got("read the page", () => fetch(base + "/"));
  await got("read the metrics", () => fetch(base + "/metrics"));
  await got("write", () => fetch(base + "/v1/events", { method: "POST", headers: { "Content-Type": json }, body: event }));
  await got("write blindly", () => fetch(base + "/v1/events", { method: "POST", mode: "no-cors", body: event }));
  await got("write as text", () => fetch(base + "/v1/events", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: event }));
  await got("write without a type", () => fetch(base + "/v1/events", { method: "POST", mode: "no-cors", body: new Blob([event]) }));
  came.beacon = String(navigator.sendBeacon(base + "/v1/events", new Blob([event], { type: "text/plain" })));
  const loaded = (name, tag, property, path) => new Promise((done) => {
    const e = document.createElement(tag);
    e.onload = () => { came[name] = "loaded"; done(); };
    e.onerror = () => { came[name] = "blocked"; done(); };
    if (tag === "link") e.rel = "stylesheet";
    e[property] = base + path;
    document.body.append(e);
  });
  await loaded("read as a picture", "img", "src", "/static/icon.svg");
  await loaded("read as a script", "script", "src", "/v1/studies");
  await loaded("read the page's script", "script", "src", "/static/console.js");
  await loaded("read as a style", "link", "href", "/static/console.css");
  await new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    frame.onload = () => {
      try { came["read in a frame"] = frame.contentDocument ? frame.contentDocument.body.innerText.slice(0, 200) : "blocked"; }
      catch (e) { came["read in a frame"] = "blocked"; }
      done();
    };
    frame.src = base + "/";
    document.body.append(frame);
  });
  await new Promise((done) => {
    const frame = document.querySelector("iframe");
    frame.onload = done;
    const form = document.createElement("form");
    form.method = "post"; form.enctype = "text/plain"; form.action = base + "/v1/events"; form.target = "target";
    const field = document.createElement("input");
    const cut = event.lastIndexOf("}");
    field.name = event.slice(0, cut) + ',"appversion":"'; field.value = '"}'; // an equals sign falls between them
    form.append(field);
    document.body.append(form);
    form.submit();
  });
  return came;
})`

// TestOtherOrigins: in open mode a page of another origin, and a host name that was rebound to this machine, can neither
// read nor write; the server's own page can do both with the same script.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	connection := sharedConnection(t)
	tr := newTrial(t, "origins", oneArm)
	tr.send(tr.life(life{name: "a", c: 40})...)
	own := tr.base
	port := own[strings.LastIndex(own, ":"):]
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>another page</title><body>another page</body>")
	}))
	defer other.Close()
	elsewhere, err := url.Parse(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	try := func(t *testing.T, page, base string) map[string]string {
		t.Helper()
		p := newTab(t, browser, base)
		p.do(chromedp.Navigate(page))
		event, err := json.Marshal(tr.event("exercise.completed", "a", "2026-06-01T09:00:00Z", ""))
		if err != nil {
			t.Fatal(err)
		}
		return eval[map[string]string](p, fmt.Sprintf("%s(%q, %s)", attack, base, event))
	}
	quarantined := func() uint64 {
		return messages(t, connection, "*")["quarantine"] + messages(t, connection, tr.study)["quarantine"]
	}

	before := quarantined()
	tr.untouched(t, func() {
		for name, page := range map[string]string{
			"another port": other.URL, "another name of this machine": "http://localhost:" + elsewhere.Port(), "the same name, another port": "http://" + reboundHost + ":" + elsewhere.Port(),
		} {
			for _, base := range []string{own, "http://localhost" + port} {
				t.Run(name+" against "+base[:16], func(t *testing.T) {
					for what, came := range try(t, page, base) {
						if came != "blocked" && came != "opaque" && what != "beacon" {
							t.Errorf("%s: %q", what, came)
						}
					}
				})
			}
		}
		t.Run("rebound host name", func(t *testing.T) {
			rebound := "http://" + reboundHost + port
			// The page is of the same origin as what it asks for: the browser holds nothing back, and the server must.
			for what, came := range try(t, rebound, rebound) {
				if !strings.HasPrefix(came, "421 ") && came != "blocked" && what != "beacon" && what != "read in a frame" {
					t.Errorf("%s: %q", what, came)
				}
				if strings.Contains(came, tr.study) || strings.Contains(came, "Studies") {
					t.Errorf("%s was read: %q", what, came)
				}
			}
		})
	})
	if after := quarantined(); after != before {
		t.Errorf("%d events of the pages are in quarantine, %d before: they were read", after, before)
	}

	// The same script on the server's own page reads and writes, so that what is refused above is refused for its origin.
	came := try(t, own+"/", own)
	if !strings.HasPrefix(came["read"], "200 ") || !strings.HasPrefix(came["write"], "202 ") || came["read the page's script"] != "loaded" {
		t.Errorf("from the server's own page: %v", came)
	}
}
