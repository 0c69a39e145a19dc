package zktest_test

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/sasl/sasltest"
	"github.com/docent-go/docent/zktest"
)

var saslUsers = map[string]string{
	"ann": "anns secret", "bob": "bobs secret", "super": "supers secret", "c:d": "e:f", "漢 \"é\"": "päss 密",
}

// token sends a token. It returns the reply and its token, which is nil if the
// reply has none.
func (r *raw) token(token string) (reply, []byte) {
	r.t.Helper()
	got := r.ask(zktest.OpSASL, str(token))
	require.EqualValues(r.t, r.xid, got.xid)
	require.Zero(r.t, got.zxid)
	if string(got.body) == string(i4(-1)) {
		return got, nil
	}
	require.GreaterOrEqual(r.t, len(got.body), 4)
	require.Equal(r.t, i4(int32(len(got.body)-4)), got.body[:4])
	return got, got.body[4:]
}

// login logs in and returns the code of the last answer. A login that succeeds
// has verified the server's proof.
func (r *raw) login(user, password string) zktest.Code {
	r.t.Helper()
	x, err := sasl.DigestMD5(user, password).Start(r.t.Context(), "zktest")
	require.NoError(r.t, err)
	var last reply
	err = sasltest.Login(x, func(token []byte) ([]byte, error) {
		var answer []byte
		last, answer = r.token(string(token))
		if last.code != zktest.CodeOK {
			return nil, last.code
		}
		return answer, nil
	})
	if last.code == zktest.CodeOK {
		require.NoError(r.t, err)
	} else {
		require.Equal(r.t, last.code, err)
	}
	return last.code
}

// response returns ann's answer to a challenge, which the test may have edited.
func (r *raw) response(challenge string) string {
	r.t.Helper()
	x, err := sasl.DigestMD5("ann", saslUsers["ann"]).Start(r.t.Context(), "zktest")
	require.NoError(r.t, err)
	_, _, err = x.Next(nil)
	require.NoError(r.t, err)
	response, _, err := x.Next([]byte(challenge))
	require.NoError(r.t, err)
	return string(response)
}

func (r *raw) requireIdentities(pairs ...string) {
	r.t.Helper()
	want := i4(int32(len(pairs) / 2))
	for _, s := range pairs {
		want = append(want, str(s)...)
	}
	require.Equal(r.t, want, r.ask(zktest.OpWhoAmI).body)
}

func aclOf(perms int32, scheme, id string) []byte {
	return join(i4(1), i4(perms), str(scheme), str(id))
}

func TestSASLLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers))
		for user, password := range saslUsers {
			r := rawSession(t, s)
			r.requireIdentities("ip", "127.0.0.1")
			require.Equal(t, zktest.CodeOK, r.login(user, password))
			r.requireIdentities("ip", "127.0.0.1", "sasl", user)
		}
	})
}

// TestSASLRights: SASL identities own znodes and occur in ACLs. They belong to
// the connection.
func TestSASLRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers))
		ann, bob, super, other := rawSession(t, s), rawSession(t, s), rawSession(t, s), rawSession(t, s)
		for user, r := range map[string]*raw{"ann": ann, "bob": bob, "super": super} {
			require.Equal(t, zktest.CodeOK, r.login(user, saslUsers[user]))
		}
		ann.must(zktest.OpCreate, str("/mine"), str("x"), aclOf(31, "auth", ""), i4(0))
		want := aclOf(31, "sasl", "ann")
		require.Equal(t, want, ann.ask(zktest.OpGetACL, str("/mine")).body[:len(want)])
		ann.must(zktest.OpCreate, str("/bobs"), str("x"), aclOf(31, "sasl", "bob"), i4(0))
		get := func(r *raw, path string) zktest.Code { return r.ask(zktest.OpGetData, str(path), flag(false)).code }
		for who, r := range map[string]*raw{"ann": ann, "bob": bob, "super": super, "other": other} {
			want := map[string]zktest.Code{"/mine": zktest.CodeNoAuth, "/bobs": zktest.CodeNoAuth}
			if who == "ann" || who == "super" {
				want["/mine"] = zktest.CodeOK
			}
			if who == "bob" || who == "super" {
				want["/bobs"] = zktest.CodeOK
			}
			for path, code := range want {
				require.Equal(t, code, get(r, path), "%s %s", who, path)
			}
		}
		other.must(zktest.OpCreate, str("/digest"), str("x"), aclOf(31, "digest", "q:x"), i4(0))
		require.Equal(t, zktest.CodeNoAuth, get(super, "/digest"), "in other schemes super has no special rights")
		for id, code := range map[string]zktest.Code{
			"": 0, "a b": 0, "a/b": 0, "a/b/c": 0, "a/b@c": 0, "@": 0, "a:b:c": 0,
			"a@b@c": zktest.CodeInvalidACL, "a@b/c": zktest.CodeInvalidACL, "a/b/c@d": zktest.CodeInvalidACL,
		} {
			require.Equal(t, code, ann.ask(zktest.OpSetACL, str("/mine"), aclOf(31, "sasl", id), i4(-1)).code, "%q", id)
			require.NoError(t, s.SetACL("/mine", zktest.ACL{Perms: 31, Scheme: "sasl", ID: "ann"}))
		}

		again := rawDial(t, s)
		require.NoError(t, again.handshake(0, bob.id, 10_000, bob.pass, true))
		again.requireIdentities("ip", "127.0.0.1")
		require.Equal(t, zktest.CodeNoAuth, get(again, "/bobs"), "a new connection logs in anew")
		require.Equal(t, zktest.CodeOK, again.login("bob", saslUsers["bob"]))
		require.Equal(t, zktest.CodeOK, get(again, "/bobs"))
	})
}

// TestSASLWithout: a server without SASL answers a token with none, logs nobody
// in, and rejects the scheme.
func TestSASLWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t)
		r := rawSession(t, s)
		got := r.ask(zktest.OpCreate, str("/a"), str("x"), aclOf(31, "sasl", "ann"), i4(0))
		require.Equal(t, zktest.CodeInvalidACL, got.code)
		got, token := r.token("x")
		require.Equal(t, zktest.CodeOK, got.code)
		require.Nil(t, token)
		r.requireIdentities("ip", "127.0.0.1")
	})
}

// TestSASLFailures changes one thing in a good login. The cases with false show
// which changes ZooKeeper accepts.
func TestSASLFailures(t *testing.T) {
	same := func(s string) string { return s }
	swap := func(old, by string) func(string) string {
		return func(s string) string {
			require.Contains(t, s, old)
			return strings.Replace(s, old, by, 1)
		}
	}
	for name, c := range map[string]struct {
		challenge, response func(string) string
		fails               bool
	}{
		"nothing changed":   {same, same, false},
		"another directive": {same, func(s string) string { return s + `,more=x` }, false},
		"no charset":        {same, swap("charset=utf-8,", ""), false},
		"names in capitals": {same, swap("username", "USERNAME"), false},
		"no qop":            {same, swap(",qop=auth", ""), false},
		"spaces":            {same, func(s string) string { return " " + strings.ReplaceAll(s, ",", " ,\t") }, false},
		"nonce":             {swap(`nonce="`, `nonce="x`), same, true},
		"realm":             {swap("zk-sasl-md5", "other"), same, true},
		"uri":               {same, swap("zookeeper/zk-sasl-md5", "zookeeper/other"), true},
		"count":             {same, swap("nc=00000001", "nc=00000002"), false},
		"unknown twice":     {same, func(s string) string { return s + `,more=x,more=y` }, false},
		"charset":           {same, swap("utf-8", "utf-7"), true},
		"response":          {same, swap("response=", "response=0"), true},
		"qop":               {same, swap("qop=auth", "qop=auth-int"), true},
		"user":              {same, swap(`"ann"`, `"bob"`), true},
		"unknown user":      {same, swap(`"ann"`, `"eve"`), true},
		"user twice":        {same, func(s string) string { return s + `,username="ann"` }, true},
		"no user":           {same, swap(`username="ann",`, ""), true},
		"no client nonce":   {same, swap("cnonce", "conce"), true},
		"ISO 8859-1":        {swap("charset=utf-8,", ""), swap(`"ann"`, "\"jos\xe9\""), true},
		"no end":            {same, func(s string) string { return s + `,x="` }, true},
		"no list":           {same, func(s string) string { return s + `,x` }, true},
		"empty":             {same, func(string) string { return "" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for code, opts := range map[zktest.Code][]zktest.Option{
					zktest.CodeAuthFailed:               nil,
					zktest.CodeSessionClosedRequireSASL: {zktest.RequireSASL(), zktest.AllowFailedSASL()},
					zktest.CodeOK:                       {zktest.AllowFailedSASL()},
				} {
					r := rawSession(t, zktest.New(t, append(opts, zktest.SASL(saslUsers))...))
					_, challenge := r.token("")
					got, proof := r.token(c.response(r.response(c.challenge(string(challenge)))))
					if !c.fails {
						require.Equal(t, zktest.CodeOK, got.code)
						require.Contains(t, string(proof), "rspauth=")
						r.requireIdentities("ip", "127.0.0.1", "sasl", "ann")
						continue
					}
					require.Equal(t, code, got.code)
					require.Nil(t, proof, "a null token")
					if code != zktest.CodeOK {
						r.requireClosed()
						continue
					}
					r.requireIdentities("ip", "127.0.0.1")
					got, proof = r.token(r.response(string(challenge)))
					require.Equal(t, zktest.CodeOK, got.code)
					require.Nil(t, proof, "a connection has one try")
					r.requireIdentities("ip", "127.0.0.1")
				}
			})
		})
	}
}

// TestSASLOnBehalf: a client may name an identity to act as, which becomes part
// of the proof. ZooKeeper still uses the user as the identity.
func TestSASLOnBehalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rawSession(t, zktest.New(t, zktest.SASL(saslUsers)))
		_, challenge := r.token("")
		_, nonce, _ := strings.Cut(string(challenge), `nonce="`)
		nonce, _, _ = strings.Cut(nonce, `"`)
		h := func(s string) string { sum := md5.Sum([]byte(s)); return string(sum[:]) }
		x := func(s string) string { return hex.EncodeToString([]byte(h(s))) }
		response := x(x(h("ann:zk-sasl-md5:anns secret")+":"+nonce+":c:bob") +
			":" + nonce + ":00000001:c:auth:" + x("AUTHENTICATE:zookeeper/zk-sasl-md5"))
		got, proof := r.token(`charset=utf-8,username="ann",realm="zk-sasl-md5",nonce="` + nonce + `",nc=00000001,` +
			`cnonce="c",digest-uri="zookeeper/zk-sasl-md5",response=` + response + `,qop=auth,authzid="bob"`)
		require.Equal(t, zktest.CodeOK, got.code)
		require.Contains(t, string(proof), "rspauth=")
		r.requireIdentities("ip", "127.0.0.1", "sasl", "ann")
	})
}

// TestSASLProtocol sends tokens when the server expects none.
func TestSASLProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers))
		r := rawSession(t, s)
		_, challenge := r.token("the first token does not matter")
		require.Contains(t, string(challenge), `realm="zk-sasl-md5",nonce="`)
		got, _ := r.token(r.response(string(challenge)))
		require.Equal(t, zktest.CodeOK, got.code)
		r.must(zktest.OpPing)
		got, _ = r.token("")
		require.Equal(t, zktest.CodeAuthFailed, got.code, "once more")
		r.requireClosed()

		other := rawSession(t, s)
		_, second := other.token("")
		require.NotEqual(t, challenge, second, "each connection has its nonce")

		for name, body := range map[string][]byte{"null": i4(-1), "no token": nil, "less than it says": i4(3)} {
			r := rawSession(t, s)
			r.write(i4(1), i4(int32(zktest.OpSASL)), body)
			_, err := r.next()
			require.Error(t, err, name)
			r = rawSession(t, s)
			r.token("")
			r.write(i4(2), i4(int32(zktest.OpSASL)), body)
			_, err = r.next()
			require.Error(t, err, name)
		}
	})
}

// TestSASLFailureEndsTheConnection: requests sent after a failed login do not
// run.
func TestSASLFailureEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers))
		r := rawSession(t, s)
		r.token("")
		frame := func(parts ...[]byte) []byte { b := join(parts...); return append(i4(int32(len(b))), b...) }
		_, err := r.c.Write(join(
			frame(i4(2), i4(int32(zktest.OpSASL)), str("junk")),
			frame(i4(3), i4(int32(zktest.OpCreate)), createOf("/a", 0))))
		require.NoError(t, err)
		got, err := r.next()
		require.NoError(t, err)
		require.Equal(t, zktest.CodeAuthFailed, got.code)
		r.requireClosed()
		synctest.Wait()
		require.Empty(t, s.Paths())
		require.Len(t, s.Sessions(), 1, "the session lives on until its timeout")
	})
}

// TestRequireSASL answers every request before the login with the same code,
// and executes no such request.
func TestRequireSASL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers), zktest.RequireSASL())
		requests := map[zktest.Op][]byte{
			zktest.OpPing: nil, zktest.OpWhoAmI: nil, zktest.OpCloseSession: nil, zktest.OpSync: str("/"), zktest.Op(999): nil,
			zktest.OpCreate: createOf("/a", 0), zktest.OpMulti: multiOf(zktest.OpCreate, createOf("/a", 0)),
			zktest.OpGetData:     join(str("/"), flag(true)),
			zktest.OpSetWatches2: join(i8(0), i4(1), str("/"), i4(0), i4(0), i4(0), i4(0)),
		}
		for op, body := range requests {
			r := rawSession(t, s)
			before := s.Zxid()
			require.Equal(t, zktest.CodeOK, r.ask(zktest.OpAuth, i4(0), str("digest"), str("u:p")).code, "credentials pass")
			r.token("")
			got := r.ask(op, body)
			require.Equal(t, reply{xid: r.xid, code: zktest.CodeSessionClosedRequireSASL, body: []byte{}}, got, "%v", op)
			r.requireClosed()
			require.Equal(t, before, s.Zxid())
		}
		require.Empty(t, s.Paths())
		require.Zero(t, s.Watches())
		require.Len(t, s.Sessions(), len(requests), "all sessions live on")

		r := rawSession(t, s)
		require.Equal(t, zktest.CodeOK, r.login("ann", saslUsers["ann"]))
		r.must(zktest.OpCreate, createOf("/a", 0))
		r.must(zktest.OpCloseSession)
	})
}

// TestSASLWithoutQuorum: a login needs no quorum, and neither does the refusal
// of requests before it. A request that waits for the quorum keeps the identity
// of its connection after the connection ends.
func TestSASLWithoutQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslUsers), zktest.RequireSASL())
		before, r := rawSession(t, s), rawSession(t, s)
		require.Equal(t, zktest.CodeOK, r.login("ann", saslUsers["ann"]))
		s.LoseQuorum(true)
		r.send(zktest.OpCreate, createOf("/a", 0))
		got, _ := r.token("a second login is answered before the request in front of it")
		require.Equal(t, zktest.CodeSessionClosedRequireSASL, got.code)
		r.requireClosed()
		require.Equal(t, zktest.CodeSessionClosedRequireSASL, before.ask(zktest.OpCreate, createOf("/b", 0)).code)
		again := rawDial(t, s)
		require.NoError(t, again.handshake(0, r.id, 10_000, r.pass, true))
		require.Equal(t, zktest.CodeOK, again.login("ann", saslUsers["ann"]))
		s.LoseQuorum(false)
		again.must(zktest.OpSync, str("/"))
		require.Equal(t, []string{"/a"}, s.Paths())
	})
}

func TestSASLOptions(t *testing.T) {
	for _, opts := range [][]zktest.Option{
		{zktest.RequireSASL()}, {zktest.AllowFailedSASL()}, {zktest.SASL(map[string]string{"": "x"})},
		{zktest.SASL(map[string]string{"a/b": "x"})}, {zktest.SASL(map[string]string{"a@b": "x"})},
	} {
		_, err := zktest.Start(opts...)
		require.ErrorContains(t, err, "SASL")
	}
}
