package api

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMethods asks every path with every method that it does not take.
func TestMethods(t *testing.T) {
	r := newRig(t)
	takes := map[string][]string{}
	for _, rt := range new(API).routes() {
		takes[rt.path] = append(takes[rt.path], rt.method)
		if rt.method == http.MethodGet {
			takes[rt.path] = append(takes[rt.path], http.MethodHead)
		}
	}
	for path, methods := range takes {
		address := strings.NewReplacer("{study}", "hope", "{id}", "abc").Replace(path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"} {
			if slices.Contains(methods, method) {
				continue
			}
			a := r.ask(request{method: method, path: address, token: r.local})
			allow := strings.Split(a.header.Get("Allow"), ", ")
			slices.Sort(allow)
			want := slices.Sorted(slices.Values(methods))
			if a.status != http.StatusMethodNotAllowed || !slices.Equal(allow, want) {
				t.Errorf("%s %s: %d, Allow %q, want %q", method, address, a.status, allow, want)
			}
			if slug, _ := a.problem(); method != http.MethodHead && slug != "method-not-allowed" {
				t.Errorf("%s %s: %s", method, address, a.body)
			}
		}
	}
}

// TestHead asks for the head of every answer.
func TestHead(t *testing.T) {
	r := newRig(t)
	r.post(line("d", "definition.published", "hope", "", time.Now(), hope))
	for _, rt := range new(API).routes() {
		if rt.method != http.MethodGet {
			continue
		}
		path := strings.ReplaceAll(rt.path, "{study}", "hope")
		get, head := r.ask(request{path: path, token: r.local}), r.ask(request{method: http.MethodHead, path: path, token: r.local})
		if head.status != get.status || head.header.Get("Content-Type") != get.header.Get("Content-Type") || len(head.body) > 0 {
			t.Errorf("HEAD %s: %d %s, GET %d %s", path, head.status, head.header.Get("Content-Type"), get.status, get.header.Get("Content-Type"))
		}
	}
}

// TestDescriptionIsServed fetches the document.
func TestDescriptionIsServed(t *testing.T) {
	r := newRig(t)
	a := r.get("/openapi.json")
	if a.status != http.StatusOK || string(a.body) != string(description) {
		t.Errorf("%d, %d bytes", a.status, len(a.body))
	}
}

// TestDescriptionHasEveryRoute holds the description against what is registered: by this package, and by the server beside
// it.
func TestDescriptionHasEveryRoute(t *testing.T) {
	var registered []string
	for _, rt := range new(API).routes() {
		registered = append(registered, rt.method+" "+rt.path)
	}
	for _, pattern := range serverPatterns(t) {
		if pattern == "/v1/events" {
			pattern = "POST /v1/events"
		}
		if strings.Contains(pattern, " ") {
			registered = append(registered, pattern)
		}
	}
	var described []string
	doc := loadDescription(t)
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(registered)
	slices.Sort(described)
	if !slices.Equal(registered, described) {
		t.Errorf("registered are\n%s\ndescribed are\n%s", strings.Join(registered, "\n"), strings.Join(described, "\n"))
	}
}

// serverPatterns returns the patterns that the server gives its mux itself, as its source has them.
func serverPatterns(t *testing.T) []string {
	t.Helper()
	var patterns []string
	files, err := filepath.Glob("../server/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of the server: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			literal, isLiteral := call.Args[0].(*ast.BasicLit)
			if ok && isLiteral && strings.HasPrefix(method.Sel.Name, "Handle") {
				if pattern, err := strconv.Unquote(literal.Value); err == nil {
					patterns = append(patterns, pattern)
				}
			}
			return true
		})
	}
	return patterns
}
