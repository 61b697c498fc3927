// Command screencast records ditas at work in a terminal, as the animated drawing that README.md shows.
//
//	go run ./docs/internal/screencast
//
// It builds ditas, runs the commands in a folder of its own that holds the demo's photograph and speech, and draws what they
// printed, with the time they took up to a second. Nothing in the drawing is written by hand but the commands. It needs a POSIX shell and ffmpeg.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// session is what is typed, screen by screen. A command behind # is not run: it is a remark.
var session = [][]string{
	{
		"ditas hide --image photo.png --cover speech.wav --out stego.wav",
		"ditas reveal --stego stego.wav --out revealed.png",
	},
	{
		"cmp photo.png revealed.png && echo the same picture, byte for byte",
		"head -c 430000 stego.wav > cut.wav    # the last third is lost",
		"ditas reveal --stego cut.wav --out rest.png",
		"ffmpeg -v error -i stego.wav -b:a 128k lossy.mp3    # and what it does not bear",
		"ditas reveal --stego lossy.mp3 --out lossy.png",
	},
}

func main() {
	log.SetFlags(0)
	demo := flag.String("demo", "cmd/ditas/demo", "folder of photo.png and speech.wav")
	out := flag.String("out", "docs/figures/screencast.svg", "file to write")
	flag.Parse()
	screens, err := record(context.Background(), *demo)
	if err != nil {
		log.Fatal("screencast: ", err)
	}
	var b bytes.Buffer
	play(&b, screens)
	if err := os.WriteFile(*out, b.Bytes(), 0o666); err != nil {
		log.Fatal("screencast: ", err)
	}
}

// taken is a command that was run.
type taken struct {
	command string
	lines   []string // that it printed
	lasted  time.Duration
}

// record runs the session.
func record(ctx context.Context, demo string) ([][]taken, error) {
	dir, err := os.MkdirTemp("", "screencast")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bin")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./cmd/ditas").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building ditas: %w\n%s", err, text)
	}
	work := filepath.Join(dir, "work")
	if err := os.CopyFS(work, os.DirFS(demo)); err != nil {
		return nil, err
	}
	env := append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	var screens [][]taken
	for _, commands := range session {
		var screen []taken
		for _, command := range commands {
			cmd := exec.CommandContext(ctx, "sh", "-c", command)
			cmd.Dir, cmd.Env = work, env
			begin := time.Now()
			text, err := cmd.CombinedOutput()
			if _, failed := err.(*exec.ExitError); err != nil && !failed {
				return nil, err
			}
			t := taken{command: command, lasted: time.Since(begin)}
			if s := strings.TrimRight(string(text), "\n"); s != "" {
				for line := range strings.SplitSeq(s, "\n") {
					t.lines = append(t.lines, wrap(line)...)
				}
			}
			log.Printf("$ %s\n%s", command, text)
			screen = append(screen, t)
		}
		screens = append(screens, screen)
	}
	return screens, nil
}

// wrap divides a line as a terminal does.
func wrap(line string) (lines []string) {
	runes := []rune(line)
	for len(runes) > columns {
		lines, runes = append(lines, string(runes[:columns])), runes[columns:]
	}
	return append(lines, string(runes))
}
