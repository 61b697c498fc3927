// Package cputime measures what is done by what the process has used for it, whatever else the machine was doing.
package cputime

import "runtime"

// Cost is what something took: processor time, and all memory that it allocated.
type Cost struct{ Seconds, Megabytes float64 }

// Of returns what do takes, with all other work that this process does meanwhile.
func Of(do func()) Cost {
	var before, after runtime.MemStats
	runtime.GC() // what is left of earlier work counts as that
	runtime.ReadMemStats(&before)
	begin := Now()
	do()
	end := Now()
	runtime.ReadMemStats(&after)
	return Cost{(end - begin).Seconds(), float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)}
}

// Exceeds reports whether a cost is more than what strangers may make others pay (SECURITY.md): four times the time of an honest one, or twice the memory and 100 MB.
func (c Cost) Exceeds(honest Cost) bool {
	return c.Seconds > 4*honest.Seconds || c.Megabytes > 2*honest.Megabytes+100
}

// Max returns the greater of each.
func (c Cost) Max(d Cost) Cost { return Cost{max(c.Seconds, d.Seconds), max(c.Megabytes, d.Megabytes)} }
