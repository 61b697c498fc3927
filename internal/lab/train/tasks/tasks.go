// Package tasks is the table of all that can be trained.
package tasks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ditas/internal/lab/experiment/steganalysis/detector"
	"ditas/internal/lab/train"
	"ditas/internal/lab/train/baseline"
	"ditas/internal/lab/train/prior"
	"ditas/internal/lab/train/restorer"
	"ditas/internal/lab/train/systems"
	"ditas/internal/model"
)

// Kind is a kind of task.
type Kind struct {
	Name   string   // as "task" in a configuration says it
	Models []string // the names of models that say it too
	File   string   // what the result of a run is called in its folder
	Read   func(text []byte) (train.Config, error)
}

const weights = "weights.safetensors"

// All returns the table.
func All() []Kind {
	return []Kind{
		{systems.TaskName, model.Names(), weights, systems.Read},
		{baseline.TaskName, baseline.Names(), weights, baseline.Read},
		{restorer.TaskName, nil, "restorer.safetensors", restorer.Read},
		{detector.TaskName, nil, weights, detector.Read},
		{prior.TaskName, nil, "prior.bin", prior.Read},
	}
}

// Read reads a configuration of any kind as JSON. Fields it lacks are those that ditas itself was made with; fields it does not know
// are an error.
func Read(text []byte) (Kind, train.Config, error) {
	k, err := kindOf(text)
	if err != nil {
		return k, nil, fmt.Errorf("training configuration: %w", err)
	}
	cfg, err := k.Read(text)
	return k, cfg, err
}

func kindOf(text []byte) (Kind, error) {
	var head struct {
		Task  string `json:"task"`
		Model struct {
			Name string `json:"name"`
		} `json:"model"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return Kind{}, err
	}
	var names, models []string
	for _, k := range All() {
		if head.Task == k.Name || head.Task == "" && slices.Contains(k.Models, head.Model.Name) {
			return k, nil
		}
		names, models = append(names, k.Name), append(models, k.Models...)
	}
	wanted := fmt.Sprintf("set task to one of %s, or model.name to one of %s", strings.Join(names, ", "), strings.Join(models, ", "))
	switch {
	case head.Task != "":
		return Kind{}, fmt.Errorf("unknown task %q: %s", head.Task, wanted)
	case head.Model.Name != "":
		return Kind{}, fmt.Errorf("unknown system %q: %s", head.Model.Name, wanted)
	}
	return Kind{}, fmt.Errorf("it does not say what to train: %s", wanted)
}
