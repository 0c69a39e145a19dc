package contrib

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/session"
)

// labelled is an error with its labels: as the cause of a loss, and as the result of
// a request.
type labelled struct {
	err           error
	cause, result string
}

// labels has each error that package session exports, by name, and some other
// errors.
var labels = map[string]labelled{
	"ErrTrustElapsed": {session.ErrTrustElapsed, "trust_elapsed", "other"},
	"ErrRestored":     {session.ErrRestored, "restored", "other"},
	"ErrExpired":      {session.ErrExpired, "expired", "other"},
	"ErrDeleted":      {session.ErrDeleted, "deleted", "other"},
	"ErrDisconnected": {session.ErrDisconnected, "disconnected", "other"},
	"ErrClosed":       {session.ErrClosed, "closed", "other"},

	"ErrUnknownOutcome": {session.ErrUnknownOutcome, "other", "unknown_outcome"},
	"ErrNoNode":         {session.ErrNoNode, "other", "no_node"},
	"ErrNodeExists":     {session.ErrNodeExists, "other", "node_exists"},
	"ErrBadVersion":     {session.ErrBadVersion, "other", "bad_version"},
	"ErrNotEmpty":       {session.ErrNotEmpty, "other", "not_empty"},
	"ErrNoAuth":         {session.ErrNoAuth, "other", "no_auth"},
	"ErrTooLarge":       {session.ErrTooLarge, "other", "too_large"},
	"ErrSessionEnded":   {session.ErrSessionEnded, "other", "session_ended"},

	"ErrAuth":                    {session.ErrAuth, "other", "other"},
	"ErrAuthFailed":              {session.ErrAuthFailed, "other", "other"},
	"ErrExhausted":               {session.ErrExhausted, "other", "other"},
	"ErrForeign":                 {session.ErrForeign, "other", "other"},
	"ErrIDTaken":                 {session.ErrIDTaken, "other", "other"},
	"ErrInvalidACL":              {session.ErrInvalidACL, "other", "other"},
	"ErrLost":                    {session.ErrLost, "other", "other"},
	"ErrNoChildrenForEphemerals": {session.ErrNoChildrenForEphemerals, "other", "other"},
	"ErrNoGuard":                 {session.ErrNoGuard, "other", "other"},
	"ErrNotEphemeral":            {session.ErrNotEphemeral, "other", "other"},
	"ErrNotServing":              {session.ErrNotServing, "other", "other"},
	"ErrRecreated":               {session.ErrRecreated, "other", "other"},
	"ErrReclaim":                 {session.ErrReclaim, "other", "other"},
	"ErrReleased":                {session.ErrReleased, "other", "other"},
	"ErrReplaced":                {session.ErrReplaced, "other", "other"},
	"ErrUnimplemented":           {session.ErrUnimplemented, "other", "other"},
	"ErrExposed":                 {session.ErrExposed, "other", "other"},
	"ErrLeftOut":                 {session.ErrLeftOut, "other", "other"},
	"ErrUnsafeFile":              {session.ErrUnsafeFile, "other", "other"},
	"ErrUnreachable":             {session.ErrUnreachable, "other", "other"},

	"no error":     {nil, "other", "ok"},
	"a new error":  {errors.New("new"), "other", "other"},
	"canceled":     {context.Canceled, "other", "gave_up"},
	"a deadline":   {context.DeadlineExceeded, "other", "gave_up"},
	"an operation": {&session.OpError{Err: session.ErrNoNode}, "other", "no_node"},
	"an ended session": {fmt.Errorf("%w: %w", session.ErrSessionEnded, session.ErrExpired),
		"expired", "session_ended"},
	// An unknown outcome wraps its reason, and has precedence.
	"in doubt": {fmt.Errorf("%w: %w: %w", context.Canceled, session.ErrNodeExists, session.ErrUnknownOutcome),
		"other", "unknown_outcome"},
}

// waits are results of waits, with their labels.
var waits = map[string]struct {
	try    bool
	err    error
	result string
}{
	"had":           {false, nil, "acquired"},
	"tried":         {true, nil, "acquired"},
	"met another":   {true, errors.New("held"), "busy"},
	"met, in words": {true, &session.OpError{Op: "try lock", Path: "/l", Err: errors.New("held")}, "busy"},
	"canceled":      {false, context.Canceled, "gave_up"},
	"no time":       {true, fmt.Errorf("try: %w", context.DeadlineExceeded), "gave_up"},
	"refused":       {true, &session.OpError{Session: 1, Err: session.ErrNoAuth}, "failed"},
	"closed":        {true, session.ErrClosed, "failed"},
	"out of permit": {false, errors.New("exhausted"), "failed"},
}

// Both modules derive the same names from paths.
func TestBelow(t *testing.T) {
	for module, below := range map[string]func(map[string]string) func(string) string{"prom": prom.Below, "otel": docentotel.Below} {
		name := below(map[string]string{"/a": "a", "/a/b/c": "c", "/d": "d"})
		for path, want := range map[string]string{
			"/a": "a", "/a/x": "a", "/a/b": "a", "/a/b/c": "c", "/a/b/c/lock-1": "c", "/ab": "", "/": "", "/d": "d", "": "",
		} {
			require.Equal(t, want, name(path), "%s: %s", module, path)
		}
		require.Equal(t, "all", below(map[string]string{"/": "all"})("/a/b"), module)
	}
}

// The labels of this test are complete: they have each error that package
// session exports, and each value in docs/observability.md.
func TestLabelsAreComplete(t *testing.T) {
	files, err := filepath.Glob("../../session/*.go")
	require.NoError(t, err)
	found := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						require.Contains(t, labels, name.Name)
						found++
					}
				}
			}
		}
	}
	require.NotZero(t, found)

	page, err := os.ReadFile("../../docs/observability.md")
	require.NoError(t, err)
	causes, results, ends := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, l := range labels {
		causes[l.cause], results[l.result] = true, true
	}
	for _, w := range waits {
		ends[w.result] = true
	}
	for row, tried := range map[string]map[string]bool{"`cause`": causes, "`result` of a request": results, "`result` of a wait": ends} {
		line := regexp.MustCompile("(?m)^\\| " + regexp.QuoteMeta(row) + " \\| (.*) \\|$").FindSubmatch(page)
		require.NotNil(t, line, row)
		documented := make(map[string]bool)
		for _, value := range regexp.MustCompile("`([a-z_]+)`").FindAllSubmatch(line[1], -1) {
			documented[string(value[1])] = true
		}
		require.Equal(t, documented, tried, row)
	}
}
