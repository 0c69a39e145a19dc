package session_test

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

// A hold has the methods that its owner needs, and no method that could forge,
// move or break it. A type that embeds a hold has the same methods.
func TestFault07_HoldsCannotBeForged(t *testing.T) {
	hold := reflect.TypeFor[*session.Hold]()
	var methods []string
	for i := range hold.NumMethod() {
		methods = append(methods, hold.Method(i).Name)
	}
	require.ElementsMatch(t, []string{
		"Context", "Deadline", "Done", "Err", "Format", "Guard", "Path", "Release", "SessionID", "Token",
	}, methods)
	require.Empty(t, exportedFields(hold.Elem()))
	require.Empty(t, exportedFields(reflect.TypeFor[session.Manager]()))
}

func exportedFields(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		if f := of.Field(i); f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}

// The package documentation fits on two screens.
func TestDocumentationIsShort(t *testing.T) {
	doc, err := exec.CommandContext(t.Context(), "go", "doc", ".").Output()
	require.NoError(t, err)
	require.Contains(t, string(doc), "func Dial(")
	require.LessOrEqual(t, strings.Count(string(doc), "\n"), 110)
}
