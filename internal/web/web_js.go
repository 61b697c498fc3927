package web

import "context"

// pageRoutes does nothing: where this runs in a browser, the page is there already.
func (h *Handler) pageRoutes() error { return nil }

// dropping and keepConnection have nothing to do where there are no connections.
func dropping(context.Context) func()       { return func() {} }
func keepConnection(context.Context) func() { return func() {} }
