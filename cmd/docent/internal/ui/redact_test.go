package ui

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	r := redactor{regexp.MustCompile(DefaultRedact)}
	for _, c := range []struct{ path, text, want string }{
		{"/conf/limits", "", ""},
		{"/conf/limits", "qps=2\nburst=50", "qps=2\nburst=50"},
		{"/conf/db-password", "hunter2", "(redacted)"},
		{"/secrets/db", "hunter2", "(redacted)"},
		{"/conf/db", "user=ann\nDB_PASSWORD=hunter2\nport=1", "user=ann\nDB_PASSWORD= (redacted)\nport=1"},
		{"/conf/db", "user: ann\r\npassword: |\r\n  hunter2\r\n  more\r\nport: 1", "user: ann\r\npassword: (redacted)\r\n  (redacted)\r\n  (redacted)\r\nport: 1"},
		{"/conf/db", "a: 1\n  token:\n    x: hunter2\n\n    y: hunter2\n  b: 2", "a: 1\n  token: (redacted)\n    (redacted)\n\n    (redacted)\n  b: 2"},
		{"/conf/db", "hunter2 is the password", "(redacted)"},
		{"/conf/db", "postgres://ann:hunter2@db:5432/x", "postgres://ann:(redacted)@db:5432/x"},
		{"/conf/tls", "x\n-----BEGIN CERTIFICATE-----\nMIIBhunter2\n-----END CERTIFICATE-----\ny", "x\n(redacted)\n(redacted)\n(redacted)\ny"},
		{"/conf/j", `{"b":1.50,"a":[true,null,{}],"apiKey":{"x":["hunter2"]},"url":"redis://:hunter2@h","z":"a\npassword=hunter2"}`,
			"{\n  \"b\": 1.50,\n  \"a\": [\n    true,\n    null,\n    {}\n  ],\n  \"apiKey\": \"(redacted)\",\n  \"url\": \"redis://:(redacted)@h\",\n  \"z\": \"a\\npassword= (redacted)\"\n}"},
		{"/conf/j", `{"password":"hunter2"`, `{"password": (redacted)`},
		{"/conf/j", `{"password":"hunter2"} {"x":1}`, `{"password": (redacted)`},
		{"/conf/j", strings.Repeat("[", 1000), strings.Repeat("[", 1000)},
	} {
		shown, hidden := r.value(c.path, c.text)
		require.Equal(t, c.want, shown)
		require.Equal(t, strings.Contains(c.want, redacted), hidden)
		require.NotContains(t, shown, "hunter2")
	}
	all := redactor{regexp.MustCompile(`.`)}
	shown, _ := all.value("/x", "anything")
	require.Equal(t, redacted, shown)
}

// The default names words, and no others that contain their letters.
func TestDefaultRedact(t *testing.T) {
	r := redactor{regexp.MustCompile(DefaultRedact)}
	for _, name := range []string{
		"password", "passwords", "dbPassword", "DB_PASSWORD", "db.password", "dbpassword", "password2", "passwordFile", "passwd", "PASSWD",
		"passphrase", "db_pwd", "secret", "secrets", "client-secret", "clientSecret", "secretId", "SECRET_ID", "token", "tokens", "authToken", "auth_token",
		"AUTH_TOKEN", "accesstoken", "token.1", "tokenTTL", "credential", "credentials", "aws-credentials", "privateKey", "private_key", "PRIVATE KEY",
		"privatekey", "apikey", "apiKey", "api-key", "API_KEYS", "x-api-key", "accessKey", "secretkey", "secretaccesskey", "ssh.key", "tls.key", "server.key", "key.pem",
	} {
		for _, path := range []string{"/conf/" + name, "/conf/" + name + "/db"} {
			if strings.HasSuffix(path, "server.key/db") || strings.HasSuffix(path, "key.pem/db") {
				continue // a file's name is the last
			}
			shown, hidden := r.value(path, "hunter2")
			require.True(t, hidden, path)
			require.Equal(t, redacted, shown)
		}
		_, hidden := r.value("/conf/x", name+"=hunter2")
		require.Equal(t, !strings.HasSuffix(name, "server.key") && name != "key.pem", hidden, name)
	}
	for _, name := range []string{
		"keys", "key", "monkey", "keyspace", "keyboard", "key-value", "primaryKey", "routing_key", "turkey", "tokenizer", "secretary", "secretariat", "private",
		"privateer", "compass", "bypass", "apikeyword", "broken", "accredited",
	} {
		_, hidden := r.value("/conf/"+name, "v")
		require.False(t, hidden, name)
		_, hidden = r.value("/conf/x", name+"=v")
		require.False(t, hidden, name)
	}
}

// No text makes the redactor fail, and none makes a named value appear.
func FuzzRedact(f *testing.F) {
	for _, text := range []string{"", "x", `{"a":1}`, `[{"key":"v"}]`, "password=x\n y", "-----BEGIN X-----\n", "{\"\\u0000\":\"\xff\"}"} {
		f.Add(text)
	}
	r := redactor{regexp.MustCompile(DefaultRedact)}
	f.Fuzz(func(t *testing.T, text string) {
		r.value("/x", text)
		const secret = "hunter2-XyZ"
		if strings.Contains(text, secret) {
			t.Skip()
		}
		shown, _ := r.value("/x", text+"\npassword="+secret)
		require.NotContains(t, shown, secret)
	})
}
