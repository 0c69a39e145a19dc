package naming

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/atomicfile"
)

const (
	cacheFormat  = "docent naming cache"
	cacheVersion = 1
)

// CacheError says why a cache file cannot be used. The file is left as it is.
type CacheError struct {
	Path string
	Err  error
}

func (e *CacheError) Error() string { return fmt.Sprintf("cache file %s: %v", e.Path, e.Err) }

func (e *CacheError) Unwrap() error { return e.Err }

// Reasons why a cache file cannot be used, for errors.Is.
var (
	ErrCacheDamaged = errors.New("it is truncated or damaged")
	ErrCacheService = errors.New("it belongs to another service")
	ErrCacheVersion = errors.New("it has another version of the format")
)

// cacheFile is the format of the file. Sum is over the service, the time and
// the bytes of Instances as they are in the file.
type cacheFile struct {
	Format    string          `json:"format"`
	Version   int             `json:"version"`
	Service   string          `json:"service"`
	Saved     time.Time       `json:"saved"`
	Sum       string          `json:"sha256"`
	Instances json.RawMessage `json:"instances"`
}

type cachedInstance struct {
	ID         string            `json:"id"`
	Address    string            `json:"address,omitempty"`
	Port       int               `json:"port,omitempty"`
	SSLPort    int               `json:"sslPort,omitempty"`
	Registered int64             `json:"registered,omitempty"` // milliseconds since 1970
	Type       string            `json:"type,omitempty"`
	URISpec    [][2]string       `json:"uriSpec,omitempty"` // {"var", name} or {"text", text}
	Disabled   bool              `json:"disabled,omitempty"`
	Draining   bool              `json:"draining,omitempty"`
	Weight     int               `json:"weight,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Payload    json.RawMessage   `json:"payload,omitempty"`
}

// SaveCache writes the instances of one service to a file, for the next start
// while ZooKeeper is away. The file is replaced in one step: after a crash it
// holds the old or the new list. Only its owner can read it. The file holds the
// fields of an Instance, and not what its znode holds beyond them. So use an
// instance from a file for calls, and do not write it back.
//
// Errors are *CacheError: session.ErrUnsafeFile if another user of the machine
// controls the file, a link to it or its directory, or if it is not a regular
// file; an instance of another service, or one that is invalid; errors of the
// file system.
func SaveCache(path, service string, instances []Instance, saved time.Time) error {
	data, err := encodeCache(service, instances, saved)
	if err == nil {
		err = atomicfile.Replace(path, data, 0o600)
	}
	if err != nil {
		return &CacheError{path, err}
	}
	return nil
}

// LoadCache reads a file of SaveCache, and returns the instances and the time
// of saving. It opens nothing that blocks. Errors are *CacheError, and no
// instance is returned with one: fs.ErrNotExist if the file is missing;
// session.ErrUnsafeFile as for SaveCache, and if others may write the file, but
// not if it is root's; ErrCacheDamaged if it is damaged; ErrCacheService if it
// belongs to another service; ErrCacheVersion if this package does not know its
// version.
func LoadCache(path, service string) ([]Instance, time.Time, error) {
	data, err := atomicfile.Read(path)
	if err != nil {
		return nil, time.Time{}, &CacheError{path, err}
	}
	instances, saved, err := decodeCache(data, service)
	if err != nil {
		return nil, time.Time{}, &CacheError{path, err}
	}
	return instances, saved, nil
}

func encodeCache(service string, instances []Instance, saved time.Time) ([]byte, error) {
	if err := checkName("service", service); err != nil {
		return nil, err
	}
	all := make([]cachedInstance, len(instances))
	for i, in := range instances {
		if in.Service != service {
			return nil, fmt.Errorf("instance %q is of service %q, not of %q", redact(in.ID), in.Service, service)
		}
		if err := in.Validate(); err != nil {
			return nil, err
		}
		all[i] = cachedInstance{
			ID: in.ID, Address: in.Address, Port: in.Port, SSLPort: in.SSLPort, Registered: millis(in.Registered),
			Disabled: in.Disabled, Draining: in.Draining, Weight: in.Weight, Metadata: in.Metadata, Payload: in.Payload,
		}
		if in.Type != Dynamic {
			all[i].Type = in.Type.String()
		}
		for _, part := range in.URISpec {
			kind := "text"
			if part.Variable {
				kind = "var"
			}
			all[i].URISpec = append(all[i].URISpec, [2]string{kind, part.Value})
		}
	}
	body, err := plainJSON(all)
	if err != nil {
		return nil, err
	}
	file := cacheFile{Format: cacheFormat, Version: cacheVersion, Service: service, Saved: saved.UTC().Round(0), Instances: body}
	file.Sum = file.sum()
	return plainJSON(file)
}

// plainJSON is json.Marshal without the escapes for HTML, which would change a
// payload's bytes.
func plainJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func (f cacheFile) sum() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d ", f.Service, f.Saved.UnixNano())
	h.Write(f.Instances)
	return hex.EncodeToString(h.Sum(nil))
}

func decodeCache(data []byte, service string) ([]Instance, time.Time, error) {
	fail := func(err error) ([]Instance, time.Time, error) { return nil, time.Time{}, err }
	// The version comes first: nothing else can be read without it.
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if json.Unmarshal(data, &head) != nil || head.Format != cacheFormat {
		return fail(ErrCacheDamaged)
	}
	if head.Version != cacheVersion {
		return fail(fmt.Errorf("%w: %d, and this program reads %d", ErrCacheVersion, head.Version, cacheVersion))
	}
	var file cacheFile
	if json.Unmarshal(data, &file) != nil || file.Sum != file.sum() {
		return fail(ErrCacheDamaged)
	}
	if file.Service != service {
		return fail(fmt.Errorf("%w: %q, not %q", ErrCacheService, file.Service, service))
	}
	var all []cachedInstance
	if json.Unmarshal(file.Instances, &all) != nil {
		return fail(ErrCacheDamaged)
	}
	instances := make([]Instance, len(all))
	for i, c := range all {
		in, err := c.instance(service)
		if err != nil {
			return fail(fmt.Errorf("%w: instance %q: %w", ErrCacheDamaged, redact(c.ID), err))
		}
		instances[i] = in
	}
	return instances, file.Saved, nil
}

func (c cachedInstance) instance(service string) (Instance, error) {
	in := Instance{
		Service: service, ID: c.ID, Address: c.Address, Port: c.Port, SSLPort: c.SSLPort, Registered: fromMillis(c.Registered),
		Disabled: c.Disabled, Draining: c.Draining, Weight: c.Weight, Payload: c.Payload,
	}
	if len(c.Metadata) > 0 {
		in.Metadata = c.Metadata
	}
	for _, part := range c.URISpec {
		in.URISpec = append(in.URISpec, URIPart{Value: part[1], Variable: part[0] == "var"})
	}
	if c.Type != "" {
		var err error
		if in.Type, err = ParseServiceType(c.Type); err != nil {
			return Instance{}, err
		}
	}
	return in, in.check()
}
