//go:build unix

package differential

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

// atOnce is how many values are asked about at a time.
const atOnce = 2000

// amount returns how many values each layout is tested with.
func amount(t *testing.T) int {
	t.Helper()
	return fromEnv(t, "DOCENT_VALUES", 3000)
}

func fromEnv(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// dice is a source of random values.
type dice struct{ *rand.Rand }

// throw returns the dice of a test, which prints the seed if it fails. A run
// with a number of values of its own has another seed each time.
func throw(t *testing.T) dice {
	t.Helper()
	usual := 1
	if os.Getenv("DOCENT_VALUES") != "" {
		usual = int(time.Now().UnixNano())
	}
	seed := fromEnv(t, "DOCENT_SEED", usual)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("DOCENT_SEED=%d repeats this", seed)
		}
	})
	return dice{rand.New(rand.NewPCG(uint64(seed), uint64(len(t.Name()))))}
}

func pick[T any](d dice, all ...T) T { return all[d.IntN(len(all))] }

// in reports true once in n times.
func (d dice) in(n int) bool { return d.IntN(n) == 0 }

func (d dice) bytes(max int) []byte {
	b := make([]byte, d.IntN(max+1))
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// mutate changes a few bytes of a value.
func (d dice) mutate(value []byte) []byte {
	value = slices.Clone(value)
	for range 1 + d.IntN(3) {
		at := 0
		if len(value) > 0 {
			at = d.IntN(len(value))
		}
		switch {
		case len(value) == 0 || d.in(4):
			value = slices.Insert(value, at, pick(d, []byte("\"{}[]:,0-.e \x00\xff\n\\nt")...))
		case d.in(4):
			value = slices.Delete(value, at, at+1)
		case d.in(4):
			value = value[:at]
		case d.in(3):
			value = append(value, value[at:]...)
		case d.in(3):
			value[at] ^= 1 << d.IntN(8)
		default:
			value[at] = byte(d.Uint32())
		}
	}
	return value
}

// lastYear is the year after which Docent knows no time.
const lastYear = 9999

func curator(t *testing.T) *peers.Reader { return peers.CuratorReader(t) }

func kazoo(t *testing.T) *peers.Reader { return peers.KazooReader(t) }

// tally counts the outcomes of a layout.
type tally struct {
	t         *testing.T
	values    int
	alike     int
	rejected  int            // by both
	explained map[string]int // by the name of the explanation
	bad       int
}

func newTally(t *testing.T) *tally {
	c := &tally{t: t, explained: make(map[string]int)}
	t.Cleanup(c.report)
	return c
}

func (c *tally) report() {
	var why []string
	for _, name := range slices.Sorted(maps.Keys(c.explained)) {
		why = append(why, fmt.Sprintf("%s %d", name, c.explained[name]))
	}
	c.t.Logf("%d values: %d read alike, %d rejected by both, explained: %s", c.values, c.alike, c.rejected, strings.Join(why, ", "))
	if c.bad > 0 {
		c.t.Errorf("%d values are read differently without an explanation", c.bad)
	}
}

// outcome is what a comparison of one value has found.
type outcome struct {
	alike     bool
	rejected  bool
	explained string // the name of an explanation
	what      string // otherwise: how the two differ
}

func (c *tally) count(o outcome, value []byte) {
	c.t.Helper()
	c.values++
	switch {
	case o.alike:
		c.alike++
	case o.rejected:
		c.rejected++
	case o.explained != "":
		require.Contains(c.t, explanations, o.explained)
		c.explained[o.explained]++
	default:
		if c.bad++; c.bad <= 10 {
			c.t.Errorf("%s\nof %q (%x)", o.what, value, value)
		}
	}
}

// needs fails the test if a kind of outcome never came among many values: then
// the values are of one kind, and the test shows little.
func (c *tally) needs(explained ...string) {
	c.t.Helper()
	require.NotZero(c.t, c.alike)
	if c.values < atOnce {
		return
	}
	for _, name := range explained {
		require.NotZero(c.t, c.explained[name], "no value came upon %q", name)
	}
}

// explanation is a difference that is meant, with the sentence that tells users
// of it.
type explanation struct{ guide, sentence string }

// Every explanation is in its guide.
func TestExplanations(t *testing.T) {
	for name, e := range explanations {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", e.guide))
		require.NoError(t, err)
		words := strings.Join(strings.Fields(string(text)), " ")
		require.Contains(t, words, e.sentence, "%s: the guide %s does not say it", name, e.guide)
	}
}

// fromMillis is a time as Docent reads it.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
