package main

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// once is the value of a flag that is given once at most.
type once struct {
	pflag.Value
	given  bool
	before string // what was given
}

// againError says that a flag was given before.
type againError struct{ before, value string }

func (e *againError) Error() string { return "it is given twice" }

func (o *once) Set(value string) error {
	if o.given {
		return &againError{o.before, value}
	}
	o.given, o.before = true, value
	return o.Value.Set(value)
}

// giveOnce has a command take each flag with a value once, but for those that collect several.
func giveOnce(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		_, several := f.Value.(pflag.SliceValue)
		if !several && f.NoOptDefVal == "" { // as those have that may stand without a value
			f.Value = &once{Value: f.Value}
		}
	})
}

// explain returns an error about the flag. A value that is written without a blank behind the flag's letter may have been meant as the name of a file.
func (e *againError) explain(flag *pflag.Flag, args []string) error {
	err := usagef("--%s is given twice: %s and %s", flag.Name, e.before, e.value)
	for _, value := range []string{e.before, e.value} {
		if name := "-" + flag.Shorthand + value; flag.Shorthand != "" && slices.Contains(args, name) {
			return withHint(err, "if %s is the name of a file, say ./%s, or put all names behind --", name, name)
		}
	}
	return withHint(err, "give it once")
}
