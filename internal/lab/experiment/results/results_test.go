package results

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"ditas/internal/lab/experiment"
	"ditas/internal/lab/experiment/claims"
	"ditas/internal/lab/experiment/durable"
	"ditas/internal/lab/experiment/lattice"
	"ditas/internal/lab/experiment/robustness"
	"ditas/internal/lab/experiment/steganalysis"
	"ditas/internal/lab/experiment/steganalysis/trial"
	"ditas/internal/lab/experiment/table1"
)

// The page in docs is what the results and the runs in this repository make; "ditas experiment results" writes it anew.
func TestCommittedResults(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "..", "docs")
	r, err := Read(os.DirFS(filepath.Join("..", "..", "..", "..", "weights")), os.DirFS(filepath.Join(docs, "results")))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, got []byte) {
		t.Helper()
		want, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what its sources make: run ditas experiment results", name)
		}
	}
	var page bytes.Buffer
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	check("RESULTS.md", page.Bytes())
	files := r.Files()
	for name, v := range files {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		check(filepath.Join("results", name), b.Bytes())
	}
	entries, err := os.ReadDir(filepath.Join(docs, "results"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := files[e.Name()]; !ok && e.Name() != "speed.json" { // which has a page of its own
			t.Errorf("docs/results/%s is of no use to the page", e.Name())
		}
	}
}

// What a page of its own tells in full is told in short, from the report and from what is left of it alike.
func TestResultsInShort(t *testing.T) {
	report := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	no, yes := false, true
	found := &steganalysis.Verdict{Verdict: &trial.Verdict{AUC: trial.Estimate{Value: 0.75, Low: 0.625, High: 0.875}, Error: trial.Estimate{Value: 0.25, Low: 0.2, High: 0.3}}}
	folder := fstest.MapFS{
		"table1.json":     {Data: report(table1.Report{Columns: []table1.Column{{Kind: "photos", Data: "digest"}}})},
		"claims.json":     {Data: report(claims.Report{Pairs: 12, Origin: experiment.Origin{Build: "abc", Minutes: 3.25}})},
		"durable.json":    {Data: report(durable.Report{Pairs: 11, Targets: 5, Met: 4})},
		"robustness.json": {Data: report(robustness.Report{Pairs: 13})},
		"lattice.json":    {Data: report(lattice.Report{Pairs: 14, Tables: []*lattice.Table{{Rows: []lattice.Row{{Met: &yes}, {Met: &no}, {}}}, {Rows: []lattice.Row{{Met: &yes}}}}})},
		"steganalysis.json": {Data: report(steganalysis.Report{Scenes: []steganalysis.SceneReport{
			{Covers: 7, Methods: []steganalysis.MethodReport{{Name: "LSB matching, 0.5 bit", Features: steganalysis.Splits{Disjoint: found}}}},
			{Covers: 9, Methods: []steganalysis.MethodReport{{Name: "ditas-m", Features: steganalysis.Splits{Disjoint: found}}, {Name: "ditas-s"}}},
		}})},
		"steganalysis-structure.json": {Data: report(steganalysis.RepeatsReport{Recordings: make([]steganalysis.SearchedRecording, 17)})},
	}
	page := func(folder fstest.MapFS) (string, *Page) {
		r, err := Read(fstest.MapFS{}, folder)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := r.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		return b.String(), r
	}
	got, r := page(folder)
	for _, want := range []string{
		"(LATTICE.md) | the default method beside its targets: 2 of 3 met | 14 |", "beside its targets: 4 of 5 met | 11 |", "(CLAIMS.md) | what the paper claims of its stages | 12 | 0 | abc | 3.2 |\n",
		"(ROBUSTNESS.md) | what is left when something happens to a recording | 13 |", "(STEGANALYSIS.md) | how well detectors find out that something is hidden | 16 |",
		"(STEGANALYSIS-STRUCTURE.md) | whether anything comes again within a long recording | 17 |",
		"\n| DITAS-M | 0.750 (0.625–0.875) | 25.0 (20.0–30.0) |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "LSB matching") {
		t.Error("the page tells of methods of another scene")
	}
	left := fstest.MapFS{}
	for name, v := range r.Files() {
		left[name] = &fstest.MapFile{Data: report(v)}
	}
	if again, _ := page(left); again != got {
		t.Errorf("from what is left:\n%s\nwant:\n%s", again, got)
	}
}
