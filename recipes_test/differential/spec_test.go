//go:build unix

package differential

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// What Curator makes of the text of a uriSpec, ParseURISpec makes of it.
func TestURISpec(t *testing.T) {
	java, d, c := curator(t), throw(t), newTally(t)
	for done := 0; done < amount(t); done += atOnce {
		values := make([][]byte, min(atOnce, amount(t)-done))
		for i := range values {
			values[i] = d.specText()
		}
		for i, theirs := range java.Ask(t, "spec", values...) {
			ours, err := naming.ParseURISpec(string(values[i]))
			var parts []specPart
			if !theirs.Refused {
				require.NoError(t, json.Unmarshal([]byte(theirs.Text), &parts))
			}
			c.count(outcome{
				alike: sameSpec(parts, ours) && !theirs.Refused && err == nil, rejected: theirs.Refused && err != nil,
				what: fmt.Sprintf("Curator: %s, Docent: %v, %v", theirs.Text, ours, err),
			}, values[i])
		}
	}
	c.needs()
	require.NotZero(t, c.rejected)
}

func (d dice) specText() []byte {
	var text string
	for range d.IntN(8) {
		text += pick(d, "{", "}", "{}", "{ }", "{address}", "{ port\t}", "{\u00a0x\u2003}", "://", "{[}", "{]}", "a", " ", "é", "\x01", "{a b}")
	}
	return []byte(text)
}
