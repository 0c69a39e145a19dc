//go:build unix

package differential

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/recipes_test/peers"
)

// children makes the names in the directory of a lock: contenders of some kinds
// with numbers that follow each other, and now and then a stranger.
func (d dice) children(kinds ...func(number string) string) []string {
	next := int32(d.Uint32N(1 << 31))
	if d.in(20) {
		next = -next
	}
	var names []string
	for range 1 + d.IntN(8) {
		names = append(names, pick(d, kinds...)(fmt.Sprintf("%010d", next)))
		if next += 1 + d.Int32N(1000); next < 0 && d.in(2) {
			next = d.Int32N(1000)
		}
	}
	if d.in(6) {
		names = append(names, pick(d, "config", "lock-", "lock-1", "x-lock-abc", "_c_-lock-00000000001", "0", "~", "lock-0000000001x", "__READ__", "latch-0000000001"))
	}
	d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

func curators(tag string) func(string) string {
	return func(number string) string { return znode.Protected(znode.NewGUID(), tag+number) }
}

func hex32() string { return strings.ReplaceAll(znode.NewGUID(), "-", "") }

// Names of go-zookeeper's lock and of kazoo's.
func bareLock(number string) string  { return "_c_" + hex32() + "-lock-" + number }
func kazooLock(number string) string { return hex32() + "__lock__" + number }
func kazooNamed(number string) string {
	return hex32() + "-lock-" + number
}

// The order of contenders is Curator's for each of its locks, its latch and its
// semaphore.
func TestLine(t *testing.T) {
	java := curator(t)
	for name, tags := range map[string][]string{
		"mutex": {recognise.LockTag}, "latch": {recognise.LatchTag}, "lease": {recognise.LeaseTag},
		"read/write lock": {recognise.CuratorRead, recognise.CuratorWrite},
	} {
		t.Run(name, func(t *testing.T) {
			d, c := throw(t), newTally(t)
			kinds := make([]func(string) string, len(tags))
			for i, tag := range tags {
				kinds[i] = curators(tag)
			}
			layout, head := "line", tags[0]+"\n"
			switch name {
			case "mutex":
				kinds = append(kinds, bareLock)
			case "read/write lock":
				layout, head = "line of readers and writers", ""
			}
			for done := 0; done < amount(t); done += atOnce {
				var questions [][]byte
				var all [][]string
				for range min(atOnce, amount(t)-done) {
					children := d.children(kinds...)
					all, questions = append(all, children), append(questions, []byte(head+strings.Join(children, "\n")))
				}
				for i, theirs := range java.Ask(t, layout, questions...) {
					c.count(compareLine(theirs, namesOf(waitqueue.InOrder(all[i], tags))), questions[i])
				}
			}
			c.needs("stranger", "below zero")
		})
	}
}

func namesOf(places []znode.Place) []string {
	names := make([]string, len(places))
	for i, p := range places {
		names[i] = p.Name
	}
	return names
}

func compareLine(theirs peers.Answer, ours []string) outcome {
	all := strings.Split(theirs.Text, "\n")
	known := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !slices.Contains(ours, name) })
	o := outcome{what: fmt.Sprintf("Curator: %+v\nDocent: %s", theirs, ours)}
	switch {
	case theirs.Refused:
	case slices.Equal(all, ours):
		o.alike = true
	case slices.Equal(known, ours):
		o.explained = "stranger"
	case slices.ContainsFunc(ours, belowZero):
		o.explained = "below zero"
	}
	return o
}

// belowZero reports whether a name has a number below zero.
func belowZero(name string) bool {
	at := strings.LastIndexAny(name, "-_") // of the number, or before it
	return at > 0 && name[at] == '-' && (name[at-1] == '-' || name[at-1] == '_')
}

// A kazoo that may share a mutex waits for the contender for which Docent would
// wait.
func TestPredecessor(t *testing.T) {
	python, d, c := kazoo(t), throw(t), newTally(t)
	for done := 0; done < amount(t); done += atOnce {
		var questions [][]byte
		var want []string
		for range min(atOnce, amount(t)-done) {
			children := d.children(curators(recognise.LockTag), bareLock, kazooLock, kazooNamed)
			order := waitqueue.InOrder(children, []string{recognise.LockTag, recognise.KazooLock})
			at := d.IntN(len(order))
			if before := ""; at == 0 {
				want = append(want, before)
			} else {
				want = append(want, order[at-1].Name)
			}
			questions = append(questions, []byte("mutex\n"+order[at].Name+"\n"+strings.Join(children, "\n")))
		}
		for i, theirs := range python.Ask(t, "predecessor", questions...) {
			o := outcome{alike: !theirs.Refused && theirs.Text == want[i], what: fmt.Sprintf("kazoo: %+v, Docent: %s", theirs, want[i])}
			if slices.ContainsFunc(strings.Split(string(questions[i]), "\n"), belowZero) {
				o.explained = "below zero"
			}
			c.count(o, questions[i])
		}
	}
	c.needs()
}

// The request to release a lock is Curator's.
func TestRevocation(t *testing.T) {
	theirs := curator(t).Ask(t, "revocation", nil)[0]
	require.Equal(t, fmt.Sprintf("%x", "__REVOKE__"), theirs.Text)
}
