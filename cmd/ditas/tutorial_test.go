package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"ditas/audio"
	"ditas/audio/wav"
	"ditas/picture"
)

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	bashBlock    = regexp.MustCompile("(?ms)^```bash\n(.*?)^```$")
	podBlock     = regexp.MustCompile("(?m)^ +- \\|\n((?: +.*\n)+?) +resources:")
	digits       = regexp.MustCompile(`[0-9][0-9.,e+-]*`)
)

// The commands of pages do what they say, in their order and in one folder for each page. Of what a page shows of their output, every line is printed,
// in that order, but that figures may be others.
func TestCommandsOfPages(t *testing.T) {
	for _, name := range []string{"TUTORIAL.md", "SCALE.md"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testCommands(t, readPage(t, name), t.TempDir())
		})
	}
}

// readPage returns a page, or skips the test where what it says cannot be tried.
func readPage(t *testing.T, name string) string {
	if runtime.GOOS == "windows" {
		t.Skip("the page is for a POSIX shell")
	}
	if testing.Short() {
		t.Skip("hides and reveals for a while, as scripts do")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func testCommands(t *testing.T, page, dir string) {
	commands := 0
	for _, block := range consoleBlock.FindAllStringSubmatch(page, -1) {
		for _, part := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			// A command that ends in a backslash goes on in the next line.
			command, shown, _ := strings.Cut(part, "\n")
			for strings.HasSuffix(command, `\`) {
				var next string
				next, shown, _ = strings.Cut(shown, "\n")
				command += "\n" + next
			}
			commands++
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s\n%v\n%s", command, err, text)
			}
			printed := digits.ReplaceAllString(string(text), "#")
			for line := range strings.Lines(strings.TrimSpace(shown)) {
				line = digits.ReplaceAllString(strings.TrimRight(line, "\n"), "#")
				_, rest, found := strings.Cut(printed, line)
				if !found {
					t.Fatalf("%s\nshould print\n%s\nbut prints\n%s", command, line, text)
				}
				printed = rest
			}
		}
	}
	if commands == 0 {
		t.Error("there are no commands")
	}
}

// The scripts for clusters do all of a manifest, all shards at once, where something else starts what the cluster would.
func TestScriptsForClusters(t *testing.T) {
	page := readPage(t, "SCALE.md")
	scripts := bashBlock.FindAllStringSubmatch(page, -1)
	pod := podBlock.FindStringSubmatch(page)
	if len(scripts) != 2 || pod == nil {
		t.Fatalf("%d scripts, and for pods %q", len(scripts), pod)
	}
	for name, c := range map[string]struct {
		script, needs string
		variables     []string
	}{
		"parallel":   {scripts[0][1], "parallel", []string{""}},
		"slurm":      {scripts[1][1], "bash", shards("SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_TASK_COUNT=8 SLURM_ARRAY_TASK_ID=%d", 1, 8)},
		"kubernetes": {pod[1], "sh", shards("JOB_COMPLETION_INDEX=%d", 0, 7)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			var manifest strings.Builder
			for i := range 10 {
				fmt.Fprintf(&manifest, "{\"image\": \"a.png\", \"cover\": \"a.wav\", \"out\": \"made/%d.flac\"}\n", i)
			}
			rec := &audio.Recording{Format: audio.Format{Rate: 16000, Channels: 1, Encoding: audio.Int16}, Samples: audio.NewBlock(1, 20000)}
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range rec.Samples[0] {
				rec.Samples[0][i] = rec.Format.Quantize(0.1 * rng.NormFloat64())
			}
			var cover, secret bytes.Buffer
			if err := errors.Join(wav.Encode(&cover, rec), picture.New(16, 16).Encode(&secret, picture.PNG)); err != nil {
				t.Fatal(err)
			}
			for name, content := range map[string]string{
				"a.wav": cover.String(), "a.png": secret.String(), "hide.jsonl": manifest.String(), "srun": "#!/bin/sh\nexec \"$@\"\n",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			var all []*exec.Cmd
			for _, variables := range c.variables {
				cmd := exec.Command("sh", "-c", c.script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
				cmd.Env = append(cmd.Env, strings.Fields(variables)...)
				var said strings.Builder
				cmd.Stdout, cmd.Stderr = &said, &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				all = append(all, cmd)
				defer func() {
					if t.Failed() {
						t.Log(said.String())
					}
				}()
			}
			for _, cmd := range all {
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
			lines := 0
			results, _ := filepath.Glob(filepath.Join(dir, "hide-*.jsonl"))
			inFolder, _ := filepath.Glob(filepath.Join(dir, "results", "hide-*.jsonl"))
			results = append(results, inFolder...)
			for _, name := range results {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				lines += strings.Count(string(text), `"exit":0`)
			}
			made, _ := filepath.Glob(filepath.Join(dir, "made", "*.flac"))
			if len(results) != 8 || lines != 10 || len(made) != 10 {
				t.Errorf("%d files of results with %d that were done, and %d recordings; want 8, 10 and 10", len(results), lines, len(made))
			}
		})
	}
}

// shards returns a text for each of several numbers.
func shards(format string, from, to int) (texts []string) {
	for i := from; i <= to; i++ {
		texts = append(texts, fmt.Sprintf(format, i))
	}
	return texts
}
