package docs_test

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// room is a row of DEVELOPING.md's tables.
type room struct {
	folder  string   // from the repository's root, or a pattern that ends in "..."
	imports []string // what it may import: folders and patterns
}

// A row's first cell is code, its last a list without.
var row = regexp.MustCompile("^\\| `([^`]+)` \\|.*\\| ([^|]+) \\|$")

// rooms reads the tables below the heading.
func rooms(developing string) (all []room) {
	_, section, _ := strings.Cut(developing, "\n## The rooms\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		m := row.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		r := room{folder: m[1]}
		if m[2] != "–" {
			r.imports = strings.Split(m[2], ", ")
		}
		all = append(all, r)
	}
	return all
}

// within tells whether a folder is one that a pattern stands for, as patterns of the go command do.
func within(folder, pattern string) bool {
	if pattern == "..." {
		return true
	}
	if above, ok := strings.CutSuffix(pattern, "/..."); ok {
		return folder == above || strings.HasPrefix(folder, above+"/")
	}
	return folder == pattern
}

// find returns the row of a folder: the most detailed that stands for it.
func find(all []room, folder string) (found room, ok bool) {
	for _, r := range all {
		if within(folder, r.folder) && (!ok || len(r.folder) > len(found.folder)) {
			found, ok = r, true
		}
	}
	return found, ok
}

// imports are the folders of this module that a folder's Go files import.
type imports struct{ code, tests []string }

// packages reads the imports of every Go file, also of those that this platform and these build tags leave out, which "go list"
// does not see.
func packages(tree fs.FS) (map[string]imports, error) {
	module, err := modulePath(tree)
	if err != nil {
		return nil, err
	}
	all := map[string]imports{}
	err = fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := path.Base(name); e.IsDir() {
			if name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		} else if path.Ext(base) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		p := all[path.Dir(name)]
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			folder, ok := strings.CutPrefix(imported+"/", module+"/")
			if !ok {
				continue
			}
			if folder = path.Clean(folder); strings.HasSuffix(name, "_test.go") {
				p.tests = append(p.tests, folder)
			} else {
				p.code = append(p.code, folder)
			}
		}
		all[path.Dir(name)] = p
		return nil
	})
	return all, err
}

func modulePath(tree fs.FS) (string, error) {
	file, err := tree.Open("go.mod")
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if module, ok := strings.CutPrefix(lines.Text(), "module "); ok {
			return module, nil
		}
	}
	return "", fmt.Errorf("go.mod names no module: %w", lines.Err())
}

// check returns what is wrong with the rooms or with the imports of packages.
func check(tree fs.FS, all []room, packages map[string]imports) (wrong []string) {
	report := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }
	exists := func(pattern string) bool {
		folder := strings.TrimSuffix(strings.TrimSuffix(pattern, "..."), "/")
		info, err := fs.Stat(tree, path.Clean(folder))
		return err == nil && info.IsDir()
	}
	// The column leaves out "internal/".
	full := func(name string) string {
		if name == "." || name == "..." {
			return name
		}
		public, private := exists(name), exists("internal/"+name)
		switch {
		case public && private:
			report("%s is the name of two folders, one of them in internal", name)
		case private:
			return "internal/" + name
		case !public:
			report("a row allows to import %s, which is no folder", name)
		}
		return name
	}
	for i := range all {
		r := &all[i]
		if !exists(r.folder) {
			report("the row of %s has no folder", r.folder)
		}
		if slices.ContainsFunc(all[:i], func(o room) bool { return o.folder == r.folder }) {
			report("%s has two rows", r.folder)
		}
		for j, name := range r.imports {
			r.imports[j] = full(name)
		}
	}
	for folder, p := range packages {
		r, ok := find(all, folder)
		if !ok {
			report("%s has Go files, but no row", folder)
			continue
		}
		for _, to := range p.code {
			if allowed := func(pattern string) bool { return within(to, pattern) }; to != folder && !within(to, r.folder) &&
				!slices.ContainsFunc(r.imports, allowed) {
				report("%s imports %s, which its row does not allow", folder, to)
			}
			if research(to) && !research(folder) {
				report("%s, of the product, imports %s, of research", folder, to)
			}
		}
		for _, to := range slices.Concat(p.code, p.tests) {
			if within(to, "cmd/...") && to != folder {
				report("%s imports %s, a command", folder, to)
			}
		}
		for _, to := range p.tests {
			if research(to) && !research(folder) {
				report("a test of %s, of the product, imports %s, of research", folder, to)
			}
		}
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

// research tells whether a folder is of the laboratory, or may use it: the command line runs the experiments.
func research(folder string) bool {
	return slices.ContainsFunc([]string{"internal/lab/...", "internal/model/deepsteg", "internal/model/kreuk", "internal/model/unit", "cmd/ditas"},
		func(pattern string) bool { return within(folder, pattern) })
}

func TestRooms(t *testing.T) {
	developing, err := fs.ReadFile(root, "docs/DEVELOPING.md")
	if err != nil {
		t.Fatal(err)
	}
	packages, err := packages(root)
	if err != nil {
		t.Fatal(err)
	}
	all := rooms(string(developing))
	if len(all) < 20 || len(packages) < 20 {
		t.Fatalf("found %d rows in DEVELOPING.md and %d packages", len(all), len(packages))
	}
	for _, wrong := range check(root, all, packages) {
		t.Errorf("%s (see the tables in docs/DEVELOPING.md)", wrong)
	}
}

// TestRoomsAreChecked shows the check houses in which something is wrong.
func TestRoomsAreChecked(t *testing.T) {
	const table = "# D\n\n## The rooms\n\n| folder | what | may import |\n|---|---|---|\n| `.` | the API | b |\n" +
		"| `a` | | – |\n| `internal/b/...` | | a |\n| `internal/lab/...` | | ... |\n| `cmd/ditas` | | ... |\n\n## More\n\n| `x` | | – |\n"
	house := map[string]string{
		"go.mod":                   "module example.org/d\n",
		"d.go":                     `package d; import ("fmt"; "example.org/d/internal/b")`,
		"a/a.go":                   `package a; import "example.org/dd/else"`,
		"internal/b/b.go":          `package b; import ("example.org/d/a"; "example.org/d/internal/b/c")`,
		"internal/b/c/c.go":        `package c`,
		"internal/b/c/c_test.go":   `package c_test; import "example.org/d"`,
		"internal/b/testdata/t.go": `package t; import "example.org/d/internal/lab"`,
		"internal/lab/lab.go":      `package lab; import "example.org/d"`,
		"cmd/ditas/main.go":        `package main; import ("example.org/d"; "example.org/d/internal/lab")`,
	}
	with := func(name, text string) map[string]string { return map[string]string{name: text} }
	row := func(before, row string) map[string]string {
		return with("docs/DEVELOPING.md", strings.Replace(table, before, row, 1))
	}
	for _, c := range []struct {
		name    string
		changed map[string]string
		want    string
	}{
		{"as it is", nil, ""},
		{"an import that is not allowed", with("a/a.go", `package a; import "example.org/d/internal/b/c"`),
			"a imports internal/b/c, which its row does not allow"},
		{"below what is allowed", with("d.go", `package d; import "example.org/d/internal/b/c"`),
			". imports internal/b/c, which its row does not allow"},
		{"upwards", with("internal/b/b.go", `package b; import "example.org/d"`), "internal/b imports ., which its row does not allow"},
		{"left out by a build tag", with("a/a_arm.go", "//go:build arm\n\npackage a; import \"example.org/d\""),
			"a imports ., which its row does not allow"},
		{"a folder without a row", with("e/e.go", `package e`), "e has Go files, but no row"},
		{"a row without a folder", row("| `a`", "| `z` | | – |\n| `a`"), "the row of z has no folder"},
		{"two rows", row("| `a`", "| `a` | | – |\n| `a`"), "a has two rows"},
		{"leave for what is not there", row("| b |", "| b, y |"), "a row allows to import y, which is no folder"},
		{"an ambiguous name", with("b/README", ""), ". imports internal/b, which its row does not allow; " +
			"b is the name of two folders, one of them in internal"},
		{"research in the product", map[string]string{
			"docs/DEVELOPING.md": strings.Replace(table, "| b |", "| b, lab |", 1),
			"d.go":               `package d; import "example.org/d/internal/lab"`,
		}, "., of the product, imports internal/lab, of research"},
		{"research in a test", with("a/a_test.go", `package a; import "example.org/d/internal/lab"`),
			"a test of a, of the product, imports internal/lab, of research"},
		{"a command", with("internal/lab/lab.go", `package lab; import "example.org/d/cmd/ditas"`),
			"internal/lab imports cmd/ditas, a command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := fstest.MapFS{"docs/DEVELOPING.md": {Data: []byte(table)}}
			for name, text := range house {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			for name, text := range c.changed {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			packages, err := packages(tree)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(tree, rooms(string(tree["docs/DEVELOPING.md"].Data)), packages), "; ")
			if got != c.want {
				t.Errorf("check found %q, want %q", got, c.want)
			}
		})
	}
}
