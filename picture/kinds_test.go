package picture

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ditas/internal/words"
)

// Each kind that is written has its own format, is found by each of its extensions, and is recognized again as what it is.
func TestKinds(t *testing.T) {
	for _, k := range Writable() {
		for _, extension := range k.Extensions {
			if got, err := FormatOf("a" + extension); err != nil || got != k.Format {
				t.Errorf("a%s is format %d, want %d (%v)", extension, got, k.Format, err)
			}
		}
		var b bytes.Buffer
		if err := New(3, 2).Encode(&b, k.Format); err != nil {
			t.Fatal(err)
		}
		if f, err := sniff(b.Bytes()); err != nil || f.Name != k.Name {
			t.Errorf("%s is recognized as %s (%v)", k.Name, f.Name, err)
		}
	}
	for _, k := range Readable() {
		if _, err := FormatOf("a" + k.Extensions[0]); (err == nil) != k.Writable {
			t.Errorf("%s: writable is %v, and %v", k.Name, k.Writable, err)
		}
	}
}

func TestRecognize(t *testing.T) {
	for head, want := range map[string]bool{
		"\x89PNG\r\n\x1a\n": true, "\xff\xd8\xff\xe0": true, "GIF89a": true, "RIFF????WEBPVP8 ": true, "II*\x00": true,
		"RIFF????WEBPVP8X\x0a\x00\x00\x00\x02": true, "\x00\x00\x00\x18ftypheic": true, "\x00\x00\x00\x18ftypavif": true,
		"": false, "RIFF????WAVEfmt ": false, "\x00\x00\x00\x18ftypM4A ": false, "BMW makes cars, not pictures": false,
		`<?xml version="1.0"?><!-- a drawing --><svg width="1">`: true, `<?xml version="1.0"?><playlist>`: false, "\xef\xbb\xbf<svg>": true,
	} {
		if got := Recognize([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}

var update = flag.Bool("update", false, "write the table of the kinds of pictures in the documents anew")

// The documents list the kinds that there are.
func TestDocuments(t *testing.T) {
	for _, name := range []string{"README.md", "docs/TUTORIAL.md"} {
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if list := "a " + words.List(Names(Readable()), "or"); !strings.Contains(strings.Join(strings.Fields(string(text)), " "), list) {
			t.Errorf("%s does not say that pictures are %s", name, list)
		}
	}
	table := "| kind | file names | also written |\n|---|---|---|\n"
	for _, k := range Readable() {
		table += "| " + k.Name + " | " + strings.Join(k.Extensions, ", ") + " | " + map[bool]string{true: "yes", false: "no"}[k.Writable] + " |\n"
	}
	table += "\n| not read | what to do |\n|---|---|\n"
	var advice []string
	groups := map[string][]string{}
	for _, k := range Known() {
		if !k.Readable() {
			if groups[k.Advice] == nil {
				advice = append(advice, k.Advice)
			}
			groups[k.Advice] = append(groups[k.Advice], strings.ReplaceAll(k.Name+" ("+strings.Join(k.Extensions, ", ")+")", ") (", ", "))
		}
	}
	for _, a := range advice {
		table += "| " + strings.Join(groups[a], "; ") + " | " + a + " |\n"
	}
	name := filepath.Join("..", "docs", "TUTORIAL.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- kinds of pictures -->\n", "<!-- end of kinds -->"
	before, rest, ok := strings.Cut(string(text), begin)
	was, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Errorf("%s has no place for the table of kinds", name)
	case was != table && *update:
		if err := os.WriteFile(name, []byte(before+begin+table+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
	case was != table:
		t.Error("the table in docs/TUTORIAL.md is not that of kinds.go: go test ./picture -run Documents -update")
	}
}
