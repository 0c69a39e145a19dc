package conformance

import (
	"fmt"
	"time"
)

func authCases() []frameCase {
	auth := func(scheme, credentials string) body { return body{}.i32(0).str(scheme).bytes([]byte(credentials)) }
	return []frameCase{
		{name: "auth/schemes", talk: func(k *talk) {
			for _, credentials := range [][2]string{
				{"digest", "alice:secret"}, {"digest", "alice"}, {"digest", ":secret"}, {"digest", "alice:"}, {"digest", ":"}, {"digest", ""}, {"digest", "a:b:c"},
				{"ip", ""}, {"ip", "127.0.0.1"}, {"world", "anyone"}, {"nothing", "x"}, {"", ""}, {"auth", "x"}, {"super", "x:y"}, {"sasl", "x"}, {"x509", "x"},
			} {
				k.ask(fmt.Sprintf("auth %q", credentials), opAuth, auth(credentials[0], credentials[1]), "")
				k.ask("who am I", opWhoAmI, nil, "I")
				k.ask("still here", opPing, nil, "")
				k.fresh()
			}
		}},
		{name: "auth/what is missing", talk: func(k *talk) {
			for _, b := range []struct {
				name    string
				request body
			}{
				{"digest, null secret", body{}.i32(0).str("digest").bytes(nil)},
				{"ip, null secret", body{}.i32(0).str("ip").bytes(nil)},
				{"null scheme", body{}.i32(0).i32(-1).bytes([]byte("a:b"))},
				{"nothing, null secret", body{}.i32(0).str("nothing").bytes(nil)},
				{"no secret", body{}.i32(0).str("digest")},
				{"with a tail", append(body{}.i32(7).str("digest").bytes([]byte("a:b")), "tail"...)},
			} {
				k.ask(b.name, opAuth, b.request, "*")
				k.ask("still here", opPing, nil, "")
				k.ask("who am I", opWhoAmI, nil, "I")
				k.fresh()
			}
		}},
		{name: "auth/rights", talk: func(k *talk) {
			d := k.dir
			k.ask("auth", opAuth, auth("digest", "alice:secret"), "")
			k.ask("twice", opAuth, auth("digest", "alice:secret"), "")
			k.ask("and as bob", opAuth, auth("digest", "bob:secret"), "")
			k.ask("create for the creator", opCreate, body{}.str(d+"/mine").bytes([]byte("x")).acl("auth:").i32(0), "s")
			k.ask("acl", opGetACL, body{}.str(d+"/mine"), "AS")
			for _, who := range []string{"two", "three"} {
				if who == "three" {
					k.askAs(who, "auth with the wrong password", opAuth, auth("digest", "alice:guess"), "")
				}
				k.askAs(who, "get", opGetData, body{}.str(d+"/mine").boolean(true), "bS")
				k.askAs(who, "exists", opExists, body{}.str(d+"/mine").boolean(false), "S")
				k.askAs(who, "children", opGetChildren, body{}.str(d+"/mine").boolean(true), "C")
				k.askAs(who, "set", opSetData, body{}.str(d+"/mine").bytes(nil).i32(-1), "S")
				k.askAs(who, "set, wrong version", opSetData, body{}.str(d+"/mine").bytes(nil).i32(9), "S")
				k.askAs(who, "acl", opGetACL, body{}.str(d+"/mine"), "AS")
				k.askAs(who, "setACL", opSetACL, body{}.str(d+"/mine").acl(worldOpen).i32(-1), "S")
				k.askAs(who, "create below", opCreate, createBody(d+"/mine/x", 0), "s")
				k.askAs(who, "check in a multi", opMulti, body{}.opHeader(opCheck).str(d+"/mine").i32(0).opEnd(), "M")
				k.askAs(who, "number of all children", opGetAllChildren, body{}.str(d+"/mine"), "i")
				k.askAs(who, "delete, wrong version", opDelete, body{}.str(d+"/mine").i32(9), "")
				k.askAs(who, "check", opCheck, body{}.str(d+"/mine").i32(0), "")
				k.renew(who) // 3.9 hangs up
			}
			k.askAs("two", "delete needs the directory's right only", opDelete, body{}.str(d+"/mine").i32(-1), "")
		}},
		{name: "auth/readers do not see digests", talk: func(k *talk) {
			k.ask("create", opCreate, body{}.str(k.dir+"/n").bytes(nil).i32(2).
				i32(permissionsAll).str("digest").str("alice:hash").i32(1).str("world").str("anyone").i32(0), "s")
			k.ask("acl", opGetACL, body{}.str(k.dir+"/n"), "AS")
			k.ask("create, admins may", opCreate, body{}.str(k.dir+"/m").bytes(nil).i32(2).
				i32(permissionsAll).str("digest").str("alice:hash").i32(16).str("world").str("anyone").i32(0), "s")
			k.ask("acl", opGetACL, body{}.str(k.dir+"/m"), "AS")
			k.ask("data", opGetData, body{}.str(k.dir+"/m").boolean(false), "bS")
		}},
	}
}

func sessionCases() []frameCase {
	// connect makes a connection of its own and sends the handshake h. It notes
	// the answer, and whether the server answers a ping then.
	connect := func(k *talk, what string, h handshake) *rawClient {
		c, err := dialRaw(k.side, k.norm)
		if err != nil {
			k.note(what, problem(err))
			return &rawClient{conn: brokenConn{}, norm: k.norm}
		}
		k.note(what, c.greet(h, what))
		return c
	}
	return []frameCase{
		{name: "session/timeouts", talk: func(k *talk) {
			for _, timeout := range []int32{30_000, 0, -1, 1, 3_999, 4_000, 4_001, 39_999, 40_000, 40_001, 1 << 30} {
				h := newHandshake()
				h.timeout = timeout
				connect(k, fmt.Sprintf("asking for %d ms", timeout), h).hangUp()
			}
		}},
		{name: "session/handshakes", talk: func(k *talk) {
			h := newHandshake()
			h.old = true
			connect(k, "old client", h).hangUp()
			h = newHandshake()
			h.password = nil
			connect(k, "no password", h).hangUp()
			h.password = []byte("short")
			connect(k, "short password", h).hangUp()
			h = newHandshake()
			h.lastZxid = 1 << 50
			connect(k, "a zxid from the future", h).hangUp()
			h = newHandshake()
			h.session = 0x1234567
			connect(k, "an unknown session", h).hangUp()
		}},
		{name: "session/coming back", talk: func(k *talk) {
			one := k.client("one")
			k.ask("ephemeral", opCreate, createBody(k.dir+"/e", createEphemeral), "s")
			h := newHandshake()
			h.session, h.password = one.session, one.password
			_ = one.conn.Close() // the connection is lost
			back := connect(k, "coming back", h)
			k.clients["one"] = back
			k.ask("the ephemeral is there", opExists, body{}.str(k.dir+"/e").boolean(false), "S")

			second := connect(k, "coming back while connected", h)
			k.note("the first connection", back.call(opPing, nil, ""))
			k.clients["one"] = second
			k.ask("the second", opExists, body{}.str(k.dir+"/e").boolean(false), "S")

			h.timeout = 10_000
			third := connect(k, "coming back with another timeout", h)
			k.clients["one"] = third

			h.password = []byte("0123456789abcdef")
			stranger := connect(k, "wrong password", h)
			k.note("the stranger", stranger.call(opPing, nil, ""))
			_ = stranger.conn.Close() // the client has no session to close
			k.ask("the owner goes on", opExists, body{}.str(k.dir+"/e").boolean(false), "S")
		}},
		{name: "session/watches do not survive the connection", talk: func(k *talk) {
			one := k.client("one")
			k.ask("watch", opGetData, body{}.str(k.dir).boolean(true), "bS")
			h := newHandshake()
			h.session, h.password = one.session, one.password
			_ = one.conn.Close() // the connection is lost
			k.clients["one"] = connect(k, "coming back", h)
			k.ask("set", opSetData, body{}.str(k.dir).bytes(nil).i32(-1), "S")
		}},
		{name: "session/closed", talk: func(k *talk) {
			one := k.client("one")
			h := newHandshake()
			h.session, h.password = one.session, one.password
			k.ask("ephemeral", opCreate, createBody(k.dir+"/e", createEphemeral), "s")
			k.ask("close", opCloseSession, nil, "")
			k.ask("afterwards", opPing, nil, "")
			connect(k, "coming back", h).hangUp()
			k.askAs("two", "the ephemeral is gone", opExists, body{}.str(k.dir+"/e").boolean(false), "S")
		}},
		{name: "session/first frames that are none", talk: func(k *talk) {
			for _, raw := range []struct {
				name  string
				bytes body
			}{
				{"empty frame", body{}.i32(0)},
				{"negative length", body{}.i32(-1)},
				{"enormous length", body{}.i32(1 << 30)},
				{"short handshake", body{}.i32(8).i64(0)},
				{"password longer than the frame", body{}.i32(28).i32(0).i64(0).i32(30_000).i64(0).i32(1000)},
				{"a request before the handshake", body{}.i32(16).i32(1).i32(opGetData).i32(1).i32(0)},
			} {
				c, err := dialRaw(k.side, k.norm)
				if err == nil {
					_, err = c.conn.Write(raw.bytes)
				}
				if err == nil {
					_, err = c.read()
				}
				k.note(raw.name, fmt.Sprint(problem(err)))
				if c != nil {
					_ = c.conn.Close() // most often closed by the server already
				}
			}
		}},
		{name: "session/four-letter words", talk: func(k *talk) {
			for _, word := range []string{"ruok", "isro"} {
				c, err := dialRaw(k.side, k.norm)
				if err != nil {
					k.note(word, problem(err))
					continue
				}
				_, err = c.conn.Write([]byte(word))
				answer := make([]byte, 64)
				n := 0
				if err == nil {
					err = c.conn.SetReadDeadline(time.Now().Add(silence))
				}
				if err == nil {
					n, err = c.conn.Read(answer)
				}
				k.note(word, fmt.Sprintf("%q %v", answer[:n], err))
				_ = c.conn.Close() // the answer is complete
			}
		}},
	}
}
