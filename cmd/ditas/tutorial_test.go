package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	digits       = regexp.MustCompile(`[0-9][0-9.,e+-]*`)
)

// The commands of the tutorial do what it says, in its order and in one folder. Of what it shows of their output, every line is printed,
// in that order, but that figures may be others.
func TestTutorial(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the tutorial is for a POSIX shell")
	}
	if testing.Short() {
		t.Skip("hides and reveals for a while, as scripts do")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "TUTORIAL.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	commands := 0
	for _, block := range consoleBlock.FindAllStringSubmatch(string(page), -1) {
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
		t.Error("the tutorial has no commands")
	}
}
