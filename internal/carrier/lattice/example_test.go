package lattice_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"math"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/internal/carrier"
	"ditas/internal/carrier/lattice"
	"ditas/internal/keystream"
)

// A payload goes into a recording and comes back out of it, also when the first second has been cut off.
func Example() {
	// Three seconds of a sound that fades in and out.
	format := audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}
	rec := &audio.Recording{Format: format, Samples: audio.NewBlock(1, 3*format.Rate)}
	for i := range rec.Samples[0] {
		t := float64(i) / float64(format.Rate)
		rec.Samples[0][i] = format.Quantize(0.2 * math.Sin(2*math.Pi*330*t+3*math.Sin(40*t)) * (1.2 + math.Sin(2*t)))
	}
	var file bytes.Buffer
	if err := wav.Encode(&file, rec); err != nil {
		fmt.Println(err)
		return
	}
	cover, err := wav.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}

	// Of a passphrase, keystream.FromPassphrase makes a key.
	ctx, key, workers := context.Background(), keystream.Public(), 2
	survey, err := lattice.NewSurvey(ctx, cover, lattice.DefaultShaping, workers, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan := survey.Plan(lattice.Robust, survey.MSE(40)) // 40 dB below the recording
	payload := []byte("what is to stay between us")
	fmt.Println("fits:", len(payload) <= plan.Room())

	var stego bytes.Buffer
	report, err := lattice.Hide(ctx, &stego, cover, plan, payload, lattice.HideOptions{Key: key, Nonce: rand.Reader, Workers: workers})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("will arrive:", bytes.Equal(report.Payload, payload))

	received, err := wav.Decode(bytes.NewReader(stego.Bytes()), int64(stego.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	received.Samples[0] = received.Samples[0][format.Rate:]
	file.Reset()
	if err := wav.Encode(&file, received); err != nil {
		fmt.Println(err)
		return
	}
	cut, err := wav.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	host, err := carrier.NewHost(ctx, cut)
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := lattice.Find(ctx, host, key, workers, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", message.Payload)
	// Output:
	// fits: true
	// will arrive: true
	// what is to stay between us
}
