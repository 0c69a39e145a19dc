package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/session"
)

func TestExplain(t *testing.T) {
	op := func(err error) error {
		return fmt.Errorf("config key %q: %w", "/a", &session.OpError{Op: "set", Path: "/a", Session: 7, Err: err})
	}
	unreachable := fmt.Errorf("connect to ZooKeeper: %w", fmt.Errorf("%w: %w (last failure: %w)",
		session.ErrUnreachable, context.DeadlineExceeded, errors.New("dial zk1:2181: connection refused")))
	silent := fmt.Errorf("connect to ZooKeeper: %w", fmt.Errorf("%w: %w", session.ErrUnreachable, context.DeadlineExceeded))
	for _, c := range []struct {
		err  error
		code int
		line string
	}{
		{&usageError{text: "unknown flag --x", help: "docent lock --help"}, 2, `unknown flag --x (see: docent lock --help)`},
		{withTask("lock a", znode.Validate("a")), 2,
			`lock a: invalid path "a": it is relative: a path starts with /; give an absolute path such as /app/name`},
		{&unreachableError{"zk1:2181", 3 * time.Second, unreachable}, 69,
			`connect to zk1:2181: no server could be reached within 3s (dial zk1:2181: connection refused); ` +
				`check --servers and that ZooKeeper runs there, or raise --connect-timeout`},
		{&unreachableError{"zk1:2181", 3 * time.Second, silent}, 69,
			`connect to zk1:2181: no server could be reached within 3s (no server answered); ` +
				`check --servers and that ZooKeeper runs there, or raise --connect-timeout`},
		{withTask("config get /a", fmt.Errorf("connect: %w", session.ErrAuth)), 1,
			`config get /a: the server rejects the credentials; check --auth-file or DOCENT_AUTH`},
		{withTask("config set /a", op(fmt.Errorf("%w: it takes 9 bytes, the limit is 8", session.ErrTooLarge))), 1,
			`config set /a: the request is larger than the server accepts: it takes 9 bytes, the limit is 8; ` +
				`make the data smaller, or store it elsewhere and put its address here`},
		{withTask("config set /a", op(fmt.Errorf("%w: %w", session.ErrUnknownOutcome, zk.ErrConnectionClosed))), 1,
			`config set /a: the server's answer was lost: the request may or may not have been carried out; ` +
				`check with "docent config get", and try again if it was not`},
		{withTask("config get /a", op(zk.ErrNoNode)), 1,
			`config get /a: there is no such znode; check the path, and the root in --servers`},
		{withTask("config get /a", op(zk.ErrNoAuth)), 1,
			`config get /a: the ACL denies access; check --auth-file or DOCENT_AUTH, and the ACL of the znode and of its parent`},
		{withTask("config set /a", op(zk.ErrNodeExists)), 1,
			`config set /a: the znode exists already; set it without --create, or delete it first`},
		{withTask("config set /a", op(zk.ErrBadVersion)), 1,
			`config set /a: the znode has another version; read the present version with "docent --json config get" and try again`},
		{withTask("config delete /a", op(zk.ErrNotEmpty)), 1, `config delete /a: the znode has children; list them with "docent inspect"`},
		{withTask("config set /e/a", op(zk.ErrNoChildrenForEphemerals)), 1,
			`config set /e/a: the parent is an ephemeral znode, which can have no children; choose another path`},
		{withTask("config set /a", op(&session.CodeError{Code: -125})), 1,
			"config set /a: the server answers QUOTAEXCEEDED (-125): a quota on the path or above it is used up: " +
				"delete what is not needed, or raise the quota (setquota in zkCli.sh)"},
		{withTask("config set /a", op(fmt.Errorf("%w: %w", session.ErrUnknownOutcome, &session.CodeError{Code: -7}))), 1,
			"config set /a: the request may or may not have been carried out: the server answers OPERATIONTIMEOUT (-7): " +
				"the server gave the request up after some time: read what has become of it"},
		{withTask("config set /a", &session.OpError{Op: "config set", Path: "/a", Err: op(session.ErrUnimplemented)}), 1,
			`config set /a: config key "/a": the server does not implement the operation`},
		{withTask("lock /l", &session.OpError{Op: "lock", Path: "/l", Session: 7, Err: fmt.Errorf("%w: delete /l", session.ErrExhausted)}), 1,
			`lock /l: ` + session.ErrExhausted.Error() + `: delete /l`},
		{withTask("lock /l", &session.OpError{Op: "lock", Path: "/l", Session: 7, Err: &session.OpError{Op: "create", Path: "/l/n", Session: 7, Err: errors.New("no")}}), 1,
			`lock /l: no`},
		{withTask("config get /a", op(session.ErrUnimplemented)), 1,
			`config get /a: the server does not implement the operation`},
		{withTask("lock /l", &notAcquired{"held by host-7 (pid 123 on host) since 10:31:02", "within 30s", "raise --wait"}), 75,
			`lock /l: held by host-7 (pid 123 on host) since 10:31:02: not acquired within 30s; raise --wait`},
		{withTask("lock /l", &child.StartError{Name: "x", Code: 127}), 127, `lock /l: command "x" was not found`},
		{withTask("lock /l", &child.StartError{Name: "x", Code: 126, Err: os.ErrPermission}), 126,
			`lock /l: command "x" cannot be executed: permission denied`},
		{withTask("lock /l", &interrupted{syscall.SIGTERM, "interrupted"}), 143, `lock /l: interrupted by signal 15 (terminated)`},
		{errors.New("two\nlines"), 1, `two lines`},
	} {
		line, code := explain(c.err)
		require.Equal(t, c.line, line)
		require.Equal(t, c.code, code, c.line)
	}
	for _, cause := range []error{
		session.ErrDeleted, session.ErrTrustElapsed, session.ErrExpired, session.ErrDisconnected, session.ErrClosed,
	} {
		line, code := explain(withTask("lock /l", &lossError{cause, child.Outcome{Code: 143, Stopped: true}}))
		require.Equal(t, 79, code)
		require.Equal(t, "lock /l: the hold was lost while CMD ran: "+cause.Error()+": CMD was stopped (code 143); "+
			"CMD's last writes may overlap with the next holder's: have the store that CMD writes to compare DOCENT_TOKEN", line)
	}
}

func TestClock(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	require.Equal(t, "10:31:02", clock(time.Date(2026, 3, 4, 10, 31, 2, 0, time.UTC), now))
	require.Equal(t, "2026-03-03 23:00:00", clock(time.Date(2026, 3, 3, 23, 0, 0, 0, time.UTC), now))
}
