package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"ditas"
	"ditas/audio"
	"ditas/audio/codec"
	"ditas/internal/intake"
	"ditas/internal/keystream"
	"ditas/internal/words"
	"ditas/picture"
	"ditas/report"
)

// Errors of the page's own.
var (
	errNoSession  = errors.New("the page has lost its place: reload it")
	errBusy       = errors.New("too many pages are open at once")
	errCrowded    = errors.New("the page asks for too much at once")
	errFull       = errors.New("the page holds too many recordings that are too large")
	errPictures   = errors.New("the pages that are open hold too many large pictures")
	errStalled    = errors.New("the file stopped arriving")
	errNoSound    = errors.New("there is no such recording yet")
	errNoPicture  = errors.New("there is no picture yet")
	errEmpty      = errors.New("the file is empty")
	errOpen       = errors.New("this way of hiding takes a passphrase, and none is given")
	errSaltAlone  = errors.New("a name or a file protects nothing without a passphrase")
	errRequest    = errors.New("the request makes no sense")
	errNoRoom     = errors.New("the recording leaves no room at this strength")
	errInexact    = errors.New("this way of hiding never gives a picture back exactly")
	errNeverExact = fmt.Errorf("the picture does not come back exactly even at %d %% of its size", leastPercent)
	errChannels   = fmt.Errorf("the recording has more than %d channels", maxChannels)
	errGrown      = errors.New("the recording is too long: as a file that ditas writes it would be too large")
)

// problem is an error in plain words.
type problem struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`

	status int
}

// explain says what went wrong and what to do about it.
func explain(err error) problem {
	var (
		short   *report.TooShortError
		quiet   *report.TooQuietError
		exposed *report.ExposedError
		cut     *audio.TruncatedError
		refusal *codec.Refusal
		limit   *http.MaxBytesError
		message = func(status int, text, hint string) problem { return problem{text, hint, status} }
		is      = func(target error) bool { return errors.Is(err, target) }
	)
	switch {
	case is(context.Canceled):
		return message(499, "Cancelled.", "")
	case is(errNoSession):
		return message(http.StatusNotFound, "This page has lost its connection to ditas.", "Reload the page. If that does not help, start ditas serve again.")
	case is(errBusy):
		return message(http.StatusServiceUnavailable, "Too many pages are open at once.", "Close some of them and reload this one.")
	case is(errCrowded):
		return message(http.StatusTooManyRequests, sentence(err), "Wait until something of it is done.")
	case is(errFull):
		return message(http.StatusRequestEntityTooLarge, sentence(err), "Reload the page to let go of them, or use ditas on the command line.")
	case is(errPictures):
		return message(http.StatusServiceUnavailable, sentence(err), "Close other pages, or scale the picture down first.")
	case is(errStalled):
		return message(http.StatusRequestTimeout, sentence(err), "Try again.")
	case is(errNoSound), is(errNoPicture):
		return message(http.StatusNotFound, sentence(err), "")
	case is(errRequest):
		return message(http.StatusBadRequest, sentence(err), "")
	case is(intake.ErrKeyIsPicture):
		return message(http.StatusUnprocessableEntity, sentence(err), words.Sentence(intake.Advice(err)))
	case is(errEmpty):
		return message(http.StatusUnprocessableEntity, "The file is empty.", "Choose another one.")
	case errors.As(err, &refusal):
		return message(http.StatusUnprocessableEntity, words.Sentence("this "+refusal.Says), words.Sentence(refusal.Advice))
	case is(errNoRoom):
		return message(http.StatusUnprocessableEntity, "The recording leaves no room at this strength.", "Choose a greater strength, or a longer recording.")
	case is(errInexact):
		return message(http.StatusUnprocessableEntity, sentence(err), "Choose another way of hiding.")
	case is(errNeverExact):
		return message(http.StatusUnprocessableEntity, sentence(err), "Choose a greater strength, a longer recording, or a smaller picture.")
	case is(errChannels):
		return message(http.StatusUnprocessableEntity, sentence(err), "Save fewer of them with an audio editor.")
	case is(errGrown):
		return message(http.StatusRequestEntityTooLarge, sentence(err), "Choose a shorter one, or use ditas on the command line.")
	case errors.As(err, &limit):
		return message(http.StatusRequestEntityTooLarge, fmt.Sprintf("The file is larger than %d MB.", limit.Limit>>20), "Choose a smaller one, or use ditas on the command line.")
	case errors.As(err, &quiet) && quiet.Bits > 0 && quiet.Heard:
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a recording of 16 bits, or make this one louder first.")
	case errors.As(err, &quiet) && quiet.Bits > 0:
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a recording of 16 bits, or choose a greater strength.")
	case errors.As(err, &quiet) && quiet.Heard:
		return message(http.StatusUnprocessableEntity, "The recording is too quiet: whatever its file can hold would be heard.",
			"Make the recording louder first, or take one of 24 bits.")
	case errors.As(err, &quiet):
		return message(http.StatusUnprocessableEntity, "The recording is too quiet for so small a change.",
			"Choose a greater strength, or make the recording louder first.")
	case errors.As(err, &exposed) && exposed.Bits < 16:
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a recording of 16 bits or more.")
	case errors.As(err, &exposed):
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a recording that goes on throughout.")
	case errors.As(err, &short):
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a longer recording.")
	case errors.As(err, &cut), is(audio.ErrUnsupported), is(audio.ErrMalformed), is(audio.ErrDamaged):
		return message(http.StatusUnprocessableEntity, sentence(err), words.Sentence(intake.Advice(err)))
	case is(ditas.ErrUnfound):
		return message(http.StatusUnprocessableEntity, sentence(err), "Take a longer recording, one of 16 bits or more, or a stronger change.")
	case is(ditas.ErrSilent):
		return message(http.StatusUnprocessableEntity, "The recording is silent, or clipped nearly everywhere: there is nothing to hide in.", "Choose one with some sound in it, made at a lower level.")
	case is(ditas.ErrNothingFound):
		return message(http.StatusUnprocessableEntity, "Nothing was found in this recording.",
			"Either nothing is hidden in it, or it takes another passphrase, or too much of it has changed since. MP3 and the like destroy what is hidden.")
	case is(ditas.ErrPartly):
		return message(http.StatusUnprocessableEntity, "A file is hidden in this recording, and parts of it are missing.", "It comes back whole or not at all. Get a copy of the recording that is not damaged.")
	case is(ditas.ErrOtherVersion):
		return message(http.StatusUnprocessableEntity, "Another version of ditas hid a picture in this recording.", "Reveal it with that version.")
	case is(picture.ErrFormat):
		return message(http.StatusUnprocessableEntity, sentence(err), words.Sentence(picture.Wanted()))
	case is(picture.ErrTooLarge):
		return message(http.StatusUnprocessableEntity, sentence(err), words.Sentence(intake.Advice(err)))
	case is(picture.ErrTruncated):
		return message(http.StatusUnprocessableEntity, "The picture file ends too early.", "Get a whole copy of it.")
	case is(keystream.ErrEmpty):
		return message(http.StatusUnprocessableEntity, sentence(err), "Choose another passphrase.")
	case is(errOpen):
		return message(http.StatusUnprocessableEntity, sentence(err), "Choose one, or another way of hiding.")
	case is(errSaltAlone):
		return message(http.StatusUnprocessableEntity, sentence(err), "Choose a passphrase, or leave both out.")
	case is(keystream.ErrEmptySalt):
		return message(http.StatusUnprocessableEntity, "The name or the file that you both have is empty.", "Leave it out, or choose another one.")
	case is(syscall.ENOSPC):
		return message(http.StatusInsufficientStorage, "The disk has no room left for temporary files.", "Make room on it, or set the environment variable TMPDIR to a folder elsewhere.")
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the name of a temporary file tells nobody anything
	}
	return message(http.StatusUnprocessableEntity, sentence(err), "")
}

// sentence returns an error as a sentence.
func sentence(err error) string { return words.Sentence(err.Error()) }

// fail sends an error.
func fail(w http.ResponseWriter, err error) {
	p := explain(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	reply(w, map[string]problem{"error": p})
}
