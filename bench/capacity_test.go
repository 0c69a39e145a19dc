package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// A population carries out each command with all of its sessions, and closes
// them when its input ends.
func TestPopulation(t *testing.T) {
	commands := map[string][]string{
		docent: {"hold /locks", "release", "watch /key", "publish /key 1", "publish /key 2", "forget", "tree /dir", "publish /dir/a 3", "register v1", "register v2"},
		goZK:   {"hold /locks", "release", "watch /key", "publish /key 1", "publish /key 2", "forget"},
	}
	for subject, lines := range commands {
		t.Run(subject, func(t *testing.T) {
			srv := zktest.New(t)
			addr, err := srv.Listen("127.0.0.1:0")
			require.NoError(t, err)
			require.NoError(t, srv.Put("/key", []byte("0")))
			require.NoError(t, srv.Put("/dir/a", []byte("0")))
			var out bytes.Buffer
			in := strings.NewReader(strings.Join(lines, "\n") + "\nnonsense\n")
			require.NoError(t, populate(t.Context(), []string{populationVerb, subject, "5", addr}, in, &out))
			answers := decodeAnswers(t, &out)
			require.Len(t, answers, len(lines)+2)
			for i, line := range lines {
				require.Empty(t, answers[i+1].Err, line)
			}
			require.Contains(t, answers[len(answers)-1].Err, "nonsense")
			info, _ := srv.Node("/locks")
			require.Len(t, info.Children, 5, "a lock for each session")
			require.Empty(t, srv.Sessions())
		})
	}
	for _, args := range [][]string{{populationVerb}, {populationVerb, docent, "x", "zk1"}, {populationVerb, docent, "0", "zk1"}, {populationVerb, kazoo, "1", "zk1"}} {
		require.Error(t, populate(t.Context(), args, nil, io.Discard), "%v", args)
	}
}

func decodeAnswers(t *testing.T, out io.Reader) []answer {
	var answers []answer
	for in := json.NewDecoder(out); ; {
		var a answer
		err := in.Decode(&a)
		if err == io.EOF {
			return answers
		}
		require.NoError(t, err)
		answers = append(answers, a)
	}
}

// Watchers of a service see every instance of the new version, and none of the
// old one.
func TestPopulationResolves(t *testing.T) {
	srv := zktest.New(t)
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	var out bytes.Buffer
	in := strings.NewReader("register v1\nresolve fleet\nsee v1 3\nregister v2\nsee v2 3\n")
	require.NoError(t, populate(t.Context(), []string{populationVerb, docent, "3", addr}, in, &out))
	answers := decodeAnswers(t, &out)
	require.Len(t, answers, 6)
	for _, a := range answers {
		require.Empty(t, a.Err)
	}
}

// A session counts once in an outage, with its first connection.
func TestReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReturns(3)
		r.report(0, true, false) // before the outage
		r.begin()
		time.Sleep(time.Second)
		r.report(0, true, false)
		r.report(0, true, false)
		r.report(1, false, true)
		time.Sleep(time.Second)
		r.report(1, true, false)
		late, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.wait(late)
		require.ErrorContains(t, err, "1 of 3 sessions")
		r.report(2, true, false)
		values, err := r.wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]float64{"first s": 1, "median s": 2, "last s": 3, "lost": 1}, values)
	})
}

// Both subjects hold and release the lock as often as asked.
func TestContenders(t *testing.T) {
	for _, subject := range []string{docent, goZK} {
		t.Run(subject, func(t *testing.T) {
			srv := zktest.New(t)
			addr, err := srv.Listen("127.0.0.1:0")
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, runContenders(t.Context(), []string{contendersVerb, subject, "5", addr, "/line"}, &out, io.Discard))
			require.Len(t, decodeAnswers(t, &out), 2)
			info, found := srv.Node("/line")
			require.True(t, found)
			require.EqualValues(t, 10, info.Stat.Cversion, "five creates and five deletes")
		})
	}
	for _, args := range [][]string{{contendersVerb}, {contendersVerb, docent, "0", "zk1", "/line"}, {contendersVerb, kazoo, "1", "zk1", "/line"}} {
		require.Error(t, runContenders(t.Context(), args, io.Discard, io.Discard), "%v", args)
	}
}

// The table names a stage once, and leaves out what a subject does not offer.
func TestCapacityTable(t *testing.T) {
	c := &capacity{}
	c.note("idle", "packets", "/s", docent, 1666.4)
	c.note("idle", "packets", "/s", goZK, 12.34)
	c.note("idle", "time", "s", docent, 1.234)
	require.Equal(t, fmt.Sprintf("| stage | figure | %s | %s |\n|---|---|---:|---:|\n"+
		"| idle | packets | 1666 /s | 12.3 /s |\n|  | time | 1.23 s | – |\n", docent, goZK), c.table())
}
