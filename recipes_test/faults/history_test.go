package faults

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// never is the return time of an operation with an unknown outcome. It can take
// effect at any time after its call; if it takes effect after all others, that
// is as good as no effect.
const never = math.MaxInt64

// clock counts the nanoseconds of the monotonic clock since the run began.
type clock struct{ start time.Time }

func (c clock) now() int64           { return c.at(time.Now()) }
func (c clock) at(t time.Time) int64 { return t.Sub(c.start).Nanoseconds() }

func seconds(nanoseconds int64) string {
	return fmt.Sprintf("%.3fs", time.Duration(nanoseconds).Seconds())
}

// journal collects the operations on one object.
type journal struct {
	mu  sync.Mutex
	ops []porcupine.Operation
}

func (j *journal) add(who int, in, out any, call, ret int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ops = append(j.ops, porcupine.Operation{ClientId: who, Input: in, Output: out, Call: call, Return: ret})
}

// decideWithin bounds the search for an order that explains a history.
const decideWithin = 2 * time.Minute

// verify fails the test if no order of the operations explains their answers.
// The error names a page that shows how far an explanation goes; context adds
// to the error.
func verify(tb testing.TB, name string, model porcupine.Model, ops []porcupine.Operation, context func() string) {
	tb.Helper()
	result, info := porcupine.CheckOperationsVerbose(model, ops, decideWithin)
	if result == porcupine.Ok {
		return
	}
	page := filepath.Join(os.TempDir(), "docent-history-"+strings.ReplaceAll(name, "/", "-")+".html")
	if err := porcupine.VisualizePath(model, info, page); err != nil {
		page = err.Error()
	}
	if result == porcupine.Unknown {
		tb.Errorf("%s: not decided within %v (%d operations); see %s\n%s", name, decideWithin, len(ops), page, context())
		return
	}
	tb.Errorf("%s: no order explains the %d operations; see %s\n%s\n%s", name, len(ops), page, excerpt(model, ops), context())
}

// mostLines bounds the lines of a history in an error.
const mostLines = 80

// excerpt returns the end of the history in the order of the calls.
func excerpt(model porcupine.Model, ops []porcupine.Operation) string {
	sorted := slices.SortedFunc(slices.Values(ops), func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, op := range sorted[max(0, len(sorted)-mostLines):] {
		ret := "never"
		if op.Return != never {
			ret = seconds(op.Return)
		}
		fmt.Fprintf(&b, "%10s to %10s client %d: %s\n", seconds(op.Call), ret, op.ClientId, model.DescribeOperation(op.Input, op.Output))
	}
	return b.String()
}
