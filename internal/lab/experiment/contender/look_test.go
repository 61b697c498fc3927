package contender

import "testing"

// Every method of the figure is told from every other by its marker.
func TestLooksDiffer(t *testing.T) {
	seen := make(map[any]string)
	for name, l := range looks {
		if other, ok := seen[l.Glyph]; ok {
			t.Errorf("%s and %s have one marker", name, other)
		}
		seen[l.Glyph] = name
	}
	for _, name := range Systems() {
		if _, ok := looks[name]; !ok {
			t.Errorf("%s has no look", name)
		}
	}
}
