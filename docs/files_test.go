package docs_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"ditas/audio/codec"
)

var update = flag.Bool("update", false, "write the tables of FILES.md anew")

// recordings is the table of all formats of recordings that are known.
func recordings() string {
	var b strings.Builder
	b.WriteString("| format | names end in | read | written |\n|---|---|---|---|\n")
	for _, f := range codec.Known() {
		read, written := "no: "+f.Advice(), ""
		switch {
		case f.Readable():
			read = "yes"
		case f.Demuxer() != "":
			read = "by ffmpeg"
		}
		if f.Writable() {
			written = "yes"
		}
		extensions := strings.Join(codec.Extensions([]*codec.Format{f}), ", ")
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f, extensions, read, written)
	}
	return b.String()
}

// TestFiles checks that the page has the table of formats that ditas goes by.
func TestFiles(t *testing.T) {
	const name, mark, end = "FILES.md", "<!-- recordings: written by go test ./docs -run Files -update -->\n\n", "\n<!-- end -->\n"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), mark)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table of recordings", name)
	}
	want := recordings()
	if table == want {
		return
	}
	if !*update {
		t.Fatalf("%s and the table of formats differ: go test ./docs -run Files -update writes it anew", name)
	}
	if err := os.WriteFile(name, []byte(before+mark+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
