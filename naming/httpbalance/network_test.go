package httpbalance_test

import (
	"io"
	"log"
	"net"
	"net/http"
	neturl "net/url"
	"sync"
)

type url = neturl.URL

func parse(text string) (*url, error) { return neturl.Parse(text) }

// quiet is a log of a server whose handshakes are meant to fail.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// tunnel serves CONNECT.
func tunnel(w http.ResponseWriter, r *http.Request) {
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer to.Close()
	from, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		_, _ = io.Copy(to, buffered) // until one side closes
		_ = to.(*net.TCPConn).CloseWrite()
	})
	_, _ = io.Copy(from, to)
	_ = from.(*net.TCPConn).CloseWrite()
}
