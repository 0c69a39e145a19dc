package problem_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/problem"
)

func TestReporter(t *testing.T) {
	var told []error
	r := problem.To(func(err error) { told = append(told, err) })
	one, same, other := errors.New("one"), errors.New("one"), errors.New("other")
	for _, step := range []struct {
		err  error
		tell bool
	}{
		{nil, false}, {one, true}, {one, false}, {same, false}, {other, true}, {one, true}, {nil, true}, {nil, false}, {one, true},
	} {
		told = nil
		r.Report(step.err)
		if step.tell {
			require.Equal(t, []error{step.err}, told)
		} else {
			require.Empty(t, told)
		}
	}
	silent := problem.To(nil)
	silent.Report(one)
	silent.Report(nil)
}
