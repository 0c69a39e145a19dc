//go:build unix

package ui

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// observe counts the changes of the DOM below main, without the ages that go
// on.
const observe = `
	window.touched = [];
	new MutationObserver((records) => {
		for (const r of records) {
			const node = r.target.nodeType === Node.TEXT_NODE ? r.target.parentElement : r.target;
			if (node && !node.closest("[data-since]")) window.touched.push(r.type + " " + (r.attributeName || "") + " " + node.tagName + "." + node.className + " " + node.textContent.slice(0, 60));
		}
	}).observe(document.querySelector("main"), { subtree: true, childList: true, characterData: true, attributes: true });`

// many starts a server with n keys, five hundred in a directory, and a lock, and
// the page of it.
func many(t *testing.T, n int) (sm *session.Manager, b *browser) {
	t.Helper()
	server := zktest.New(t)
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	for i := range n {
		require.NoError(t, server.Put(fmt.Sprintf("/config/part-%d/item-%04d", i/500, i), []byte("1")))
	}
	sm, err = session.Dial(within(t), session.Config{Servers: []string{addr}, Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	_, err = lock.NewMutex(sm, "/a-lock", lock.ID("ann")).Lock(within(t))
	require.NoError(t, err)
	_, look := serve(t, addr)
	b = open(t, false)
	b.visit(look + "#/config/part-0/item-0003")
	return sm, b
}

// Among two thousand findings a change costs what has changed: the list draws
// some rows, and a report changes the one row and the one field.
func TestManyFindings(t *testing.T) {
	const n = 2000
	sm, b := many(t, n)
	b.sees("#summary", "2001 findings")
	b.sees("#detail pre", "1")
	require.LessOrEqual(t, run[float64](b, `return document.querySelectorAll("#list li").length`), 300.0)
	b.sees("#more", "of 2001")

	run[any](b, `document.getElementById("more").click()`)
	require.Equal(t, 600.0, run[float64](b, `return document.querySelectorAll("#list li").length`))
	require.Contains(t, run[string](b, `return document.activeElement.textContent`), "/config/part-0/item-0299", "the focus stays where the button was")

	run[any](b, observe)
	_, err := config.NewStore(sm, "/config/part-0").Put(within(t), "item-0007", []byte("23"))
	require.NoError(t, err)
	b.sees("#list", "version 1, 2 bytes")
	touched := run[[]string](b, "return window.touched")
	require.NotEmpty(t, touched)
	require.LessOrEqual(t, len(touched), 6, "%q", touched)
	for _, line := range touched {
		require.Contains(t, line, "brief", "only the field that has changed: %q", touched)
	}

	// A search draws what it finds, and not two thousand rows.
	run[any](b, `window.touched = []; const s = document.getElementById("search"); s.value = "item-19"; s.dispatchEvent(new Event("input"))`)
	b.sees("#summary", "100 of 2001 findings")
	require.LessOrEqual(t, len(run[[]string](b, "return window.touched")), 1000)
	b.shot("many")
}

// An update leaves alone what the viewer has focused, scrolled, selected and
// opened, and marks only the field that has changed.
func TestCalmUpdates(t *testing.T) {
	sm, b := many(t, 400)
	b.sees("#detail pre", "1")
	run[any](b, `
		document.getElementById("list").scrollTop = 600;
		window.kept = document.querySelectorAll("#list button")[15];
		window.kept.focus();
		getSelection().selectAllChildren(document.querySelector("#detail h2"));`)
	scrolled := run[float64](b, `return document.getElementById("list").scrollTop`)
	run[any](b, observe)
	store := config.NewStore(sm, "/config/part-0")
	_, err := store.Put(within(t), "item-0003", []byte("three"))
	require.NoError(t, err)
	b.sees("#detail pre", "three")
	require.True(t, run[bool](b, `return document.activeElement === window.kept`))
	require.Equal(t, scrolled, run[float64](b, `return document.getElementById("list").scrollTop`))
	require.Equal(t, "/config/part-0/item-0003", run[string](b, `return getSelection().toString().trim()`))
	touched := run[[]string](b, "return window.touched")
	require.LessOrEqual(t, len(touched), 30, "%q", touched)
	require.Equal(t, 0.0, run[float64](b, `return document.querySelectorAll("#detail.changed, #detail .body.changed, #detail h2.changed").length`))

	// A key that comes before all others moves nothing that is there.
	_, err = store.Put(within(t), "item-0000-a", []byte("new"))
	require.NoError(t, err)
	b.sees("#list", "/config/part-0/item-0000-a")
	require.True(t, run[bool](b, `return document.activeElement === window.kept && window.kept.isConnected`))

	// The mark goes by itself.
	ensemble.Eventually(t, patience, "the marks go", func() bool { return run[float64](b, `return document.querySelectorAll(".changed").length`) == 0 })
}

// The page has landmarks and labels, and can be read without a picture.
func TestAccessibility(t *testing.T) {
	_, b := many(t, 3)
	b.sees("#list", "/a-lock")
	for _, hash := range []string{"#problems", "#/a-lock", "#sessions", "#timeline"} {
		run[any](b, "location.hash = arguments[0]", hash)
		require.Empty(t, run[[]string](b, `
			const bad = [];
			const seen = (n) => n.checkVisibility();
			for (const n of document.querySelectorAll("button, a, select, input, summary"))
				if (seen(n) && !(n.getAttribute("aria-label") || n.textContent.trim() || (n.labels && n.labels.length))) bad.push("no name: " + n.outerHTML);
			for (const id of [...document.querySelectorAll("[id]")].map((n) => n.id)) if (document.querySelectorAll("#" + CSS.escape(id)).length > 1) bad.push("twice: " + id);
			for (const tag of ["main", "header", "nav"]) if (document.querySelectorAll(tag).length !== 1) bad.push("landmark: " + tag);
			for (const n of document.querySelectorAll("main > section:not([hidden])")) if (!n.getAttribute("aria-label") && !n.getAttribute("aria-labelledby")) bad.push("section without a name");
			for (const n of document.querySelectorAll("svg")) if (!n.getAttribute("aria-label") || !n.parentElement.querySelector("table")) bad.push("picture without words");
			for (const n of document.querySelectorAll("[aria-live], [role=status], [role=alert]")) if (n.querySelector("[data-since]")) bad.push("a live region with an age");
			if (document.querySelectorAll("#views [aria-current]").length !== 1) bad.push("no current view");
			return bad;`), hash)
	}
}
