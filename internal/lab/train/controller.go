package train

import "math"

// Controller holds an error near a target by the weight that the loss gives it: too large an error raises the weight, too small a
// one lowers it. Its fields are what it remembers from step to step.
type Controller struct {
	Log  float64 `json:"log"`  // of the weight
	Mean float64 `json:"mean"` // moving average of the error
	Seen int     `json:"seen"` // errors so far
}

// What the controller does every few steps: it multiplies the weight by a power, the gain, of error over target, within
// e to the ± limit. The average looks back as far as two such intervals.
const (
	controlEvery = 5
	controlGain  = 0.2
	controlLimit = 0.3
	controlDecay = 0.9
	// controlRange bounds the logarithm of the weight, so that it finds back from where the weight has no influence.
	controlRange = 12
)

// Weight returns the weight, 1 at first.
func (c *Controller) Weight() float64 { return math.Exp(c.Log) }

// Update takes in the error of a step.
func (c *Controller) Update(err, target float64) {
	if c.Seen == 0 {
		c.Mean = err
	}
	c.Mean = controlDecay*c.Mean + (1-controlDecay)*err
	c.Seen++
	if c.Seen%controlEvery != 0 {
		return
	}
	off := controlGain * math.Log(max(c.Mean, 1e-30)/target)
	c.Log = max(-controlRange, min(controlRange, c.Log+max(-controlLimit, min(controlLimit, off))))
}
