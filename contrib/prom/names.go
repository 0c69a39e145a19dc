package prom

import "github.com/docent-go/docent/internal/observe"

// MaxNames is how many names a Collector tells apart. What comes after them is
// counted as "overflow": a function that makes names of paths cannot fill the
// memory of Prometheus.
const MaxNames = observe.MaxNames

// Below is a function for Names: it gives the paths in names, and all paths below
// them, their names. Of several the longest path counts. Paths lie below the
// Manager's root.
func Below(names map[string]string) func(path string) string { return observe.Below(names) }
