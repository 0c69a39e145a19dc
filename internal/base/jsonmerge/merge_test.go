package jsonmerge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// known is the part of a document that the program knows.
type known struct {
	A    int             `json:"a"`
	B    string          `json:"b,omitempty"`
	Sub  sub             `json:"sub"`
	Ptr  *sub            `json:"ptr,omitempty"`
	List []elem          `json:"list,omitempty"`
	Map  map[string]elem `json:"map,omitempty"`
}

type sub struct {
	X float64 `json:"x"`
	Y []int   `json:"y,omitempty"`
}

type elem struct {
	ID int    `json:"id"` // unique
	V  string `json:"v,omitempty"`
}

// spaces draws white space, because documents may be written by hand.
func spaces(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", " ", "\n  ", "\t"}).Draw(t, "space")
}

// number draws a number that a float64 may not hold, in any form.
func number(t *rapid.T) string {
	return rapid.SampledFrom([]string{"1.0", "1e3", "12345678901234567890123", "-0.0", "0.10", "1E+2", "7"}).Draw(t, "number")
}

// foreign draws a value that the program does not know.
func foreign(t *rapid.T, depth int) string {
	switch n := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case n == 0 && depth > 0:
		return "{" + spaces(t) + `"a":` + spaces(t) + foreign(t, depth-1) + "}"
	case n == 1 && depth > 0:
		return "[" + foreign(t, depth-1) + spaces(t) + "," + foreign(t, depth-1) + "]"
	case n == 2:
		return `"\u00e9\n<x>"`
	case n == 3:
		return "null"
	}
	return number(t)
}

// object writes members in any order, with unknown ones among them.
func object(t *rapid.T, members map[string]string) string {
	for i := range rapid.IntRange(0, 2).Draw(t, "unknown") {
		members[fmt.Sprintf("unknown%d", i)] = foreign(t, 2)
	}
	var texts []string
	for _, key := range rapid.Permutation(sorted(members)).Draw(t, "order") {
		texts = append(texts, spaces(t)+`"`+key+`"`+spaces(t)+":"+spaces(t)+members[key]+spaces(t))
	}
	return "{" + strings.Join(texts, ",") + "}"
}

func sorted(members map[string]string) []string {
	var keys []string
	for _, key := range []string{"a", "b", "sub", "ptr", "list", "map", "x", "y", "id", "v", "k0", "k1", "k2", "unknown0", "unknown1"} {
		if _, found := members[key]; found {
			keys = append(keys, key)
		}
	}
	return keys
}

func maybe(t *rapid.T, members map[string]string, key, value string) {
	if rapid.Bool().Draw(t, key) {
		members[key] = value
	}
}

func drawSub(t *rapid.T) string {
	m := make(map[string]string)
	maybe(t, m, "x", number(t))
	maybe(t, m, "y", "[1,"+spaces(t)+"2, 3]")
	return object(t, m)
}

func drawElem(t *rapid.T, id int) string {
	m := map[string]string{"id": fmt.Sprint(id)}
	maybe(t, m, "v", `"v\u0031"`)
	return object(t, m)
}

func drawDocument(t *rapid.T) string {
	m := make(map[string]string)
	maybe(t, m, "a", fmt.Sprint(rapid.IntRange(-3, 3).Draw(t, "a")))
	maybe(t, m, "b", `"text"`)
	maybe(t, m, "sub", drawSub(t))
	maybe(t, m, "ptr", drawSub(t))
	var list []string
	for i := range rapid.IntRange(0, 4).Draw(t, "elements") {
		list = append(list, drawElem(t, i))
	}
	maybe(t, m, "list", "["+spaces(t)+strings.Join(list, ","+spaces(t))+spaces(t)+"]")
	entries := make(map[string]string)
	for i := range rapid.IntRange(0, 2).Draw(t, "entries") {
		entries[fmt.Sprintf("k%d", i)] = drawElem(t, 10+i)
	}
	if len(entries) > 0 {
		var texts []string
		for key, text := range entries {
			texts = append(texts, `"`+key+`":`+text)
		}
		m["map"] = "{" + strings.Join(texts, ", ") + "}"
	}
	return spaces(t) + object(t, m) + spaces(t)
}

// change is a change made by a program. It also makes the change in the whole
// document, unknown fields included: that is the expected result.
type change struct {
	name  string
	apply func(k *known, truth map[string]any)
}

// within returns an object of the document. It makes the object if the program
// makes one.
func within(truth map[string]any, key string) map[string]any {
	inner, ok := truth[key].(map[string]any)
	if !ok {
		inner = make(map[string]any)
		truth[key] = inner
	}
	return inner
}

var changes = []change{
	{"a number", func(k *known, truth map[string]any) { k.A += 100; truth["a"] = json.Number(fmt.Sprint(k.A)) }},
	{"a string", func(k *known, truth map[string]any) { k.B += "!"; truth["b"] = k.B }},
	{"a string goes", func(k *known, truth map[string]any) {
		if k.B != "" {
			k.B = ""
			delete(truth, "b")
		}
	}},
	{"a nested number", func(k *known, truth map[string]any) { k.Sub.X = 77; within(truth, "sub")["x"] = json.Number("77") }},
	{"a nested list", func(k *known, truth map[string]any) {
		if _, found := truth["sub"]; !found { // the encoder writes the whole object
			within(truth, "sub")["x"] = json.Number("0")
		}
		k.Sub.Y = []int{5}
		within(truth, "sub")["y"] = []any{json.Number("5")}
	}},
	{"a pointer goes", func(k *known, truth map[string]any) {
		if k.Ptr != nil {
			k.Ptr = nil
			delete(truth, "ptr")
		}
	}},
	{"what a pointer leads to", func(k *known, truth map[string]any) {
		if k.Ptr != nil {
			k.Ptr.X = 88
			within(truth, "ptr")["x"] = json.Number("88")
		}
	}},
	{"the first element", func(k *known, truth map[string]any) {
		if len(k.List) > 0 {
			k.List[0].V = "first"
			truth["list"].([]any)[0].(map[string]any)["v"] = "first"
		}
	}},
	{"every element", func(k *known, truth map[string]any) {
		for i := range k.List {
			k.List[i].V = "all"
			truth["list"].([]any)[i].(map[string]any)["v"] = "all"
		}
	}},
	{"an element goes", func(k *known, truth map[string]any) {
		if n := len(k.List); n > 1 {
			k.List = append(k.List[:n/2:n/2], k.List[n/2+1:]...)
			list := truth["list"].([]any)
			truth["list"] = append(list[:n/2:n/2], list[n/2+1:]...)
		}
	}},
	{"an element comes", func(k *known, truth map[string]any) {
		k.List = append(k.List, elem{ID: 99})
		list, _ := truth["list"].([]any)
		truth["list"] = append(list, map[string]any{"id": json.Number("99")})
	}},
	{"elements turn round", func(k *known, truth map[string]any) {
		list, _ := truth["list"].([]any)
		for i, j := 0, len(k.List)-1; i < j; i, j = i+1, j-1 {
			k.List[i], k.List[j] = k.List[j], k.List[i]
			list[i], list[j] = list[j], list[i]
		}
	}},
	{"an entry", func(k *known, truth map[string]any) {
		if e, found := k.Map["k0"]; found {
			e.V = "entry"
			k.Map["k0"] = e
			within(within(truth, "map"), "k0")["v"] = "entry"
		}
	}},
	{"an entry comes", func(k *known, truth map[string]any) {
		if k.Map == nil {
			k.Map = make(map[string]elem)
		}
		k.Map["new"] = elem{ID: 50}
		within(truth, "map")["new"] = map[string]any{"id": json.Number("50")}
	}},
}

// generic decodes without losing a digit.
func generic(t require.TestingT, data []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&v), "%s", data)
	return v
}

func encode(t require.TestingT, v any) []byte {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// Whatever else the document has, and however it is written, the result has the
// changes, and everything else digit by digit.
func TestFault24_MergeKeepsTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		node := []byte(drawDocument(t))
		copied := bytes.Clone(node)
		var k known
		require.NoError(t, json.Unmarshal(node, &k))
		truth := generic(t, node).(map[string]any)
		before := encode(t, k)
		seen := make(map[int]bool)
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			n := rapid.IntRange(0, len(changes)-1).Draw(t, "which")
			if seen[n] {
				continue
			}
			seen[n] = true
			if len(seen) > 1 && strings.Contains(changes[n].name, "element") {
				continue // two changes of one array may make the elements indistinguishable
			}
			changes[n].apply(&k, truth)
		}
		merged, err := Merge(node, before, encode(t, k))
		require.NoError(t, err)
		require.Equal(t, string(copied), string(node), "an argument was changed")
		require.Equal(t, truth, generic(t, merged), "%s", merged)
		if len(seen) == 0 {
			require.Equal(t, string(node), string(merged))
		}
		var again known
		require.NoError(t, json.Unmarshal(merged, &again))
		require.Equal(t, string(encode(t, k)), string(encode(t, again)))
		for _, text := range untouched(t, node, truth) {
			require.Contains(t, string(merged), text)
		}
	})
}

// untouched returns the texts of the unknown members at the top of the
// document.
func untouched(t require.TestingT, node []byte, truth map[string]any) []string {
	_, v, _, err := parse(node)
	require.NoError(t, err)
	var texts []string
	for _, it := range v.items {
		if _, stays := truth[it.name]; stays && strings.HasPrefix(it.name, "unknown") {
			texts = append(texts, string(it.key)+string(it.mid)+string(it.value.raw))
		}
	}
	return texts
}

// The result for any three documents is JSON. For a document without unknown
// fields its decoded value is the wanted one.
func TestMerge_anything(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var draw func(depth int) any
	draw = func(depth int) any {
		switch n := rng.IntN(6); {
		case n == 0 && depth > 0:
			m := make(map[string]any)
			for range rng.IntN(4) {
				m[string(rune('a'+rng.IntN(5)))] = draw(depth - 1)
			}
			return m
		case n == 1 && depth > 0:
			l := []any{}
			for range rng.IntN(4) {
				l = append(l, draw(depth-1))
			}
			return l
		case n == 2:
			return nil
		}
		return json.Number(fmt.Sprint(rng.IntN(3)))
	}
	for range 20_000 {
		old, next := encode(t, draw(4)), encode(t, draw(4))
		merged, err := Merge(old, old, next)
		require.NoError(t, err)
		require.True(t, Equal(merged, next), "%s -> %s: %s", old, next, merged)
		merged, err = Merge(encode(t, draw(4)), old, next)
		require.NoError(t, err)
		require.True(t, json.Valid(merged), "%s", merged)
	}
}

func TestMerge_layout(t *testing.T) {
	for _, c := range []struct{ node, before, after, want string }{
		{`{}`, `{}`, `{"a":1}`, `{"a":1}`},
		{`{ }`, `{}`, `{"a":1,"b":2}`, `{"a":1,"b":2}`},
		{"{\n  \"a\": 1\n}", `{"a":1}`, `{"a":1,"b":2}`, "{\n  \"a\": 1,\n  \"b\": 2\n}"},
		{"{\n  \"a\": 1,\n  \"b\": 2\n}", `{"a":1,"b":2}`, `{"a":1}`, "{\n  \"a\": 1\n}"},
		{"{\n  \"a\": 1,\n  \"b\": 2\n}", `{"a":1,"b":2}`, `{"b":2}`, "{\n  \"b\": 2\n}"},
		{`{"a":1}`, `{"a":1}`, `{}`, `{}`},
		{`[ 1, 2 ]`, `[1,2]`, `[1,2,3]`, `[ 1, 2, 3 ]`},
		{`[ 1, 2 ]`, `[1,2]`, `[]`, `[]`},
		{` 1 `, `1`, `2`, ` 2 `},
		{`[1,2,3]`, `[1,2]`, `[9,2]`, `[9,2,3]`}, // a Go array of two elements
		{`[1]`, `[1,2]`, `[9,2]`, `[9,2]`},
		{`{"\u0061":1,"\ud83d\ude00":2}`, `{"a":1}`, `{"a":3}`, `{"\u0061":3,"😀":2}`},
		{`{"K":1}`, `{"k":1}`, `{"k":2}`, `{"K":2}`},
		{`{"A":1,"a":2}`, `{"A":1,"a":2}`, `{"A":1,"a":3}`, `{"A":1,"a":3}`},
		{`{"o":{"u":1}}`, `{}`, `{"o":{"x":2}}`, `{"o":{"u":1,"x":2}}`},
		{`{"o":{"u":1}}`, `{"o":null}`, `{"o":{"x":2}}`, `{"o":{"x":2}}`},
	} {
		merged, err := Merge([]byte(c.node), []byte(c.before), []byte(c.after))
		require.NoError(t, err)
		if strings.Contains(c.node, `\ud83d`) { // untouched text is not decoded
			c.want = strings.ReplaceAll(c.want, "😀", `\ud83d\ude00`)
		}
		require.Equal(t, c.want, string(merged))
	}
}

func TestMerge_noJSON(t *testing.T) {
	for _, bad := range []string{"", " ", "{", `{"a"}`, "1 2", "tru"} {
		for i := range 3 {
			texts := [][]byte{[]byte("{}"), []byte("{}"), []byte(`{"a":1}`)}
			texts[i] = []byte(bad)
			_, err := Merge(texts[0], texts[1], texts[2])
			require.ErrorIs(t, err, errSyntax)
		}
		require.False(t, Equal([]byte(bad), []byte(bad)))
	}
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":2}],"A":0}`), []byte(`{"a":[1]}`), []byte(`{"a":[2,1]}`))
	f.Fuzz(func(t *testing.T, node, before, after []byte) {
		merged, err := Merge(node, before, after)
		if valid := json.Valid(node) && json.Valid(before) && json.Valid(after); valid != (err == nil) {
			t.Fatalf("valid %v, error %v", valid, err)
		}
		if err == nil && !json.Valid(merged) {
			t.Fatalf("%s + (%s -> %s) = %s", node, before, after, merged)
		}
	})
}
