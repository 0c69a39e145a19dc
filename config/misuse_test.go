package config_test

import (
	"testing"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		config.Open[string], config.OpenTree[string], config.NewStore, config.SyncFile,
		config.Bytes, config.JSON[string], config.Text, config.Strict,
		config.Default[string], config.Validate[string], config.Wait[string], config.Limit[string], config.MaxBytes[string],
		config.AfterChange, config.CheckFile, config.FileMode, config.OnProblem, config.RemoveWithKey,
		config.CheckKey, config.CreateKey, config.DeleteKey, config.SetKey,
		new(config.Value[string]), new(config.Tree[string]), new(config.TreeSnapshot[string]),
		new(config.Store), config.NewStore(nil, "/"), new(config.History), config.NewStore(nil, "/").History(1),
		new(config.BadValueError),
	)
}
