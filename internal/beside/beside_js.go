// Package beside reads files that lie beside the page, where ditas runs in a browser: what is too large to be loaded before it is needed, and part
// of the program elsewhere.
package beside

import (
	"errors"
	"fmt"
	"syscall/js"
)

// Read returns the file of a name relative to the program's own address.
func Read(name string) ([]byte, error) {
	response, err := Await(js.Global().Call("fetch", name))
	if err != nil {
		return nil, fmt.Errorf("%s could not be loaded: %w; go online and try again", name, err)
	}
	if !response.Get("ok").Bool() {
		return nil, fmt.Errorf("%s could not be loaded (status %d): go online and try again", name, response.Get("status").Int())
	}
	buffer, err := Await(response.Call("arrayBuffer"))
	if err != nil {
		return nil, fmt.Errorf("%s could not be loaded: %w; go online and try again", name, err)
	}
	array := js.Global().Get("Uint8Array").New(buffer)
	data := make([]byte, array.Length())
	js.CopyBytesToGo(data, array)
	return data, nil
}

// Await waits for a promise, and returns what it is kept by, or as an error what it is broken by.
func Await(promise js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	settled := make(chan outcome, 1)
	kept := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{value: args[0]}
		return nil
	})
	defer kept.Release()
	broken := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{err: errors.New(args[0].Call("toString").String())}
		return nil
	})
	defer broken.Release()
	promise.Call("then", kept, broken)
	o := <-settled
	return o.value, o.err
}
