package report_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"ditas/report"
)

// A report that was written as JSON is the same when it is read again, the map included.
func TestRevealAsJSON(t *testing.T) {
	for _, m := range []report.Map{nil, {{true, false, true}, {false, false, false}}, {{}}} {
		want := report.Reveal{Method: "lattice", Width: 3, Frames: 6, Arrived: 2, Map: m}
		text, err := json.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		var got report.Reveal
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %+v", text, got)
		}
	}
	text, err := json.Marshal(report.Map{{true, false, true}, {false}})
	if want := `["101","0"]`; err != nil || string(text) != want {
		t.Errorf("%s, want %s (%v)", text, want, err)
	}
	var m report.Map
	if err := json.Unmarshal([]byte(`["102"]`), &m); err == nil {
		t.Error("a frame that is neither found nor not")
	}
}
