package security

import (
	"fmt"

	"github.com/docent-go/docent/internal/wire"
)

// saslTalks are the talks that both servers must answer alike.
func saslTalks() []saslTalk {
	talks := []saslTalk{
		{"no login", func(k *saslTape) { k.who(); k.who() }},
		{"ping first", func(k *saslTape) { k.plain(wire.OpPing, nil); k.who() }},
		{"end first", func(k *saslTape) { k.plain(wire.OpCloseSession, nil); k.who() }},
		{"an unknown request first", func(k *saslTape) { k.plain(wire.Op(999), nil); k.who() }},
		{"credentials first", func(k *saslTape) { k.auth("digest", "u:p"); k.create("", "world", "anyone"); k.who() }},
		{"the scheme sasl as credentials", func(k *saslTape) { k.auth("sasl", "ann"); k.who() }},
		{"half a login", func(k *saslTape) { k.token([]byte{}); k.who(); k.who() }},
		{"a token in front", func(k *saslTape) { k.token([]byte("x")); k.respond("ann", annsPassword, "", ""); k.who() }},
		{"null", func(k *saslTape) { k.token(nil); k.who() }},
		{"null for a response", func(k *saslTape) { k.token([]byte{}); k.token(nil); k.who() }},
		{"nothing for a response", func(k *saslTape) { k.token([]byte{}); k.token([]byte{}); k.who() }},
		{"no token at all", func(k *saslTape) { k.plain(wire.OpSASL, nil); k.who() }},
		{"rights", func(k *saslTape) {
			k.token([]byte{})
			k.respond("ann", annsPassword, "", "")
			k.auth("digest", "u:p")
			k.who()
			for _, id := range []string{
				"ann", "bob", "", "a b", "a:b", "a/b", "a/b/c", "a/b@c", "a@b@c", "a@b/c", "a/b/c@d", "@", "漢", "super",
			} {
				k.create("", "sasl", id)
				k.get("")
				k.plain(wire.OpDelete, func(e *wire.Encoder) { e.String(k.path); e.Int32(-1) })
			}
			k.create("", "auth", "")
			k.get("")
			k.create("b", "sasl", "bob")
			k.create("s", "super", "")
			k.get("b")
		}},
		{"rights of super", func(k *saslTape) {
			k.token([]byte{})
			k.respond("super", saslPasswords["super"], "", "")
			k.who()
			k.create("", "sasl", "bob")
			k.get("")
			k.create("d", "digest", "u:p")
			k.get("d")
		}},
		{"another login", func(k *saslTape) {
			k.token([]byte{})
			k.respond("ann", annsPassword, "", "")
			k.token([]byte{})
			k.who()
		}},
		{"another try", func(k *saslTape) {
			k.token([]byte{})
			k.respond("ann", "guess", "", "")
			k.respond("ann", annsPassword, "", "")
			k.who()
		}},
		{"requests between", func(k *saslTape) {
			k.token([]byte{})
			k.plain(wire.OpPing, nil)
			k.respond("ann", annsPassword, "", "")
			k.who()
		}},
	}
	for _, change := range [][2]string{
		{"", ""}, {",", " ,\t"}, {"username", "USERNAME"},
		{"charset=utf-8,", ""}, {"utf-8", "utf-7"}, {"utf-8", "UTF-8"}, {"charset", ",,charset"},
		{",qop=auth", ""}, {"qop=auth", "qop=AUTH"}, {"qop=auth", "qop=auth-int"},
		{`username="ann",`, ""}, {`username="ann"`, `username="bob"`}, {"ann", "\xe9"},
		{"nc=00000001", "nc=00000002"}, {"nc=00000001,", ""}, {"nc=00000001", "nc=x"},
		{`nonce="`, `nonce="x`}, {"cnonce", "conce"}, {"response=", "response=0"},
		{"zk-sasl-md5", "other"}, {`realm="zk-sasl-md5",`, ""},
		{"zookeeper/zk", "zookeeper/zz"}, {`digest-uri="zookeeper/zk-sasl-md5",`, ""},
		{"=auth", "=auth,"}, {"=auth", "=auth,maxbuf=3"}, {"=auth", "=auth,more=x"}, {"=auth", "=auth,more=x,more=y"},
		{"=auth", `=auth,username="ann"`}, {"=auth", `=auth,x="`},
	} {
		talks = append(talks, saslTalk{fmt.Sprintf("%q for %q", change[1], change[0]), func(k *saslTape) {
			k.token([]byte{})
			k.respond("ann", annsPassword, change[0], change[1])
			k.who()
			k.who()
		}})
	}
	return talks
}

func (k *saslTape) auth(scheme, credentials string) {
	k.w.t.Helper()
	k.plain(wire.OpAuth, func(e *wire.Encoder) {
		e.Int32(0)
		e.String(scheme)
		e.String(credentials)
	})
}
