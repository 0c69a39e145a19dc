package sasl

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixed is DIGEST-MD5 with a known nonce of the client.
func fixed(user, password, uri, cnonce string) digestMD5 {
	m := DigestMD5(user, password).(digestMD5)
	m.uri, m.cnonce = uri, func() string { return cnonce }
	return m
}

// started is an exchange that has sent its empty first token.
func started(t *testing.T, m Mechanism) Exchange {
	t.Helper()
	x, err := m.Start(t.Context(), "zk1.example")
	require.NoError(t, err)
	first, done, err := x.Next(nil)
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, []byte{}, first, "an empty token, not a null token")
	return x
}

const elwood = `realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`

// TestRFC2831 is the example of section 4 of RFC 2831.
func TestRFC2831(t *testing.T) {
	x := started(t, fixed("chris", "secret", "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk"))
	response, done, err := x.Next([]byte(elwood))
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, `charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,`+
		`cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",`+
		`response=d388dad90d4bbd760a152321f2143af7,qop=auth`, string(response))
	last, done, err := x.Next([]byte("rspauth=ea40f60335c427b5527b84dbabcdfffd"))
	require.NoError(t, err)
	require.True(t, done)
	require.Nil(t, last)
}

// TestJava takes challenges of Java's own server and compares the answers with
// the answers of Java's own client. Only maxbuf differs: that client adds it,
// and RFC 2831 omits it without a security layer.
func TestJava(t *testing.T) {
	for _, v := range javaVectors {
		t.Run(v.user, func(t *testing.T) {
			challenge := fmt.Sprintf(`realm="zk-sasl-md5",nonce="%s",charset=utf-8,algorithm=md5-sess`, v.nonce)
			charset := "charset=utf-8,"
			if v.latin1 {
				challenge = strings.Replace(challenge, "charset=utf-8,", "", 1)
				charset = ""
			}
			x := started(t, fixed(v.user, v.password, digestURI, v.cnonce))
			response, _, err := x.Next([]byte(challenge))
			require.NoError(t, err)
			want := fmt.Sprintf(`%susername="%s",realm="zk-sasl-md5",nonce="%s",nc=00000001,cnonce="%s",`+
				`digest-uri="zookeeper/zk-sasl-md5",response=%s,qop=auth`, charset, v.name, v.nonce, v.cnonce, v.response)
			require.Equal(t, want, string(response))
			_, done, err := x.Next([]byte("rspauth=" + v.rspauth))
			require.NoError(t, err)
			require.True(t, done)
		})
	}
}

// TestJavaRealm answers Java's server, whose realm is hashed in another charset
// than it is sent in.
func TestJavaRealm(t *testing.T) {
	x := started(t, fixed("ann", "secret", digestURI, "0lAydlimCZ11w0zwfSSvo7iKuwwgLJJdQCEq5lWd"))
	response, _, err := x.Next([]byte(`realm="réalm",nonce="HtSSbxRkRH3f/gyc5Vn+Ed/5uMx8fNi6rVlKXmBc",` +
		`charset=utf-8,algorithm=md5-sess`))
	require.NoError(t, err)
	require.Contains(t, string(response), `realm="réalm"`)
	require.Contains(t, string(response), "response=83cf6c5191528e490d04f463bbc19d34")
	_, done, err := x.Next([]byte("rspauth=741fcb9b9f2c4571f78515b823634185"))
	require.NoError(t, err)
	require.True(t, done)
}

const good = `realm="zk-sasl-md5",nonce="n",qop="auth",charset=utf-8,algorithm=md5-sess`

// TestChallenges separates the challenges that the client answers from those
// that it rejects.
func TestChallenges(t *testing.T) {
	for challenge, refused := range map[string]string{
		good: "",
		`realm="zk-sasl-md5",nonce="n",charset=utf-8,algorithm=md5-sess`:    "",
		"\t, ,realm = \"zk-sasl-md5\" ,,\r\n nonce=n,algorithm=md5-sess , ": "",
		`REALM="zk-sasl-md5",Nonce="n",CHARSET=UTF-8,algorithm="md5-sess"`:  "",
		good + `,later=1,later="2",stale=false,maxbuf=1,cipher="des,rc4"`:   "",
		strings.Replace(good, `"auth"`, `"auth-int , AUTH,auth-conf"`, 1):   "",
		strings.Replace(good, `"auth"`, `"auth-int,auth-conf"`, 1):          "qop does not offer auth",
		strings.Replace(good, `"auth"`, `""`, 1):                            "qop does not offer auth",
		strings.Replace(good, "md5-sess", "md5", 1):                         "algorithm is not md5-sess",
		strings.Replace(good, "utf-8", "utf-7", 1):                          "charset is not utf-8",
		strings.Replace(good, `nonce="n"`, `nonce=""`, 1):                   "nonce is empty",
		strings.Replace(good, `nonce="n",`, ``, 1):                          "nonce is missing",
		strings.Replace(good, `realm="zk-sasl-md5",`, ``, 1):                "realm is missing",
		strings.Replace(good, `,algorithm=md5-sess`, ``, 1):                 "algorithm is missing",
		strings.Replace(good, "zk-sasl-md5", "\xff", 1):                     "realm is not valid UTF-8",
		good + `,nonce="n"`:              "nonce occurs twice",
		good + `,realm="other"`:          "realm occurs twice",
		good + `,qop=auth`:               "qop occurs twice",
		good + `,charset=utf-8`:          "charset occurs twice",
		good + `,Algorithm=md5-sess`:     "algorithm occurs twice",
		good + `,stale=1,stale=1`:        "stale occurs twice",
		good + `,maxbuf=1,maxbuf=1`:      "maxbuf occurs twice",
		good + `,cipher=a,cipher=a`:      "cipher occurs twice",
		good + `,x`:                      "no directive",
		good + `,="x"`:                   "no directive",
		good + `,x=`:                     "is incomplete",
		good + `,x="y`:                   "is incomplete",
		good + `,x="y\`:                  "is incomplete",
		good + `,x="y\"`:                 "is incomplete",
		good + `,x="y"z=1`:               "is incomplete",
		good + `,x=y z=1`:                "is incomplete",
		good + ",x=\x00":                 "is incomplete",
		good + ",x=\xff":                 "is incomplete",
		good + strings.Repeat(",", 2048): "bytes",
		"":                               "realm is missing",
	} {
		x := started(t, DigestMD5("ann", "secret"))
		response, done, err := x.Next([]byte(challenge))
		require.False(t, done)
		if refused == "" {
			require.NoError(t, err, "%q", challenge)
			require.NotEmpty(t, response)
			continue
		}
		require.ErrorIs(t, err, ErrMalformed, "%q", challenge)
		require.ErrorContains(t, err, refused, "%q", challenge)
		require.Nil(t, response)
		_, done, err = x.Next([]byte("rspauth="))
		require.Error(t, err, "a failed exchange stays failed")
		require.False(t, done)
	}
}

// A server without SASL sends no challenge.
func TestNoChallenge(t *testing.T) {
	x := started(t, DigestMD5("ann", "secret"))
	response, done, err := x.Next(nil)
	require.ErrorContains(t, err, "the server has no SASL; add a Server section to its JAAS file")
	require.Nil(t, response)
	require.False(t, done)
	_, done, err = x.Next([]byte(good))
	require.ErrorContains(t, err, "over")
	require.False(t, done)
}

// TestQuoting answers with the realm and the nonce as they came, and hashes
// their unquoted values.
func TestQuoting(t *testing.T) {
	x := started(t, fixed(`a"b\c`, `p"\`, "u/h", `c"\`))
	response, _, err := x.Next([]byte(`realm="r\"\\\e",nonce="n\\,=\"",algorithm=md5-sess,charset=utf-8`))
	require.NoError(t, err)
	require.Contains(t, string(response), `username="a\"b\\c",realm="r\"\\e",nonce="n\\,=\"",nc=00000001,cnonce="c\"\\",`)
	h := func(s string) string { sum := md5.Sum([]byte(s)); return string(sum[:]) }
	x16 := func(s string) string { return hex.EncodeToString([]byte(h(s))) }
	a1 := x16(h(`a"b\c:r"\e:p"\`) + `:n\,=":c"\`)
	require.Contains(t, string(response), "response="+x16(a1+`:n\,=":00000001:c"\:auth:`+x16("AUTHENTICATE:u/h")))
}

// TestLatin1Server rejects a name or a password with other characters.
func TestLatin1Server(t *testing.T) {
	challenge := []byte("realm=r\xe9,nonce=n,algorithm=md5-sess")
	_, _, err := started(t, DigestMD5("ann", "secret")).Next(challenge)
	require.ErrorIs(t, err, ErrMalformed, "a token is ASCII")
	challenge = []byte("realm=\"r\xe9\",nonce=n,algorithm=md5-sess")
	response, _, err := started(t, DigestMD5("josé", "päss")).Next(challenge)
	require.NoError(t, err)
	require.Contains(t, string(response), "username=\"jos\xe9\",realm=\"r\xe9\"", "both in ISO 8859-1")
	for _, who := range [][2]string{{"漢", "secret"}, {"ann", "漢"}} {
		_, _, err := started(t, DigestMD5(who[0], who[1])).Next(challenge)
		require.ErrorContains(t, err, "ISO 8859-1")
	}
}

// TestProof rejects every last token except one from a server that knows the
// password.
func TestProof(t *testing.T) {
	for token, why := range map[string]string{
		"rspauth=ea40f60335c427b5527b84dbabcdfffe":  "",
		"rspauth=EA40F60335C427B5527B84DBABCDFFFD":  "",
		"rspauth=ea40f60335c427b5527b84dbabcdfffd0": "",
		"rspauth=d388dad90d4bbd760a152321f2143af7":  "",
		"rspauth=\"\"": "",
		"other=x":      "",
		"":             "",
		"null":         "kept the connection",
	} {
		x := started(t, fixed("chris", "secret", "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk"))
		_, _, err := x.Next([]byte(elwood))
		require.NoError(t, err)
		answer := []byte(token)
		if token == "null" {
			answer = nil
		}
		_, done, err := x.Next(answer)
		require.ErrorIs(t, err, ErrUnproven, token)
		require.ErrorContains(t, err, why)
		require.False(t, done)
		_, done, err = x.Next([]byte("rspauth=ea40f60335c427b5527b84dbabcdfffd"))
		require.ErrorContains(t, err, "over", "the right token comes too late")
		require.False(t, done)
	}
	x := started(t, DigestMD5("ann", "secret"))
	_, _, err := x.Next([]byte(good))
	require.NoError(t, err)
	_, _, err = x.Next([]byte("rspauth=a,rspauth=b"))
	require.ErrorIs(t, err, ErrMalformed)
}

// TestReuse starts two logins of one mechanism at a time: each has a nonce of its
// own.
func TestReuse(t *testing.T) {
	m := DigestMD5("ann", "secret")
	require.Equal(t, "DIGEST-MD5", m.Name())
	one, two := started(t, m), started(t, m)
	a, _, err := one.Next([]byte(good))
	require.NoError(t, err)
	b, _, err := two.Next([]byte(good))
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

// TestUnusable rejects mistaken names and passwords, without showing them.
func TestUnusable(t *testing.T) {
	for who, why := range map[[2]string]string{
		{"", "secret"}:            "user's name is empty",
		{"annabel", ""}:           "password is empty",
		{"annabel\n", "secret"}:   "user's name contains a control character",
		{"annabel", "secret\r\n"}: "password contains a control character, such as a line break",
		{"annabel\xff", "secret"}: "user's name is not valid UTF-8",
		{"annabel", "\xffsecret"}: "password is not valid UTF-8",
	} {
		m := DigestMD5(who[0], who[1])
		_, err := m.Start(context.Background(), "")
		require.ErrorContains(t, err, why)
		require.Equal(t, err, m.(interface{ Validate() error }).Validate())
		require.NotContains(t, err.Error(), "annabel")
		require.NotContains(t, err.Error(), "secret")
	}
	x := started(t, DigestMD5(strings.Repeat("a", 4096), "secret"))
	_, _, err := x.Next([]byte(good))
	require.ErrorContains(t, err, "more than a server accepts")
}

// TestPrintsNoSecret prints what a program may print by accident.
func TestPrintsNoSecret(t *testing.T) {
	m := DigestMD5("annabel", "hunter2hunter2")
	x := started(t, m)
	_, _, err := x.Next([]byte(good))
	require.NoError(t, err)
	inside := struct {
		m Mechanism
		x Exchange
		P *digestExchange
		V digestExchange
	}{m, x, x.(*digestExchange), *x.(*digestExchange)}
	for _, v := range []any{m, &m, x, *x.(*digestExchange), inside, &inside, []any{m, x}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{"annabel", "hunter2"} {
				require.NotContains(t, printed, secret, verb)
				require.NotContains(t, printed, hex.EncodeToString([]byte(secret)), verb)
			}
		}
	}
	require.Equal(t, "sasl.DigestMD5(…)", fmt.Sprint(m))
}
