// Package bounds has the errors of options whose value is out of range. Each
// error names one option, as the program has written it.
package bounds

import (
	"fmt"
	"time"
)

// AtLeast returns the error of an option with a number less than least, and nil
// otherwise.
func AtLeast(name string, n, least int) error {
	if n >= least {
		return nil
	}
	wrong := "too small"
	if least == 0 {
		wrong = "negative"
	}
	return fmt.Errorf("the option %s(%d) is %s; give %d or more", name, n, wrong, least)
}

// NotNegative returns the error of an option with a negative time, and nil
// otherwise.
func NotNegative(name string, d time.Duration) error {
	if d >= 0 {
		return nil
	}
	return fmt.Errorf("the option %s(%v) is negative; give 0 or more", name, d)
}
