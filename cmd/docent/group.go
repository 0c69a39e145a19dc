package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

// groupCommand is "docent group".
type groupCommand struct {
	Join  groupJoin  `cmd:"" help:"Be a member of a group until interrupted."`
	List  groupList  `cmd:"" help:"Print the members of a group."`
	Watch groupWatch `cmd:"" help:"Print the members of a group, and then every change."`
}

// groupJoin is "docent group join".
type groupJoin struct {
	Path string `arg:"" name:"PATH" help:"The group, as an absolute path."`
	ID   string `arg:"" name:"ID" help:"The member's name, which no other member may have."`
	Data string `placeholder:"D" allowempty:"" help:"The member's payload. Default: empty."`
}

// Help is shown by "docent group join --help".
func (groupJoin) Help() string {
	return `Prints "joined PATH/ID" once the member is in the group. It prints "out: REASON" when the member is out, for ` +
		`instance after a lost session, and "joined" again when it is back. SIGINT and SIGTERM leave the group and end the ` +
		`command with exit code 0, or with 128+n, after signal n, if it has never been in. If another member has the id, docent waits for one and a half session timeouts: a crashed ` +
		`process keeps its id for that long. Then it fails with exit code 1. With --json each line is an object with in, id, ` +
		`path, token and session, or with in, id, path and why.` + "\n\n" +
		`Example: docent group join /clusterServers "$(hostname)"`
}

// Run joins the group and stays.
func (c *groupJoin) Run(ctx context.Context, a *app) error {
	task := fmt.Sprintf("group join %s %s", c.Path, oneLine(c.ID))
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	if err := checkName(task, "ID", c.ID); err != nil {
		return err
	}
	join := func(ctx context.Context, sm *session.Manager) (*groupmembership.Membership, error) {
		m, err := enter(ctx, a, task, c.Path+"/"+c.ID, sm, func(ctx context.Context) (*groupmembership.Membership, error) {
			return groupmembership.NewGroup(sm, c.Path).Join(ctx, c.ID, []byte(c.Data))
		})
		if errors.Is(err, session.ErrNotEphemeral) {
			err = &taskError{task: task, err: err, hint: "or choose another id"}
		}
		return m, err
	}
	return whilePresent(ctx, a, task, join, func(ctx context.Context, m *groupmembership.Membership) error {
		line := func() (presenceJSON, string) {
			return presenceJSON{ID: m.ID(), Path: m.Path()}, "joined " + oneLine(m.Path())
		}
		return a.stay(task, m.Changes(ctx), line, func() error { return m.Leave(context.Background()) })
	})
}

// groupList is "docent group list".
type groupList struct {
	Path string `arg:"" name:"PATH" help:"The group, as an absolute path."`
}

// Help is shown by "docent group list --help".
func (groupList) Help() string {
	return `Prints one line for each member, sorted by id: the id, and after a tab its payload, unless that is empty. A group ` +
		`without members prints nothing; if PATH has other znodes, standard error names them. If PATH does not exist, the exit code is 1. With --json each line is an object with id, payload (or base64, if the payload is ` +
		`not UTF-8), token, since, updated and session. A crashed member is listed until its session has expired. A member ` +
		`whose znode may not be read is listed, with a line on standard error. So is what is beyond 20000 members or 64 MiB: ` +
		`members after these are left out, and members with a large payload are listed without it (unread, with --json).`
}

// Run prints the members.
func (c *groupList) Run(ctx context.Context, a *app) error {
	task := "group list " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	return errors.Join(withTask(task, c.print(ctx, a, sm)), sm.Close())
}

func (c *groupList) print(ctx context.Context, a *app, sm *session.Manager) error {
	var members []groupmembership.Member
	err := a.once(ctx, func(ctx context.Context) (err error) {
		// The sync makes earlier joins visible on our server.
		if err = sm.Sync(ctx, c.Path); err == nil {
			members, err = groupmembership.NewGroup(sm, c.Path).Members(ctx)
		}
		if err == nil && len(members) == 0 {
			err = orMissing(ctx, sm, c.Path)
		}
		return err
	})
	if errors.Is(err, session.ErrLeftOut) {
		a.problem("group list "+c.Path, err) // the others are known
		err = nil
	}
	if err != nil {
		return err
	}
	if len(members) == 0 {
		return a.noteOthers(ctx, sm, c.Path)
	}
	for _, m := range members {
		if m.Hidden && !a.globals.JSON {
			a.note("group list %s: the ACL of %s hides the member's payload", c.Path, oneLine(m.Path))
		}
		switch {
		case a.globals.JSON:
			err = a.printJSON(memberOf(m))
		case len(m.Payload) == 0:
			err = a.printf("%s\n", oneLine(m.ID))
		default:
			err = a.printf("%s\t%s\n", oneLine(m.ID), oneLine(string(m.Payload)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shownOthers is how many names noteOthers prints.
const shownOthers = 3

// noteOthers says on standard error what a directory without members has
// instead. A directory that is empty is an empty group.
func (a *app) noteOthers(ctx context.Context, sm *session.Manager, path string) error {
	var names []string
	err := a.once(ctx, func(ctx context.Context) (err error) {
		names, _, err = sm.Children(ctx, path)
		return err
	})
	if err != nil || len(names) == 0 {
		return err
	}
	slices.Sort(names)
	shown := make([]string, 0, shownOthers)
	for _, name := range names[:min(shownOthers, len(names))] {
		shown = append(shown, oneLine(name))
	}
	text := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	advice := `check the path (see "docent inspect")`
	if slices.Contains(names, "members") && slices.Contains(names, "claims") {
		advice = "list a partitioner's members with docent group list " + oneLine(path) + "/members"
	}
	a.note("group list %s: no members, but other znodes: %s; %s", oneLine(path), text, advice)
	return nil
}

// groupWatch is "docent group watch".
type groupWatch struct {
	Path string `arg:"" name:"PATH" help:"The group, as an absolute path."`
	watchCmd
}

// Help is shown by "docent group watch --help".
func (groupWatch) Help() string {
	return `Prints "joined ID" for each member, and then "joined ID", "updated ID" or "left ID" for each change. After "joined ` +
		`ID" and "updated ID" follow a tab and the member's payload, unless that is empty. "no members" says that the group is ` +
		`empty. A fast series of updates may be skipped, but never the last. With --json each line is an object with event ` +
		`("joined", "updated", "left", "empty") and the fields of "docent group list". The watch goes on through lost servers ` +
		`and sessions, until SIGINT or SIGTERM end it with exit code 0.` + watchCmdHelp +
		" The state is an object with path and members, the objects of \"docent --json group list\"."
}

// Run prints the members and their changes.
func (c *groupWatch) Run(ctx context.Context, a *app) error {
	task := "group watch " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	return a.whileWatching(ctx, task, c.Path, &c.watchCmd, func(ctx context.Context, sm *session.Manager, cmd *cmdRunner) error {
		if err := a.noteMissing(ctx, task, sm, c.Path); err != nil {
			return err
		}
		return a.withSilenceWarnings(ctx, task, sm, func() error { return c.follow(ctx, a, task, sm, cmd) })
	})
}

func (c *groupWatch) follow(ctx context.Context, a *app, task string, sm *session.Manager, cmd *cmdRunner) error {
	for change, err := range groupmembership.NewGroup(sm, c.Path).Changes(ctx) {
		if err != nil {
			a.problem(task, err)
			if !below(c.Path, err) {
				cmd.unknown()
			}
			continue
		}
		show := func() error { return c.print(a, change) }
		if cmd != nil {
			show = func() error { return cmd.state(groupOf(c.Path, change)) }
		}
		if err := show(); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return errors.New("the group can no longer be watched")
	}
	return nil
}

func (c *groupWatch) print(a *app, change groupmembership.Change) (err error) {
	for _, e := range change.Events {
		switch {
		case err != nil:
			return err
		case a.globals.JSON:
			err = a.printJSON(eventJSON{e.Kind.String(), memberOf(e.Member)})
		case e.Kind == groupmembership.Left || len(e.Member.Payload) == 0:
			err = a.printf("%s %s\n", e.Kind, oneLine(e.Member.ID))
		default:
			err = a.printf("%s %s\t%s\n", e.Kind, oneLine(e.Member.ID), oneLine(string(e.Member.Payload)))
		}
	}
	switch {
	case err != nil || change.Len() > 0:
		return err
	case a.globals.JSON:
		return a.printJSON(struct {
			Event string `json:"event"`
		}{"empty"})
	}
	return a.printf("no members\n")
}

// groupJSON is the state of a group.
type groupJSON struct {
	Path    string           `json:"path"`
	Members []memberJSON     `json:"members"`
	LeftOut *session.LeftOut `json:"leftOut,omitempty"` // what the limits leave out of the members
}

func groupOf(path string, change groupmembership.Change) groupJSON {
	g := groupJSON{Path: path, Members: make([]memberJSON, 0, change.Len())}
	for m := range change.Members() {
		g.Members = append(g.Members, memberOf(m))
	}
	if change.LeftOut.Znodes > 0 {
		g.LeftOut = &change.LeftOut
	}
	return g
}

// memberJSON is one member.
type memberJSON struct {
	ID      string  `json:"id"`
	Payload *string `json:"payload,omitempty"` // if it is UTF-8
	Base64  []byte  `json:"base64,omitempty"`  // otherwise
	Token   int64   `json:"token"`
	Since   string  `json:"since"`
	Updated string  `json:"updated"`
	Session string  `json:"session"`          // hexadecimal, as ZooKeeper's tools print it
	Hidden  bool    `json:"hidden,omitempty"` // the ACL hides the payload, and on newer servers the stat too
	Unread  bool    `json:"unread,omitempty"` // the payload is beyond the limit in bytes
}

// eventJSON is a change of one member.
type eventJSON struct {
	Event string `json:"event"`
	memberJSON
}

func memberOf(m groupmembership.Member) memberJSON {
	var payload valueJSON
	payload.set(m.Payload)
	return memberJSON{
		ID: m.ID, Payload: payload.Value, Base64: payload.Base64, Token: m.Token,
		Since: knownTime(m.Since), Updated: knownTime(m.Updated), Session: m.Session.String(), Hidden: m.Hidden, Unread: m.Unread,
	}
}

// whileUninterrupted connects and runs f until it returns or a signal arrives.
// An interruption is a normal end: it returns nil then.
func (a *app) whileUninterrupted(ctx context.Context, task string, f func(context.Context, *session.Manager) error) error {
	_, err := a.untilSignal(ctx, task, f)
	return err
}

// untilSignal is whileUninterrupted that also returns what has interrupted f.
func (a *app) untilSignal(ctx context.Context, task string, f func(context.Context, *session.Manager) error) (by, err error) {
	ctx, stop := a.untilInterrupted(ctx)
	defer stop()
	sm, err := a.connect(ctx)
	if err == nil {
		err = errors.Join(f(ctx, sm), sm.Close())
	}
	if ctx.Err() != nil {
		return context.Cause(ctx), nil
	}
	return nil, withTask(task, err)
}
