package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
)

// ditas serve tells its address, serves the page there, and ends in good order although a page is open, with nothing left on disk.
func TestServe(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	for _, c := range []struct {
		args    []string
		warning string
	}{
		{[]string{"--addr", "127.0.0.1:0"}, ""},
		{[]string{"--addr", "localhost:0"}, ""},
		{[]string{"--addr", "0.0.0.0:0", "--expose"}, "can use this page, and what goes over the network is not encrypted"},
	} {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		out, in := io.Pipe()
		var stderr bytes.Buffer
		code := make(chan int, 1)
		go func() {
			code <- run(ctx, append([]string{"serve", "--json"}, c.args...), in, &stderr)
			in.Close()
		}()
		var v serving
		if err := json.NewDecoder(out).Decode(&v); err != nil {
			t.Fatalf("%v: %v %s", c.args, err, stderr.String())
		}
		address := v.Address
		if !strings.HasPrefix(address, "http://127.0.0.1:") && !strings.HasPrefix(address, "http://[::1]:") {
			t.Errorf("%v: the address is %s", c.args, address)
		}
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || !bytes.Contains(page, []byte("<title>Ditas")) {
			t.Errorf("%v: %s %.100s (%v)", c.args, response.Status, page, err)
		}
		for _, example := range []string{"photo.png", "speech.wav"} {
			if response, err := http.Get(address + "examples/" + example); err != nil || response.StatusCode != 200 {
				t.Errorf("%s: %v (%v)", example, response, err)
			} else {
				response.Body.Close()
			}
		}
		session, err := http.Post(address+"api/sessions", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(session.Body).ReadString('\n'); err != nil || !strings.Contains(line, "session") {
			t.Errorf("%v: the session is %q (%v)", c.args, line, err)
		}
		stop()
		if got := <-code; got != 0 {
			t.Errorf("%v: exit code %d: %s", c.args, got, stderr.String())
		}
		session.Body.Close()
		if got := stderr.String(); !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
			t.Errorf("%v: standard error is %q", c.args, got)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

// A port that is taken is said once.
func TestServeOnAPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var stderr bytes.Buffer
	code := run(context.Background(), []string{"serve", "--addr", l.Addr().String()}, io.Discard, &stderr)
	if got := stderr.String(); code != exitFailed || strings.Count(got, l.Addr().String()) != 1 || !strings.Contains(got, "in use") && runtime.GOOS != "windows" {
		t.Errorf("exit code %d, %s", code, got)
	}
}
