//go:build unix

package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// shop is an embedded server on which much goes wrong, as a night shift finds
// it.
type shop struct {
	*testing.T
	zk   *zktest.Server
	addr string
	// Ann and Ben wait for each other.
	ann, ben *session.Manager
	mail     *queue.Queue
}

const stuckContender = "/locks/imports/_c_00000000-1111-4222-8333-000000000001-lock-0000000000"

func (s *shop) dial() *session.Manager {
	s.Helper()
	sm, err := session.Dial(within(s.T), session.Config{Servers: []string{s.addr}, Timeout: timeout})
	require.NoError(s, err)
	s.Cleanup(func() { require.NoError(s, sm.Close()) })
	return sm
}

func (s *shop) hold(sm *session.Manager, path, id string) {
	s.Helper()
	_, err := lock.NewMutex(sm, path, lock.ID(id)).Lock(within(s.T))
	require.NoError(s, err)
}

// waits lets a session wait for a lock until the test ends.
func (s *shop) waits(sm *session.Manager, path, id string) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = lock.NewMutex(sm, path, lock.ID(id)).Lock(ctx) // ends with the test
	}()
	s.Cleanup(func() {
		cancel()
		<-done
	})
	ensemble.Eventually(s.T, patience, id+" waits", func() bool {
		r, err := inspect.Read(within(s.T), sm, path)
		if err != nil {
			return false
		}
		l, ok := r.Findings[0].(*inspect.Lock)
		return ok && slices.ContainsFunc(l.Waiters, func(o inspect.Owner) bool { return o.ID == id })
	})
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{T: t, zk: zktest.New(t)}
	var err error
	s.addr, err = s.zk.Listen("127.0.0.1:0")
	require.NoError(t, err)
	s.ann, s.ben = s.dial(), s.dial()

	s.hold(s.ann, "/locks/accounts", "billing-7")
	s.hold(s.ben, "/locks/ledger", "payouts-2")
	s.waits(s.ann, "/locks/ledger", "billing-7")
	s.waits(s.ben, "/locks/accounts", "payouts-2")
	require.NoError(t, s.zk.Put(stuckContender, []byte("10.0.0.12")))
	s.waits(s.dial(), "/locks/imports", "importer-3")

	register := func(service, id string, change func(*naming.Instance)) {
		in := naming.Instance{Service: service, ID: id, Address: "10.0.1." + id[len(id)-1:], Port: 8080, Metadata: map[string]string{"zone": "b", "api-token": "hunter2"}}
		if change != nil {
			change(&in)
		}
		_, err := naming.NewRegistry(s.ann).Register(within(t), in)
		require.NoError(t, err)
	}
	for i := range 3 {
		register("web", fmt.Sprintf("web-%d", i+1), func(in *naming.Instance) { in.Draining = i == 2 })
	}
	register("shop", "shop-1", func(in *naming.Instance) { in.Draining = true })
	register("shop", "shop-2", func(in *naming.Instance) { in.Draining = true })
	require.NoError(t, s.zk.Put("/services/search", nil))

	s.mail = queue.New(s.ann, "/queues/mail")
	for i := range 5 {
		_, err := s.mail.Put(within(t), []byte(fmt.Sprintf(`{"to":"customer-%d@example.com","template":"receipt","password":"hunter2"}`, i)))
		require.NoError(t, err)
	}
	for range 2 {
		item, err := s.mail.Take(within(t))
		require.NoError(t, err)
		require.NoError(t, item.Reject("no such mailbox"))
	}
	store := config.NewStore(s.ann, "/config")
	for key, value := range map[string]string{"limits": `{"qps":200,"burst":50,"db":{"user":"shop","password":"hunter2"}}`, "db-password": "hunter2", "motd": "closed on Sunday\n"} {
		_, err := store.Put(within(t), key, []byte(value))
		require.NoError(t, err)
	}
	require.NoError(t, barrier.New(s.ann, "/gates/migration").Set(within(t)))
	campaign(t, s.ann, "scheduler-1")
	campaign(t, s.ben, "scheduler-2")
	return s
}

// problem finds the problem of a kind at a path.
const problem = `const at = (kind, path) => [...document.querySelectorAll("#problem-list > li")].find((li) =>
	li.querySelector(".what").textContent === kind && (!path || li.querySelector(".where").textContent === path));`

// An operator sees what is wrong at the first look, gets to what is behind it,
// and ends it, with nothing but the page.
func TestConsole(t *testing.T) {
	s := newShop(t)
	cmd, look, act := serveActions(t, s.addr, "--held", "1ms", "--waited", "1ms")
	b := open(t, false)
	b.visit(act)
	for _, words := range []string{"deadlock", "looks abandoned", "2 dead letters", "all 2 are draining", "services are beside it", "gate, closed by"} {
		b.sees("#problem-list", words)
	}
	b.sees("#state", "live")
	b.sees("#problem-summary", "critical")
	require.Equal(t, "critical", run[string](b, `return document.querySelector("#problem-list .severity").textContent`))
	require.Regexp(t, `^\(\d+\) docent$`, run[string](b, "return document.title"))
	require.Equal(t, "problems", run[string](b, `return document.querySelector("main > section:not([hidden])").id.slice(5)`))
	b.shot("problems")

	// From the deadlock to its sessions, and to what they hold.
	run[any](b, problem+`at("deadlock").querySelector(".who a").click()`)
	b.sees("#session h2", "Session 0x")
	b.sees("#session", "Waits for")
	text := run[string](b, `return document.getElementById("session").innerText`)
	require.Contains(t, text, "/locks/accounts")
	require.Contains(t, text, "/locks/ledger")
	require.Contains(t, text, "number 1 in line; holds: ")
	b.shot("session")
	run[any](b, `[...document.querySelectorAll("#session ul.entries a")].find((a) => a.textContent === "/locks/ledger").click()`)
	b.sees("#detail h2", "/locks/ledger")
	b.sees("#detail .here", "deadlock")
	run[any](b, "history.back()")
	b.sees("#session h2", "Session 0x")

	// Each action shows the command that does the same.
	confirm := func(title, command string) {
		t.Helper()
		b.sees("#confirm-title", title)
		require.Equal(t, command, run[string](b, `return document.querySelector("#confirm-command code").textContent`))
		run[any](b, `document.getElementById("confirm-yes").click()`)
		ensemble.Eventually(t, patience, "the action is done", func() bool { return !run[bool](b, `return document.getElementById("confirm").open`) })
	}
	run[any](b, `location.hash = "#problems"`)
	run[any](b, problem+`at("held for long", "/gates/migration").querySelector("button.act").click()`)
	confirm("Lift the gate /gates/migration?", "docent barrier lift /gates/migration")
	_, closed := s.zk.Node("/gates/migration")
	require.False(t, closed)
	ensemble.Eventually(t, patience, "the problem goes", func() bool {
		return run[bool](b, problem+`return at("held for long", "/gates/migration") === undefined`)
	})

	run[any](b, `location.hash = "#/queues/mail"`)
	b.sees("#detail ul.entries", "no such mailbox")
	b.sees("#detail ul.entries", "customer-")
	require.NotContains(t, run[string](b, `return document.body.innerHTML`), "hunter2")
	b.shot("queue")
	id := run[string](b, `return document.querySelector("#detail ul.entries small").textContent.split(",")[0]`)
	button := func(text string) {
		t.Helper()
		ensemble.Eventually(t, patience, "the button "+text, func() bool {
			return run[bool](b, `const it = [...document.querySelectorAll("#detail button.act")].find((n) => n.textContent === arguments[0]); it?.click(); return it !== undefined`, text)
		})
	}
	button("Redrive")
	confirm("Redrive "+id+"?", "docent queue dead redrive /queues/mail "+id)
	b.sees("#detail dl", "dead letters\n1")
	ensemble.Eventually(t, patience, "the letter goes", func() bool {
		return !strings.Contains(run[string](b, `return document.getElementById("detail").innerText`), id)
	})
	id = run[string](b, `return document.querySelector("#detail ul.entries small").textContent.split(",")[0]`)
	button("Discard")
	confirm("Discard "+id+"?", "docent queue dead discard /queues/mail "+id)
	b.sees("#detail dl", "dead letters\n0")
	n, err := s.mail.Len(within(t))
	require.NoError(t, err)
	require.Equal(t, 4, n)

	run[any](b, `location.hash = "#/locks/ledger"`)
	ensemble.Eventually(t, patience, "the holder has a button", func() bool {
		return run[bool](b, `const it = document.querySelector("#detail .owner.holds button.act"); it?.click(); return it !== null`)
	})
	path := run[string](b, `return document.querySelector("#confirm-command code").textContent`)
	confirm("Ask payouts-2 to release?", path)
	require.Regexp(t, `^docent revoke /locks/ledger/`, path)
	b.sees("#detail", "asked to release")

	run[any](b, `location.hash = "#problems"`)
	run[any](b, problem+`at("abandoned").querySelector("button.act").click()`)
	confirm("Remove "+stuckContender+"?", "docent remove "+stuckContender)
	_, left := s.zk.Node(stuckContender)
	require.False(t, left)
	for _, line := range []string{"what=lift .*role=act path=/gates/migration id=/gates/migration .*outcome=done", "what=redrive .*outcome=done", "what=discard .*outcome=done", "what=revoke .*outcome=done", "what=remove .*outcome=done"} {
		require.Regexp(t, line, cmd.Stderr())
	}

	viewer := open(t, true)
	viewer.visit(look)
	viewer.sees("#problem-list", "deadlock")
	require.Zero(t, run[float64](viewer, `return document.querySelectorAll("button.act").length`), "a viewer who may not act")
	viewer.shot("problems-dark")
	viewer.phone()
	viewer.shot("problems-phone")
	require.Zero(t, run[float64](viewer, `return document.documentElement.scrollWidth - document.documentElement.clientWidth`), "the page scrolls sideways")
}

// Values are shown as far as they may be read, without what --redact names.
func TestConsoleValues(t *testing.T) {
	s := newShop(t)
	_, look := serve(t, s.addr)
	b := open(t, false)
	b.visit(look + "#/config/limits")
	b.sees("#detail pre", `"qps": 200`)
	b.sees("#detail pre", `"password": "(redacted)"`)
	b.sees("#detail .value", "redacted")
	b.shot("value")
	_, err := config.NewStore(s.ann, "/config").Put(within(t), "limits", []byte(`{"qps":300}`))
	require.NoError(t, err)
	b.sees("#detail pre", `"qps": 300`)
	run[any](b, `location.hash = "#/config/db-password"`)
	b.sees("#detail h2", "/config/db-password")
	b.sees("#detail pre", "(redacted)")
	run[any](b, `location.hash = "#/services/web"`)
	b.sees("#detail", "web-1")
	run[any](b, `document.querySelector("#detail details summary").click()`)
	b.sees("#detail details pre", `"api-token": "(redacted)"`)
	require.NotContains(t, run[string](b, `return document.documentElement.outerHTML`), "hunter2")
	b.shot("service")
}

// The list can be filtered and sorted.
func TestConsoleFilters(t *testing.T) {
	s := newShop(t)
	_, look := serve(t, s.addr)
	b := open(t, false)
	b.visit(look + "#recipes")
	b.sees("#list", "/locks/ledger")
	set := func(id, value string) []string {
		return run[[]string](b, `const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event("input", { bubbles: true }));
			return [...document.querySelectorAll("#list .path")].map((n) => n.textContent)`, id, value)
	}
	require.Equal(t, []string{"/locks/accounts", "/locks/imports", "/locks/ledger"}, set("kind", "lock"))
	require.Equal(t, []string{"/locks/imports"}, set("state-filter", "marked"))
	require.Equal(t, []string{"/locks/accounts", "/locks/imports", "/locks/ledger"}, set("state-filter", "waits"))
	require.Equal(t, "/locks/imports", set("order", "oldest")[2])
	require.Equal(t, "/locks/imports", set("order", "newest")[0])
	set("kind", "")
	require.Equal(t, []string{"/services/shop", "/services/web"}, set("state-filter", "down"))
	set("state-filter", "")
	b.shot("recipes")
	run[any](b, `location.hash = "#sessions"`)
	b.sees("#session-rows", "billing-7")
	b.shot("sessions")
}

// The timeline says who led before, in a picture and in a table.
func TestConsoleTimeline(t *testing.T) {
	s := newShop(t)
	_, look := serve(t, s.addr)
	b := open(t, false)
	b.visit(look + "#/leaders/scheduler")
	b.sees("#detail .owner.holds", "scheduler-1")
	b.sees("#detail .recent svg", "scheduler-1")
	require.NoError(t, election.New(s.dial(), "/leaders/scheduler").Transfer(within(t), "scheduler-2"))
	b.sees("#detail .owner.holds", "scheduler-2")
	run[any](b, `document.querySelector("#detail .as-table summary").click()`)
	b.sees("#detail .as-table", "scheduler-1")
	b.sees("#detail .as-table", "holds still")
	spells := run[float64](b, `return document.querySelectorAll("#detail svg .spell").length`)
	require.GreaterOrEqual(t, spells, 2.0)
	require.True(t, run[bool](b, `return document.querySelector("#detail .as-table").open`), "an update closes what a viewer has opened")
	b.shot("election")
	run[any](b, `location.hash = "#timeline"`)
	b.sees("#view-timeline svg", "/leaders/scheduler")
	b.shot("timeline")
}

// Without a quorum the page says so in a band above all views, with the age of
// what it shows. It goes on by itself.
func TestConsoleNoQuorum(t *testing.T) {
	s := newShop(t)
	_, look := serve(t, s.addr)
	b := open(t, false)
	b.visit(look)
	b.sees("#state", "live")
	b.sees("#problem-list", "deadlock")
	back := make(chan struct{})
	remove := s.zk.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMulti {
			return zktest.Hold(back)
		}
		return zktest.Pass
	})
	b.sees("#state-words", "No quorum.")
	b.sees("#state", "What is shown is of ")
	require.Equal(t, "NO QUORUM – docent", run[string](b, "return document.title"))
	require.Contains(t, run[string](b, `return document.getElementById("problem-list").innerText`), "deadlock")
	b.shot("no-quorum")
	b.phone()
	b.shot("no-quorum-phone")
	remove()
	close(back)
	b.sees("#state", "live")
	require.Regexp(t, `^\(\d+\) docent$`, run[string](b, "return document.title"))
}

// A shell reads the words of a command to copy as they were.
func TestConsoleQuote(t *testing.T) {
	s := newShop(t)
	_, look := serve(t, s.addr)
	b := open(t, false)
	b.visit(look)
	b.sees("#state", "live")
	words := []string{"a", "", "a b", "it's", `back\slash`, "$HOME `id` $(id) !x", "-x", "new\nline", "bidi\u202e", "null\u3164", "'\u202e\\", "größe"}
	data, err := json.Marshal(words)
	require.NoError(t, err)
	var line string
	b.call("POST", "/execute/async", map[string]any{"args": []any{}, "script": `const done = arguments[0]; import(location.pathname + "actions.js").then((m) => done(m.shell(` + string(data) + `)))`}, &line)
	out, err := exec.Command("bash", "-c", "printf '%s\\0' "+line).Output()
	require.NoError(t, err)
	require.Equal(t, "docent\x00"+strings.Join(words, "\x00")+"\x00", string(out))
}
