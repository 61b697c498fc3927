package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ditas/internal/passphrase"
)

const diceHelp = `Throw dice for a passphrase: words that are easy to remember and hard to guess.

Each word is drawn from 7,776, as by five throws of a die, by the system's source of
random numbers: six of them have 78 bits. To guess a passphrase of 50 bits takes a
thousand graphics cards some 35 years; every word more makes that 7,776 times as
long.

With --out it goes into a file that only you can read, for --passphrase-file. An
existing file is replaced only with --force.

The words are the long list of the Electronic Frontier Foundation, "EFF's New Wordlists
for Random Passphrases" by Joseph Bonneau, CC BY 3.0 US.`

const diceExample = `  ditas passphrase
  ditas passphrase --words 8 --out secret.txt`

type diceFlags struct {
	terminal
	words int
	out   string
	forceFlag
}

func passphraseCommand() *cobra.Command {
	var o diceFlags
	cmd := &cobra.Command{
		Use:     "passphrase",
		Short:   "Throw dice for a passphrase",
		Long:    diceHelp,
		Example: diceExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.begin(cmd)
			return o.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&o.words, "words", passphrase.Words, fmt.Sprintf("number `N` of words, from %d to %d", passphrase.LeastWords, passphrase.MostWords))
	f.StringVarP(&o.out, "out", "o", "", "write it to a `FILE` that only you can read, instead of showing it")
	o.addForce(cmd)
	o.addFlags(cmd)
	return cmd
}

// thrown is the result of ditas passphrase.
type thrown struct {
	Passphrase string   `json:"passphrase,omitempty"` // if it is shown
	Out        fileName `json:"out,omitempty"`
	Words      int      `json:"words"`
	Bits       float64  `json:"bits"`
}

func (o *diceFlags) run(ctx context.Context) error {
	if o.words < passphrase.LeastWords || o.words > passphrase.MostWords {
		return usagef("--words %d: want %d to %d", o.words, passphrase.LeastWords, passphrase.MostWords)
	}
	if o.out != "" {
		if err := o.checkOutput(o.out); err != nil {
			return err
		}
	}
	text, bits, err := passphrase.Throw(rand.Reader, o.words)
	if err != nil {
		return err
	}
	res := thrown{Passphrase: text, Words: o.words, Bits: bits}
	if o.out != "" {
		if err := o.writeSecret(ctx, o.out, func(w io.Writer) error { _, err := fmt.Fprintln(w, text); return err }); err != nil {
			return err
		}
		res.Passphrase, res.Out = "", fileName(o.out)
		o.printf("a passphrase of %d words, %.0f bits, is in %s\n", o.words, bits, written(o.out))
		return o.result(res)
	}
	if !o.json {
		// The passphrase alone is the result, so that it can be written to a file or handed on.
		fmt.Fprintln(o.terminal.out, text)
		if !o.quiet {
			fmt.Fprintf(o.err, "%d words drawn from 7,776: %.0f bits\n", o.words, bits)
		}
	}
	return o.result(res)
}
