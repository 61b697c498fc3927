// Package docs_test holds the pages to what they say: their links lead somewhere, every file in this folder is linked from a page, and
// the tutorial's program is the one that is compiled.
package docs_test

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// root is the repository.
var root = os.DirFS("..")

var (
	fence = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	span  = regexp.MustCompile("`[^`\n]*`")
	link  = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?: +"[^"]*")?\)|(?m:^ *\[[^\]]+\]: +(\S+))|(?:src|srcset|href)="([^"]+)"`)
	title = regexp.MustCompile(`(?m)^#{1,6} +(.*?)#* *$`)
	named = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// page is a Markdown file.
type page struct {
	links   []string
	anchors []string
}

// pages reads all Markdown files, by their paths from the root. Hidden folders and those that git ignores are left out.
func pages(t *testing.T) map[string]page {
	all := map[string]page{}
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name != "." && strings.HasPrefix(path.Base(name), ".") || name == "data" || name == "runs" {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".md" {
			return nil
		}
		data, err := fs.ReadFile(root, name)
		all[name] = parse(string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func parse(text string) (p page) {
	text = fence.ReplaceAllString(text, "")
	for _, m := range title.FindAllStringSubmatch(text, -1) {
		p.anchors = append(p.anchors, anchor(m[1], p.anchors))
	}
	for _, m := range link.FindAllStringSubmatch(span.ReplaceAllString(text, ""), -1) {
		p.links = append(p.links, m[1]+m[2]+m[3])
	}
	return p
}

// anchor returns the name that GitHub gives a heading: in lower case, without punctuation, with hyphens for spaces and a number
// if it is not the first of its name.
func anchor(heading string, before []string) string {
	heading = named.ReplaceAllString(heading, "$1")
	name := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
	numbered := name
	for n := 1; slices.Contains(before, numbered); n++ {
		numbered = fmt.Sprintf("%s-%d", name, n)
	}
	return numbered
}

func TestLinks(t *testing.T) {
	all := pages(t)
	if len(all["README.md"].links) == 0 {
		t.Fatal("README.md has no links")
	}
	linked := map[string]bool{}
	for name, p := range all {
		for _, l := range p.links {
			u, err := url.Parse(l)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.Scheme != "" {
				if u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
					t.Errorf("%s: %s is neither a web page nor a file", name, l)
				}
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if _, err := fs.Stat(root, target); err != nil {
				t.Errorf("%s links to %s: %v", name, l, err)
				continue
			}
			if to, ok := all[target]; u.Fragment != "" && !(ok && slices.Contains(to.anchors, u.Fragment)) {
				t.Errorf("%s links to %s, which has no such heading", name, l)
			}
			if target != name {
				linked[target] = true
			}
		}
	}
	err := fs.WalkDir(root, "docs", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == "docs/internal" || linked[name] && e.IsDir() {
			return fs.SkipDir
		}
		if !e.IsDir() && path.Ext(name) != ".go" && !linked[name] {
			t.Errorf("no page links to %s", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnchor(t *testing.T) {
	for _, c := range []struct{ heading, want string }{
		{"Hide, listen, reveal", "hide-listen-reveal"},
		{"Figure 2: containers and revealed pictures", "figure-2-containers-and-revealed-pictures"},
		{"Model card: `ditas-m-ed`", "model-card-ditas-m-ed"},
		{"[Data](DATA.md) and its licences", "data-and-its-licences"},
		{"Twice", "twice-1"},
	} {
		if got := anchor(c.heading, []string{"twice"}); got != c.want {
			t.Errorf("%q has the anchor %q, want %q", c.heading, got, c.want)
		}
	}
}

func TestTutorialShowsTheExample(t *testing.T) {
	tutorial, err := os.ReadFile("TUTORIAL.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("example/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(tutorial), "```go\n"+string(program)+"```\n") {
		t.Error("the program in TUTORIAL.md is not docs/example/main.go")
	}
}

// The tutorial's program runs on what the demo has.
func TestExampleRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	dir := t.TempDir()
	for _, name := range []string{"photo.png", "speech.wav"} {
		data, err := os.ReadFile(filepath.Join("..", "cmd", "ditas", "demo", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "example")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./example").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"hidden in ", "done with ", "revealed 192×128 pixels, exact: true"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it prints\n%swithout %q", out, want)
		}
	}
}
