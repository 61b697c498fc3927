package carrier

// SilenceRun is the number of equal samples in a row from which on they are digital silence, which no method changes.
const SilenceRun = 16

// MarkSilence sets marks[i] for each sample x[from+i], from ≤ from+i < to, that belongs to digital silence. x should reach
// SilenceRun−1 samples further on both sides where the recording does.
func MarkSilence(marks []bool, x []float64, from, to int) {
	for i := max(0, from-SilenceRun+1); i < to; {
		end := i + 1
		for end < len(x) && x[end] == x[i] {
			end++
		}
		silent := end-i >= SilenceRun
		for j := max(i, from); j < min(end, to); j++ {
			marks[j-from] = silent
		}
		i = end
	}
}
