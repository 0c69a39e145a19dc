package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/config"
)

func TestJSONRefuses(t *testing.T) {
	for data, reason := range map[string]string{
		"":                              "empty",
		" \n":                           "empty",
		"null":                          "null",
		" null\n":                       "null",
		"{":                             "not JSON",
		`{"qps":1}x`:                    "not JSON",
		`{"qps":1} {"qps":2}`:           "not JSON",
		`{"qps":"top secret"}`:          "a JSON string in field qps does not fit the Go type int",
		`{"qps":31337.5}`:               "a JSON number in field qps does not fit the Go type int",
		`{"qps":313370000000000000000}`: "a JSON number in field qps",
		`["top secret"]`:                "a JSON array does not fit",
		"\x00\xff\xfe":                  "not JSON",
		strings.Repeat("[", 1e5):        "not JSON",
	} {
		value, err := config.JSON[Limits]().Decode([]byte(data))
		require.ErrorContains(t, err, reason, "%q", data)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "31337")
		require.Zero(t, value)
	}
	_, err := config.JSON[Limits]().Decode([]byte(`{"qsp":1}`))
	require.NoError(t, err)
	strict := config.JSON[Limits](config.Strict())
	_, err = strict.Decode([]byte(`{"qsp":1}`))
	require.ErrorContains(t, err, `unknown field "qsp"`)
	for _, data := range []string{`{"qps":1}x`, `{"qps":1} {}`, `{"qps":1}]`} {
		_, err = strict.Decode([]byte(data))
		require.ErrorContains(t, err, "there is data after", "%q", data)
	}
	_, err = strict.Decode([]byte(" {\"qps\":1}\n"))
	require.NoError(t, err)
	// What Strict does not find, as its documentation says.
	value, err := strict.Decode([]byte(`{"qps":9,"QPS":7}`))
	require.NoError(t, err)
	require.Equal(t, 7, value.QPS)
}

func TestJSONTakesNullWhereThereIsNil(t *testing.T) {
	p, err := config.JSON[*Limits]().Decode([]byte("null"))
	require.NoError(t, err)
	require.Nil(t, p)
	m, err := config.JSON[map[string]int]().Decode([]byte("null"))
	require.NoError(t, err)
	require.Nil(t, m)
	s, err := config.JSON[string]().Decode([]byte(`"null"`))
	require.NoError(t, err)
	require.Equal(t, "null", s)
}

func TestJSONErrorsKeepTheirKind(t *testing.T) {
	_, err := config.JSON[Limits]().Decode([]byte("{"))
	var syntax *json.SyntaxError
	require.ErrorAs(t, err, &syntax)
	_, err = config.JSON[Limits]().Decode([]byte("3"))
	var kind *json.UnmarshalTypeError
	require.ErrorAs(t, err, &kind)
}

func TestCodecsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw")
		data, err := config.Bytes().Encode(raw)
		require.NoError(t, err)
		back, err := config.Bytes().Decode(data)
		require.NoError(t, err)
		require.Equal(t, string(raw), string(back))
		if len(data) > 0 {
			data[0]++
			require.Equal(t, string(raw), string(back), "nothing is shared")
		}

		text := rapid.String().Draw(t, "text")
		data, err = config.Text().Encode(text)
		require.NoError(t, err)
		again, err := config.Text().Decode(data)
		require.NoError(t, err)
		require.Equal(t, text, again)

		limits := Limits{
			QPS:   rapid.Int().Draw(t, "qps"),
			Hosts: rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "hosts"),
			Tags:  rapid.MapOfN(rapid.String(), rapid.String(), 1, 5).Draw(t, "tags"),
		}
		for _, codec := range []config.Codec[Limits]{config.JSON[Limits](), config.JSON[Limits](config.Strict())} {
			data, err = codec.Encode(limits)
			require.NoError(t, err)
			got, err := codec.Decode(data)
			require.NoError(t, err)
			require.Equal(t, limits, got)
		}
	})
}
