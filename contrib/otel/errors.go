package docentotel

import "fmt"

// join returns an error that wraps all errors that are not nil, in one line.
func join(all ...error) error {
	var joined error
	for _, err := range all {
		switch {
		case err == nil:
		case joined == nil:
			joined = err
		default:
			joined = fmt.Errorf("%w; %w", joined, err)
		}
	}
	return joined
}
