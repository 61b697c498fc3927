package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLicences checks that releases and images hold the licences of what is linked in, by the one script that prints them.
func TestLicences(t *testing.T) {
	for _, name := range []string{"Dockerfile", "release/build"} {
		b, err := os.ReadFile(filepath.Join("..", name))
		if err != nil || !strings.Contains(string(b), "release/licences > ") {
			t.Errorf("%s does not hold the licences, %v", name, err)
		}
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	printed, err := exec.CommandContext(t.Context(), shell, filepath.Join("..", "release", "licences")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"==== Go\n", "The Go Authors", "FreeType Project", "EFF", "GNU LESSER GENERAL PUBLIC LICENSE", "libde265", "libaom",
		"==== github.com/pion/opus ", "==== github.com/tetratelabs/wazero ", "==== golang.org/x/crypto ",
	} {
		if !strings.Contains(string(printed), want) {
			t.Errorf("the licences do not have %q", want)
		}
	}
}
