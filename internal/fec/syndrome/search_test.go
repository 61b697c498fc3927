package syndrome

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/format"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"ditas/internal/parallel"
)

var searching = flag.Bool("search", false, "search submatrices, which takes some 20 minutes of two cores, and write found.go")

// Submatrices are compared by what it costs to tell a message of searchBits bits. Of searchTries the first half has other columns throughout, and the second
// another one in place of one of the best ones so far. What looks best by then has to be so for another message, of checkBits, too.
const (
	searchBits  = 3000
	checkBits   = 12000
	searchTries = 300
)

// TestSearch finds the submatrices of found.go, the same ones each time.
func TestSearch(t *testing.T) {
	if !*searching {
		t.Skip("only where -search is given")
	}
	type task struct{ height, width int }
	var tasks []task
	for height := MaxHeight; height >= MinHeight; height-- {
		for width := 2; width <= MaxSearched; width++ {
			tasks = append(tasks, task{height, width})
		}
	}
	lines := make([]string, len(tasks))
	parallel.Each(2, len(tasks), func(_, i int) {
		height, width := tasks[i].height, tasks[i].width
		start, least, best := search(height, width)
		lines[i] = fmt.Sprintf("%d, %d: %.1f %% less", height, width, 100*(1-least/start))
		found[height-MinHeight][width-2] = best
	})
	for _, line := range lines {
		t.Log(line)
	}
	var b bytes.Buffer
	fmt.Fprint(&b, "package syndrome\n\n// found holds the submatrices of heights from MinHeight and widths from 2 on, as `go test -run Search -search` found them.\n",
		"var found = [MaxHeight - MinHeight + 1][MaxSearched - 1][]uint16{\n")
	for i := range found {
		fmt.Fprintln(&b, "{")
		for _, c := range found[i] {
			fmt.Fprint(&b, "{")
			for j, column := range c {
				if j > 0 {
					fmt.Fprint(&b, ", ")
				}
				fmt.Fprintf(&b, "%#x", column)
			}
			fmt.Fprintln(&b, "},")
		}
		fmt.Fprintln(&b, "},")
	}
	fmt.Fprintln(&b, "}")
	source, err := format.Source(b.Bytes())
	if err == nil {
		err = os.WriteFile("found.go", source, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// search returns the best submatrix that it finds, what telling a message costs with it, and what it costs with the one it began with.
func search(height, width int) (start, least float64, best []uint16) {
	r := rand.New(rand.NewPCG(uint64(height), uint64(width)))
	found[height-MinHeight][width-2] = nil
	first := columns(height, width)
	cost := trial(r, height, width, searchBits)
	best, least = first, cost(first)
	for try := range searchTries {
		c := slices.Clone(best)
		if try < searchTries/2 {
			for j := range c {
				c[j] = column(height, r.Uint32())
			}
		} else {
			c[r.IntN(width)] = column(height, r.Uint32())
		}
		if v := cost(c); v < least {
			least, best = v, c
		}
	}
	cost = trial(r, height, width, checkBits)
	if start, least = cost(first), cost(best); start <= least {
		return start, start, first
	}
	return start, least, best
}

// trial returns what it costs to tell a random message, which is always the same, by submatrices of a height and a width.
func trial(r *rand.Rand, height, width, bits int) func(columns []uint16) float64 {
	code := &Code{height: height, bits: bits * width, message: bits, narrowestWidth: width}
	cover, message, costs := make([]byte, code.bits), make([]byte, code.message), make([]float32, code.bits)
	for i := range cover {
		cover[i], costs[i] = byte(r.Uint32())&1, r.Float32()
	}
	for i := range message {
		message[i] = byte(r.Uint32()) & 1
	}
	e, word := NewEncoder(code), make([]byte, code.bits)
	return func(c []uint16) float64 {
		code.narrow = c
		v, err := e.Embed(context.Background(), word, cover, costs, message)
		if err != nil {
			panic(err)
		}
		return v
	}
}
