package train_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"ditas/internal/lab/train"
	"ditas/internal/lab/train/traintest"
	"ditas/internal/nn/kernel"
	"ditas/internal/nn/safetensors"
)

// golden are the beginnings of hashes of the weights that a few steps come to.
var golden = map[string]string{
	"systems":   "4b68de6de42a3da9",
	"deep-steg": "20db44aaa287caa8",
	"kreuk":     "2b2bd07558b9563f",
	"detector":  "07558a87dcce4ae0",
	"plain":     "0bcb6bebecb4fa94",
	"identity":  "73db6d99b29a459e",
	"folded":    "6ff2708639e79bdf",
}

// The same configuration gives the same weights in every version; who changes that on purpose says so in the changelog, and writes the
// new hashes here.
func TestGolden(t *testing.T) {
	if kernel.Best().Name() != "avx512" {
		t.Skip("hashes are those of processors with AVX-512; others round gradients differently")
	}
	f := traintest.Folders(t)
	for name, cfg := range quick(t) {
		c := cfg.Shared()
		c.Steps, c.Warmup, c.ValidateEvery = 6, 2, 6
		r := traintest.New(t, cfg, f, 2)
		if err := r.Run(t.Context(), train.Options{}); err != nil {
			t.Fatal(err)
		}
		file := traintest.Result(t, r)
		tensors, _, err := safetensors.Read(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, x := range tensors {
			h.Write(x.Data)
		}
		if got := hex.EncodeToString(h.Sum(nil)[:8]); got != golden[name] {
			t.Errorf("%s comes to weights with the hash %s, want %s", name, got, golden[name])
		}
	}
}
