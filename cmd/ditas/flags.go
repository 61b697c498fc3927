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

// checkFlags returns an error if a flag is given and empty, as a variable of the shell is that was never set: without what it should have said, ditas
// would do something else. It also returns one if a flag and its value, in args as one word, are the name of a file that there is.
func checkFlags(flags *pflag.FlagSet, args []string) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		for _, value := range values(f) {
			switch file := "-" + f.Shorthand + value; {
			case err != nil:
			case value == "":
				err = withHint(usagef("--%s is empty", f.Name), "leave it out to use none; if it is a variable of the shell, set that first")
			case f.Shorthand != "" && slices.Contains(args, file) && there(file):
				err = withHint(usagef("%s is --%s %s, and the name of a file, too", file, f.Name, value), "say ./%s for the file, or --%s=%s for the flag", file, f.Name, value)
			}
		}
	})
	return err
}

// values returns what a flag is given.
func values(f *pflag.Flag) []string {
	if several, ok := f.Value.(pflag.SliceValue); ok {
		return several.GetSlice()
	}
	return []string{f.Value.String()}
}

// misread returns the first word of a command line that is read as flags and is the name of a file that there is, empty if none is.
func misread(args []string) string {
	for _, arg := range args {
		switch {
		case arg == "--":
			return ""
		case len(arg) > 1 && arg[0] == '-' && there(arg):
			return arg
		}
	}
	return ""
}
