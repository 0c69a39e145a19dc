// Command viper is configured by a key in ZooKeeper, which it reads with
// github.com/spf13/viper. It uses a new configuration without a restart.
//
//	docent config set /viper 'limits: {name: 20}' --create
//	go run . Ada &                                               # Hello, Ada
//	docent config set /viper '{greeting: Good day, limits: {name: 20}}' # Good day, Ada
//	docent config set /viper 'limits: {name: none}'              # rejected
//
// Each good value becomes a viper of its own, and an atomic load returns the
// newest: see settings.go. A value that does not parse, or that validate
// rejects, leaves the old one in use.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/viper"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

func main() {
	servers := flag.String("servers", "127.0.0.1:2181", "ZooKeeper servers as `host:port,host:port/root`")
	key := flag.String("config", "/viper", "the configuration's `path`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: viper [flags] NAME")
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
		slog.Error("viper ends", "error", err)
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
	settings, err := openSettings(ctx, sm, key)
	switch {
	case err != nil && ctx.Err() != nil:
		slog.Info("stopped before a configuration was available", "reason", err)
		return nil
	case err != nil:
		return err
	}
	defer settings.Close()
	return run(ctx, settings, name, os.Stdout, slog.Default())
}

// run greets, and greets again after each change, until ctx ends.
func run(ctx context.Context, settings *config.Value[*viper.Viper], name string, out io.Writer, log *slog.Logger) error {
	for snap, err := range settings.Changes(ctx) {
		if errors.Is(err, session.ErrClosed) {
			return err
		}
		if err != nil {
			log.Error("the configuration is rejected, the last good one stays", "error", err)
			continue
		}
		if _, err := fmt.Fprintln(out, greet(snap.Value, name)); err != nil {
			return err
		}
	}
	return nil
}

// greet reads several settings of one viper, so all of them are of one value of
// the key. Any goroutine may call it, with settings.Load().Value.
func greet(v *viper.Viper, name string) string {
	if limit := v.GetInt("limits.name"); len(name) > limit {
		return fmt.Sprintf("a name has at most %d bytes", limit)
	}
	return v.GetString("greeting") + ", " + name
}
