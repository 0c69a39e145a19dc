//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/visible"
)

// hostileTexts are what a terminal, a log or a parser may obey: control
// characters of both sets, characters that change the direction of text, line
// separators, bytes that are not UTF-8.
var hostileTexts = []string{
	"", "plain", hostile, hostileName, "a\\b\\n\\x41", "\x00\x01\x7f\u0080\u009f", "\u2028\u2029\u0085", "\u115f\u1160\u3164\uffa0\u2800", "a\ufe0f\u034f\U000e0061",
	"\u200e\u200f\u202a\u202e\u2066\u2069\u061c",
	"\xff\xfe\xc0\x80\xed\xa0\x80", "\ufeff\ufffd\U000e0001\ue000", "line\r\nline\x0b\x0c", strings.Repeat("\x1b[", 100), `"quoted" <&> \u0041`,
}

// seen reports whether a terminal shows r as a mark of its own, by the tables of
// package unicode.
func seen(r rune) bool {
	return unicode.IsPrint(r) && r != 0x2800 && // Braille pattern blank
		!unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// requireVisible requires that the text has nothing that a terminal obeys or
// does not show, and no line break.
func requireVisible(t require.TestingT, text string) {
	require.True(t, utf8.ValidString(text), "%q", text)
	for _, r := range text {
		require.True(t, seen(r), "%q in %q", r, text)
	}
}

// bytesOf reads back what oneLine has written.
func bytesOf(t require.TestingT, line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			b.WriteByte(line[i])
			continue
		}
		i++
		switch line[i] {
		case '\\':
			b.WriteByte('\\')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'x':
			n, err := strconv.ParseUint(line[i+1:i+3], 16, 8)
			require.NoError(t, err)
			b.WriteByte(byte(n))
			i += 2
		default:
			require.Fail(t, "unknown escape", "%q", line)
		}
	}
	return b.String()
}

// Whatever others have written, a line of text stays a line, shows all of it, and
// has nothing that a terminal obeys.
func FuzzOneLine(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line := oneLine(text)
		requireVisible(t, line)
		require.Equal(t, text, bytesOf(t, line), "the bytes can be read back")
		requireVisible(t, visible.Line(text))
		var out bytes.Buffer
		a := &app{environment: &environment{stdout: &out}}
		require.NoError(t, a.printf("%s", text))
		requireVisible(t, strings.NewReplacer("\n", "", "\t", "").Replace(out.String()))
	})
}

// JSON is one line without anything that a terminal obeys, is JSON, and holds
// what was given.
func FuzzPrintJSON(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		type object struct {
			Text  string            `json:"text"`
			Bytes []byte            `json:"bytes"`
			Map   map[string]string `json:"map"`
			Value valueJSON         `json:"value"`
		}
		in := object{Text: text, Bytes: []byte(text), Map: map[string]string{text: text}}
		in.Value.set([]byte(text))
		var out bytes.Buffer
		a := &app{environment: &environment{stdout: &out}}
		require.NoError(t, a.printJSON(in))
		line, ended := strings.CutSuffix(out.String(), "\n")
		require.True(t, ended)
		requireVisible(t, line)
		var back object
		require.NoError(t, json.Unmarshal([]byte(line), &back))
		valid := validRunes(text)
		require.Equal(t, valid, back.Text)
		require.Equal(t, text, string(back.Bytes))
		require.Equal(t, map[string]string{valid: valid}, back.Map)
		if back.Value.Value != nil {
			require.Equal(t, text, *back.Value.Value, "text is text, and other bytes are base64")
		} else {
			require.Equal(t, text, string(back.Value.Base64))
		}
	})
}

// validRunes replaces each byte that is not UTF-8, as encoding/json does.
func validRunes(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
	}
	return b.String()
}

// Errors and notes are a line each.
func FuzzMessages(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, _ := explain(withTask("config get "+oneLine(text), errors.New(text)))
		requireVisible(t, line)
		var out bytes.Buffer
		a := &app{environment: &environment{stderr: &out}}
		a.problem(text, errors.New(text))
		line, ended := strings.CutSuffix(out.String(), "\n")
		require.True(t, ended)
		requireVisible(t, line)
	})
}
