package set

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"ditas/audio"
	"ditas/audio/resample"
	"ditas/internal/channel"
)

// codecs are the formats in which recordings are posted and sent most, as ffmpeg's usual encoders make them (LAME, its own AAC, libopus,
// libvorbis), at constant rates as far as the encoder has them.
func codecs() []Channel {
	lossy := func(name, title, description string, c codec) Channel {
		return Channel{
			Name: name, Title: title, Description: description, Kind: Codec, NeedsFFmpeg: true,
			pass: func(ctx context.Context, r *audio.Recording, _ *rand.Rand) (*audio.Recording, error) {
				return c.pass(ctx, r)
			},
		}
	}
	kbits := func(extension, encoder string, rate int, mono bool, more ...string) codec {
		return codec{extension, mono, append([]string{"-c:a", encoder, "-b:a", fmt.Sprintf("%dk", rate)}, more...)}
	}
	mp3128 := lossy("mp3-128", "MP3, 128 kbit/s", "MP3 at 128 kbit/s", kbits("mp3", "libmp3lame", 128, false))
	opus64 := lossy("opus-64", "Opus, 64 kbit/s", "Opus at 64 kbit/s, decoded at 48 kHz", kbits("opus", "libopus", 64, false))
	opus32 := lossy("opus-32", "Opus, 32 kbit/s, mono", "the mean of the channels in Opus at 32 kbit/s, decoded at 48 kHz", kbits("opus", "libopus", 32, true))
	voice := func(rate int) Channel {
		return lossy(fmt.Sprintf("opus-%d-voice", rate), fmt.Sprintf("Opus, %d kbit/s, voice", rate),
			fmt.Sprintf("the mean of the channels in Opus at %d kbit/s for voice, as messengers send it, decoded at 48 kHz", rate),
			kbits("opus", "libopus", rate, true, "-application", "voip"))
	}
	return []Channel{
		mp3128,
		lossy("mp3-64", "MP3, 64 kbit/s, mono", "the mean of the channels in MP3 at 64 kbit/s (RAW-Bench)", kbits("mp3", "libmp3lame", 64, true)),
		lossy("aac-128", "AAC, 128 kbit/s", "AAC-LC at 128 kbit/s", kbits("m4a", "aac", 128, false)),
		lossy("aac-64", "AAC, 64 kbit/s", "AAC-LC at 64 kbit/s (RAW-Bench)", kbits("m4a", "aac", 64, false)),
		lossy("opus-96", "Opus, 96 kbit/s", "Opus at 96 kbit/s, decoded at 48 kHz", kbits("opus", "libopus", 96, false)),
		opus64, opus32, voice(24), voice(16),
		lossy("vorbis-q4", "Vorbis, quality 4", "Vorbis at quality 4, some 128 kbit/s in stereo", codec{"ogg", false, []string{"-c:a", "libvorbis", "-q:a", "4"}}),
		lossy("vorbis-48", "Vorbis, 48 kbit/s, mono", "the mean of the channels in Vorbis at 48 kbit/s (RAW-Bench)", kbits("ogg", "libvorbis", 48, true)),
		Chain("mp3-128-opus-64", "MP3, 128 → Opus, 64 kbit/s", mp3128, opus64),
		Chain("opus-32-opus-32", "Opus, 32 → 32 kbit/s, mono", opus32, opus32),
	}
}

// formats change what samples are, not what is heard.
func formats() []Channel {
	// to is another rate, which the recording then has.
	to := func(r *audio.Recording, rate int) (*audio.Recording, error) {
		c, err := resample.Recording(r, rate)
		if err != nil {
			return nil, err
		}
		return channel.Convert(c, audio.Int16), nil
	}
	rate := func(name, title, description string, rates func(now int) []int) Channel {
		return Channel{
			Name: name, Title: title, Description: description, Kind: Format,
			pass: func(_ context.Context, r *audio.Recording, _ *rand.Rand) (_ *audio.Recording, err error) {
				for _, hertz := range rates(r.Format.Rate) {
					if r, err = to(r, hertz); err != nil {
						return nil, err
					}
				}
				return r, nil
			},
		}
	}
	bits := func(n int, source string) Channel {
		return Channel{
			Name: fmt.Sprintf("bits-%d", n), Title: fmt.Sprintf("%d bits", n), Kind: Format,
			Description: fmt.Sprintf("samples are rounded to %d bits%s", n, source),
			pass:        drawn(func(r *audio.Recording, _ *rand.Rand) *audio.Recording { return channel.Round(r, n) }),
		}
	}
	return []Channel{
		rate("rate-48k", "48 kHz", "resampled to 48 kHz, where it stays", func(int) []int { return []int{48000} }),
		rate("rate-44k", "44.1 kHz", "resampled to 44.1 kHz, where it stays", func(int) []int { return []int{44100} }),
		rate("rate-16k", "16 kHz", "resampled to 16 kHz, where it stays", func(int) []int { return []int{16000} }),
		rate("rate-48k-back", "48 kHz and back", "resampled to 48 kHz and back", func(now int) []int { return []int{48000, now} }),
		rate("rate-16k-back", "16 kHz and back", "resampled to 16 kHz and back", func(now int) []int { return []int{16000, now} }),
		bits(12, " (RAW-Bench: 12 to 16)"),
		bits(8, ""),
	}
}

// headroom returns by how many dB a recording may be amplified until it reaches full scale, 0 if it is silent.
func headroom(r *audio.Recording) float64 {
	var peak float64
	for _, x := range r.Samples {
		for _, v := range x {
			peak = max(peak, math.Abs(v))
		}
	}
	if peak == 0 {
		return 0
	}
	return -20 * math.Log10(peak)
}

func levels() []Channel {
	level := func(name, title, description string, f func(r *audio.Recording, rng *rand.Rand) *audio.Recording) Channel {
		return Channel{Name: name, Title: title, Description: description, Kind: Level, pass: drawn(f)}
	}
	fixed := func(dB float64) func(*audio.Recording, *rand.Rand) *audio.Recording {
		return func(r *audio.Recording, _ *rand.Rand) *audio.Recording { return channel.Gain(r, dB) }
	}
	return []Channel{
		level("gain-down", "−6 dB", "a gain of −6 dB", fixed(-6)),
		level("gain-up", "+6 dB", "a gain of 6 dB; what exceeds full scale is clipped", fixed(6)),
		level("gain", "gain × 0.2 … 5", "a gain of × 0.2 to 0.5 or × 1.5 to 5 (RAW-Bench); what exceeds full scale is clipped",
			func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				return channel.Gain(r, 20*math.Log10(either(rng, 0.2, 0.5, 1.5, 5)))
			}),
		level("polarity", "inverted", "polarity is inverted (RAW-Bench)", func(r *audio.Recording, _ *rand.Rand) *audio.Recording { return channel.Invert(r) }),
		level("mono", "mono", "the mean of the channels", func(r *audio.Recording, _ *rand.Rand) *audio.Recording { return r.Mono() }),
	}
}

func filters() []Channel {
	row := func(kind Kind, name, title, description string, f pass) Channel {
		return Channel{Name: name, Title: title, Description: description, Kind: kind, pass: f}
	}
	sharp := func(hertz int) pass {
		return func(_ context.Context, r *audio.Recording, _ *rand.Rand) (*audio.Recording, error) {
			return channel.LowPass(r, hertz)
		}
	}
	noise := func(low, high float64) pass {
		return drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
			return channel.NoiseBelow(r, between(rng, low, high), rng)
		})
	}
	return []Channel{
		row(Filter, "low-pass-7k", "low-pass, 7 kHz", "nothing is left above 7 kHz", sharp(7000)),
		row(Filter, "low-pass-4k", "low-pass, 4 kHz", "nothing is left above 4 kHz", sharp(4000)),
		row(Filter, "low-pass", "low-pass, 3.5 … 6 kHz", "a low-pass of second order at 3.5 to 6 kHz (RAW-Bench)",
			drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				return channel.SoftLowPass(r, between(rng, 3500, 6000))
			})),
		row(Filter, "high-pass", "high-pass, 250 … 500 Hz", "a high-pass of second order at 250 to 500 Hz (RAW-Bench)",
			drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				return channel.SoftHighPass(r, between(rng, 250, 500))
			})),
		row(Filter, "equaliser", "equaliser", "a graphic equaliser, ±0.375 to 0.75 Np (3.3 to 6.5 dB) in each of 24 Bark bands (RAW-Bench)",
			drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				var nepers [24]float64
				for i := range nepers {
					nepers[i] = either(rng, -0.75, -0.375, 0.375, 0.75)
				}
				return channel.Equalize(r, nepers)
			})),
		row(Dynamics, "compressor", "compressor, 4 : 1", "a compressor, 4 : 1, from −36 to −18 dB on (RAW-Bench)",
			drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				return channel.Compress(r, between(rng, -36, -18), 4)
			})),
		row(Dynamics, "limiter", "limiter", "a limiter at −36 to −18 dB (RAW-Bench)",
			drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				return channel.Compress(r, between(rng, -36, -18), math.Inf(1))
			})),
		row(Room, "reverb", "reverb, 0.5 s", "a room of 0.5 s, heard 0 to 6 dB below the recording (RAW-Bench)",
			func(_ context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error) {
				return channel.Reverb(r, 0.5, between(rng, 0, 6), rng)
			}),
		row(Noise, "noise-40", "noise, 40 dB", "white noise 40 dB below the recording", noise(40, 40)),
		row(Noise, "noise-30", "noise, 30 dB", "white noise 30 dB below the recording", noise(30, 30)),
		row(Noise, "noise-20", "noise, 20 dB", "white noise 20 dB below the recording (RAW-Bench: 20 to 40)", noise(20, 20)),
	}
}

func times() []Channel {
	var list []Channel
	for _, s := range []struct{ name, percent string }{
		{"0.01", "0.01"}, {"0.1", "0.1"}, {"1", "1"}, {"5", "5"},
	} {
		var value float64
		fmt.Sscan(s.percent, &value)
		for _, d := range []struct {
			name, sign, word string
			factor           float64
		}{
			{"faster", "+", "faster", 1 + value/100}, {"slower", "−", "slower", 1 - value/100},
		} {
			list = append(list, Channel{
				Name: fmt.Sprintf("speed-%s-%s", d.name, s.name), Title: fmt.Sprintf("speed %s%s %%", d.sign, s.percent), Kind: Time,
				Description: fmt.Sprintf("played %s %% %s, as a wrong clock does: pitch changes too", s.percent, d.word),
				pass: func(_ context.Context, r *audio.Recording, _ *rand.Rand) (*audio.Recording, error) {
					return channel.Speed(r, d.factor)
				},
			})
		}
	}
	stretch := func(name, title, description string, factor func(rng *rand.Rand) float64) Channel {
		return Channel{
			Name: name, Title: title, Description: description, Kind: Time,
			pass: func(_ context.Context, r *audio.Recording, rng *rand.Rand) (*audio.Recording, error) {
				return channel.Stretch(r, factor(rng))
			},
		}
	}
	return append(list,
		stretch("stretch-faster-5", "stretched, +5 %", "played 5 % faster at the same pitch", func(*rand.Rand) float64 { return 1.05 }),
		stretch("stretch-slower-5", "stretched, −5 %", "played 5 % slower at the same pitch", func(*rand.Rand) float64 { return 0.95 }),
		stretch("stretch", "stretched, ±5 … 25 %", "played 5 to 25 % faster or slower at the same pitch (RAW-Bench)",
			func(rng *rand.Rand) float64 { return either(rng, 0.75, 0.95, 1.05, 1.25) }),
	)
}

func cuts() []Channel {
	// excerpt keeps some seconds from a drawn place between two frames.
	excerpt := func(name string, seconds float64) Channel {
		return Channel{
			Name: name, Title: fmt.Sprintf("%g s of it", seconds), Kind: Cut,
			Description: fmt.Sprintf("%g s from anywhere, cut at a fraction of a frame", seconds),
			pass: drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				n := int(seconds * float64(r.Format.Rate))
				return channel.Keep(channel.CutFront(r, rng.Float64()*float64(max(0, r.Frames()-n-1))), 0, n)
			}),
		}
	}
	return []Channel{
		Handled(),
		excerpt("cut-8s", 8),
		excerpt("cut-4s", 4),
		{
			Name: "gap", Title: "a third silenced", Kind: Cut,
			Description: "a third in one piece, from anywhere, is silence",
			pass: drawn(func(r *audio.Recording, rng *rand.Rand) *audio.Recording {
				n := r.Frames() / 3
				return channel.Zero(r, rng.IntN(r.Frames()-n+1), n)
			}),
		},
	}
}
