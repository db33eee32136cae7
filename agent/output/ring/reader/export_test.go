package reader

// Aim makes the zero Reader one that has not connected yet.
func (r *Reader) Aim(path string) { r.path = path }
