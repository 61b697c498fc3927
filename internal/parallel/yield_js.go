package parallel

import (
	"sync"
	"sync/atomic"
	"syscall/js"
	"time"
)

// turn is how long work goes on before the browser has its turn.
const turn = 30 * time.Millisecond

// yielded is when, in nanoseconds, it last had one. There is one thread, and so one clock for all that is done on it.
var yielded atomic.Int64

// Yield lets the browser do what else there is to do, such as to take the message that cancels what is being done, unless it has just had its turn:
// all of this runs on one thread of it, which takes messages only when nothing here can go on.
func Yield() {
	if time.Now().UnixNano()-yielded.Load() < int64(turn) {
		return
	}
	done := make(chan struct{})
	passes().pass(done)
	<-done
	yielded.Store(time.Now().UnixNano())
}

// passing is a port that sends messages to itself, each of which comes after those that wait already. Timers would come too late: browsers have them
// wait some milliseconds.
type passing struct {
	port    js.Value
	waiting []chan struct{}
}

var passes = sync.OnceValue(func() *passing {
	p := &passing{}
	channel := js.Global().Get("MessageChannel").New()
	channel.Get("port1").Set("onmessage", js.FuncOf(func(js.Value, []js.Value) any {
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
		return nil
	}))
	p.port = channel.Get("port2")
	return p
})

// pass has a channel closed when the browser has had its turn.
func (p *passing) pass(done chan struct{}) {
	p.waiting = append(p.waiting, done)
	p.port.Call("postMessage", js.Null())
}
