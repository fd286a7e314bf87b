package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// modules says where the packages of the workspace are, from this one.
func modules() map[string]string {
	const root = "github.com/throughline-trials/throughline/"
	return map[string]string{root + "services": "..", root + "pkg": "../../pkg"}
}

// comments is what the source says of types, fields and constants: descriptions are the contracts that stand there.
type comments struct {
	types  map[string]string   // path.Type to its comment
	fields map[string]string   // path.Type.Field to its comment
	values map[string][]string // path.Type to its string constants, in the order of the source
	read   map[string]bool
}

func newComments() *comments {
	return &comments{types: map[string]string{}, fields: map[string]string{}, values: map[string][]string{}, read: map[string]bool{}}
}

// of reads the package of a type, and returns the type's key in the tables.
func (c *comments) of(t reflect.Type) (string, error) {
	return t.PkgPath() + "." + t.Name(), c.load(t.PkgPath())
}

// load reads a package of the workspace once.
func (c *comments) load(pkg string) error {
	if c.read[pkg] {
		return nil
	}
	c.read[pkg] = true
	for module, dir := range modules() {
		if rest, ok := strings.CutPrefix(pkg, module+"/"); ok {
			return c.parse(pkg, filepath.Join(dir, rest))
		}
	}
	return nil
}

func (c *comments) parse(pkg, dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read package %s: %w", pkg, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name.Name(), ".go") || strings.HasSuffix(name.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), filepath.Join(dir, name.Name()), nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("read package %s: %w", pkg, err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				c.declaration(pkg, file, g)
			}
		}
	}
	return nil
}

func (c *comments) declaration(pkg string, file *ast.File, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			doc := s.Doc
			if doc == nil {
				doc = g.Doc
			}
			key := pkg + "." + s.Name.Name
			c.types[key] = sentence(s.Name.Name, tidy(doc.Text()))
			if fields, ok := s.Type.(*ast.StructType); ok {
				c.structure(key, fields)
			}
		case *ast.ValueSpec:
			if g.Tok == gotoken.CONST {
				c.constant(pkg, file, s)
			}
		}
	}
}

func (c *comments) structure(key string, s *ast.StructType) {
	for _, field := range s.Fields.List {
		text := tidy(field.Comment.Text())
		if text == "" {
			text = tidy(field.Doc.Text())
		}
		for _, name := range field.Names {
			c.fields[key+"."+name.Name] = subject(name.Name, text)
		}
	}
}

// constant notes a string constant under its type, which may be of another package.
func (c *comments) constant(pkg string, file *ast.File, s *ast.ValueSpec) {
	var key string
	switch t := s.Type.(type) {
	case *ast.Ident:
		key = pkg + "." + t.Name
	case *ast.SelectorExpr:
		if name, ok := t.X.(*ast.Ident); ok {
			key = importPath(file, name.Name) + "." + t.Sel.Name
		}
	default:
		return
	}
	for _, v := range s.Values {
		if literal, ok := v.(*ast.BasicLit); ok && literal.Kind == gotoken.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				c.values[key] = append(c.values[key], text)
			}
		}
	}
}

func importPath(file *ast.File, name string) string {
	for _, i := range file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil && (i.Name != nil && i.Name.Name == name || i.Name == nil && path.Base(p) == name) {
			return p
		}
	}
	return ""
}

// link is a reference to a declaration, as comments write it.
var link = regexp.MustCompile(`\[([A-Za-z_.]+)\]`)

func tidy(text string) string {
	return strings.Join(strings.Fields(link.ReplaceAllString(text, "$1")), " ")
}

// sentence takes the name that a type's comment begins with away where what follows stands by itself.
func sentence(name, text string) string {
	rest := subject(name, text)
	if rest == text || rest == "" {
		return text
	}
	return strings.ToUpper(rest[:1]) + rest[1:]
}

// subject takes the name that a comment begins with away where what follows stands by itself.
func subject(name, text string) string {
	for _, verb := range []string{" is ", " are ", " counts "} {
		if rest, ok := strings.CutPrefix(text, name+verb); ok {
			return rest
		}
	}
	return text
}

// enum returns the values of a type of text that has constants.
func (c *comments) enum(key string) []string {
	values := slices.Clone(c.values[key])
	if strings.HasSuffix(key, "/stats.Reason") {
		slices.Sort(values) // of two packages
	}
	return slices.Compact(values)
}

// unused returns the keys of a table that were never asked for.
func unused(table map[string]string, used map[string]bool) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if !used[key] {
			out = append(out, key)
		}
	}
	return out
}
