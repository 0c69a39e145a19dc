package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// apiServer has as much of Kubernetes's API as a manager for ConfigMaps needs,
// and speaks it over connections in memory. It knows its clients by their
// user agents.
type apiServer struct {
	t     testing.TB
	conns chan net.Conn
	ended chan struct{}

	mu       sync.Mutex
	version  int
	objects  map[string]*corev1.ConfigMap
	changed  chan struct{}  // closed and replaced by each change
	watches  map[string]int // open watches of each client
	requests map[string]int // of each client
	writes   []string       // the client of each write that succeeded
}

var resource = schema.GroupResource{Resource: "configmaps"}

func newAPIServer(t testing.TB) *apiServer {
	s := &apiServer{
		t: t, conns: make(chan net.Conn), ended: make(chan struct{}), objects: make(map[string]*corev1.ConfigMap),
		changed: make(chan struct{}), watches: make(map[string]int), requests: make(map[string]int),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api", answer(metav1.APIVersions{Versions: []string{"v1"}}))
	mux.HandleFunc("GET /apis", answer(metav1.APIGroupList{}))
	mux.HandleFunc("GET /api/v1", answer(metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
		{Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Verbs: []string{"get", "list", "watch", "update"}},
	}}))
	mux.HandleFunc("GET /api/v1/configmaps", s.watch)
	mux.HandleFunc("PUT /api/v1/namespaces/default/configmaps/{name}", s.update)
	server := &http.Server{Handler: mux}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(s); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		serving.Wait()
	})
	return s
}

// Accept, Close and Addr implement net.Listener.
func (s *apiServer) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.ended:
		return nil, net.ErrClosed
	}
}

func (s *apiServer) Close() error   { close(s.ended); return nil }
func (s *apiServer) Addr() net.Addr { return &net.UnixAddr{Name: "api"} }

// config is the way of a client to the server.
func (s *apiServer) config(agent string) *rest.Config {
	return &rest.Config{
		Host: "http://api", UserAgent: agent, QPS: -1,
		ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON},
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			here, there := net.Pipe()
			select {
			case s.conns <- there:
				return here, nil
			case <-s.ended:
				return nil, net.ErrClosed
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
}

// put creates or replaces an object, as another client of the cluster would.
func (s *apiServer) put(name string, data map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(&corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Data: data,
	})
}

// set stores an object under a new resource version.
func (s *apiServer) set(c *corev1.ConfigMap) {
	s.version++
	c.ResourceVersion = strconv.Itoa(s.version)
	s.objects[c.Name] = c
	close(s.changed)
	s.changed = make(chan struct{})
}

// get returns a copy of an object.
func (s *apiServer) get(name string) *corev1.ConfigMap {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[name].DeepCopy()
}

// requestsOf returns how many requests a client has sent.
func (s *apiServer) requestsOf(agent string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[agent]
}

// update is a PUT: it fails if the object has changed since the client's read.
func (s *apiServer) update(w http.ResponseWriter, r *http.Request) {
	var c corev1.ConfigMap
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		s.t.Error("a ConfigMap is expected:", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.UserAgent()]++
	if c.ResourceVersion != s.objects[c.Name].ResourceVersion {
		conflict := apierrors.NewConflict(resource, c.Name, errors.New("the object has been modified"))
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		w.WriteHeader(http.StatusConflict)
		send(w, conflict.Status())
		return
	}
	c.TypeMeta = s.objects[c.Name].TypeMeta
	s.set(&c)
	s.writes = append(s.writes, r.UserAgent())
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	send(w, &c)
}

// watch sends every object, and then each change. No two clients may watch at
// once: a manager watches while it runs.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	agent := r.UserAgent()
	s.mu.Lock()
	s.requests[agent]++
	for other, open := range s.watches {
		if other != agent && open > 0 {
			s.t.Errorf("%s begins to watch while %s watches", agent, other)
		}
	}
	if r.URL.Query().Get("sendInitialEvents") != "true" {
		s.mu.Unlock()
		http.Error(w, "this server has streaming lists alone", http.StatusBadRequest)
		return
	}
	s.watches[agent]++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.watches[agent]--
	}()
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	flush := http.NewResponseController(w)
	sent := make(map[string]string) // the version of each object
	for listed := false; ; listed = true {
		s.mu.Lock()
		changed, version := s.changed, strconv.Itoa(s.version)
		for name, c := range s.objects {
			if last, ok := sent[name]; !ok {
				send(w, event{"ADDED", c})
			} else if last != c.ResourceVersion {
				send(w, event{"MODIFIED", c})
			}
			sent[name] = c.ResourceVersion
		}
		s.mu.Unlock()
		if !listed {
			send(w, event{"BOOKMARK", &corev1.ConfigMap{
				TypeMeta: metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"},
				ObjectMeta: metav1.ObjectMeta{
					ResourceVersion: version, Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"},
				},
			}})
		}
		if err := flush.Flush(); err != nil {
			return // the client has gone
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

type event struct {
	Type   string `json:"type"`
	Object any    `json:"object"`
}

func answer(object any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		send(w, object)
	}
}

// send writes an object. A client that has gone does not read it.
func send(w http.ResponseWriter, object any) { _ = json.NewEncoder(w).Encode(object) }

// writers returns the client of each write that succeeded.
func (s *apiServer) writers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}
