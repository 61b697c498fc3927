package tasks

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		`{"model": {"name": "ditas-m"}}`:                       "systems",
		`{"task": "systems", "model": {"name": "ditas-m"}}`:    "systems",
		`{"model": {"name": "kreuk"}}`:                         "baseline",
		`{"task": "restorer", "model": {"width": 8}}`:          "restorer",
		`{"task": "detector"}`:                                 "detector",
		`{"task": "prior"}`:                                    "prior",
		`{"task": "baseline", "model": {"name": "deep-steg"}}`: "baseline",
	} {
		k, cfg, err := Read([]byte(text))
		if err != nil || k.Name != want || k.File == "" {
			t.Errorf("%s is of kind %+v: %v", text, k, err)
			continue
		}
		if cfg.Shared().Seed != 1 {
			t.Errorf("%s has seed %d", text, cfg.Shared().Seed)
		}
	}
	for text, wants := range map[string][]string{
		`{}`:                             {"does not say what to train", "set task to one of systems, baseline, restorer, detector, prior", "deep-steg"},
		`{"task": "upscaler"}`:           {`unknown task "upscaler"`, "set task to one of"},
		`{"model": {"name": "ditas-x"}}`: {`unknown system "ditas-x"`, "ditas-m-ed"},
		`{"task": "systems", "model": {"name": "kreuk"}}`: {`unknown system "kreuk"`},
		`{"task": "detector", "stepz": 3}`:                {`unknown field "stepz"`},
		`{"task": "prior", "batch": 3}`:                   {"leave them out"},
		``:                                                {"training configuration"},
		`[]`:                                              {"training configuration"},
	} {
		_, _, err := Read([]byte(text))
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		}
	}
}
