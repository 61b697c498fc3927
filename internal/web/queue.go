package web

import (
	"context"
	"slices"
	"sync"
)

// queue hands out places to work at. A place that becomes free goes to the page that has the fewest of them, and among those to the
// first in line. A page goes to the end of the line when it comes, when it is given a place and when it gives one back, so that no page
// waits for more than one job of each other page at each place.
type queue struct {
	mu    sync.Mutex
	free  int
	end   int // of the line: counts up
	pages map[*session]*inLine
}

// inLine is a page that has places or waits for some.
type inLine struct {
	has     int
	at      int             // in the line; no two pages stand at one
	waiting []chan struct{} // the first is admitted first, by being closed
}

func newQueue(places int) *queue { return &queue{free: places, pages: map[*session]*inLine{}} }

// enter waits for a place, which leave gives back.
func (q *queue) enter(ctx context.Context, page *session) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	p := q.pages[page]
	if p == nil {
		p = &inLine{}
		q.pages[page] = p
		q.toEnd(p)
	}
	admitted := make(chan struct{})
	p.waiting = append(p.waiting, admitted)
	q.admit()
	q.mu.Unlock()
	leave = sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		p.has--
		q.free++
		q.toEnd(p)
		q.admit()
		q.forget(page)
	})
	select {
	case <-admitted:
		return leave, nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(p.waiting, admitted)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		q.forget(page)
	}
	q.mu.Unlock()
	if i < 0 { // it was admitted at the same time
		leave()
	}
	return nil, ctx.Err()
}

// admit gives the places that are free.
func (q *queue) admit() {
	for q.free > 0 {
		var next *inLine
		for _, p := range q.pages {
			if len(p.waiting) > 0 && (next == nil || p.has < next.has || p.has == next.has && p.at < next.at) {
				next = p
			}
		}
		if next == nil {
			return
		}
		q.free--
		next.has++
		q.toEnd(next)
		close(next.waiting[0])
		next.waiting = next.waiting[1:]
	}
}

func (q *queue) toEnd(p *inLine) {
	q.end++
	p.at = q.end
}

// forget forgets a page that has nothing and waits for nothing; when it comes again, it is as one that has never come.
func (q *queue) forget(page *session) {
	if p := q.pages[page]; p != nil && p.has == 0 && len(p.waiting) == 0 {
		delete(q.pages, page)
	}
}
