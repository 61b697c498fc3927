package job_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ditas/internal/job"
)

func read(t *testing.T, manifest string, w job.Work) (jobs []job.Job, err error) {
	t.Helper()
	err = job.Each(strings.NewReader(manifest), w, func(j job.Job) error {
		jobs = append(jobs, j)
		return nil
	})
	return jobs, err
}

func TestEach(t *testing.T) {
	jobs, err := read(t, "\ufeff"+`{"image": "a.png", "cover": "b.wav", "out": "c.wav"}`+"\r\n\n"+
		`{"any": "a.zip", "cover": "ü .wav", "out": "d.wav", "passphraseFile": "p", "keyFile": "k", "salt": "s"}`, job.Hide)
	want := []job.Job{
		{Image: "a.png", Cover: "b.wav", Out: "c.wav"},
		{Any: "a.zip", Cover: "ü .wav", Out: "d.wav", Key: job.Key{PassphraseFile: "p", KeyFile: "k", Salt: "s"}},
	}
	if err != nil || !slices.Equal(jobs, want) {
		t.Errorf("%+v, %v; want %+v", jobs, err, want)
	}
	if want := []string{"a.zip", "ü .wav", "p", "k"}; !slices.Equal(jobs[1].Inputs(), want) {
		t.Errorf("inputs %v, want %v", jobs[1].Inputs(), want)
	}
}

func TestEachSaysWhatIsWrong(t *testing.T) {
	good := `{"stego": "a.wav"}` + "\n"
	for manifest, want := range map[string]string{
		good + `stego`:                        "line 2: it is not a JSON object",
		good + "\n" + `["a.wav"]`:             "line 3: it is not a JSON object",
		`{"stego": 5}`:                        `line 1: "stego" is no text, but a number`,
		`{"stego": "a.wav"} {}`:               "line 1: there is more than one object in it",
		`{"stego": "a.wav", "out": "b"}`:      `line 1: there is no place for "out"`,
		`{"stego": "-"}`:                      `line 1: "stego" is -, and a manifest names files`,
		`{"stego": ""}`:                       `line 1: "stego" is missing`,
		`{"stego": "a", "salt": "b"}`:         `line 1: "passphraseFile" is missing`,
		`{"stego": "a", "passphrase": "b"}`:   `line 1: "passphrase" is unknown: a line has image`,
		"{\"stego\": \"\xff\"}":               "line 1: it is not UTF-8",
		good + strings.Repeat("x", 1<<17):     "line 2 is longer than 65536 bytes",
		good + `{"stego": "b.wav"`:            "line 2: it is not a JSON object",
		`{"stego": "a", "image": "x"}` + "\n": `line 1: there is no place for "image"`,
	} {
		if _, err := read(t, manifest, job.Inspect); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", manifest, err, want)
		}
	}
	if _, err := read(t, `{"image": "a", "any": "b", "cover": "c", "out": "d"}`, job.Hide); err == nil {
		t.Error("both a picture and a file were taken")
	}
	stop := errors.New("stop")
	if err := job.Each(strings.NewReader(good+good), job.Inspect, func(job.Job) error { return stop }); err != stop {
		t.Errorf("%v in place of the error that was returned", err)
	}
}

func TestCheck(t *testing.T) {
	line := func(stego, out string) string { return fmt.Sprintf("{\"stego\": %q, \"out\": %q}\n", stego, out) }
	for manifest, want := range map[string]string{
		line("a", "b") + line("c", "./b"):        "jobs 1 and 2 would both write ./b",
		line("a", "b/c") + line("c", "B/x/../C"): "jobs 1 and 2 would both write B/x/../C",
		line("a", "b") + line("x/../b", "c"):     "job 1 would write x/../b, which job 2 reads",
		line("a", "a"):                           "job 1 would write a, which job 1 reads",
		line("a", "b") + "{":                     "line 2: it is not a JSON object",
	} {
		if n, err := job.Check(strings.NewReader(manifest), job.Reveal); err == nil || err.Error() != want || n != 0 {
			t.Errorf("%q: %d, %v; want %s", manifest, n, err, want)
		}
	}
	if n, err := job.Check(strings.NewReader(line("a", "b")+line("a", "c")+line("B", "d")), job.Reveal, "x"); n != 3 || err != nil {
		t.Errorf("%d jobs, %v", n, err)
	}
}

// However a file is called, it is one.
func TestCheckFollowsNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join("real", "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": filepath.Join("real", "deep"), filepath.Join("real", "alias"): "new.png"} {
		if err := os.Symlink(to, name); err != nil {
			t.Skip(err)
		}
	}
	here := filepath.Base(dir)
	line := func(stego, out string) string { return fmt.Sprintf("{\"stego\": %q, \"out\": %q}\n", stego, out) }
	for _, c := range []struct{ manifest, want string }{
		{line("a", "../"+here+"/a"), "job 1 would write a, which job 1 reads"},
		{line("a", filepath.Join(dir, "a")), "job 1 would write a, which job 1 reads"},
		{line("real/deep/a", "link/a"), "job 1 would write real/deep/a, which job 1 reads"},
		{line("link/new/a", "b") + line("c", "real/deep/new/a"), "job 2 would write link/new/a, which job 1 reads"},
		{line("a", "link/b") + line("c", "real/deep/b"), "jobs 1 and 2 would both write real/deep/b"},
		{line("a", "link/../b") + line("c", "real/b"), "jobs 1 and 2 would both write real/b"},
		{line("a", "real/alias") + line("c", "real/new.png"), "jobs 1 and 2 would both write real/new.png"},
		{line("a", "link/jobs"), "job 1 would write link/jobs, which all jobs need"},
		{line("a", "link/b") + line("c", "b"), ""},
	} {
		_, err := job.Check(strings.NewReader(c.manifest), job.Reveal, "real/deep/jobs")
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %v, want %s", c.manifest, err, c.want)
		}
	}
}

// Whatever the number of machines, each job is done by one of them.
func TestShards(t *testing.T) {
	for jobs := range 20 {
		for of := 1; of < 25; of++ {
			var does [20]int
			for number := 1; number <= of; number++ {
				s, err := job.ParseShard(fmt.Sprintf("%d/%d", number, of))
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for i := range jobs {
					if s.Has(i) {
						does[i]++
						n++
					}
				}
				if s.Size(jobs) != n || n < jobs/of || n > (jobs+of-1)/of {
					t.Errorf("shard %v of %d jobs has %d, and says %d", s, jobs, n, s.Size(jobs))
				}
			}
			for i := range jobs {
				if does[i] != 1 {
					t.Errorf("job %d of %d is done by %d of %d shards", i, jobs, does[i], of)
				}
			}
		}
	}
	if all := (job.Shard{}); !all.Has(7) || all.Size(9) != 9 || all.String() != "" {
		t.Error("no shard is not all")
	}
	for _, text := range []string{"", "0/2", "3/2", "-1/2", "1", "1/", "/2", "1/2/3", "1/2x", "a/b", "1/99999999999999999999"} {
		if s, err := job.ParseShard(text); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}

// A machine may die at any byte of a line: what was complete before is known, and what comes after is, too.
func TestLogTornAnywhere(t *testing.T) {
	done := []job.Result{
		{Job: job.Job{Stego: "a\nb <ü>.wav"}, Exit: 4, Error: "nothing"},
		{Job: job.Job{Stego: "c.wav", Out: "d.png", Key: job.Key{PassphraseFile: "p"}}, Seconds: 1.5, Result: map[string]any{"width": 3}},
	}
	name := filepath.Join(t.TempDir(), "log")
	fill := func(results ...job.Result) {
		l, err := job.OpenLog(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if err := l.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fill(done...)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	later := job.Result{Job: job.Job{Stego: "e.wav"}, There: true}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		fill(later)
		fill(later) // and nothing of it is taken for something else the next time
		l, err := job.OpenLog(name)
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		exit, ok := l.Exit(done[0].Job)
		_, second := l.Exit(done[1].Job)
		_, third := l.Exit(later.Job)
		if ok != (cut >= first) && cut != first-1 || ok && exit != 4 || second != (cut == len(whole)) && cut != len(whole)-1 || !third {
			t.Errorf("cut at byte %d of %d: known are %v (exit code %d), %v, %v", cut, len(whole), ok, exit, second, third)
		}
		l.Close()
	}
}

// The last that is said of a job counts.
func TestLogTellsTheLast(t *testing.T) {
	l, err := job.OpenLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	j := job.Job{Stego: "a.wav"}
	if _, ok := l.Exit(j); ok {
		t.Error("a new log knows a job")
	}
	for _, exit := range []int{1, 0} {
		if err := l.Add(job.Result{Job: j, Exit: exit}); err != nil {
			t.Fatal(err)
		}
		if got, ok := l.Exit(j); !ok || got != exit {
			t.Errorf("%d, %v; want %d", got, ok, exit)
		}
	}
	if _, ok := l.Exit(job.Job{Stego: "a.wav", Key: job.Key{PassphraseFile: "p"}}); ok {
		t.Error("a job with a passphrase is taken for one without")
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		`{"image": "a.png", "cover": "b.wav", "out": "c.wav"}` + "\n\n" + `{"any": "a", "cover": "d.wav", "out": "e.wav", "salt": "s", "passphraseFile": "p"}`,
		`{"stego": "a", "out": "b"}`, `{"stego": "a"}`, "\ufeff{}", `{"stego": 1}`, "\xff", `{"stego":"a"}{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, w := range []job.Work{job.Hide, job.Reveal, job.Inspect} {
			n := 0
			err := job.Each(bytes.NewReader(data), w, func(j job.Job) error {
				if n++; j.File() == "" || (j.Out == "") != (w == job.Inspect) || slices.Contains(j.Inputs(), "") {
					t.Errorf("%+v", j)
				}
				return nil
			})
			if checked, wrong := job.Check(bytes.NewReader(data), w); wrong == nil && (err != nil || checked != n) {
				t.Errorf("%d jobs are checked and %d read, %v", checked, n, err)
			}
		}
	})
}

// Whatever is in a log, what is added is known.
func FuzzLog(f *testing.F) {
	for _, seed := range []string{
		"", "\n", `{"job":{"stego":"a"},"exit":0}` + "\n", `{"job":{"stego":"a"},"exit":`, "{\"jo\n{\"job\":{}}\n", "text\n", "{\"job\":\n{\"job\":[]}\n",
	} {
		f.Add([]byte(seed))
	}
	name := filepath.Join(f.TempDir(), "log")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j := job.Job{Cover: "b.wav"}
		for range 2 {
			l, err := job.OpenLog(name)
			if err != nil {
				if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, data) {
					t.Fatal("a file that is no log was written to")
				}
				return
			}
			if err := l.Add(job.Result{Job: j, Exit: 3}); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if l, err = job.OpenLog(name); err != nil {
				t.Fatal(err)
			}
			if exit, ok := l.Exit(j); !ok || exit != 3 {
				t.Errorf("%d, %v", exit, ok)
			}
			data, err = os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
		}
	})
}

// A log knows what others know, and leaves those as they are. What it says was done, or what is there, needs not be done.
func TestLogKnowsOthers(t *testing.T) {
	t.Chdir(t.TempDir())
	jobs := []job.Job{
		{Stego: "a.wav", Out: "a.png"}, {Stego: "b.wav", Out: "b.png"}, {Stego: "c.wav", Out: "c.png"}, {Stego: "d.wav", Out: "d.png"}, {Stego: "e.wav", Out: "e.wav"},
	}
	other, err := job.OpenLog("other")
	if err != nil {
		t.Fatal(err)
	}
	for i, exit := range []int{0, job.Nothing, job.Failed} {
		if err := other.Add(job.Result{Job: jobs[i], Exit: exit}); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile("other")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.png", "d.png", "e.wav"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		l, err := job.OpenLog("log", "other")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{true, true, false, true, false} { // e.wav is read
			if got, err := l.Before(jobs[i], true); err != nil || got != want {
				t.Errorf("%s was done before: %v, %v", jobs[i].Stego, got, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile("log"); err != nil || string(text) != `{"job":{"stego":"d.wav","out":"d.png"},"exit":0,"there":true}`+"\n" {
		t.Errorf("the log has %q, %v", text, err)
	}
	if text, err := os.ReadFile("other"); err != nil || !bytes.Equal(text, said) {
		t.Errorf("the other log has %q now, %v", text, err)
	}
	if _, err := job.OpenLog("log", "a.png", "none"); err == nil {
		t.Error("a log that is not there is no error")
	}
}
