package httpbalance

import (
	"fmt"

	"github.com/docent-go/docent/internal/base/oneline"
)

// failures are the failed attempts of one request.
type failures struct {
	service string
	tried   []string // the ids of the instances
	errs    []error  // of the attempts, in order
}

func (f *failures) add(id string, err error) {
	f.tried, f.errs = append(f.tried, id), append(f.errs, err)
}

// err returns the error of the request. It names the instances, each with its
// reason.
func (f *failures) err() error {
	if len(f.errs) == 1 {
		return fmt.Errorf("httpbalance: instance %s of service %s: %w", f.tried[0], f.service, f.errs[0])
	}
	named := make([]error, len(f.errs))
	for i, err := range f.errs {
		named[i] = fmt.Errorf("instance %s: %w", f.tried[i], err)
	}
	return fmt.Errorf("httpbalance: all %d attempts to call service %s failed: %w", len(named), f.service, oneline.Bounded(named...))
}
