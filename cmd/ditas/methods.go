package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/words"
)

const methodsHelp = `List the methods of hiding a picture, the default first: what the picture survives
in each, what destroys it, and what the method costs. hide, reveal, inspect and
capacity take a method's name by --method.`

func methodsCommand() *cobra.Command {
	var t terminal
	cmd := &cobra.Command{
		Use:     "methods",
		Short:   "List the methods of hiding",
		Long:    methodsHelp,
		Example: "  ditas methods\n  ditas methods --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t.begin(cmd)
			for _, m := range ditas.Methods() {
				strength := "follows the recording"
				if m.MaxSNR > 0 {
					strength = fmt.Sprintf("--snr %g to %g (default %g)", m.MinSNR, m.MaxSNR, m.DefaultSNR)
				}
				if m.Faint {
					strength += ", or --faint"
				}
				var purposes, single []string
				for _, p := range ditas.Purposes() {
					switch {
					case p.Method != m.Name:
					case p.Codec == "":
						purposes = append(purposes, "--for "+p.Name)
					default:
						single = append(single, p.Name)
					}
				}
				passphrase := "not possible"
				switch {
				case m.SecretOnly:
					passphrase = "needed"
				case m.Secret:
					passphrase = "optional"
				}
				t.printf("%s\n  %s\n", m.Name, m.Summary)
				if len(purposes) > 0 {
					t.printf("  purpose       %s\n", strings.Join(purposes, ", "))
				}
				if len(single) > 0 {
					t.printf("  one codec     --for %s\n", words.List(single, "or"))
				}
				t.printf("  survives      %s\n", strings.Join(m.Survives, ", "))
				t.printf("  destroyed by  %s\n", strings.Join(m.Loses, ", "))
				t.printf("  costs         %s\n", m.Costs)
				t.printf("  strength      %s\n", strength)
				t.printf("  passphrase    %s\n", passphrase)
			}
			return t.result(map[string]any{"methods": ditas.Methods(), "purposes": ditas.Purposes()})
		},
	}
	t.addFlags(cmd)
	return cmd
}

// addForFlag adds --for.
func addForFlag(cmd *cobra.Command, name *string) {
	var names, all []string
	for _, p := range ditas.Purposes() {
		if all = append(all, p.Name); p.Codec == "" {
			names = append(names, p.Name)
		}
	}
	usage := "its `PURPOSE`: %s, or one that ditas methods lists"
	cmd.Flags().StringVar(name, "for", "", fmt.Sprintf(usage, strings.Join(names, ", ")))
	completeNames(cmd, "for", all...)
}

func methodNames() (names []string) {
	for _, m := range ditas.Methods() {
		names = append(names, m.Name)
	}
	return names
}

// checkMethod returns the method of a name, the default if it is empty.
func checkMethod(name string) (ditas.Method, error) {
	m, err := ditas.MethodNamed(name)
	if err != nil {
		return m, &usageError{fmt.Errorf("--%w", err)}
	}
	return m, nil
}

// strengthFlags say how strong the change may be.
type strengthFlags struct {
	cmd     *cobra.Command
	snr     float64
	audible bool
	faint   bool
}

func (s *strengthFlags) addFlags(cmd *cobra.Command) {
	s.cmd = cmd
	m := ditas.Methods()[0]
	cmd.Flags().Float64Var(&s.snr, "snr", 0, fmt.Sprintf("signal-to-noise ratio in `dB`; by the method %s %g to %g (default %g)", m.Name, m.MinSNR, m.MaxSNR, m.DefaultSNR))
	cmd.Flags().BoolVar(&s.audible, "audible", false, "let the change be that strong even where it might be heard")
	cmd.Flags().BoolVar(&s.faint, "faint", false, "change the recording so that it is hard to find, instead of --snr")
}

// get returns the strength for a method or a purpose.
func (s *strengthFlags) get(method, purpose string) (ditas.Strength, error) {
	m, err := checkMethod(method)
	if err == nil && purpose != "" {
		if m, err = ditas.MethodFor(method, purpose); err != nil {
			err = &usageError{err}
		}
	}
	if err != nil {
		return ditas.Strength{}, err
	}
	given := s.cmd.Flags().Changed("snr")
	switch {
	case m.MaxSNR == 0 && (given || s.audible || s.faint):
		return ditas.Strength{}, withHint(usagef("%s takes no --snr, --audible or --faint: how strong the change is follows from the recording", m.Name),
			"leave them out, or choose another method or purpose; ditas methods lists them")
	case given && s.faint:
		return ditas.Strength{}, withHint(usagef("both --snr and --faint are given"), "leave one of the two out")
	case s.audible && s.faint:
		return ditas.Strength{}, withHint(usagef("both --audible and --faint are given"), "leave one of the two out")
	case s.faint && !m.Faint:
		return ditas.Strength{}, usagef("%s has no --faint: give --snr", m.Name)
	case s.faint:
		return ditas.Faint(), nil
	case given && !(s.snr >= m.MinSNR && s.snr <= m.MaxSNR):
		return ditas.Strength{}, usagef("--snr %g: want %g to %g dB", s.snr, m.MinSNR, m.MaxSNR)
	case given && s.audible:
		return ditas.Audible(s.snr), nil
	case given:
		return ditas.SNR(s.snr), nil
	case s.audible:
		return ditas.Audible(0), nil
	}
	return ditas.Strength{}, nil
}
