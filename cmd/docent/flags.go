package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// This file replaces three habits of kong that surprise a user: it reads 010 as
// eight, splits metadata at semicolons, and treats an empty value as a missing
// flag.

// decimalIntegers returns the options that make kong read decimal numbers.
func decimalIntegers() []kong.Option {
	var options []kong.Option
	for _, kind := range []reflect.Kind{reflect.Int, reflect.Int32, reflect.Int64} {
		options = append(options, kong.KindMapper(kind, kong.MapperFunc(decodeDecimal)))
	}
	return options
}

func decodeDecimal(ctx *kong.DecodeContext, target reflect.Value) error {
	var word string
	if err := ctx.Scan.PopValueInto("number", &word); err != nil {
		return err
	}
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

// metadata is a flag that is given once for each key. No character of a value
// is special.
type metadata map[string]string

// Decode implements kong.MapperValue.
func (m *metadata) Decode(ctx *kong.DecodeContext) error {
	var word string
	if err := ctx.Scan.PopValueInto("K=V", &word); err != nil {
		return err
	}
	key, value, ok := strings.Cut(word, "=")
	if !ok || key == "" {
		return fmt.Errorf("expected K=V but got %q", word)
	}
	if _, twice := (*m)[key]; twice {
		return fmt.Errorf("the key %q is given twice", key)
	}
	if *m == nil {
		*m = make(metadata)
	}
	(*m)[key] = value
	return nil
}

// refuseEmpty refuses a flag with an empty value, as an unset variable of a
// shell gives it. Only a flag for data may be empty (its tag is allowempty).
func refuseEmpty(command *kong.Context) error {
	for _, step := range command.Path {
		flag := step.Flag
		if flag == nil || flag.Target.Kind() != reflect.String || flag.Target.String() != "" || flag.Tag.Has("allowempty") {
			continue
		}
		return fmt.Errorf("--%s: the value is empty; give one, or leave the flag out", flag.Name)
	}
	return nil
}

// checkListen refuses an address to listen on that is not HOST:PORT with a
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
