package ensemble_test

import (
	"testing"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

func TestMain(m *testing.M) { ensemble.Main(m) }
