package core

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/docent-go/docent/internal/base/hostport"
	"github.com/docent-go/docent/internal/base/znode"
)

// ParseConnect splits a ZooKeeper connect string, "host:port,host:port/root",
// into servers, each with its port, and a root. The root is "/" if the string
// has none. Spaces around a server are ignored.
//
// It refuses strings that other programs may understand differently: a root
// after each server, or after a server that is not the last; a duplicate
// server; an IPv6 address without brackets; a scheme; credentials.
func ParseConnect(connect string) (servers []string, root string, err error) {
	if strings.Contains(connect, "@") {
		return nil, "", errors.New("connect string: it has an @: give the credentials separately") // not shown
	}
	fail := func(err error) ([]string, string, error) {
		return nil, "", fmt.Errorf("connect string %q: %w", connect, err)
	}
	if scheme, rest, ok := strings.Cut(connect, "://"); ok {
		return fail(fmt.Errorf("it begins with the scheme %q: write %q", scheme, rest))
	}
	hosts := connect
	root = "/"
	if i := strings.IndexByte(connect, '/'); i >= 0 {
		hosts, root = connect[:i], connect[i:]
		if strings.Contains(root, ",") {
			return fail(fmt.Errorf("a path follows a server that is not the last: "+
				"write the root once, at the end, as in %q", rootLast(connect)))
		}
		if i := strings.IndexAny(root, ";:?#"); i >= 0 {
			return fail(fmt.Errorf("%q after the first slash contains the character %q: "+
				"write only the root there, after all servers", root, root[i]))
		}
		if err := checkRoot(root); err != nil {
			return fail(fmt.Errorf("root: %w", err))
		}
	}
	for server := range strings.SplitSeq(hosts, ",") {
		servers = append(servers, strings.TrimSpace(server))
	}
	if servers, err = parseServers(servers); err != nil {
		return fail(err)
	}
	return servers, root, nil
}

// rootLast returns the probable meaning of a connect string with several roots.
func rootLast(connect string) string {
	var hosts []string
	root := ""
	for element := range strings.SplitSeq(connect, ",") {
		host, path, found := strings.Cut(strings.TrimSpace(element), "/")
		if host != "" {
			hosts = append(hosts, host)
		}
		if found && root == "" {
			root = "/" + path
		}
	}
	return strings.Join(hosts, ",") + root
}

// checkRoot refuses an invalid path, a root that looks like the rest of a list
// of servers, and a root among the servers' own nodes.
func checkRoot(root string) error {
	switch {
	case strings.ContainsAny(root, ",;") || strings.ContainsFunc(root, unicode.IsSpace):
		return fmt.Errorf("%q contains a comma, a semicolon or a space: a root is one path, without servers", root)
	case root == "/":
		return nil
	}
	return znode.Validate(root)
}

// parseServers checks the addresses of servers and adds the default port to
// addresses without a port.
func parseServers(servers []string) ([]string, error) {
	parsed := make([]string, len(servers))
	seen := make(map[string]string)
	for i, server := range servers {
		host, port, err := hostport.Parse(server)
		if err != nil {
			shown := strconv.Quote(server)
			if strings.Contains(server, "@") {
				shown = "which is not shown"
			}
			return nil, fmt.Errorf("server %d of %d, %s: %w", i+1, len(servers), shown, err)
		}
		if port == 0 {
			port = defaultPort
		}
		parsed[i] = net.JoinHostPort(host, strconv.Itoa(port))
		key := strings.ToLower(net.JoinHostPort(strings.TrimSuffix(host, "."), strconv.Itoa(port)))
		if other, ok := seen[key]; ok {
			return nil, fmt.Errorf("%q and %q are the same server: name each once", other, server)
		}
		seen[key] = server
	}
	return parsed, nil
}
