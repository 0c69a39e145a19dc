package testworld

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepeats(t *testing.T) {
	for message, want := range map[string]string{
		"": "",
		"lock /a: the ACL denies access (session 0x1a)":                  "",
		"watch leader /a: list children /a: the ACL denies access":       "/a",
		"sweep /a: create /a/b: no":                                      "",
		"dial zk1:2181: dial tcp zk1:2181: connect: connection refused":  "zk1:2181",
		"look up zk1: lookup zk1 on 10.0.0.1:53: no such host":           "",
		"the session has ended: hold lost: the session has ended":        "the session has",
		"the session has ended: session has lost the hold: it has ended": "",
		"lost: session 0x1a: session 0x1a (of two)":                      "0x1a",
		`lock locks/a: invalid path "locks/a": it is relative`:           "",
		"step 1 of 2, step 1 of 3":                                       "step 1 of",
	} {
		require.Equal(t, want, Repeats(message), message)
	}
}
