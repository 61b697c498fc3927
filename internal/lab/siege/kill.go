package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"ditas/internal/nn/safetensors"
)

// victim is something that ditas does, in a folder of its own, and that is killed.
type victim struct {
	name    string
	prepare func(*field) error
	// args are those of the command, and pipe whether what it writes is read by somebody who goes away.
	args []string
	pipe bool
	// visit is done meanwhile; it ends when the program does.
	visit func(context.Context, *field, *running)
	// made are the files that it makes, which may have been there before, and whole tells whether one is.
	made  []string
	whole func(context.Context, *field, string) error
	// again is the command that goes on after any end, if there is a file named begun; whatever the end was, settled tells then whether all was done.
	again   []string
	begun   string
	settled func(context.Context, *field) error
	// once are files that are removed before the command, which leaves alone what is there.
	once []string
}

const (
	hidingArgs = "hide -q --force -i secret.png -c cover.wav -o stego.wav"
	old        = "what was there before"
	foreign    = "foreign" // the victim that has ffmpeg read the recording
)

var manifestArgs = strings.Fields("hide -q --manifest jobs.jsonl --results log.jsonl")

var victims = []victim{
	{name: "hide", prepare: material, args: strings.Fields(hidingArgs), made: []string{"stego.wav"}, whole: isStego},
	{name: "reveal", prepare: withStego, args: strings.Fields("reveal -q --force -s first.wav -o out.png"), made: []string{"out.png"}, whole: isPicture},
	{name: foreign, prepare: withForeign, args: strings.Fields("hide -q --force -i secret.png -c cover.m4a -o stego.wav"), made: []string{"stego.wav"}, whole: isStego},
	{name: "pipe", prepare: material, args: strings.Fields("hide -q -i secret.png -c cover.wav -o -"), pipe: true},
	{
		name: "batch", prepare: withMany, args: strings.Fields("hide -q -i secret.png a.wav b.wav c.wav --out-dir made --force"),
		made: []string{"made/a.wav", "made/b.wav", "made/c.wav"}, whole: isStego,
	},
	{
		name: "reveals", prepare: withStegos, args: strings.Fields("reveal -q a.wav b.wav c.wav --out-dir made --force"),
		made: []string{"made/a.png", "made/b.png", "made/c.png"}, whole: isPicture,
	},
	{
		name: "train", prepare: forTraining, args: strings.Fields("train -q --config tiny.json --speech speech --pictures pictures " +
			"--validation-speech speech --validation-pictures pictures --out run"),
		made: []string{"run/weights.safetensors"}, whole: isTrained,
		again: strings.Fields("train -q --speech speech --pictures pictures --validation-speech speech --validation-pictures pictures --out run"),
		begun: "run/checkpoint.safetensors", settled: isAsUndisturbed, once: []string{"run"},
	},
	{
		name: "manifest", prepare: withManifest, args: manifestArgs, made: []string{"made/a.wav", "made/b.wav", "made/c.wav"}, whole: isStego,
		again: manifestArgs, begun: "jobs.jsonl", settled: isAllDone, once: []string{"made", "log.jsonl"},
	},
	{name: "page", prepare: material, args: strings.Fields("serve --json --addr 127.0.0.1:0"), visit: browse},
}

// field is where a victim is killed.
type field struct {
	options
	dir, temp string // of the command, and of its temporary files
	usual     time.Duration
	weights   []byte // of a run that was not disturbed
}

func kill(ctx context.Context, o options, dir string, out io.Writer) error {
	var chosen []victim
	_, missing := exec.LookPath("ffmpeg")
	for _, v := range victims {
		if (o.only == "" || o.only == v.name) && (v.name != foreign || missing == nil) {
			chosen = append(chosen, v)
		}
	}
	fields := make([]*field, len(chosen))
	for i, v := range chosen {
		f := &field{options: o, dir: filepath.Join(dir, v.name), temp: filepath.Join(dir, v.name+"-temp")}
		if err := errors.Join(os.Mkdir(f.dir, 0o700), os.Mkdir(f.temp, 0o700), v.prepare(f)); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		if err := f.undisturbed(ctx, v); err != nil {
			return fmt.Errorf("%s, undisturbed: %w", v.name, err)
		}
		fields[i] = f
	}
	ends := map[string]int{}
	failed := 0
	for n := range o.count {
		i := n % len(chosen)
		rng := rand.New(rand.NewPCG(o.seed, uint64(n)))
		end, err := fields[i].disturb(ctx, chosen[i], rng)
		ends[end]++
		if err != nil {
			err = fmt.Errorf("%d: %s, %s: %w", n, chosen[i].name, end, err)
			fmt.Fprintln(out, err)
			failed++
			if err := fields[i].tidy(); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "%d times, seed %d:", o.count, o.seed)
	for _, end := range []string{"ended well", "gave up", "died"} {
		fmt.Fprintf(out, " %d %s;", ends[end], end)
	}
	fmt.Fprintf(out, " %d failed\n", failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d times something was wrong", failed, o.count)
	}
	return nil
}

// tidy removes what was left that should not have been, for it to be told of once.
func (f *field) tidy() error {
	errs := []error{os.RemoveAll(f.temp), os.Mkdir(f.temp, 0o700)}
	for _, name := range f.parts() {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}

// running is a command that is at work.
type running struct {
	cmd    *exec.Cmd
	stdout io.ReadCloser
	stderr bytes.Buffer
}

func (f *field) start(ctx context.Context, args []string) (*running, error) {
	r := &running{cmd: exec.CommandContext(ctx, f.program, args...)}
	r.cmd.Dir = f.dir
	r.cmd.Env = append(os.Environ(), "TMPDIR="+f.temp)
	r.cmd.Stderr = &r.stderr
	var err error
	if r.stdout, err = r.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return r, r.cmd.Start()
}

// finish reads what the command still writes and returns its exit code, or −1 and the signal that it died of.
func (r *running) finish() (code int, signal syscall.Signal, err error) {
	io.Copy(io.Discard, r.stdout)
	err = r.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
			return -1, status.Signal(), nil
		}
		return exit.ExitCode(), 0, nil
	}
	return 0, 0, err
}

// undisturbed lets a command do its work, to see how long that takes and what comes of it.
func (f *field) undisturbed(ctx context.Context, v victim) error {
	begin := time.Now()
	r, err := f.start(ctx, v.args)
	if err != nil {
		return err
	}
	if v.visit != nil {
		v.visit(ctx, f, r)
		f.usual = time.Since(begin)
		r.cmd.Process.Signal(os.Interrupt)
	}
	code, signal, err := r.finish()
	if f.usual == 0 {
		f.usual = time.Since(begin)
	}
	if err != nil || code != 0 {
		return fmt.Errorf("exit code %d, %v, %v: %s", code, signal, err, r.stderr.String())
	}
	if v.name == "train" {
		if f.weights, err = os.ReadFile(filepath.Join(f.dir, v.made[0])); err != nil {
			return err
		}
	}
	return f.look(ctx, v, nil)
}

// signals are those that end programs.
var signals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGKILL}

// patience is how long a command may take to end in good order, on a busy machine.
const patience = 30 * time.Second

// disturb has a command do its work once more, and signals at a random moment. It says how the command ended, and what is wrong with that.
func (f *field) disturb(ctx context.Context, v victim, rng *rand.Rand) (end string, err error) {
	before := map[string][]byte{}
	if err := f.clear(v, rng.IntN(2) == 0, before); err != nil {
		return "", err
	}
	sig := signals[rng.IntN(len(signals))]
	moment := time.Duration(rng.Float64() * float64(f.usual))
	reads := int64(math.Pow(10, 6*rng.Float64())) // bytes, before whoever reads goes away
	leaves := v.pipe && rng.IntN(2) == 0
	r, err := f.start(ctx, v.args)
	if err != nil {
		return "", err
	}
	visited := make(chan struct{})
	go func() {
		defer close(visited)
		if v.visit != nil {
			v.visit(ctx, f, r)
		}
	}()
	var timer *time.Timer
	switch {
	case leaves:
		sig = 0
		io.CopyN(io.Discard, r.stdout, reads)
		r.stdout.Close()
	default:
		timer = time.AfterFunc(moment, func() {
			r.cmd.Process.Signal(sig)
			if v.visit != nil && sig == syscall.SIGPIPE { // which the page's server does not end by
				r.cmd.Process.Signal(os.Interrupt)
			}
		})
	}
	late := time.AfterFunc(moment+patience, func() { r.cmd.Process.Signal(syscall.SIGABRT) }) // it then says where it hangs
	if v.visit != nil {
		<-visited // whose connections break when the server ends
	}
	code, died, err := r.finish()
	if timer != nil {
		timer.Stop()
	}
	inTime := late.Stop()
	if err != nil {
		return "", err
	}
	end = map[bool]string{true: "ended well", false: "gave up"}[code == 0]
	if code < 0 {
		end = "died"
	}
	what := fmt.Sprintf("%v after %v of %v, exit code %d, %v", sig, moment.Round(time.Millisecond), f.usual.Round(time.Millisecond), code, died)
	if !inTime {
		return end, fmt.Errorf("%s: it did not end: %s", what, r.stderr.String())
	}
	if err := judge(v, code, died, sig, r.stderr.String()); err != nil {
		return end, fmt.Errorf("%s: %w: %s", what, err, r.stderr.String())
	}
	if err := f.look(ctx, v, before); err != nil {
		return end, fmt.Errorf("%s: %w", what, err)
	}
	if err := f.recover(ctx, v); err != nil {
		return end, fmt.Errorf("%s, and then: %w", what, err)
	}
	return end, nil
}

// judge says what is wrong with how a command ended.
func judge(v victim, code int, died, sig syscall.Signal, said string) error {
	switch {
	case code < 0 && (died == sig || died == syscall.SIGINT && v.visit != nil):
		// Of SIGKILL, or before it could listen for signals: then it has said nothing. What did not end a page is followed by an interrupt.
		if sig != syscall.SIGKILL && said != "" {
			return errors.New("it died although it had begun")
		}
	case code < 0:
		return fmt.Errorf("it died of %v", died)
	case code == 0:
	case code != 1:
		return errors.New("the exit code is neither 0 nor 1")
	case v.visit != nil:
		return errors.New("the page's server ended with an error")
	case v.pipe && sig == 0:
		if said != "" {
			return errors.New("it complains of a reader that has gone away")
		}
	case !strings.Contains("\n"+said, "\nditas: interrupted"): // behind warnings, if there are any
		return errors.New("it does not say that it was interrupted")
	}
	return nil
}

// clear removes what a command makes, or puts something there that it is to replace, which it adds to before.
func (f *field) clear(v victim, something bool, before map[string][]byte) error {
	for _, name := range v.once {
		if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
			return err
		}
	}
	if v.once != nil {
		return nil
	}
	for _, name := range v.made {
		name = filepath.Join(f.dir, name)
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !something {
			continue
		}
		before[name] = []byte(old)
		if err := os.WriteFile(name, []byte(old), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// look returns an error unless nothing is left in the folder for temporary files, and each file that the command makes is whole, absent, or
// what was there before.
func (f *field) look(ctx context.Context, v victim, before map[string][]byte) error {
	left, err := os.ReadDir(f.temp)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%s is left in the folder for temporary files", left[0].Name())
	}
	for _, name := range v.made {
		path := filepath.Join(f.dir, name)
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) && before[path] == nil || err == nil && before[path] != nil && bytes.Equal(b, before[path]) {
			continue
		}
		if err == nil && (before != nil || v.name != "train") {
			err = v.whole(ctx, f, path)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// recover does the same once more if parts of files are left, undisturbed, and returns an error unless none is left then. What can be continued always
// is, to its end.
func (f *field) recover(ctx context.Context, v victim) error {
	args := v.again
	if args == nil && len(f.parts()) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(f.dir, v.begun)); args == nil || err != nil {
		args = v.args // there is nothing to continue
	}
	if err := f.do(args); err != nil {
		return err
	}
	if parts := f.parts(); len(parts) > 0 {
		return fmt.Errorf("%s was not swept", parts[0])
	}
	if v.settled == nil {
		return nil
	}
	return v.settled(ctx, f)
}

// parts returns the files that are being written.
func (f *field) parts() (names []string) {
	filepath.WalkDir(f.dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".part") {
			names = append(names, path)
		}
		return nil
	})
	return names
}

// The picture that is hidden has so many pixels.
const width, height = 48, 40

// material makes a picture and a recording.
func material(f *field) error {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(5 * x), uint8(6 * y), uint8(x * y), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return err
	}
	return errors.Join(f.write("secret.png", b.Bytes()), f.write("cover.wav", recording(1, 4)))
}

func (f *field) write(name string, b []byte) error {
	name = filepath.Join(f.dir, name)
	return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, b, 0o600))
}

// withStego makes a recording with the picture in it.
func withStego(f *field) error {
	if err := material(f); err != nil {
		return err
	}
	return f.do(strings.Fields("hide -q -i secret.png -c cover.wav -o first.wav"))
}

// withForeign makes a recording that ditas has ffmpeg read, which takes long enough to be killed meanwhile.
func withForeign(f *field) error {
	if err := errors.Join(material(f), f.write("long.wav", recording(1, 60))); err != nil {
		return err
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", "long.wav", "-c:a", "aac", "cover.m4a")
	cmd.Dir, cmd.Stderr = f.dir, os.Stderr
	return cmd.Run()
}

func (f *field) do(args []string) error {
	r, err := f.start(context.Background(), args)
	if err != nil {
		return err
	}
	if code, _, err := r.finish(); err != nil || code != 0 {
		return fmt.Errorf("%v: exit code %d: %s (%v)", args, code, r.stderr.String(), err)
	}
	return nil
}

// withMany makes several recordings.
func withMany(f *field) error {
	if err := material(f); err != nil {
		return err
	}
	var errs []error
	for _, name := range []string{"a.wav", "b.wav", "c.wav"} {
		errs = append(errs, f.write(name, recording(1, 4)))
	}
	return errors.Join(append(errs, os.Mkdir(filepath.Join(f.dir, "made"), 0o700))...)
}

// withStegos makes several recordings with the picture in them.
func withStegos(f *field) error {
	if err := withStego(f); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(f.dir, "first.wav"))
	return errors.Join(err, f.write("a.wav", b), f.write("b.wav", b), f.write("c.wav", b), os.Mkdir(filepath.Join(f.dir, "made"), 0o700))
}

// isStego returns an error unless a file is a recording with the whole picture in it.
func isStego(ctx context.Context, f *field, name string) error {
	r, err := f.start(ctx, []string{"reveal", "-q", "-s", name, "-o", "-"})
	if err != nil {
		return err
	}
	b, err := io.ReadAll(r.stdout)
	if code, _, other := r.finish(); err != nil || other != nil || code != 0 {
		return fmt.Errorf("it cannot be revealed: %s", r.stderr.String())
	}
	return isSecret(bytes.NewReader(b))
}

// isPicture returns an error unless a file is the whole picture.
func isPicture(_ context.Context, _ *field, name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return isSecret(bytes.NewReader(b))
}

func isSecret(r io.Reader) error {
	m, err := png.Decode(r)
	if err != nil {
		return err
	}
	for y := range height {
		for x := range width {
			if r, g, b, _ := m.At(x, y).RGBA(); r>>8 != uint32(uint8(5*x)) || g>>8 != uint32(uint8(6*y)) || b>>8 != uint32(uint8(x*y)) {
				return fmt.Errorf("pixel %d, %d is another one", x, y)
			}
		}
	}
	return nil
}

// forTraining makes what a run of some seconds learns from.
func forTraining(f *field) error {
	const config = `{"model": {"name": "ditas-s", "tile": 16, "bands": 256, "width": 4, "depth": 3},
 "steps": 60, "batch": 1, "validateEvery": 10, "validationPairs": 1, "validationThresholds": [0.05]}`
	if err := material(f); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(f.dir, "secret.png"))
	return errors.Join(err, f.write("tiny.json", []byte(config)), f.write("speech/a.wav", recording(1, 4)), f.write("pictures/a.png", b))
}

// isAsUndisturbed returns an error unless the weights are those of a run that was not disturbed.
func isAsUndisturbed(_ context.Context, f *field) error {
	b, err := os.ReadFile(filepath.Join(f.dir, "run", "weights.safetensors"))
	if err == nil && !bytes.Equal(b, f.weights) {
		err = errors.New("the weights are not those of a run that was not disturbed")
	}
	return err
}

// withManifest makes several recordings, and a manifest that says what to do with them.
func withManifest(f *field) error {
	var jobs strings.Builder
	for _, name := range []string{"a.wav", "b.wav", "c.wav"} {
		fmt.Fprintf(&jobs, "{\"image\": \"secret.png\", \"cover\": %q, \"out\": \"made/%s\"}\n", name, name)
	}
	return errors.Join(withMany(f), f.write("jobs.jsonl", []byte(jobs.String())))
}

// isAllDone returns an error unless all of the manifest is done, the results say so, and nothing is done twice.
func isAllDone(ctx context.Context, f *field) error {
	var before [][]byte
	for range 2 {
		var all [][]byte
		for _, name := range []string{"made/a.wav", "made/b.wav", "made/c.wav", "log.jsonl"} {
			path := filepath.Join(f.dir, name)
			b, err := os.ReadFile(path)
			if err == nil && name != "log.jsonl" {
				err = isStego(ctx, f, path)
			}
			if err == nil && name == "log.jsonl" && bytes.Count(b, []byte(`"exit":0`)) != 3 {
				err = fmt.Errorf("the results are\n%s", b)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, b)
		}
		if before != nil && !slices.EqualFunc(all, before, bytes.Equal) {
			return errors.New("what was done is done once more")
		}
		before = all
		if err := f.do(manifestArgs); err != nil {
			return err
		}
	}
	return nil
}

// isTrained returns an error unless a file of weights is whole.
func isTrained(_ context.Context, _ *field, name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, _, err = safetensors.Read(bytes.NewReader(b), int64(len(b)))
	return err
}

// browse hides and reveals on the page, over and over until the server ends, or once where it has not been disturbed yet.
func browse(ctx context.Context, f *field, r *running) {
	s, err := meet(ctx, r)
	if err != nil {
		return
	}
	defer s.leave()
	for {
		for _, ask := range []struct{ method, path, file, text string }{
			{"PUT", "/picture", "secret.png", ""},
			{"PUT", "/sounds/cover?name=a.wav", "cover.wav", ""},
			{"GET", "/estimate?snr=50&scale=1", "", ""},
			{"POST", "/hide", "", `{"snr":50,"scale":1,"passphrase":""}`},
			{"GET", "/sounds/stego/file", "", ""},
			{"POST", "/reveal", "", `{"from":"stego","damage":{"silence":0.1}}`},
			{"GET", "/revealed", "", ""},
		} {
			body := []byte(ask.text)
			if ask.file != "" {
				if body, err = os.ReadFile(filepath.Join(f.dir, ask.file)); err != nil {
					return
				}
			}
			if _, err := s.do(ctx, ask.method, s.page+ask.path, bytes.NewReader(body)); err != nil {
				return
			}
		}
		if f.usual == 0 {
			return
		}
	}
}
