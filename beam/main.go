// Command ditas-beam does what a manifest of ditas says by Apache Beam: on this machine, or wherever Beam runs. The work itself is that of the program
// ditas, which is started for some lines of the manifest at a time, so that each file has limits of time and memory, and a crash costs no more than that file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"ditas/internal/job"
)

const help = `usage: ditas-beam hide|reveal|inspect --manifest FILE --out FOLDER [FLAG]... [-- FLAG OF DITAS...]

Does what a manifest of ditas says, by Apache Beam. Results go to the folder, where it
goes on when it is started again. Flags behind -- go to ditas, such as --fit.

`

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stderr))
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	work, known := map[string]job.Work{"hide": job.Hide, "reveal": job.Reveal, "inspect": job.Inspect}[first(args)]
	if known {
		args = args[1:]
	}
	o := options{do: do{Work: work}}
	o.addFlags(flag.CommandLine)
	flag.Usage = func() {
		fmt.Fprint(stderr, help)
		flag.PrintDefaults()
	}
	flag.CommandLine.Parse(args) // which ends the program where they make no sense
	beam.Init()                  // which does not return in a process that a runner has started to work
	o.do.Flags = flag.Args()
	if !known || o.manifest == "" || o.do.Out == "" {
		fmt.Fprintln(stderr, "ditas-beam: want hide, reveal or inspect, --manifest and --out: -h explains")
		return job.Usage
	}
	if !o.verbose {
		quiet()
	}
	sum, err := o.run(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "ditas-beam:", err)
		return job.Failed
	}
	fmt.Fprintln(stderr, sum)
	switch {
	case sum[failed] > 0:
		return job.Failed
	case sum[nothing] > 0:
		return job.Nothing
	case sum[partly] > 0:
		return job.Partly
	}
	return 0
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// quiet leaves out what Beam and Prism say of themselves. What goes wrong comes back as an error, too.
func quiet() {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log.SetLogger(&log.Standard{Level: log.SevFatal})
}

// options are what a command line says.
type options struct {
	manifest string
	verbose  bool
	do       do
}

func (o *options) addFlags(f *flag.FlagSet) {
	f.StringVar(&o.manifest, "manifest", "", "do what a `file` says, a JSON object a line")
	f.StringVar(&o.do.Out, "out", "", "a `folder` for results and dead letters")
	f.StringVar(&o.do.Ditas, "ditas", "ditas", "the `program` ditas, where the work is done")
	f.IntVar(&o.do.Processes, "processes", runtime.NumCPU(), "how many processes a worker runs side by side, of one thread each")
	f.IntVar(&o.do.Chunk, "chunk", 32, "how many lines a process is given at most")
	f.IntVar(&o.do.Attempts, "attempts", 3, "how often a file is tried, if what went wrong may pass")
	f.DurationVar(&o.do.Time, "time", 10*time.Minute, "the most time that a file may take")
	f.IntVar(&o.do.Memory, "memory", 2048, "the most memory that a file may take, in `MiB`; on Linux alone")
	f.BoolVar(&o.verbose, "verbose", false, "say what Beam does")
}

// run does what the manifest says.
func (o *options) run(ctx context.Context) (summary, error) {
	if o.do.Processes < 1 || o.do.Chunk < 1 || o.do.Attempts < 1 || o.do.Time <= 0 || o.do.Memory < 1 {
		return nil, errors.New("--processes, --chunk, --attempts, --time and --memory have to be more than 0")
	}
	if _, err := exec.LookPath(o.do.Ditas); err != nil {
		return nil, fmt.Errorf("%w: name the program with --ditas", err)
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("the manifest %s: %w; nothing was done yet", o.manifest, err)
	}
	if err := os.MkdirAll(o.do.Out, 0o777); err != nil {
		return nil, err
	}
	p, s := beam.NewPipelineWithRoot()
	lines := beam.Reshuffle(s.Scope("Divide"), textio.Read(s.Scope("Read"), o.manifest))
	beam.ParDo0(s.Scope("Do"), &o.do, lines)
	result, err := beamx.RunWithMetrics(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("the pipeline ended early, and goes on when it is started again: %w", err)
	}
	return summarize(result.Metrics()), nil
}

// check checks the whole manifest, before anything is done.
func (o *options) check() error {
	f, err := os.Open(o.manifest)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := job.Check(f, o.do.Work, o.manifest)
	if err == nil && n == 0 {
		err = errors.New("it is empty")
	}
	return err
}

// summary is how many files there are of each outcome.
type summary map[string]int64

// summarize sums up what Beam has counted.
func summarize(m metrics.Results) summary {
	sum := summary{}
	for _, c := range m.AllMetrics().Counters() {
		if c.Namespace() == namespace {
			sum[c.Name()] += c.Result()
		}
	}
	return sum
}

func (s summary) String() string {
	var each []string
	for _, name := range outcomes {
		if n := s[name]; n > 0 {
			each = append(each, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(each, ", ")
}
