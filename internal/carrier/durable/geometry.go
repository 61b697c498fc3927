package durable

import "ditas/internal/carrier/durable/ear"

// A frame has coefficients of the transform from firstCoefficient on, in bands of bandWidth. The middle two of each band are a pilot. The
// others are five groups of six.
const (
	firstCoefficient = 4 // 141 Hz
	bands            = 7
	bandWidth        = 32 // 1 kHz
	coefficients     = bands * bandWidth
	pilotPlace       = bandWidth/2 - 1
	groupsOfBand     = 5
	groupSize        = 6
	groups           = bands * groupsOfBand
)

// A block has blockFrames frames, 1.024 s. Pilots and header repeat after period frames, 8.2 s.
const (
	hop          = ear.Hop
	blockFrames  = 64
	period       = 512
	periodBlocks = period / blockFrames
	blockSamples = blockFrames * hop
)

// places holds, for each group, the coefficients of it, counted from firstCoefficient.
var places = func() (p [groups][groupSize]uint8) {
	for g := range p {
		for i := range p[g] {
			at := g%groupsOfBand*groupSize + i
			if at >= pilotPlace {
				at += 2
			}
			p[g][i] = uint8(g/groupsOfBand*bandWidth + at)
		}
	}
	return p
}()

// pilotAt returns the first of the two coefficients of a band's pilot, counted from firstCoefficient.
func pilotAt(band int) int { return band*bandWidth + pilotPlace }

// frame holds the coefficients of a frame in units of what the ear bears of each.
type frame [coefficients]float32
