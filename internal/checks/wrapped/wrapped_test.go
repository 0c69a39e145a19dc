package wrapped_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// guarded lists functions whose wrapped error cannot be nil, for a reason that
// the check does not see.
var guarded = map[string]string{
	"bench/measure.go: inParallel":                    "the pointer was compared",
	"config/publish.go: checkAll":                     "the error was compared",
	"config/historywrite.go: run":                     "a doubt has an error",
	"config/update.go: inDoubt":                       "a doubt has an error",
	"counter/add.go: inDoubt":                         "a doubt has an error",
	"internal/base/ctxend/ctxend.go: Join":            "ctx has ended",
	"internal/recipe/standing/data.go: Set":           "ctx has ended",
	"naming/registration_unregister.go: inBackground": "ctx has ended",
	"internal/core/connect.go: ParseConnect":          "it is called with a refusal",
	"internal/core/exact.go: SetOver":                 "a write in doubt has an error",
	"internal/core/follow.go: unfollowable":           "errors.As has found it",
	"internal/core/keeper.go: refusal":                "the code is that of a refusal",
	"internal/core/txn.go: results":                   "the code is that of a refusal",
	"internal/core/managersession.go: unreachable":    "the function is called once ctx has ended",
	"contrib/grpcresolver/follower.go: tell":          "the list has an error",
	"contrib/kerberos/network.go: exchangeWith":       "plain returns an error for an error",
	"naming/httpbalance/failures.go: err":             "an attempt has failed",
	"barrier/enter.go: awaitEnd":                      "ctx has ended",
	"barrier/visit.go: await":                         "ctx has ended",
	"recipes_test/peers/peer.go: greeting":            "ErrGone is one of them",
	"internal/core/errors.go: ended":                  "the function is called with the cause of an ended session",
	"internal/core/dialer.go: dialError":              "the dial has failed",
	"internal/core/errortext.go: lookUpError":         "the look-up has failed",
	"election/run.go: lead":                           "the term was lost",
	"groupmembership/partitiontask.go: giveUp":        "the claim was lost",
	"internal/core/releaseby.go: ReleaseBy":           "the hold has ended",
	"internal/core/txn.go: failed":                    "the function is called with a refusal",
	"zktest/admin.go: Put":                            "the code is not an error type",
	"zktest/admin.go: Remove":                         "the code is not an error type",
	"zktest/admin.go: SetACL":                         "the code is not an error type",
	"zktest/write.go: SetSequence":                    "the code is not an error type",
}

// No error that fmt.Errorf wraps is nil. The code before it in the same
// function has compared the error, or has just made it. A function that wraps
// its argument is only called with such errors.
func TestFault27_NothingWrapsANilError(t *testing.T) {
	fset, packages := parsed(t)
	for _, files := range packages {
		for _, at := range doubts(fset, files...) {
			name := place(at.file, at.function)
			if guarded[name] == "" {
				t.Errorf("%s: line %d: %s may be nil where it is wrapped", name, at.line, at.text)
			}
		}
	}
}

// parsed returns the code of the repository, by directory.
func parsed(t *testing.T) (*token.FileSet, map[string][]*ast.File) {
	packages := make(map[string][]*ast.File)
	fset := token.NewFileSet()
	require.NoError(t, filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	}))
	require.Greater(t, len(packages), 20, "the module's files are found")
	return fset, packages
}

// The check finds errors that may be nil, and accepts sound code.
func TestFault27_TheCheckFindsNilErrors(t *testing.T) {
	for text, found := range map[string]bool{
		`return fmt.Errorf("%w: %w", err, reason)`:                                     true,
		`if !errors.Is(err, reason) { err = fmt.Errorf("%w: x", err) }`:                true,
		`return fmt.Errorf("x: %w", ctx.Err())`:                                        true,
		`return fmt.Errorf("x: %w", context.Cause(ctx))`:                               true,
		`if s.Err() != nil { return fmt.Errorf("x: %w", ctx.Err()) }`:                  true,
		`return wrap(x, err)`:                                                          true,
		`if err != nil { return wrap(x, err) }`:                                        false,
		`if err != nil { return fmt.Errorf("x: %w", err) }`:                            false,
		`if err == nil { return nil }; return fmt.Errorf("x: %w", err)`:                false,
		`switch { case errors.Is(err, errA): return fmt.Errorf("x: %w", err) }`:        false,
		`select { case <-ctx.Done(): return fmt.Errorf("x: %w", context.Cause(ctx)) }`: false,
		`if ctx.Err() != nil { return fmt.Errorf("x: %w", context.Cause(ctx)) }`:       false,
		`select { case <-ctx.Done(): return fmt.Errorf("x: %w", ctxend.Err(ctx)) }`:    false,
		`if s.Err() != nil { return fmt.Errorf("x: %w", ctxend.Err(ctx)) }`:            true,
		`err := errors.New("x"); return fmt.Errorf("x: %w", err)`:                      false,
		`return fmt.Errorf("%w: %d", ErrFull, n)`:                                      false,
		`return fmt.Errorf("%d: %s", n, err)`:                                          false,
	} {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\nfunc f() error { "+text+" }\n"+
			`func wrap(x int, err error) error { return fmt.Errorf("%d: %w", x, err) }`, 0)
		require.NoError(t, err)
		require.Equal(t, found, len(doubts(fset, file)) > 0, text)
	}
}

// answers are the errors whose texts are go-zookeeper's, such as
// "zk: not authenticated". core.Explain gives them words of their own.
var answers = []string{
	"ErrNoNode", "ErrNodeExists", "ErrBadVersion", "ErrNotEmpty", "ErrNoAuth", "ErrInvalidACL", "ErrNoChildrenForEphemerals", "ErrAuthFailed",
}

// An answer of a server inside a longer text is explained, as it is when it is
// the whole reason of an OpError.
func TestAnswersInsideATextAreExplained(t *testing.T) {
	require.True(t, quotesAnswer(t, `fmt.Errorf("%w: a member reads it", core.ErrNoAuth)`))
	require.False(t, quotesAnswer(t, `fmt.Errorf("%w: a member reads it", core.Explain(core.ErrNoAuth))`))
	fset, packages := parsed(t)
	for _, files := range packages {
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && raw(call) {
					t.Errorf("%v: wrap core.Explain of the answer: its own text is the client's", fset.Position(call.Pos()))
				}
				return true
			})
		}
	}
}

func quotesAnswer(t *testing.T, code string) bool {
	x, err := parser.ParseExpr(code)
	require.NoError(t, err)
	return raw(x.(*ast.CallExpr))
}

// raw reports whether fmt.Errorf gets an answer of a server by its name.
func raw(call *ast.CallExpr) bool {
	return text(call.Fun) == "fmt.Errorf" && slices.ContainsFunc(call.Args, func(arg ast.Expr) bool {
		name := text(arg)
		return slices.Contains(answers, name[strings.LastIndexByte(name, '.')+1:])
	})
}

type doubt struct {
	file, function, text string
	line                 int
}

// sink is a function that wraps one of its parameters.
type sink struct {
	name  string
	index int
}

// doubts returns the wrapped errors in the files of a package that may be nil.
func doubts(fset *token.FileSet, files ...*ast.File) (all []doubt) {
	sinks := make(map[sink]bool)
	for more := true; more; { // until a pass finds no further sink
		all, more = nil, false
		each(files, func(f *ast.FuncDecl, call *ast.CallExpr) {
			for _, arg := range risky(call, sinks) {
				arg = inner(arg)
				at := sink{f.Name.Name, parameter(f, text(arg))}
				switch {
				case known(f.Body, call, arg):
				case at.index < 0:
					pos := fset.Position(call.Pos())
					all = append(all, doubt{pos.Filename, f.Name.Name, text(arg), pos.Line})
				case !sinks[at] && !exempt(fset, f):
					sinks[at], more = true, true
				}
			}
		})
	}
	return all
}

// place names a function in the form of the keys of guarded.
func place(file, function string) string {
	return filepath.ToSlash(strings.TrimPrefix(file, "../../../")) + ": " + function
}

func exempt(fset *token.FileSet, f *ast.FuncDecl) bool {
	return guarded[place(fset.Position(f.Pos()).Filename, f.Name.Name)] != ""
}

func each(files []*ast.File, f func(*ast.FuncDecl, *ast.CallExpr)) {
	for _, file := range files {
		for _, decl := range file.Decls {
			fun, ok := decl.(*ast.FuncDecl)
			if !ok || fun.Body == nil {
				continue
			}
			ast.Inspect(fun.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					f(fun, call)
				}
				return true
			})
		}
	}
}

// risky returns the arguments of a call that must not be nil.
func risky(call *ast.CallExpr, sinks map[sink]bool) (args []ast.Expr) {
	fun := text(call.Fun)
	if fun == "fmt.Errorf" {
		return wrapped(call)
	}
	name := fun[strings.LastIndexByte(fun, '.')+1:]
	for i, arg := range call.Args {
		if _, literal := arg.(*ast.BasicLit); sinks[sink{name, i}] && !literal && text(arg) != "false" && text(arg) != "true" {
			args = append(args, arg)
		}
	}
	return args
}

// inner returns the error in a ctxend.Join or an Explain, which keep it.
func inner(arg ast.Expr) ast.Expr {
	call, ok := arg.(*ast.CallExpr)
	if ok && slices.Contains([]string{"ctxend.Join", "core.Explain", "Explain"}, text(call.Fun)) {
		return call.Args[len(call.Args)-1]
	}
	return arg
}

// parameter returns the index of a function's parameter, or -1.
func parameter(f *ast.FuncDecl, name string) int {
	i := 0
	for _, field := range f.Type.Params.List {
		for _, n := range field.Names {
			if n.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}

// wrapped returns the arguments of the verbs %w.
func wrapped(call *ast.CallExpr) (args []ast.Expr) {
	var format strings.Builder
	ast.Inspect(call.Args[0], func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			format.WriteString(lit.Value)
		}
		return true
	})
	verbs := strings.Split(strings.ReplaceAll(format.String(), "%%", ""), "%")[1:]
	for i, verb := range verbs {
		if strings.HasPrefix(verb, "w") && i+1 < len(call.Args) {
			args = append(args, call.Args[i+1])
		}
	}
	return args
}

// known reports whether an error cannot be nil at the call.
func known(body *ast.BlockStmt, call ast.Node, arg ast.Expr) bool {
	name := text(arg)
	last := name[strings.LastIndexByte(name, '.')+1:]
	if strings.HasPrefix(last, "Err") && !strings.HasSuffix(name, ")") || strings.HasPrefix(last, "err") && len(last) > 3 {
		return true // by its name, a variable of the package
	}
	if made(arg) {
		return true
	}
	// Both errors of a context are set when it ends.
	names := []string{name}
	var done string
	ctx, cause := strings.CutPrefix(name, "context.Cause(")
	if !cause {
		ctx, cause = strings.CutPrefix(name, "ctxend.Err(")
	}
	if cause {
		ctx = strings.TrimSuffix(ctx, ")")
		names, done = append(names, ctx+".Err()"), ctx
	} else if owner, ok := strings.CutSuffix(name, ".Err()"); ok {
		done = owner
	}
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil || n.Pos() >= call.Pos() {
			return false
		}
		switch n := n.(type) {
		case *ast.IfStmt:
			found = found || compares(n.Cond, names)
		case *ast.ForStmt:
			found = found || n.Cond != nil && compares(n.Cond, names)
		case *ast.CaseClause:
			for _, cond := range n.List {
				found = found || compares(cond, names)
			}
		case *ast.SwitchStmt:
			found = found || n.Tag != nil && text(n.Tag) == name
		case *ast.CommClause:
			if n.Comm != nil && done != "" && n.End() > call.Pos() {
				found = found || strings.Contains(text(n.Comm), "<-"+done+".Done()")
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				found = found || n.End() < call.Pos() && text(left) == name && len(n.Rhs) == len(n.Lhs) && made(n.Rhs[i])
			}
		}
		return true
	})
	return found
}

// compares reports whether a condition decides if one of the names is nil.
func compares(cond ast.Expr, names []string) (found bool) {
	ast.Inspect(cond, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			return n.Op != token.NOT // a negated errors.Is does not exclude nil
		case *ast.BinaryExpr:
			for _, name := range names {
				found = found || text(n.X) == name && text(n.Y) == "nil"
			}
		case *ast.CallExpr:
			if fun := text(n.Fun); fun == "errors.Is" || fun == "errors.As" {
				for _, name := range names {
					found = found || text(n.Args[0]) == name
				}
			}
		}
		return true
	})
	return found
}

// made reports whether an expression makes an error.
func made(x ast.Expr) bool {
	if ref, ok := x.(*ast.UnaryExpr); ok && ref.Op == token.AND {
		return true
	}
	call, ok := x.(*ast.CallExpr)
	return ok && (text(call.Fun) == "errors.New" || text(call.Fun) == "fmt.Errorf")
}

func text(n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), n); err != nil {
		return fmt.Sprint(err)
	}
	return b.String()
}
