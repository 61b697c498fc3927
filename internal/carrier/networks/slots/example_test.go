package slots_test

import (
	"fmt"
	"log"
	"math"

	"ditas/internal/carrier"
	"ditas/internal/carrier/networks/slots"
	"ditas/internal/keystream"
)

func Example() {
	// Three seconds of a tone that grows louder, at 16 kHz and 16 bits.
	grid := carrier.Grid{Step: 0x1p-15}
	tone := make([]float64, 49152)
	for i := range tone {
		tone[i] = grid.Round(0.5 * float64(i) / float64(len(tone)) * math.Sin(0.1*float64(i)))
	}
	recording := slots.Planar[float64]{tone}

	// The sender chooses slots, hides in them what it has to hide, and says so.
	const slotLength = 16384
	chosen, err := slots.Plan([]float64{0.6, 0.9, 0.8}, 2)
	if err != nil {
		log.Fatal(err)
	}
	var used []slots.Slot
	for i, index := range chosen {
		used = append(used, slots.Slot{Index: index, Strength: uint8(40 + i)})
	}
	layout := slots.Layout{
		Method: 1, Width: 64, Height: 64, Stages: 2, Tile: 64, Planes: 3,
		SlotLength: slotLength, Channels: 1, Frames: len(tone), Slots: used,
	}
	body, err := layout.AppendBinary(nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := slots.Write(recording, grid, keystream.Public(), body); err != nil {
		log.Fatal(err)
	}

	// The receiver has nothing but the recording.
	body, err = slots.Read(recording, keystream.Public())
	if err != nil {
		log.Fatal(err)
	}
	found, err := slots.ParseLayout(body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d pixels in %d stages\n", found.Width, found.Height, found.Stages)
	for _, s := range found.Slots {
		channel, first := s.Index%found.Channels, s.Index/found.Channels*found.SlotLength
		fmt.Printf("channel %d from frame %d, strength %d\n", channel, first, s.Strength)
	}
	// Output:
	// 64×64 pixels in 2 stages
	// channel 0 from frame 16384, strength 40
	// channel 0 from frame 32768, strength 41
}
