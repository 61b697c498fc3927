package job

import (
	"errors"
	"fmt"
)

// Shard is one of several parts that jobs are divided into, of which each machine does one. The zero value is all of them.
type Shard struct {
	Number int // from 1 on
	Of     int
}

// ParseShard reads a shard as it is written on command lines: 2/8 is the second of eight.
func ParseShard(text string) (s Shard, err error) {
	var rest string
	if n, _ := fmt.Sscanf(text, "%d/%d%s", &s.Number, &s.Of, &rest); n != 2 || s.Number < 1 || s.Number > s.Of {
		return Shard{}, errors.New("want a number and of how many, as in 2/8")
	}
	return s, nil
}

func (s Shard) String() string {
	if s == (Shard{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Number, s.Of)
}

// Has reports whether a job belongs to the shard. Jobs are counted from 0 on, and dealt like cards, so that the shards of jobs that become
// longer and longer take about the same time.
func (s Shard) Has(job int) bool { return s.Of == 0 || job%s.Of == s.Number-1 }

// Size returns how many of a number of jobs belong to the shard.
func (s Shard) Size(jobs int) int {
	if s.Of == 0 {
		return jobs
	}
	return (jobs + s.Of - s.Number) / s.Of
}
