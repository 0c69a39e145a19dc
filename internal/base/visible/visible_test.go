package visible_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/visible"
)

// hidden reports whether a terminal shows nothing of its own for r, by the
// tables of package unicode. The property Default_Ignorable_Code_Point is
// derived from them as UAX #44 says.
func hidden(r rune) bool {
	derived := unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector) &&
		!unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark) &&
		(r < 0xfff9 || r > 0xfffb) && (r < 0x13430 || r > 0x1343f)
	return derived || !unicode.IsPrint(r)
}

// Every code point that Unicode hides is escaped, and every other letter stays
// as it is.
func TestRune_allCodePoints(t *testing.T) {
	blank := map[rune]bool{0x2800: true, 0xfffc: true, 0x13441: true, 0x13442: true, 0x16fe4: true, 0x1d159: true}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if want := !hidden(r) && !blank[r]; visible.Rune(r) != want {
			require.Equal(t, want, visible.Rune(r), "%U", r)
		}
	}
}

// The characters of known tricks, by hand, as the tables could be wrong.
func TestRune_tricks(t *testing.T) {
	for name, r := range map[string]rune{
		"escape": 0x1b, "delete": 0x7f, "C1": 0x9b, "line feed": '\n', "no-break space": 0xa0, "soft hyphen": 0xad,
		"grapheme joiner": 0x34f, "Hangul choseong filler": 0x115f, "Hangul jungseong filler": 0x1160, "Hangul filler": 0x3164,
		"halfwidth Hangul filler": 0xffa0, "Khmer vowel": 0x17b4, "Mongolian selector": 0x180b, "Mongolian separator": 0x180e,
		"zero width space": 0x200b, "zero width joiner": 0x200d, "left-to-right mark": 0x200e, "line separator": 0x2028,
		"right-to-left override": 0x202e, "word joiner": 0x2060, "isolate": 0x2066, "Braille blank": 0x2800, "ideographic space": 0x3000,
		"variation selector 1": 0xfe00, "variation selector 16": 0xfe0f, "variation selector 256": 0xe01ef, "byte order mark": 0xfeff,
		"interlinear anchor": 0xfff9, "object replacement": 0xfffc, "null notehead": 0x1d159, "begin beam": 0x1d173,
		"language tag": 0xe0001, "tag a": 0xe0061, "private use": 0xe000, "surrogate": 0xd800, "noncharacter": 0xffff,
	} {
		require.False(t, visible.Rune(r), name)
		if utf8.ValidRune(r) {
			require.NotContains(t, visible.Bytes("a"+string(r)+"b"), string(r), name)
			require.NotContains(t, visible.Line("a"+string(r)+"b"), string(r), name)
		}
	}
	for _, r := range "aß漢한あд\u0301ا🙂€ \ufffd" {
		require.True(t, visible.Rune(r), "%U", r)
	}
}

func TestBytes(t *testing.T) {
	require.Equal(t, `a\\b\n\r\tç\x00\xff\x1b[0m`, visible.Bytes("a\\b\n\r\tç\x00\xff\x1b[0m"))
	require.Equal(t, `\xe3\x85\xa4`, visible.Bytes("\u3164"))
	require.Empty(t, visible.Bytes(""))
}

func TestLine(t *testing.T) {
	require.Equal(t, `a\u000ab\u0009c\u3164\udb40\udc61\`, visible.Line("a\nb\tc\u3164\U000e0061\\"))
	require.Equal(t, "a\nb\tc"+`\u3164\u000d`, visible.Lines("a\nb\tc\u3164\r"))
}

// Whatever others have written is shown as text that a reader sees and a
// terminal does not obey, and the bytes can be read back.
func FuzzVisible(f *testing.F) {
	for _, text := range []string{
		"", "plain", "a\\b\\n\\x41", "\x00\x01\x7f\u0080\u009f", "\u2028\u2029\u0085", "\u115f\u1160\u3164\uffa0\u2800", "\ufe0f\U000e0061\u034f",
		"\xff\xfe\xc0\x80\xed\xa0\x80", "\ufeff\ufffd\U000e0001\ue000", "line\r\nline\x0b\x0c", strings.Repeat("\x1b[", 100), `"quoted" <&> \u0041`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{visible.Bytes(text), visible.Line(text), strings.NewReplacer("\n", "", "\t", "").Replace(visible.Lines(text))} {
			require.True(t, utf8.ValidString(shown), "%q", shown)
			for _, r := range shown {
				require.False(t, hidden(r), "%q in %q", r, shown)
			}
		}
		require.Equal(t, text, read(t, visible.Bytes(text)))
		if !utf8.ValidString(text) {
			return
		}
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		var back string
		require.NoError(t, json.Unmarshal([]byte(visible.Line(string(encoded))), &back))
		require.Equal(t, text, back, "JSON text stays JSON")
	})
}

// read reads back what Bytes has written.
func read(t *testing.T, line string) string {
	var b strings.Builder
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' {
			b.WriteByte(line[i])
			continue
		}
		i++
		if at := strings.IndexByte(`\nrt`, line[i]); at >= 0 {
			b.WriteByte("\\\n\r\t"[at])
			continue
		}
		var c byte
		_, err := fmt.Sscanf(line[i:i+3], "x%02x", &c)
		require.NoError(t, err, "%q", line)
		b.WriteByte(c)
		i += 2
	}
	return b.String()
}
