package core

import (
	"crypto/tls"
	"net"
)

// warnPlaintext logs once for each Manager that credentials leave the machine
// without encryption. The connection decides, not the server's name: a name may
// stand for a loopback address, and a Dialer may encrypt by itself.
func (m *Manager) warnPlaintext(c net.Conn, server string) {
	var what, risk string
	switch {
	case m.cfg.TLS != nil:
		return
	case len(m.cfg.Auth) > 0:
		what, risk = m.cfg.Auth[0].Scheme, "others on the network can read them"
	case m.cfg.SASL != nil && m.cfg.SASL.Name() == "DIGEST-MD5":
		what, risk = "SASL DIGEST-MD5", "others on the network can try passwords against the login, and change requests"
	default:
		return
	}
	if !leavesMachine(c) || !m.saidPlaintext.CompareAndSwap(false, true) {
		return
	}
	m.log.Warn("the credentials go to a server without TLS", "server", server, "credentials", what, "risk", risk,
		"hint", "set Config.TLS, or use a network that you trust")
}

// leavesMachine reports whether a connection is an unencrypted one to another
// machine, as far as its addresses tell.
func leavesMachine(c net.Conn) bool {
	if _, encrypted := c.(interface{ ConnectionState() tls.ConnectionState }); encrypted {
		return false
	}
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok || remote == nil || remote.IP.IsLoopback() {
		return false
	}
	local, ok := c.LocalAddr().(*net.TCPAddr)
	return !ok || local == nil || !local.IP.Equal(remote.IP)
}
