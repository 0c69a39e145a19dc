//go:build unix

package ui

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// hostileTexts would run, load or restyle something, if a page took them for
// anything but text. All of them may be in the data of a znode.
var hostileTexts = []string{
	`<img src=x onerror="window.pwned=1">`, `</strong><script>window.pwned=1</script>`, `<svg onload=window.pwned=1>`,
	`javascript:window.pwned=1`, `JaVaScRiPt:window.pwned=1//`, `data:text/html,<script>window.pwned=1</script>`,
	`" onmouseover="window.pwned=1" autofocus onfocus="window.pwned=1`, `'-alert(1)-'`, "`${window.pwned=1}`", `{{constructor.constructor('window.pwned=1')()}}`,
	`<iframe srcdoc="<script>parent.pwned=1</script>">`, `<a href="javascript:window.pwned=1">x</a>`, `<style>*{display:none}</style>`, `<base href=//evil.example>`,
	`red;background:url(//evil.example)`, `__proto__`, `constructor`, `toString`, `&lt;b&gt;&amp;`, "two\nlines\r\tand\x00zero", "gnp\u202eexe.\u202c\u2066\u200b\ufeff\u3164\u2800\ufe0f", "\xff\xfe",
	strings.Repeat("long", 150),
}

// audit returns what is in the page and does not belong there: elements and
// attributes that the page does not have, addresses that lead elsewhere, text
// that hides, and signs that a script ran.
const audit = `
	const tags = new Set("HTML HEAD META TITLE LINK SCRIPT BODY A HEADER H1 H2 H3 SPAN LABEL INPUT P MAIN NAV UL LI OL BUTTON SECTION KBD DIALOG FORM MENU NOSCRIPT DIV STRONG SMALL DL DT DD SELECT OPTION CODE PRE DETAILS SUMMARY TABLE THEAD TBODY TR TH TD svg g rect line text title".split(" "));
	const attributes = new Set(("id class lang charset name content rel href src defer type autocomplete spellcheck placeholder method value autofocus role tabindex " +
		"data-key data-state data-quorum data-at data-since data-coarse data-quiet data-well data-severity aria-label aria-live aria-current aria-controls aria-labelledby disabled open " +
		"hidden scope title x y width height rx x1 x2 y1 y2 viewBox text-anchor").split(" "));
	const links = new Set(["icon.svg", "style.css", "parts.css", "app.js"]);
	const found = [];
	for (const node of document.querySelectorAll("*")) {
		if (!tags.has(node.tagName)) found.push("element " + node.tagName);
		for (const a of node.attributes) {
			if (!attributes.has(a.name)) found.push(node.tagName + " has " + a.name);
			if ((a.name === "href" || a.name === "src") && !links.has(a.value) && !(node.tagName === "A" && a.value.startsWith("#"))) found.push(a.name + " " + a.value);
		}
	}
	if (document.scripts.length !== 1) found.push("scripts");
	if (window.pwned !== undefined) found.push("a script ran");
	if (!/^(\(\d+\) )?docent$/.test(document.title)) found.push("title " + document.title);
	if (/[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]/u.test(document.body.innerText.replace(/[\n\t]/g, ""))) found.push("text that hides");
	for (const e of performance.getEntriesByType("resource")) if (new URL(e.name).origin !== location.origin) found.push("loads " + e.name);
	return found;`

// No text of a znode runs, loads or restyles anything, wherever the page shows
// it.
func TestHostileText(t *testing.T) {
	server := zktest.New(t)
	addr, err := server.Listen("127.0.0.1:0")
	require.NoError(t, err)
	sm, err := session.Dial(within(t), session.Config{Servers: []string{addr}, Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	inName := strings.NewReplacer("/", "∕", "\n", "", "\r", "", "\t", "", "\x00", "", "\ufeff", "", "\xff\xfe", "x", strings.Repeat("long", 150), strings.Repeat("long", 50))
	for i, text := range hostileTexts {
		n := strconv.Itoa(i)
		name := inName.Replace(text)
		utf8 := strings.ToValidUTF8(text, "\ufffd")
		_, err = lock.NewMutex(sm, "/locks/"+name, lock.ID(utf8)).Lock(within(t))
		require.NoError(t, err, "%q", name)
		_, err = groupmembership.NewGroup(sm, "/groups/g").Join(within(t), name+n, []byte(text))
		require.NoError(t, err)
		_, err = config.NewStore(sm, "/config").Put(within(t), name, []byte(text))
		require.NoError(t, err)
		q := queue.New(sm, "/queues/"+name)
		for range 2 {
			_, err = q.Put(within(t), []byte(text))
			require.NoError(t, err)
		}
		item, err := q.Take(within(t))
		require.NoError(t, err)
		require.NoError(t, item.Reject(utf8))
		instance, err := json.Marshal(map[string]any{"name": "web", "id": name, "address": utf8, "port": 80, "serviceType": "DYNAMIC",
			"registrationTimeUTC": 1, "uriSpec": utf8, "payload": map[string]any{"@class": utf8, "metadata": map[string]string{utf8: utf8}}})
		require.NoError(t, err)
		require.NoError(t, server.Put("/services/web/"+name, instance))
	}
	_, err = election.New(sm, "/leader", election.ID(hostileTexts[0])).Campaign(within(t))
	require.NoError(t, err)
	second, err := session.Dial(within(t), session.Config{Servers: []string{addr}, Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Close()) })
	campaign(t, second, hostileTexts[1])
	_, err = naming.NewRegistry(sm).Register(within(t), naming.Instance{Service: "<b>shop", ID: "<i>shop-1", Address: "10.0.0.1", Port: 80})
	require.NoError(t, err)

	_, _, act := serveActions(t, addr, "--held", "1ms", "--waited", "1ms")
	b := open(t, false)
	for _, hash := range []string{"", "#%", "#<img src=x onerror=window.pwned=1>", "#javascript:window.pwned=1"} {
		b.visit("about:blank")
		b.visit(act + hash)
		b.sees("#state", "live")
		b.sees("#problem-list", "dead letters")
		require.Empty(t, run[[]string](b, audit), hash)
	}
	for _, hash := range []string{"#sessions", "#session/" + hostileTexts[0], "#timeline", "#recipes"} {
		run[any](b, "location.hash = arguments[0]", hash)
		require.Empty(t, run[[]string](b, audit), hash)
	}
	b.sees("#list", "/services/web")
	b.shot("hostile-list")
	seen := 0
	choose := func(path string) {
		run[any](b, `[...document.querySelectorAll("#list button")].find((b) => b.querySelector(".path").textContent === arguments[0]).click()`, path)
	}
	for _, path := range run[[]string](b, `return [...document.querySelectorAll("#list button")].map((b) => b.querySelector(".path").textContent)`) {
		choose(path)
		b.sees("#detail h2", path)
		require.Equal(t, path, run[string](b, `return document.querySelector("#detail h2").textContent`))
		require.Empty(t, run[[]string](b, audit), path)
		seen++
	}
	require.Greater(t, seen, 3*len(hostileTexts))
	choose("/services/web")
	b.sees("#detail h2", "/services/web")
	require.Contains(t, run[string](b, `return document.querySelector("#detail").innerText`), `gnp\u{202e}exe.\u{202c}`)
	b.shot("hostile-service")
	b.phone()
	require.Zero(t, run[float64](b, `return document.documentElement.scrollWidth - document.documentElement.clientWidth`), "the page scrolls sideways")
	b.shot("hostile-phone")

	// The dialog, and the answer of the server in it.
	first := inName.Replace(hostileTexts[0])
	run[any](b, `[...document.querySelectorAll("#detail .owner")].find((n) => n.innerText.includes(arguments[0])).querySelector("button.act").click()`, first)
	b.sees("#confirm-title", "Drain "+first+"?")
	require.NoError(t, server.Remove("/services/web/"+first))
	run[any](b, `document.getElementById("confirm-yes").click()`)
	b.sees("#confirm-error", first)
	require.Empty(t, run[[]string](b, audit))
	b.shot("hostile-confirm")
}
