// Package learning is the door by which whoever trains the codestream's tables comes to them: a [Prior] is learnt from pictures in
// four steps, [Moments], [Regression], [Tally] and [Prior.Practise], each over all of them.
package learning

import (
	"context"

	"io"

	"ditas/internal/codestream/internal/bitplane"
	"ditas/picture"
)

// What is learnt, and what it is learnt by.
type (
	Prior      = bitplane.Prior
	Moments    = bitplane.Moments
	Regression = bitplane.Regression
	Tally      = bitplane.Tally
	Layout     = bitplane.Layout
)

// Rate is how fast the weights of mixing move in the codec: see [Prior.Practise].
const Rate = 14

// Ignorant returns the prior that knows nothing.
func Ignorant() *Prior { return bitplane.Ignorant() }

// Read reads what [Prior.Write] wrote.
func Read(r io.Reader) (*Prior, error) { return bitplane.ReadPrior(r) }

// Analyse returns the coefficients of a picture.
func Analyse(p *picture.Planes) *Layout {
	l, _ := bitplane.Analyse(context.Background(), p) // the context is what it fails by, and this one does not end
	return l
}

// NewTally returns an empty tally. It uses p's linear predictions.
func NewTally(p *Prior) *Tally { return bitplane.NewTally(p) }
