package httpbalance_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming/httpbalance"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		httpbalance.New, httpbalance.Attempts, httpbalance.RoundTripper, httpbalance.Strategy, httpbalance.DownAfter, httpbalance.Key,
		httpbalance.Service, httpbalance.ServerName, httpbalance.RoundTrippers, httpbalance.OnlyServices, new(httpbalance.Transport), httpbalance.New(),
	)
}
