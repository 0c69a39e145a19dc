//go:build unix

package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// What inspect marks ends by a command. What a session owns does not.
func TestRemove(t *testing.T) {
	server := zktest.New(t)
	const contender = "/l/_c_00000000-1111-4222-8333-000000000001-lock-0000000000"
	for _, how := range []string{"", "--json "} {
		require.NoError(t, server.Put(contender, nil))
		_, out, _ := docent(t, words("inspect /l"), on(server))
		require.Contains(t, out, "! "+contender+": it belongs to no session")
		code, out, stderr := docent(t, words(how+"remove "+contender), on(server))
		require.Zero(t, code, stderr)
		require.Equal(t, map[string]string{"": "removed " + contender + "\n", "--json ": `{"path":"` + contender + `","removed":true}` + "\n"}[how], out)
		require.Empty(t, stderr)
		_, found := server.Node(contender)
		require.False(t, found)
	}
	require.NoError(t, server.Put("/key", []byte("v")))
	code, out, stderr := docent(t, words("remove /key"), on(server))
	require.Equal(t, exitFailure, code)
	require.Empty(t, out)
	require.Equal(t, "docent: remove /key: the znode is not abandoned: nothing shows that it is left over from a recipe; "+
		"\"docent inspect\" marks with a ! what is\n", stderr)

	i := start(t, words("lock /m", self()...), on(server), role("signals"))
	i.line()
	holder := "/m/" + server.Paths()[len(server.Paths())-1][len("/m/"):]
	code, _, stderr = docent(t, words("remove "+holder), on(server))
	require.Equal(t, exitFailure, code)
	require.Regexp(t, `^docent: remove `+holder+`: the znode is not abandoned: session 0x[0-9a-f]+ owns it, and exists; end the process of that session, and the znode goes with it\n$`, stderr)
	i.stop()
}
