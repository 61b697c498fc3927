package intake

import "errors"

// ErrKeyIsPicture says that the key file is the picture that is to be hidden, which whoever is to reveal it does not have. [Advice] says what to take.
var ErrKeyIsPicture = errors.New("the key file is the picture itself, without which nobody could reveal it")

// KeyIsCover warns of a key file that is the recording to hide in: whoever has both that and what comes of it sees what was done.
const KeyIsCover = "the key file is the recording itself, and whoever has that sees by comparing them that something is hidden"

// What to take in place of such key files.
const (
	KeyAdvice        = "take a file that both sides have"
	KeyIsCoverAdvice = KeyAdvice + ", and that has nothing to do with the recording"
)
