//go:build unix

package security

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// programReads are the calls of a program that read the tree once.
var programReads = []struct {
	title string
	read  func(ctx context.Context, sm *session.Manager) string
}{
	{"config.Open of a hidden key", func(ctx context.Context, sm *session.Manager) string {
		_, err := config.Open(ctx, sm, "/app/config/secret", config.Text())
		return said(err)
	}},
	{"config.Open of a hidden key, with a default", func(ctx context.Context, sm *session.Manager) string {
		v, err := config.Open(ctx, sm, "/app/config/secret", config.Text(), config.Default("default"))
		if err != nil {
			return said(err)
		}
		defer v.Close()
		return fmt.Sprintf("%q, stale %v; %s", v.Load().Value, v.Stale(), said(v.Err()))
	}},
	{"config.OpenTree", func(ctx context.Context, sm *session.Manager) string {
		_, err := config.OpenTree(ctx, sm, "/app/config", config.Text())
		return said(err)
	}},
	{"config.OpenTree, with a default", func(ctx context.Context, sm *session.Manager) string {
		tree, err := config.OpenTree(ctx, sm, "/app/config", config.Text(), config.Default("default"))
		if err != nil {
			return said(err)
		}
		defer tree.Close()
		return ofTree(tree)
	}},
	{"config.Store, Get, Set, Create, Delete of a hidden key", func(ctx context.Context, sm *session.Manager) string {
		store := config.NewStore(sm, "/app/config")
		_, got := store.Get(ctx, "secret")
		_, set := store.Set(ctx, "secret", []byte("x"), session.AnyVersion)
		_, created := store.Create(ctx, "secret", []byte("x"))
		return strings.Join([]string{said(got), said(set), said(created), said(store.Delete(ctx, "vault/deep/key", session.AnyVersion))}, "\n")
	}},
	{"naming.Registry.Services", func(ctx context.Context, sm *session.Manager) string {
		services, err := naming.NewRegistry(sm, naming.Base("/app/services")).Services(ctx)
		return named(services) + "; " + said(err)
	}},
	{"naming.Registry.Open", func(ctx context.Context, sm *session.Manager) string {
		shop, err := naming.NewRegistry(sm, naming.Base("/app/services")).Open(ctx, "shop")
		if err != nil {
			return said(err)
		}
		defer shop.Close()
		return ofService(shop)
	}},
	{"naming.Registry.Open of a hidden service", func(ctx context.Context, sm *session.Manager) string {
		_, err := naming.NewRegistry(sm, naming.Base("/app/services")).Open(ctx, "vault")
		return said(err)
	}},
	{"naming.Registry.Register under a hidden id", func(ctx context.Context, sm *session.Manager) string {
		_, err := naming.NewRegistry(sm, naming.Base("/app/services")).Register(ctx, naming.Instance{Service: "shop", ID: "two", Address: "10.0.0.9", Port: 80}, naming.Refuse())
		return said(err)
	}},
	{"groupmembership.Group.Members", func(ctx context.Context, sm *session.Manager) string {
		members, err := groupmembership.NewGroup(sm, "/app/group").Members(ctx)
		return ofMembers(members) + said(err)
	}},
	{"groupmembership.Partitioner.Owners", func(ctx context.Context, sm *session.Manager) string {
		owners, err := groupmembership.NewPartitioner(sm, "/app/parts", 3).Owners(ctx)
		var lines []string
		for _, o := range owners {
			lines = append(lines, fmt.Sprintf("%d %q hidden %v: %s", o.Number, o.ID, o.Hidden, said(o.Err)))
		}
		return strings.Join(append(lines, said(err)), "\n")
	}},
	{"lock.Mutex, Holders and Waiters", func(ctx context.Context, sm *session.Manager) string {
		m := lock.NewMutex(sm, "/app/mutex")
		holders, err := m.Holders(ctx)
		waiters, waits := m.Waiters(ctx)
		return fmt.Sprintf("%s%s\n%s%s", ofContenders(holders), said(err), ofContenders(waiters), said(waits))
	}},
	{"lock.OneNode, Holders and TryLock", func(ctx context.Context, sm *session.Manager) string {
		l := lock.NewOneNode(sm, "/app/locks/one")
		holders, err := l.Holders(ctx)
		_, tried := l.TryLock(ctx)
		return fmt.Sprintf("%s%s\n%s", ofContenders(holders), said(err), said(tried))
	}},
	{"election, Leader and Participants", func(ctx context.Context, sm *session.Manager) string {
		e := election.New(sm, "/app/election")
		leader, err := e.Leader(ctx)
		all, listed := e.Participants(ctx)
		return fmt.Sprintf("%v %q hidden %v; %s\n%d; %s", leader.Exists, leader.ID, leader.Hidden, said(err), len(all), said(listed))
	}},
	{"election with one znode, Leader", func(ctx context.Context, sm *session.Manager) string {
		leader, err := election.New(sm, "/app/one/election", election.Layout(election.OneNode)).Leader(ctx)
		return fmt.Sprintf("%v %q hidden %v; %s", leader.Exists, leader.ID, leader.Hidden, said(err))
	}},
	{"queue, List and Len", func(ctx context.Context, sm *session.Manager) string {
		q := queue.New(sm, "/app/queue")
		var lines []string
		for e, err := range q.List(ctx) {
			lines = append(lines, fmt.Sprintf("%s %q hidden %v: %s", e.ID, e.Data, e.Hidden, said(err)))
		}
		n, err := q.Len(ctx)
		return strings.Join(append(lines, fmt.Sprintf("%d; %s", n, said(err))), "\n")
	}},
	{"barrier.IsSet", func(ctx context.Context, sm *session.Manager) string {
		set, err := barrier.New(sm, "/app/gate").IsSet(ctx)
		return fmt.Sprintf("%v; %s", set, said(err))
	}},
	{"counter.Get and Add", func(ctx context.Context, sm *session.Manager) string {
		c := counter.New(sm, "/app/counter")
		_, got := c.Get(ctx)
		_, added := c.Add(ctx, 1)
		return said(got) + "\n" + said(added)
	}},
	{"inspect.Read", func(ctx context.Context, sm *session.Manager) string {
		r, err := inspect.Read(ctx, sm, "/app")
		if err != nil {
			return said(err)
		}
		return ofReport(r)
	}},
	{"inspect.Deadlocks", func(ctx context.Context, sm *session.Manager) string {
		d, err := inspect.Deadlocks(ctx, sm, "/app", inspect.Confirm(1))
		if err != nil {
			return said(err)
		}
		return fmt.Sprintf("%d deadlocks, complete %v", len(d.Deadlocks), d.Complete())
	}},
}

// commandReads are the command lines that read the tree once.
var commandReads = []string{
	"config get /app/config/secret",
	"config list /app/config",
	"config export /app/config",
	"config export /app/config/b",
	"service list --base /app/services",
	"service list shop --base /app/services",
	"service list vault --base /app/services",
	"service pick shop --base /app/services",
	"group list /app/group",
	"queue list /app/queue",
	"queue len /app/queue",
	"queue take /app/queue --wait 0s",
	"queue take /app/queue --wait 1ms", // only the neighbour's item is left
	"leader /app/election",
	"leader /app/one/election --layout one-node",
	"lock /app/locks/theirs --try -- true",
	"lock /app/locks/one --mode one-node --try -- true",
	"barrier wait /app/gate --wait 0s",
	"counter get /app/counter",
	"inspect /app",
	"inspect /app --deadlocks",
	"acl check /app/config --below",
}

// reads writes what the program reads, and what the commands print.
func (s *neighbours) reads() {
	for _, r := range programReads {
		s.shows(r.title, r.read(within(s.t), s.program))
	}
	for _, line := range commandReads {
		cmd := ensemble.Run(s.t, nil, append([]string{"--servers", s.servers}, strings.Fields(line)...)...)
		code := cmd.Wait(patience)
		s.shows(fmt.Sprintf("docent %s", line), fmt.Sprintf("%s%scode %d", cmd.Stdout(), cmd.Stderr(), code))
	}
	s.page()
}

// page writes what docent ui serves.
func (s *neighbours) page() {
	cmd := ensemble.Run(s.t, nil, "--servers", s.servers, "ui", "/app", "--listen", "127.0.0.1:0", "--no-token")
	at := strings.TrimSuffix(strings.TrimPrefix(cmd.WaitLine("^listening on ", patience).Text, "listening on "), "/")
	for _, ask := range []string{
		"/api/value?path=" + url.QueryEscape("/app/config/a"), "/api/value?path=" + url.QueryEscape("/app/config/secret"),
		"/api/queue?path=" + url.QueryEscape("/app/queue") + "&layout=curator",
	} {
		response := s.get(at + ask)
		body, err := io.ReadAll(response.Body)
		require.NoError(s.t, err)
		require.NoError(s.t, response.Body.Close())
		s.shows("page "+ask, fmt.Sprintf("%d %s", response.StatusCode, body))
	}
	events := s.get(at + "/api/events")
	defer events.Body.Close()
	lines := bufio.NewScanner(events.Body)
	lines.Buffer(nil, 1<<20)
	for {
		require.True(s.t, lines.Scan(), "the page sends no report")
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var report struct {
			Findings []struct{ Kind, Path, What string }
		}
		require.NoError(s.t, json.Unmarshal([]byte(data), &report), data)
		if len(report.Findings) == 0 {
			continue
		}
		var text strings.Builder
		for _, f := range report.Findings {
			fmt.Fprintln(&text, f.Kind, f.Path, f.What)
		}
		s.shows("page /api/events", text.String())
		return
	}
}

func (s *neighbours) get(address string) *http.Response {
	request, err := http.NewRequestWithContext(within(s.t), http.MethodGet, address, nil)
	require.NoError(s.t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(s.t, err)
	return response
}

func ofTree(tree *config.Tree[string]) string {
	snap := tree.Load()
	var b strings.Builder
	for key := range snap.All() {
		fmt.Fprintf(&b, "%s=%s\n", key.Key, key.Value)
	}
	for _, h := range snap.Hidden {
		fmt.Fprintf(&b, "hidden %s: %s\n", h.Key, said(h.Err))
	}
	return b.String() + said(tree.Err())
}

func ofService(service *naming.Service) string {
	var b strings.Builder
	view := service.View()
	for in := range view.All() {
		fmt.Fprintln(&b, in.ID)
	}
	for _, problem := range view.Problems {
		fmt.Fprintln(&b, said(problem))
	}
	return fmt.Sprintf("%sstale %v", &b, view.Stale)
}

func ofMembers(members []groupmembership.Member) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "%s %q hidden %v\n", m.ID, m.Payload, m.Hidden)
	}
	return b.String()
}

func ofContenders(all []lock.Contender) string {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "%q hidden %v\n", c.ID, c.Hidden)
	}
	return b.String()
}

func ofReport(r *inspect.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprint(&b, f.Head().Kind, " ", f.Head().Path)
		if h, ok := f.(*inspect.Hidden); ok {
			fmt.Fprint(&b, " ", h.What)
		}
		fmt.Fprintln(&b)
	}
	return fmt.Sprintf("%scomplete %v", &b, r.Complete())
}
