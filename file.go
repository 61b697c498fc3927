package ditas

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"ditas/internal/carrier"
	"ditas/internal/carrier/lattice"
)

// File is a file with its name: that of a picture, or any.
type File struct {
	Name string // as its owner calls it; what is hidden of it is the last element, without folders, and at most 255 bytes
	Data []byte
}

// MaxFile is the size in bytes of the largest file for which any recording has room.
const MaxFile = lattice.MaxPayload

// mostName is how long a name may be, in bytes: that is as much as file systems take.
const mostName = 255

// hidden returns the file as it is hidden.
func (f *File) hidden() *carrier.File {
	if f == nil {
		return nil
	}
	return &carrier.File{Name: shorten(lastElement(f.Name), mostName), Data: f.Data}
}

// SafeName returns a name under which the file can be written in a folder on every system, and under which it harms nobody: the last element of its
// name, without control and reserved characters, and not one that hides it or means a device. It has at most 200 bytes, and is never empty.
// Whether there is such a file is for the caller to see.
func (f *File) SafeName() string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.C, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return -1 // controls, and what changes the direction of what is read
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, lastElement(f.Name))
	trailing := func(r rune) bool { return r == '.' || unicode.IsSpace(r) }
	name = strings.TrimRightFunc(name, trailing)
	name = strings.TrimLeftFunc(name, func(r rune) bool { return r == '-' || trailing(r) }) // leading dashes would be flags
	stem, _, _ := strings.Cut(name, ".")
	if name == "" || isDevice(stem) {
		name = strings.TrimRightFunc("hidden "+name, trailing)
	}
	return strings.TrimRightFunc(shorten(name, 200), trailing)
}

// lastElement returns what stands behind the last slash of either kind.
func lastElement(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" {
		return ""
	}
	return name
}

// shorten shortens a name to so many bytes, before its extension if that is a short one.
func shorten(name string, most int) string {
	if len(name) <= most {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > 16 {
		extension = ""
	}
	stem := name[:most-len(extension)]
	for len(stem) > 0 && !utf8.RuneStart(name[len(stem)]) {
		stem = stem[:len(stem)-1]
	}
	return stem + extension
}

// isDevice reports whether Windows takes a name for that of a device.
func isDevice(stem string) bool {
	stem = strings.ToUpper(strings.TrimSpace(stem))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if rest, ok := strings.CutPrefix(stem, port); ok && utf8.RuneCountInString(rest) == 1 && strings.ContainsAny(rest, "0123456789¹²³") {
			return true
		}
	}
	return false
}
