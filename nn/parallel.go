package nn

import (
	"sync"
	"sync/atomic"
)

// Parallel calls f(worker, i) for every i in [0, n), on up to workers goroutines that each take the next i. Results do not
// depend on workers if f(·, i) writes only what belongs to i.
func Parallel(workers, n int, f func(worker, i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(w, i)
			}
		})
	}
	wg.Wait()
}
