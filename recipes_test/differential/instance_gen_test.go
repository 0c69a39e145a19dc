//go:build unix

package differential

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// Pools of raw values: what Curator writes, and what Jackson reads nevertheless
// or rejects.
var (
	anything = []string{
		"null", "true", "false", "0", "1", "-1", "1.5", `""`, `" "`, `"x"`, "[]", "{}", `[1]`, `{"a":1}`, "1e3", "-0", "1e999", `"null"`, `"true"`,
	}
	numbers = []string{
		"8080", `"8080"`, "8080.0", "8080.9", `"8080.0"`, `" 8080 "`, `"+8080"`, `"-8080"`, "65535", "65536", "70000", "-1", "0", "-0", `"0"`, `"007"`, "-0.9", "0.9",
		"2147483647", "2147483648", "-2147483648", "-2147483649", `"2147483648"`, "4294967376", "1e3", "1E2", "1.5e3", "1e-3", "1e10", "1e308", "1e309",
		"9223372036854775807", "9223372036854775806", "9200000000000000000", "-9200000000000000000", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9.3e18", "9.2e18", "99999999999999999999",
		`"9223372036854775807"`, `"9223372036854775808"`, `"0x1f90"`, `"8_080"`, `"1e3"`, `"٨٠"`, `"８０８０"`, `"\u0038080"`, `"80 80"`, `"-"`, `"+"`, `"null"`, `"NULL"`, `"\t80\n"`, "00", "08080", "+1", ".5", "1.",
	}
	truths = []string{
		"true", "false", `"true"`, `"false"`, `"True"`, `"TRUE"`, `"tRUE"`, `"False"`, `"FALSE"`, `" true "`, `"yes"`, "1", "0", "2", "-1", "-0", "0.0", "1.0", `"1"`, `"0"`,
		"null", `"null"`, `""`, `" "`, "99999999999999999999",
	}
	kinds = []string{
		`"DYNAMIC"`, `"STATIC"`, `"PERMANENT"`, `"DYNAMIC_SEQUENTIAL"`, `"dynamic"`, `" STATIC "`, `"STATIC "`, `"1"`, `" 2 "`, `"01"`, `"4"`, `"-1"`, `"+1"`, "0", "1", "2", "3", "4", "-1", "1.0", `""`, `" "`, "null", `"null"`,
	}
	texts = []string{
		`"10.0.0.1"`, `"h.example.org"`, `"::1"`, `"fe80::1%eth0"`, `"[::1]"`, `"h:8080"`, `"a\u00e9\u20ac"`, `"\ud83d\ude00"`, `"\ud800"`, `"a\u0000b"`, `"a\nb"`, `"\/"`, `"é"`, "7", "1.50", "1E5", "-0", "true", "false", "null", `""`,
		`"\"quoted\""`, `"a\u007fb"`, `"http://h"`,
	}
	parts = []string{
		`{"value":"scheme","variable":true}`, `{"value":"://","variable":false}`, `{"value":"address","variable":true}`, `{"value":":","variable":false}`, `{"value":"port","variable":true}`,
		`{"value":"ssl-port","variable":true}`, `{"value":"id","variable":true}`, `{"value":"name","variable":true}`, `{"value":"service-type","variable":true}`, `{"value":"registration-time-utc","variable":true}`,
		`{"value":"[","variable":true}`, `{"value":"x","variable":"true"}`, `{"value":"x","variable":1}`, `{"value":"x","variable":null}`, `{"value":7,"variable":false}`, `{"value":null,"variable":false}`, `{"value":"x"}`, `{"variable":true}`,
		`{}`, `{"value":"x","variable":true,"more":[1]}`, `null`, `"x"`, `7`, `[]`, `{ "variable" : true , "value" : "port" }`, `{"value":{},"variable":true}`, `{"value":"x","variable":"yes"}`, `{"Value":"x"}`,
	}
	specs = []string{
		"null", `"{scheme}://{address}:{port}"`, `"{ address }"`, `"plain"`, `""`, `"{"`, `"}"`, `"{}"`, `"{a{b}}"`, `"{[}{]}"`, `"{ }"`, "7", "[]", `{}`, `{"parts":null}`, `{"parts":[]}`, `{"parts":{}}`, `{"parts":7}`, `{"more":1}`, "true",
	}
	payloads = []string{
		"null", `"text"`, "7", "1.5", "true", "false", `""`, `{}`, `{"a":"b"}`, `{"a":1}`, `{"a":{"b":[1,null]}}`, `[]`, `["a","b"]`, `[1,2]`, `["java.util.ArrayList",["a","b"]]`, `["java.util.ArrayList",[]]`,
		`["java.lang.Long",7]`, `["java.lang.Long","7"]`, `["java.lang.Integer",7]`, `["java.lang.String","x"]`, `["java.lang.Long",7,8]`, `["java.lang.Long"]`, `["no.such.Class",1]`, `["[Ljava.lang.String;",["a"]]`,
		`{"@class":"java.util.HashMap"}`, `{"@class":"java.util.HashMap","zone":"a"}`, `{"@class":"java.util.LinkedHashMap","zone":"a","n":1}`, `{"@class":"java.util.TreeMap","b":"1","a":"2"}`, `{"zone":"a","@class":"java.util.HashMap"}`,
		`{"@class":"java.util.concurrent.ConcurrentHashMap","a":"b"}`, `{"@class":"java.util.Hashtable","a":"b"}`, `{"@class":"no.such.Class","a":1}`, `{"@class":"Services$Details","zone":"c","weight":5}`, `{"@class":"Services$Details","zone":"c","more":5}`,
		`{"@class":7,"a":"b"}`, `{"@class":null,"a":"b"}`, `{"@class":"","a":"b"}`, `{"@CLASS":"java.util.HashMap","a":"b"}`, `{"@class":"java.util.HashMap","":"empty"}`, `{"@class":"java.util.HashMap","a":null}`,
		`{"@class":"java.util.HashMap","@class":"java.util.TreeMap","a":"b"}`, `{"@class":"java.lang.Long"}`, `["java.util.HashMap",{"a":"b"}]`,
	}
)

// mapPayload makes a payload with weights and marks as other programs write
// them.
func (d dice) mapPayload() string {
	var fields []string
	if d.in(2) {
		fields = append(fields, `"@class":"`+pick(d, "java.util.HashMap", "java.util.LinkedHashMap", "java.util.TreeMap")+`"`)
	}
	for range d.IntN(4) {
		fields = append(fields, pick(d, `"weight"`, `"draining"`, `"zone"`, `"Weight"`)+":"+
			pick(d, `"1"`, `"0"`, `"-1"`, `"3"`, `"03"`, `"+3"`, `" 3"`, `"1.5"`, `"1000000"`, `"1000001"`, `"2147483648"`, `""`, `"true"`, `"false"`, `"TRUE"`, `"x"`))
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func (d dice) spec() string {
	if d.in(4) {
		return pick(d, specs...)
	}
	some := make([]string, d.IntN(6))
	for i := range some {
		if some[i] = parts[d.IntN(11)]; d.in(12) {
			some[i] = pick(d, parts...)
		}
	}
	return `{"parts":[` + strings.Join(some, ",") + `]}`
}

// instanceJSON makes the contents of an instance's znode.
func (d dice) instanceJSON() []byte {
	value := map[string]func() string{
		"name": func() string { return pick(d, texts...) }, "id": func() string { return pick(d, texts...) },
		"address": func() string { return pick(d, texts...) }, "port": func() string { return pick(d, numbers...) },
		"sslPort": func() string { return pick(d, numbers...) }, "registrationTimeUTC": func() string { return pick(d, numbers...) },
		"serviceType": func() string { return pick(d, kinds...) }, "enabled": func() string { return pick(d, truths...) },
		"uriSpec": d.spec,
		"payload": func() string {
			if d.in(3) {
				return d.mapPayload()
			}
			return pick(d, payloads...)
		},
	}
	usual := map[string]string{
		"name": `"svc"`, "id": `"i1"`, "address": `"10.0.0.1"`, "port": "8080", "sslPort": "null", "payload": "null", "registrationTimeUTC": "1600000000000",
		"serviceType": `"DYNAMIC"`, "uriSpec": "null", "enabled": "true",
	}
	order := []string{"name", "id", "address", "port", "sslPort", "payload", "registrationTimeUTC", "serviceType", "uriSpec", "enabled"}
	odd := 1 + d.IntN(3) // how many fields in twelve are not the usual
	var fields []string
	space := func() string {
		if d.in(40) {
			return pick(d, " ", "\n", "\t", "\r\n")
		}
		return ""
	}
	for _, key := range order {
		raw := usual[key]
		if d.IntN(12) < odd {
			if raw = value[key](); d.in(25) {
				raw = pick(d, anything...)
			}
		}
		if d.in(30) {
			continue
		}
		if d.in(60) {
			key = pick(d, strings.ToUpper(key), key+" ", "docent", "future", "@class", "")
		}
		fields = append(fields, space()+`"`+key+`"`+space()+":"+space()+raw+space())
		if d.in(60) {
			fields = append(fields, fields[d.IntN(len(fields))])
		}
	}
	if d.in(8) {
		d.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	}
	text := space() + "{" + strings.Join(fields, ",") + "}" + space()
	return d.wrapped(text)
}

// wrapped is the text of an instance as it is, and sometimes in another
// encoding, with something before or after it, or damaged.
func (d dice) wrapped(text string) []byte {
	switch {
	case d.in(60):
		return []byte("\ufeff" + text)
	case d.in(60):
		return []byte(text + pick(d, "x", "{}", "\x00", "]", " \n", "\xff", ",", text))
	case d.in(120):
		return sixteen(text, d.in(2), d.in(2))
	case d.in(120):
		return []byte(strings.Replace(text, "svc", pick(d, "\xff", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "\xe2\x82"), 1))
	case d.in(120):
		return []byte(strings.Repeat(`{"a":`, d.IntN(50)) + text + strings.Repeat("}", d.IntN(50)))
	case d.in(12):
		return d.mutate([]byte(text))
	case d.in(200):
		return d.bytes(20)
	case d.in(200):
		return []byte(pick(d, "", " ", "null", "7", `"x"`, `""`, "[]", "{", "true", "{}", `{"a"}`))
	case d.in(200):
		return fmt.Appendf(nil, `{"deep":%s1%s,"port":1}`, strings.Repeat("[", 1+d.IntN(300)), strings.Repeat("]", d.IntN(300)))
	}
	return []byte(text)
}

// sixteen encodes a text in UTF-16.
func sixteen(text string, big, mark bool) []byte {
	var b []byte
	if mark {
		text = "\ufeff" + text
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(unit>>8), byte(unit))
		} else {
			b = append(b, byte(unit), byte(unit>>8))
		}
	}
	return b
}
