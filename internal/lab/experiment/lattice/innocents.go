package lattice

import (
	"fmt"
	"math"
	"math/rand/v2"

	"ditas"
	"ditas/audio"
	"ditas/internal/lab/dataset"
	"ditas/internal/lab/experiment"
)

// innocents searches recordings with nothing in them.
func (s *study) innocents() (*Table, error) {
	t := &Table{
		Title: "Innocent recordings",
		Text: fmt.Sprintf("%d recordings of 3 s with nothing in them: pieces of test speech and music at random places, and synthetic ones. Each is searched with the\n"+
			"public key, and about every tenth of a kind also with the key of a passphrase of its own.", s.innocentCount),
		Columns: []Column{{"recordings", "%.0f"}, {"found, public key", "%.0f"}, {"of", "%.0f"}, {"found, passphrase", "%.0f"}},
	}
	n := s.innocentCount
	if n == 0 {
		t.Text = "None were searched."
		return t, nil
	}
	type search struct{ public, secret, found, revealed int }
	searches := make([]search, n)
	err := s.Each("innocents", n, func(i int) error {
		r := s.innocent(i)
		look := func(passphrase string, searched, found *int) error {
			*searched++
			p, err := s.Reveal(r, passphrase, ditas.RevealOptions{})
			if p != nil {
				*found++
			}
			return err
		}
		v := &searches[i]
		if err := look("", &v.public, &v.found); err != nil || i/16%10 != 0 {
			return err
		}
		return look(fmt.Sprintf("innocent %d", i), &v.secret, &v.revealed)
	})
	if err != nil {
		return nil, err
	}
	counts := make(map[string]search)
	for i, v := range searches {
		c := counts[s.kind(i)]
		counts[s.kind(i)] = search{c.public + v.public, c.secret + v.secret, c.found + v.found, c.revealed + v.revealed}
	}
	for _, kind := range innocentKinds {
		if c := counts[kind]; c.public > 0 {
			row := Row{Name: kind, Values: []float64{float64(c.public), float64(c.found), float64(c.secret), float64(c.revealed)}}
			row.aim("none found", c.found+c.revealed == 0)
			t.Rows = append(t.Rows, row)
		}
	}
	return t, nil
}

var innocentKinds = []string{"speech", "music", "white noise", "sine", "sweep", "silence"}

// kind says what innocent i is: half of them are speech and, if there is any, a quarter music.
func (s *study) kind(i int) string {
	switch {
	case i%2 == 0:
		return innocentKinds[0]
	case i%4 == 1 && s.music != nil:
		return innocentKinds[1]
	}
	return innocentKinds[2+i/4%4]
}

// innocent makes one.
func (s *study) innocent(i int) *audio.Recording {
	const n = 3 * dataset.Rate
	source := s.Source(experiment.ForInnocents, i)
	kind := s.kind(i)
	switch kind {
	case "speech":
		return piece(s.Data.Speech, n, source)
	case "music":
		return piece(s.music, n, source)
	}
	rng := rand.New(source)
	x := make([]float32, n)
	level := math.Pow(10, -2*rng.Float64()) // 0 to −40 dB
	frequency := 50 * math.Pow(100, rng.Float64())
	phase := 0.0
	for j := range x {
		switch kind {
		case "white noise":
			x[j] = float32(0.3 * level * rng.NormFloat64())
		case "sweep": // three octaves up
			phase += 2 * math.Pi * frequency / 8 * math.Pow(8, float64(j)/n) / dataset.Rate
			x[j] = float32(level * math.Sin(phase))
		case "sine":
			phase += 2 * math.Pi * frequency / dataset.Rate
			x[j] = float32(level * math.Sin(phase))
		}
	}
	return experiment.Recording(x)
}
