package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"ditas"
	"ditas/internal/model"
)

// networkFlags say by which of the paper's networks to hide or to reveal.
type networkFlags struct {
	method  *string
	weights string
}

// addFlags adds --method and --weights, of which the usage tells of the method.
func (n *networkFlags) addFlags(cmd *cobra.Command, method *string, usage string) {
	n.method = method
	cmd.Flags().StringVar(method, "method", "", usage+"; ditas methods lists them")
	cmd.Flags().StringVar(&n.weights, "weights", "", "the weights of the paper's networks, a `FILE`, or a folder with it")
	completeNames(cmd, "method", append(methodNames(), systems()...)...)
	completeFiles(cmd, "weights", ".safetensors")
}

// systems are the paper's systems whose weights are not shipped, and which are methods only where they are given.
func systems() []string {
	return slices.DeleteFunc(model.Names(), func(name string) bool { return name == ditas.Networks })
}

// load reads the weights, nil if there are none, and has the method be the one that takes them.
func (n *networkFlags) load(ctx context.Context) (*ditas.Weights, error) {
	name := *n.method
	other := slices.Contains(systems(), name)
	switch {
	case n.weights == "" && other:
		return nil, withHint(usagef("--method %s: its weights are not shipped", name), "give their file by --weights, like weights/photos/%s of the repository", name)
	case n.weights == "":
		return nil, nil
	case name != "" && name != ditas.Networks && !other:
		return nil, usagef("%s takes no --weights", name)
	}
	path := n.weights
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		for _, inside := range []string{filepath.Join(name, "weights.safetensors"), "weights.safetensors"} {
			if _, err := os.Stat(filepath.Join(n.weights, inside)); err == nil {
				path = filepath.Join(n.weights, inside)
				break
			}
		}
	}
	f, size, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w, err := ditas.ReadWeights(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if name != "" && w.Name() != name {
		return nil, usagef("%s holds the weights of %s, not of %s", path, w.Name(), name)
	}
	*n.method = ditas.Networks
	return w, nil
}
