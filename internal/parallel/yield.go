//go:build !js

package parallel

// Yield lets a browser do what else there is to do, where all of this runs on one thread of it. Elsewhere it does nothing.
func Yield() {}
