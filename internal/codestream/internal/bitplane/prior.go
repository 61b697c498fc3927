package bitplane

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"ditas/internal/codestream/internal/entropy"
)

// Prior is what coder and decoder know before they have seen anything of a picture: the cells with their weight, the weights of
// mixing, and the weights of the linear prediction, in units of 1/256.
type Prior struct {
	cells   []entropy.Cell
	weights [][inputs]int32
	linear  [][features]int16
	// moments are the mean squares, in steps, of coefficients that may be zero, as band.moment sorts them.
	moments []float32
}

// Ignorant returns the prior that knows nothing.
func Ignorant() *Prior {
	p := &Prior{
		cells: make([]entropy.Cell, cellCount), weights: make([][inputs]int32, setCount),
		linear: make([][features]int16, classes), moments: make([]float32, momentCount),
	}
	for i := range p.cells {
		p.cells[i] = entropy.NewCell(1<<15, 0)
	}
	for i := range p.weights {
		for j := range inputs - 1 {
			p.weights[i][j] = 1 << 14
		}
	}
	return p
}

//go:embed prior.bin
var learnt []byte

// Learnt returns what photographs have taught, the tables in prior.bin, by ditas train --config configs/prior.json. It must not be changed.
var Learnt = sync.OnceValue(func() *Prior {
	p, err := ReadPrior(bytes.NewReader(learnt))
	if err != nil {
		panic(err) // the file is part of the program
	}
	return p
})

// Write stores the prior, compressed: the probability of every cell in 16 bits, the weight of every cell in 8, the weights of
// mixing in 32, the weights of the linear prediction in 16, and the moments as 32-bit floats, all little-endian.
func (p *Prior) Write(w io.Writer) error {
	z, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		return err
	}
	probability, count := make([]uint16, cellCount), make([]uint8, cellCount)
	for i, c := range p.cells {
		probability[i], count[i] = uint16(c.P()), uint8(c.Count())
	}
	for _, table := range []any{probability, count, p.weights, p.linear, p.moments} {
		if err := binary.Write(z, binary.LittleEndian, table); err != nil {
			return err
		}
	}
	return z.Close()
}

// ReadPrior reads what Write wrote.
func ReadPrior(r io.Reader) (*Prior, error) {
	z := flate.NewReader(r)
	p := Ignorant()
	probability, count := make([]uint16, cellCount), make([]uint8, cellCount)
	for _, table := range []any{probability, count, p.weights, p.linear, p.moments} {
		if err := binary.Read(z, binary.LittleEndian, table); err != nil {
			return nil, fmt.Errorf("prior of the codestream: %w; learn it again with ditas train --config configs/prior.json", err)
		}
	}
	for i := range p.cells {
		p.cells[i] = entropy.NewCell(uint32(probability[i]), uint32(count[i]))
	}
	return p, nil
}
