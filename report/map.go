package report

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Map says for each channel which of its frames were found. In JSON a channel is a string with a character for each frame: 1 for one that
// was found, 0 for one that was not.
type Map [][]bool

// MarshalJSON implements [json.Marshaler].
func (m Map) MarshalJSON() ([]byte, error) {
	channels := make([]string, len(m))
	for i, frames := range m {
		text := []byte(strings.Repeat("0", len(frames)))
		for k, found := range frames {
			if found {
				text[k] = '1'
			}
		}
		channels[i] = string(text)
	}
	return json.Marshal(channels)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Map) UnmarshalJSON(data []byte) error {
	var channels []string
	if err := json.Unmarshal(data, &channels); err != nil {
		return fmt.Errorf("map of what was found: %w", err)
	}
	if channels == nil {
		*m = nil
		return nil
	}
	all := make(Map, len(channels))
	for i, text := range channels {
		if strings.Trim(text, "01") != "" {
			return fmt.Errorf("map of what was found: channel %d has other characters than 0 and 1", i+1)
		}
		all[i] = make([]bool, len(text))
		for k := range text {
			all[i][k] = text[k] == '1'
		}
	}
	*m = all
	return nil
}
