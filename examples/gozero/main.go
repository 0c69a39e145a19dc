// Command gozero is configured by a key in ZooKeeper, through the configuration
// center of github.com/zeromicro/go-zero. It uses a new configuration without a
// restart.
//
//	docent config set /gozero 'Greeting: Hello' --create
//	go run . Ada &                                  # Hello, Ada
//	docent config set /gozero 'Greeting: Good day'  # Good day, Ada
//	docent config set /gozero 'Limit: none'         # rejected
//
// The configuration center needs a subscriber: see subscriber.go. A value that
// go-zero cannot load leaves the old one in use.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/zeromicro/go-zero/core/conf"
	configurator "github.com/zeromicro/go-zero/core/configcenter"
	"github.com/zeromicro/go-zero/core/configcenter/subscriber"

	"github.com/docent-go/docent/session"
)

var _ subscriber.Subscriber = (*Subscriber)(nil)

// Settings is the program's configuration, with the tags of go-zero.
type Settings struct {
	Greeting string
	//lint:ignore SA5008 the options of the tag are go-zero's
	Limit int `json:",default=20,range=[1:100]"` // the maximum length of a name in bytes
}

// check loads the settings as the configuration center does. Its error goes to
// the log, and errors of go-zero may quote the value. If the settings have
// secrets, return an error of your own.
func check(text string) error {
	var s Settings
	return conf.LoadFromYamlBytes([]byte(text), &s)
}

func main() {
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	key := flag.String("config", "/gozero", "the configuration's `path`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: gozero [flags] NAME")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := start(ctx, *servers, *key, flag.Arg(0)); err != nil {
		slog.Error("gozero ends", "error", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, servers, key, name string) error {
	hosts, root, err := session.ParseConnect(servers)
	if err != nil {
		return err
	}
	sm, err := session.Dial(ctx, session.Config{Servers: hosts, Root: root})
	if err != nil {
		return err
	}
	defer sm.Close()
	s, err := OpenSubscriber(ctx, sm, key, check, slog.Default())
	switch {
	case err != nil && ctx.Err() != nil:
		slog.Info("stopped before a configuration was available", "reason", err)
		return nil
	case err != nil:
		return err
	}
	defer s.Close()
	return run(ctx, s, name, os.Stdout)
}

// run greets, and greets again after each change, until ctx ends.
func run(ctx context.Context, s *Subscriber, name string, out io.Writer) error {
	// Log would print the values, with all that is secret in them.
	settings, err := configurator.NewConfigCenter[Settings](configurator.Config{Type: "yaml", Log: false}, s)
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	settings.AddListener(func() {
		select {
		case changed <- struct{}{}:
		default: // run has not seen the last change yet, and will read this one
		}
	})
	said := ""
	for {
		now, err := settings.GetConfig()
		if err != nil {
			return err // check accepts what the configuration center cannot load
		}
		if text := greet(now, name); text != said {
			said = text
			if _, err := fmt.Fprintln(out, text); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func greet(s Settings, name string) string {
	if len(name) > s.Limit {
		return fmt.Sprintf("a name has at most %d bytes", s.Limit)
	}
	return s.Greeting + ", " + name
}
