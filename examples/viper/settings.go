package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/viper"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// openSettings follows a key with YAML. It waits for a good value.
func openSettings(ctx context.Context, sm *session.Manager, key string) (*config.Value[*viper.Viper], error) {
	return config.Open(ctx, sm, key, config.Codec[*viper.Viper]{Decode: decode},
		config.Validate(validate), config.Wait[*viper.Viper]())
}

// decode makes a new viper of each value. A viper must not be read while
// something writes to it, so this one is complete when the readers get it, and
// nothing writes to it after that.
//
// The alternative is one viper for good, MergeConfigMap, and a lock around it
// and around every read. Then a setting that is missing in a new value keeps
// its old value.
func decode(data []byte) (*viper.Viper, error) {
	v := viper.New()
	v.SetDefault("greeting", "Hello")
	v.SetEnvPrefix("greeter") // GREETER_LIMITS_NAME wins over limits.name
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(data)); err != nil {
		return nil, err // it may quote a few characters of the value
	}
	return v, nil
}

// validate rejects settings that the program cannot work with. The getters of
// viper return zero for what they cannot read, so look at the bounds too.
func validate(v *viper.Viper) error {
	if v.GetString("greeting") == "" {
		return errors.New("greeting is empty")
	}
	if n := v.GetInt("limits.name"); n < 1 {
		return fmt.Errorf("limits.name is %d: it must be a positive number", n)
	}
	return nil
}
