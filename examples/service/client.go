package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// tries is the maximum number of servers that a call tries.
const tries = 3

// callEvery makes calls until ctx ends, and reports the result of each call.
func callEvery(ctx context.Context, sm *session.Manager, client *http.Client, every time.Duration, tell func(answer string, err error)) error {
	service, err := naming.NewRegistry(sm).Open(ctx, serviceName)
	if err != nil {
		return err
	}
	defer service.Close()
	// One error takes a server out for five seconds, because there are others
	// to try.
	servers, err := service.Balancer(naming.RoundRobin(), naming.DownAfter(1, time.Second, 5*time.Second))
	if err != nil {
		return err
	}
	turn := time.NewTicker(every)
	defer turn.Stop()
	for {
		if answer, err := call(ctx, client, servers); ctx.Err() == nil {
			tell(answer, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-turn.C:
		}
	}
}

// call asks one server, and another one after a failure: a GET may be done
// twice.
func call(ctx context.Context, client *http.Client, servers *naming.Balancer[naming.Instance]) (answer string, err error) {
	for range tries {
		picked, none := servers.Pick("")
		if none != nil {
			return "", none // no server is available
		}
		at := url.URL{Scheme: "http", Host: picked.Item.HostPort(), Path: "/"} // escapes an IPv6 zone
		answer, err = get(ctx, client, at.String())
		picked.Done(err)
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return string(body), err
}
