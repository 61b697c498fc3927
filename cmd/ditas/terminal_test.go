package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Names of files do not get at the terminal.
func TestEscapeCodesAreShown(t *testing.T) {
	for given, want := range map[string]string{
		"new\x1b[31mred.wav": `new\x1b[31mred.wav`, "bell\a": `bell\a`, "C1 \u009b31m": `C1 \u009b31m`, "C1 \x9b": `C1 \x9b`, "gnp.\u202ewav": `gnp.\u202ewav`,
		"Größe 2×3 – naïve 🎵\tof\n": "Größe 2×3 – naïve 🎵\tof\n", "\ufffd": "\ufffd",
	} {
		if got := visible(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
	var stderr bytes.Buffer
	name := "missing\x1b[31mred.wav"
	if code := run(context.Background(), []string{"inspect", name}, io.Discard, &stderr); code != exitFailed || !strings.Contains(stderr.String(), `missing\x1b[31mred.wav`) {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
	var stdout bytes.Buffer
	o := terminal{out: &stdout, err: &stderr}
	stderr.Reset()
	o.warn(name, name)
	o.printf("%s\n", name)
	if strings.Contains(stdout.String()+stderr.String(), "\x1b") {
		t.Errorf("prints %q, %q", &stdout, &stderr)
	}
}

// A name with the end of a line in it stays on one line, wherever it is printed; errors that were joined stand one behind the other.
func TestNamesOnOneLine(t *testing.T) {
	const name, want = "a\nb\t\u2028.wav", `a\nb\t\u2028.wav`
	one := func(what, text string) {
		t.Helper()
		if !strings.Contains(text, want) || strings.ContainsAny(text, "\t\u2028") {
			t.Errorf("%s prints %q", what, text)
		}
	}
	var stdout, stderr bytes.Buffer
	run(t.Context(), []string{"inspect", name}, &stdout, &stderr)
	one("a missing file", stderr.String())
	o := terminal{out: &stdout, err: &stderr}
	o.printf("%s is there\n", name)
	one("a result", stdout.String())
	stdout.Reset()
	o.printf("%s is there\n", fileName(name))
	one("a result with a name", stdout.String())
	stderr.Reset()
	o.warn(name+" is odd", "give "+name+" another name")
	if got := stderr.String(); got != "ditas: warning: "+want+" is odd\nhint: give "+want+" another name\n" {
		t.Errorf("a warning is %q", got)
	}
	stderr.Reset()
	err := fmt.Errorf("closing: %w", errors.Join(&fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}, fmt.Errorf("%s: %w", name, errors.Join(errors.New("full"), io.ErrClosedPipe))))
	conclude(t.Context(), &stderr, err)
	if got := stderr.String(); got != "ditas: closing: "+want+": there is no such file; "+want+": full; io: read/write on closed pipe\n" {
		t.Errorf("errors are %q", got)
	}
}

// bytesOf returns the name that a string of JSON stands for, as Python's os.fsencode does: halves of surrogates are bytes.
func bytesOf(t *testing.T, text string) string {
	t.Helper()
	lone := regexp.MustCompile(`\\udc([89a-f][0-9a-f])`)
	var name []byte
	for len(text) > 0 {
		at := lone.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		var part string
		if err := json.Unmarshal([]byte(`"`+text[:at[0]]+`"`), &part); err != nil {
			t.Fatal(err)
		}
		name = append(name, part...)
		if at[1] > at[0] {
			b, err := strconv.ParseUint(text[at[1]-2:at[1]], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			name = append(name, byte(b))
		}
		text = text[at[1]:]
	}
	return string(name)
}

// JSON tells a name exactly, whatever bytes it is made of.
func TestNamesInJSON(t *testing.T) {
	for _, name := range []string{"a.wav", "a\nb\x1b.wav", "caf\xe9.wav", "\xff\xfe", "\xed\xb3\xbf", "ü\x80 <&> \"\ufffd", `\`, ""} {
		b, err := json.Marshal(struct {
			File fileName `json:"file"`
		}{fileName(name)})
		if err != nil || !json.Valid(b) {
			t.Fatalf("%q: %s, %v", name, b, err)
		}
		if got := bytesOf(t, string(b[len(`{"file":"`):len(b)-2])); got != name {
			t.Errorf("%q becomes %s, which is %q", name, b, got)
		}
	}
	var stdout bytes.Buffer
	run(t.Context(), []string{"inspect", "--json", "caf\xe9\n.wav"}, &stdout, io.Discard)
	if got := stdout.String(); !strings.Contains(got, `"file": "caf\udce9\n.wav"`) || !strings.Contains(got, `"error": "caf\udce9\n.wav: there is no such file"`) {
		t.Errorf("prints %s", got)
	}
}
