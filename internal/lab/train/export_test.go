package train

// Advance takes one step.
func (t *Trainer) Advance() (Record, error) { return t.advance() }
