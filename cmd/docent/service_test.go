//go:build unix

package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

func TestService(t *testing.T) {
	server := zktest.New(t)
	for _, line := range []string{"service list", "service list orders"} {
		code, out, stderr := docent(t, words(line), on(server))
		require.Equal(t, 1, code)
		require.Empty(t, out)
		require.Regexp(t, `^docent: `+line+`: /services(/orders)?: there is no such znode; check the path, and the root in --servers\n$`, stderr)
	}
	require.NoError(t, server.Put("/services/orders", nil))
	code, out, stderr := docent(t, words("service list orders"), on(server))
	require.Zero(t, code)
	require.Empty(t, out+stderr)
	code, out, stderr = docent(t, words("service pick orders"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: service pick orders: no instance is available: none is known; list the instances with \"docent service list\"\n", stderr)

	text := start(t, words("service watch orders"), on(server))
	object := start(t, words("service watch orders --json"), on(server))
	require.Equal(t, "no instances", text.line())
	require.Equal(t, `{"event":"empty"}`, object.line())

	a := start(t, words("service register orders o1 10.0.0.1:80 --meta zone=a --meta rack=7 --weight 3"), on(server))
	require.Equal(t, "registered /services/orders/o1", a.line())
	require.Equal(t, "added o1\t10.0.0.1:80", text.line())
	require.Regexp(t, `^\{"event":"added","service":"orders","id":"o1","address":"10.0.0.1","port":80,"type":"DYNAMIC",`+
		`"registered":"20[^"]+Z","weight":3,"metadata":\{"rack":"7","zone":"a"\}\}$`, object.line())
	b := start(t, words("--json service register orders o2 10.0.0.2"), on(server))
	require.Regexp(t, `^\{"in":true,"service":"orders","id":"o2","path":"/services/orders/o2","token":\d+,"session":"0x[0-9a-f]+"\}$`, b.line())
	require.Equal(t, "added o2\t10.0.0.2", text.line())
	object.line()

	_, out, _ = docent(t, words("service list"), on(server))
	require.Equal(t, "orders\n", out)
	_, out, _ = docent(t, words("service list --json"), on(server))
	require.Equal(t, `{"service":"orders"}`+"\n", out)
	code, out, _ = docent(t, words("service list orders"), on(server))
	require.Zero(t, code)
	require.Equal(t, "o1\t10.0.0.1:80\no2\t10.0.0.2\n", out)

	code, out, stderr = docent(t, words("service drain orders o1"), on(server))
	require.Zero(t, code, stderr)
	require.Empty(t, out)
	require.Equal(t, "updated o1\t10.0.0.1:80\tdraining", text.line())
	require.Contains(t, object.line(), `"draining":true`)
	for _, line := range []string{"service pick orders", "service pick orders --key k", "service pick orders --strategy sticky --key k"} {
		code, out, stderr = docent(t, words(line), on(server))
		require.Zero(t, code, stderr)
		require.Equal(t, "10.0.0.2\n", out)
	}
	_, out, _ = docent(t, words("service pick orders --json"), on(server))
	require.Contains(t, out, `{"service":"orders","id":"o2"`)
	code, _, _ = docent(t, words("service drain orders o1 --undo"), on(server))
	require.Zero(t, code)
	require.Equal(t, "updated o1\t10.0.0.1:80", text.line())
	object.line()

	require.NoError(t, server.Put("/services/orders/bad", nil))
	_, out, stderr = docent(t, words("service list orders"), on(server))
	require.Equal(t, "o1\t10.0.0.1:80\no2\t10.0.0.2\n", out)
	require.Contains(t, stderr, `instance "bad" of service "orders" is malformed: it is empty`)
	require.NoError(t, server.Remove("/services/orders/bad"))

	for id, d := range map[string]*invocation{"o1": a, "o2": b} {
		d.kill(syscall.SIGTERM)
		code, rest := d.wait()
		require.Zero(t, code)
		require.Empty(t, rest)
		require.Equal(t, "removed "+id, text.line())
		require.Contains(t, object.line(), `{"event":"removed","service":"orders","id":"`+id+`"`)
	}
	require.Equal(t, "no instances", text.line())
	for _, watch := range []*invocation{text, object} {
		watch.kill(syscall.SIGINT)
		code, _ := watch.wait()
		require.Zero(t, code)
	}
	require.Empty(t, server.Sessions())
}

// The session of an instance ends: that is told, and it is registered again.
// A server that goes and comes back makes a watch stale for a while.
func TestService_sessionLost(t *testing.T) {
	server := zktest.New(t)
	a := start(t, words("service register orders o1 h:80"), on(server))
	require.Equal(t, "registered /services/orders/o1", a.line())
	admit := barred(server, "/services/orders/o1")
	server.Expire(only(t, server))
	require.Equal(t, "out: the server has expired the session", a.line())
	admit()
	require.Equal(t, "registered /services/orders/o1", a.line())
	a.kill(syscall.SIGTERM)
	code, _ := a.wait()
	require.Zero(t, code)

	link := server.Link()
	w := start(t, words("service watch orders"), over(link))
	require.Equal(t, "no instances", w.line())
	link.Refuse(true)
	link.Disconnect()
	require.Equal(t, "stale: ZooKeeper cannot be reached: the last known instances are shown", w.line())
	link.Refuse(false)
	require.Equal(t, "current", w.line())
	w.kill(syscall.SIGTERM)
	code, _ = w.wait()
	require.Zero(t, code)
}

func TestService_duplicate(t *testing.T) {
	server := zktest.New(t, zktest.SessionTimeouts(1, 0))
	a := start(t, words("service register orders o1 h:80"), on(server))
	require.Equal(t, "registered /services/orders/o1", a.line())
	code, out, stderr := docent(t, words("service register orders o1 h:81 --timeout 200ms"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Regexp(t, `^docent: service register orders o1: the id is in use: `+
		`session 0x[0-9a-f]+ holds it; choose another id, or end the process that holds it\n$`, stderr)
	a.kill(syscall.SIGTERM)
	code, _ = a.wait()
	require.Zero(t, code)
}

func TestService_dubbo(t *testing.T) {
	server := zktest.New(t)
	a := start(t, words("service register org.demo.Orders - 10.0.0.1:20880 --layout dubbo"), on(server))
	require.Regexp(t, `^registered /dubbo/org.demo.Orders/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2F`, a.line())
	code, out, _ := docent(t, words("service pick org.demo.Orders --layout dubbo"), on(server))
	require.Zero(t, code)
	require.Equal(t, "10.0.0.1:20880\n", out)
	b := start(t, words("service register orders o1 h --layout spring --base /apps"), on(server))
	require.Equal(t, "registered /apps/orders/o1", b.line())
	_, out, _ = docent(t, words("service list --base /apps"), on(server))
	require.Equal(t, "orders\n", out)
	for _, d := range []*invocation{a, b} {
		d.kill(syscall.SIGTERM)
		code, _ := d.wait()
		require.Zero(t, code)
	}
}

func TestService_dubboApplication(t *testing.T) {
	t.Parallel()
	server := zktest.New(t)
	layout := " --layout dubbo-application"
	run := start(t, words("service register shop 10.0.0.7:20880 10.0.0.7:20880 --meta dubbo.tag=gray"+layout), on(server))
	require.Equal(t, "registered /services/shop/10.0.0.7:20880", run.line())
	code, out, stderr := docent(t, words("service list shop"+layout), on(server))
	require.Zero(t, code, stderr)
	require.Equal(t, "10.0.0.7:20880\t10.0.0.7:20880\n", out)
	code, _, stderr = docent(t, words("service drain shop 10.0.0.7:20880"+layout), on(server))
	require.Zero(t, code, stderr)
	_, out, _ = docent(t, words("config get /services/shop/10.0.0.7:20880"), on(server))
	require.Contains(t, out, `"enabled":"false"`, "as Dubbo's consumers read it")
	run.kill(syscall.SIGTERM)
	code, _ = run.wait()
	require.Zero(t, code, run.stderr)
}

func TestService_usage(t *testing.T) {
	for _, line := range []string{
		"service", "service register", "service register orders", "service register a/b x h", "service register orders a/b h",
		"service register orders x h:http", "service register orders x h:99999",
		"service register orders x 0.0.0.0:80", "service register orders x [::]:80", "service register orders x 0x7f.1:80", "service register orders x h --weight -1",
		"service register orders x h --base services", "service register orders x h --layout json",
		"service list --base /a/", "service watch a/b", "service pick orders --strategy best", "service pick a/b",
		"service drain orders", "service drain .. x",
	} {
		code, out, stderr := docent(t, words(line))
		require.Equal(t, 2, code, "%s: %s", line, stderr)
		require.Empty(t, out)
		require.Regexp(t, `^docent: [^\n]+\n$`, stderr)
	}
	server := zktest.New(t)
	code, _, stderr := docent(t, words("service drain orders none"), on(server))
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "service drain orders none: the service has no such instance; list the instances")
}

// A script gets no address that a shell, curl or a browser would read as
// another place.
func TestFault29_PickedAddressesAreHosts(t *testing.T) {
	server := zktest.New(t)
	for id, address := range map[string]string{"a": "evil.example/x?", "b": "u@evil.example", "c": "-o", "d": "", "e": "http://h", "f": "0.0.0.0"} {
		require.NoError(t, server.Put("/services/orders/"+id, fmt.Appendf(nil, `{"name":"orders","id":%q,"address":%q,"port":80}`, id, address)))
	}
	code, out, stderr := docent(t, words("service pick orders"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Equal(t, "docent: service pick orders: no instance is available: 6 are known, all of them disabled, draining or without a usable address; list the instances with \"docent service list\"\n", stderr)
	require.NoError(t, server.Put("/services/orders/g", []byte(`{"name":"orders","id":"g","address":"10.0.0.7","port":80}`)))
	for range 3 {
		_, out, _ = docent(t, words("service pick orders"), on(server))
		require.Equal(t, "10.0.0.7:80\n", out)
	}
	_, out, _ = docent(t, words("service list orders"), on(server))
	require.Equal(t, 7, strings.Count(out, "\n"), "all are listed")

	// An instance with a URI alone has no address to print.
	nowhere := `{"name":"gates","id":%q,"address":%q,"port":null,"uriSpec":{"parts":[{"value":"mail:ops","variable":false}]}}`
	require.NoError(t, server.Put("/services/gates/a", fmt.Appendf(nil, nowhere, "a", "")))
	code, out, stderr = docent(t, words("service pick gates"), on(server))
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, stderr, "docent: service pick gates: no instance is available")
	code, _, stderr = docent(t, words("service pick gates --json"), on(server))
	require.Zero(t, code, stderr)
	require.NoError(t, server.Put("/services/gates/b", fmt.Appendf(nil, nowhere, "b", "10.0.0.7")))
	for range 5 {
		_, out, _ = docent(t, words("service pick gates"), on(server))
		require.Equal(t, "10.0.0.7\n", out)
	}
}
