package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"ditas/internal/web"
)

const serveHelp = `Serve a page for a browser on this machine. The page hides pictures in recordings and
reveals them, plays what changed, and shows what survives damage.

Everything happens on this machine: the page loads nothing from elsewhere, and forgets
your files when you close it. It is served on the loopback interface only. Any other
--addr needs --expose, and then everyone who can reach the address can use the page,
unencrypted.

Meanwhile, files are kept in the system's folder for temporary files; TMPDIR names
another. Ctrl-C ends the server.`

const serveExample = `  ditas serve --open
  ditas serve --addr 127.0.0.1:9000
  ditas serve --addr 0.0.0.0:8080 --expose`

type serveFlags struct {
	terminal
	addr         string
	open, expose bool
	upload       int64
	workers      int
}

func serveCommand() *cobra.Command {
	var o serveFlags
	cmd := &cobra.Command{
		Use:     "serve",
		Short:   "Hide and reveal in a browser",
		Long:    serveHelp,
		Example: serveExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&o.addr, "addr", "a", "127.0.0.1:8475", "the `ADDRESS` to listen on; port 0 means any free port")
	f.BoolVar(&o.open, "open", false, "open the page in the browser")
	f.BoolVar(&o.expose, "expose", false, "allow an address that other machines can reach")
	f.Int64Var(&o.upload, "max-recording", 2048, "the largest recording to accept, in `MB`")
	f.IntVar(&o.workers, "workers", 0, "number `N` of threads; 0 means one per processor")
	o.addFlags(cmd)
	return cmd
}

// serving is the result of ditas serve.
type serving struct {
	Address string `json:"address"`
}

// mostUpload bounds uploads, in MB: an exabyte is more than there is.
const mostUpload int64 = 1 << 40

func (o *serveFlags) run(ctx context.Context) error {
	if err := checkWorkers(o.workers); err != nil {
		return err
	}
	if o.upload < 1 || o.upload > mostUpload {
		return usagef("--max-recording %d: want 1 to %d", o.upload, mostUpload)
	}
	loopback, err := isLoopback(o.addr)
	switch {
	case err != nil:
		return usagef("--addr %s: %v", o.addr, err)
	case !loopback && !o.expose:
		return withHint(usagef("--addr %s is not on the loopback: other machines would reach it", o.addr), "add --expose if that is what you want")
	}
	handler, err := web.New(web.Options{
		Anywhere: !loopback, MaxRecording: o.upload << 20, Workers: o.workers,
		Photo: web.Photo(demoPhoto), Recording: web.Speech(demoSpeech),
	})
	if err != nil {
		return err
	}
	defer handler.Close()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return withHint(fmt.Errorf("cannot listen on %s: %w", o.addr, withoutAddress(err)), "choose another --addr; port 0 means any free port")
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	if !o.expose && !at.Addr().Unmap().IsLoopback() {
		l.Close()
		return fmt.Errorf("cannot listen on %s: that name stands for %s, which other machines would reach", o.addr, at.Addr())
	}
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), at.Port())
	}
	address := "http://" + at.String() + "/"
	if o.expose && !loopback {
		fmt.Fprintf(o.err, "ditas: warning: everyone who reaches %s can use this page, and what goes over the network is not encrypted\n", l.Addr())
	}
	o.printf("Ditas is at %s until Ctrl-C.\n", address)
	if err := o.result(serving{address}); err != nil {
		return err
	}
	if o.open {
		if err := browse(address); err != nil {
			fmt.Fprintf(o.err, "ditas: warning: cannot open a browser: %v\nhint: open %s yourself\n", err, address)
		}
	}
	return handler.Serve(ctx, l)
}

// withoutAddress returns what went wrong in listening, without the address and the names of system calls.
func withoutAddress(err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if call := new(os.SyscallError); errors.As(err, &call) {
		err = call.Err
	}
	return err
}

// isLoopback reports whether an address is one that other machines cannot reach.
func isLoopback(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, errors.New("want HOST:PORT, as in 127.0.0.1:8475")
	}
	if host == "localhost" {
		return true, nil
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback(), nil
}

// browse opens an address in the browser that this machine's user has chosen.
func browse(address string) error {
	name, args := "xdg-open", []string{address}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}
