package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/internal/base/znode"
)

// This file replaces habits of kong that surprise a user. Kong reads 010 as
// eight, replaces bytes that are not UTF-8, and splits metadata at semicolons.
// It treats an empty value as a missing flag, and explains a wrong time in Go's
// words. The file also has the checks of flags and arguments that several
// commands share.

// decoders returns the options that make kong read decimal numbers, and strings
// byte for byte.
func decoders() []kong.Option {
	options := []kong.Option{kong.KindMapper(reflect.String, kong.MapperFunc(decodeBytes))}
	options = append(options, kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeDuration)))
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int32, reflect.Int64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decodeDecimal)))
	}
	return options
}

func decodeBytes(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("string")
	if err == nil {
		target.SetString(plainWord(token.String()))
	}
	return err
}

// dashMark begins a word that is a value although it begins with a dash. No
// argument of a process has this byte.
const dashMark = "\x00"

// markNumbers marks the words before -- that begin like a negative number: no
// flag does, and kong would take them for flags.
func markNumbers(args []string) []string {
	marked := slices.Clone(args)
	for i, word := range args {
		if word == "--" {
			break
		}
		if len(word) > 1 && word[0] == '-' && '0' <= word[1] && word[1] <= '9' {
			marked[i] = dashMark + word
		}
	}
	return marked
}

// plainWord returns a word without its mark.
func plainWord(word string) string { return strings.TrimPrefix(word, dashMark) }

func decodeDecimal(ctx *kong.DecodeContext, target reflect.Value) error {
	var word string
	if err := ctx.Scan.PopValueInto("number", &word); err != nil {
		return err
	}
	word = plainWord(word)
	bits := target.Type().Bits()
	n, err := strconv.ParseInt(word, 10, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%s does not fit in %d bits", word, bits)
	case err != nil:
		return fmt.Errorf("expected a decimal number but got %q", word)
	case strconv.FormatInt(n, 10) != word:
		return fmt.Errorf("expected a decimal number but got %q; write %d", word, n)
	}
	target.SetInt(n)
	return nil
}

func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("duration")
	if err != nil {
		return err
	}
	word := plainWord(token.String())
	d, err := time.ParseDuration(word)
	if err != nil {
		reason, _, more := strings.Cut(strings.TrimPrefix(err.Error(), "time: "), " in duration ")
		if !more {
			return fmt.Errorf("expected a time such as 30s but got %q", word)
		}
		return fmt.Errorf("expected a time such as 30s but got %q: %s", word, reason)
	}
	target.SetInt(int64(d))
	return nil
}

// metadata is a flag that is given once for each key. No character of a value
// is special.
type metadata map[string]string

// Decode implements kong.MapperValue.
func (m *metadata) Decode(ctx *kong.DecodeContext) error {
	token, err := ctx.Scan.PopValue("K=V")
	if err != nil {
		return err
	}
	word := plainWord(token.String())
	key, value, ok := strings.Cut(word, "=")
	if !ok || key == "" {
		return fmt.Errorf("expected K=V but got %q", word)
	}
	if _, twice := (*m)[key]; twice {
		return fmt.Errorf("the key %q is given twice", key)
	}
	if !utf8.ValidString(word) {
		return fmt.Errorf("expected UTF-8 but got %q", word)
	}
	if *m == nil {
		*m = make(metadata)
	}
	(*m)[key] = value
	return nil
}

// rejectEmpty rejects a flag or an argument with an empty value, as an unset
// variable of a shell gives it. Only data may be empty (its tag is allowempty).
func rejectEmpty(command *kong.Context) error {
	empty := func(v *kong.Value) bool {
		return v.Target.Kind() == reflect.String && v.Target.String() == "" && !v.Tag.Has("allowempty")
	}
	for _, step := range command.Path {
		switch {
		case step.Flag != nil && empty(step.Flag.Value):
			return fmt.Errorf("--%s: the value is empty; give one, or leave the flag out", step.Flag.Name)
		case step.Positional != nil && empty(step.Positional):
			return fmt.Errorf("%s: %s is empty; give a value", verbOf(command), step.Positional.Name)
		}
	}
	return nil
}

// rejectNegative rejects a negative time.
func rejectNegative(command *kong.Context) error {
	for _, step := range command.Path {
		if step.Flag == nil {
			continue
		}
		target := step.Flag.Target
		if target.Kind() == reflect.Pointer && !target.IsNil() {
			target = target.Elem()
		}
		if d, ok := target.Interface().(time.Duration); ok && d < 0 {
			return fmt.Errorf("%s: --%s %v is negative; give a time such as %s",
				verbOf(command), step.Flag.Name, d, cmp.Or(step.Flag.PlaceHolder, step.Flag.Default))
		}
	}
	return nil
}

// lookCmd looks for CMD, before anything is acquired. A verb may have no CMD.
func lookCmd(task string, cmd []string) error {
	if len(cmd) == 0 {
		return nil
	}
	return withTask(task, child.Look(cmd[0]))
}

// checkPartners rejects a flag without the flag beside which alone it has an
// effect: its tag is needs:"FLAG", needs:"FLAG|FLAG" for one of several flags,
// or needs:"CMD" for a command after --.
func checkPartners(command *kong.Context) error {
	for _, step := range command.Path {
		if step.Flag == nil || !step.Flag.Tag.Has("needs") {
			continue
		}
		partners := strings.Split(step.Flag.Tag.Get("needs"), "|")
		spelling := "--" + strings.Join(partners, " or --")
		if partners[0] == "CMD" {
			spelling = "CMD after --"
		}
		given := func(partner string) bool {
			return slices.ContainsFunc(command.Path, func(other *kong.Path) bool { return sets(other, partner) })
		}
		if !slices.ContainsFunc(partners, given) {
			return fmt.Errorf("%s: --%s has an effect only with %s; give both, or leave --%s out",
				verbOf(command), step.Flag.Name, spelling, step.Flag.Name)
		}
	}
	return nil
}

// sets reports whether a step of the command line gives the flag or the
// argument a value.
func sets(step *kong.Path, name string) bool {
	switch {
	case step.Flag != nil:
		return step.Flag.Name == name && !step.Flag.Target.IsZero()
	case step.Positional != nil:
		return step.Positional.Name == name
	}
	return false
}

// verbOf returns the words that choose the command, such as "config get".
func verbOf(command *kong.Context) string {
	_, verb, _ := strings.Cut(command.Selected().FullPath(), " ")
	return verb
}

// checkName rejects an id or another name that cannot be the name of a znode.
// what is the flag or the argument.
func checkName(task, what, name string) error {
	return cmp.Or(withTask(task, znode.ValidateName(name)), checkText(task, what, name))
}

// checkText rejects an id that a person cannot see or type.
func checkText(task, what, text string) error {
	switch {
	case strings.TrimFunc(text, blank) == "":
		return usagef("%s: %s %q is blank; give a name such as host-1", task, what, text)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return usagef("%s: %s %q has a control character, or is not UTF-8; give a name such as host-1", task, what, text)
	}
	return nil
}

// blank reports whether a reader sees nothing of a character.
func blank(r rune) bool { return unicode.IsSpace(r) || !unicode.IsControl(r) && !visible.Rune(r) }

// checkListen rejects an address to listen on that is not HOST:PORT with a
// numeric port. task begins the error.
func checkListen(task, address string) error {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strconv.FormatUint(n, 10) != port || strings.ContainsAny(host, " ,;/@") {
		return usagef("%s: --listen %q is not HOST:PORT with a port from 0 to 65535; write it as 127.0.0.1:8080", task, address)
	}
	return nil
}

// loopback reports whether only this machine can reach a host.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// checkAudience is checkListen. It also rejects an address that other machines
// can reach, unless the user knows (--i-know) what they could do.
func checkAudience(task, address string, known bool, what string) error {
	if err := checkListen(task, address); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(address)
	if err == nil && !known && !loopback(host) {
		return usagef("%s: --listen %s can be reached by other machines, %s; listen on 127.0.0.1, or give --i-know", task, address, what)
	}
	return err
}
