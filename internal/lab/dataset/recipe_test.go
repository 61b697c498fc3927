package dataset

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func standard(t *testing.T) *recipe {
	t.Helper()
	r, err := parseRecipe(standardTables)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The promise that every number in Ditas rests on.
func TestNoSpeakerPhotographOrPackageOfMusicIsInTwoSets(t *testing.T) {
	r := standard(t)
	split := map[string]string{}
	check := func(g group, what string) {
		t.Helper()
		if s, ok := split[what]; ok && s != g.split {
			t.Errorf("%s is in %s and in %s", what, s, g.split)
		}
		split[what] = g.split
	}
	for _, g := range r.groups {
		for _, m := range g.images {
			check(g, g.pkg+" "+m.path)
			check(g, m.name)
		}
		if len(g.pieces) > 0 {
			check(g, "music of "+g.pkg)
		}
		if g.kind != kindSpeech {
			continue
		}
		check(g, g.speaker)
		// One person under two labels: ast_en_allison and ast_es_allison.
		if parts := strings.Split(g.speaker, "_"); len(parts) > 2 {
			check(g, parts[0]+" "+parts[2])
		}
		// A recording that one speaker's rule matches must not match that of a speaker in another set.
		sample := strings.NewReplacer("**/", "x/", "*", "v").Replace(g.voice.glob)
		matched := 0
		for _, o := range r.groups {
			if o.kind == kindSpeech && o.pkg == g.pkg && o.voice.match(sample) {
				matched++
				if o.split != g.split {
					t.Errorf("%s is of %s (%s) and of %s (%s)", sample, g.speaker, g.split, o.speaker, o.split)
				}
			}
		}
		if matched == 0 {
			t.Errorf("%s: %s does not match its own sample %s", g.speaker, g.voice.glob, sample)
		}
	}
}

func TestRecipeIsThatOfTheDocumentation(t *testing.T) {
	r := standard(t)
	counts := map[string]int{} // of images, and of speakers
	lean := map[string]int{}
	speakers := map[string][]string{}
	clips := 0
	for _, g := range r.groups {
		n := len(g.images) + len(g.pieces)
		if g.kind == kindSpeech {
			n = 1
			speakers[g.split] = append(speakers[g.split], g.speaker)
			if g.split == "test" {
				clips += g.voice.clips
			}
		}
		counts[g.split+"/"+g.kind] += n
		if r.packages[g.pkg].lean || isMusic(g.kind) {
			lean[g.split+"/"+g.kind] += n
		}
	}
	want := map[string]int{
		"train/speech": 31, "validation/speech": 5, "test/speech": 10,
		"train/photos": 312, "validation/photos": 30, "test/photos": 51,
		"train/faces": 51, "validation/faces": 6, "test/faces": 19,
		"train/music": 31, "validation/music": 12, "test/music": 28,
		"train/songs": 4, "validation/songs": 2, "test/songs": 10,
	}
	if !maps.Equal(counts, want) {
		t.Errorf("counts are %v, want %v", counts, want)
	}
	if len(lean) != len(want) {
		t.Errorf("the lean choice lacks a set: %v", lean)
	}
	if clips != 80 {
		t.Errorf("the test set has %d clips, want 80", clips)
	}
	slices.Sort(speakers["test"])
	if want := []string{"ast_it_carlo", "kl_engb", "kl_it", "kl_lt", "kl_uk", "kt_da", "kt_fr", "kt_lt", "kt_uk", "tp_ru"}; !slices.Equal(speakers["test"], want) {
		t.Errorf("test speakers are %q", speakers["test"])
	}
	slices.Sort(speakers["validation"])
	if want := []string{"ast_ru_ivrvoice", "gcin_zh", "kl_en", "kt_en", "tp_en"}; !slices.Equal(speakers["validation"], want) {
		t.Errorf("validation speakers are %q", speakers["validation"])
	}
}

func TestVoiceMatch(t *testing.T) {
	r := standard(t)
	for p, want := range map[string]string{
		"asterisk-core-sounds-it-g722:usr/share/asterisk/sounds/it_IT_m_Carlo/vm-goodbye.g722": "ast_it_carlo",
		"asterisk-core-sounds-it-g722:usr/share/asterisk/sounds/it_IT_m_Carlo/digits/1.g722":   "",
		"asterisk-core-sounds-it-g722:usr/share/asterisk/sounds/it_IT_m_Carlo/beep.g722":       "",
		"asterisk-core-sounds-fr-g722:usr/share/asterisk/sounds/fr_CA_f_June/digits/1.g722":    "ast_fr_june",
		"fillets-ng-data-cs:usr/share/games/fillets-ng/sound/airplane/cs/let-m-divna.ogg":      "fil_cs_small",
		"fillets-ng-data-cs:usr/share/games/fillets-ng/sound/airplane/cs/let-v-oko.ogg":        "fil_cs_big",
		"fillets-ng-data-cs:usr/share/games/fillets-ng/sound/airplane/cs/let-oko0.ogg":         "fil_cs_others",
		"klettres-data:usr/share/klettres/en/alpha/a.ogg":                                      "kl_en",
		"klettres-data:usr/share/klettres/en_GB/alpha/a.ogg":                                   "kl_engb",
		"tuxpaint-stamps-default:usr/share/tuxpaint/stamps/animals/birds/owl_desc.ogg":         "tp_en",
		"tuxpaint-stamps-default:usr/share/tuxpaint/stamps/animals/birds/owl_desc_ru.ogg":      "tp_ru",
		"tuxpaint-stamps-default:usr/share/tuxpaint/stamps/vehicles/car_desc_ru.ogg":           "",
		"tuxpaint-stamps-default:usr/share/tuxpaint/stamps/animals/birds/owl.ogg":              "",
	} {
		pkg, p, _ := strings.Cut(p, ":")
		got := ""
		for _, g := range r.groups {
			if g.pkg == pkg && g.kind == kindSpeech && g.voice.match(p) {
				got += g.speaker
			}
		}
		if got != want {
			t.Errorf("%s is of %q, want %q", p, got, want)
		}
	}
}

func TestParseRecipeRefuses(t *testing.T) {
	const (
		packages = "p\tdeb\t1\t-\tfree\n"
		speech   = "train\ta\tp\t*.ogg\t0\n"
		images   = "test\tphotos\tb\tp\tb.png\n"
		music    = "test\tmusic\tc\tp\t0\tc.ogg\n"
	)
	if r, err := parseRecipe(tables{packages, speech, images, music}); err != nil || len(r.groups) != 3 {
		t.Fatal(err)
	}
	for name, c := range map[string]tables{
		"registry":      {"p\tpip\t1\t-\tfree\n", speech, images, music},
		"columns":       {packages, "train\ta\n", images, music},
		"package":       {packages, "train\ta\tq\t*.ogg\t0\n", images, music},
		"split":         {packages, "training\ta\tp\t*.ogg\t0\n", images, music},
		"clips":         {packages, "train\ta\tp\t*.ogg\tx\n", images, music},
		"expression":    {packages, "train\ta\tp\t*.ogg\t0\t(\n", images, music},
		"speaker":       {packages, "train\t../a\tp\t*.ogg\t0\n", images, music},
		"path":          {packages, speech, "test\tphotos\tb\tp\t../b.png\n", music},
		"kind":          {packages, speech, "test\tdrawings\tb\tp\tb.png\n", music},
		"speaker twice": {packages, speech + "test\ta\tp\t*.wav\t0\n", images, music},
		"photo twice":   {packages, speech, images + "train\tphotos\tc\tp\tb.png\n", music},
		"name twice":    {packages, speech, images + "train\tphotos\tb\tp\tc.png\n", music},
		"music's kind":  {packages, speech, images, "test\tnoise\tc\tp\t0\tc.ogg\n"},
		"music's start": {packages, speech, images, "test\tmusic\tc\tp\t-1\tc.ogg\n"},
		"music's path":  {packages, speech, images, "test\tmusic\tc\tp\t0\tc.ogg|../d.ogg\n"},
		"music twice":   {packages, speech, images, music + music},
		"music in two":  {packages, speech, images, music + "train\tmusic\td\tp\t0\td.ogg\n"},
	} {
		if _, err := parseRecipe(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
