package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Probes for a program that cannot work without ZooKeeper. A probe that kills
// the program must not fail because ZooKeeper is away. The probe for traffic
// may, after the time for which the program can do without.
func ExampleManager_Health() {
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	link := srv.Link()
	sm, err := session.Dial(context.Background(), session.Config{Servers: []string{"zk1:2181"}, Dialer: link.DialContext})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sm.Close()

	ready := func(grace time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			health := sm.Health()
			if !health.Confirmed && time.Since(health.Since) >= grace {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprintln(w, health)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.Handle("GET /readyz", ready(0)) // in a program: some ten seconds

	probe := func(path string) int {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Code
	}
	fmt.Println(probe("/livez"), probe("/readyz"))
	link.Refuse(true) // the network is gone
	link.Disconnect()
	for change := range sm.States(context.Background()) {
		if change.State == session.Suspended {
			break
		}
	}
	fmt.Println(probe("/livez"), probe("/readyz"))
	// Output:
	// 200 200
	// 200 503
}
