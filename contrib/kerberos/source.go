package kerberos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// source is where a login takes the client's ticket-granting ticket from.
type source interface {
	kind() string // the function that makes it
	validate() error
	// open reads the files of the source.
	open(ctx context.Context, cfg *config.Config) (credential, error)
}

// credential is what a source has at one login.
type credential interface {
	client() principal
	// grant returns a ticket-granting ticket.
	grant(ctx context.Context, k *kdc) (ticket, error)
}

type passwordSource struct {
	principal string
	password  func() string // fmt prints the fields of a struct, but not what a function returns
}

func (s passwordSource) kind() string { return "Password" }

func (s passwordSource) validate() error {
	if s.password() == "" {
		return errors.New("the password is empty")
	}
	_, err := parsePrincipal(s.principal)
	return err
}

func (s passwordSource) open(_ context.Context, cfg *config.Config) (credential, error) {
	p, err := clientPrincipal(s.principal, cfg)
	if err != nil {
		return nil, err
	}
	return secret{
		principal: p, etypes: enctypes(cfg.LibDefaults.DefaultTktEnctypes, cfg.LibDefaults.DefaultTktEnctypeIDs),
		credentials: credentials.New(p.name, p.realm).WithPassword(s.password()),
		wrong:       "its password is wrong, or the name",
	}, nil
}

type keytabSource struct{ principal, file string }

func (s keytabSource) kind() string { return "Keytab" }

func (s keytabSource) validate() error {
	if s.file == "" {
		return errors.New("the name of the keytab file is empty")
	}
	_, err := parsePrincipal(s.principal)
	return err
}

func (s keytabSource) open(_ context.Context, cfg *config.Config) (credential, error) {
	p, err := clientPrincipal(s.principal, cfg)
	if err != nil {
		return nil, err
	}
	data, err := readFile(s.file)
	if err != nil {
		return nil, fmt.Errorf("the keytab cannot be read: %w", err)
	}
	all := keytab.New()
	// The library's error may contain the bytes of the file.
	if err := guard(func() error { return all.Unmarshal(data) }); err != nil {
		return nil, fmt.Errorf("%s is not a keytab, or only a part of one; export it again with ktadd", s.file)
	}
	kept, etypes := newestKeys(all, p)
	if len(etypes) == 0 {
		return nil, fmt.Errorf("the keytab %s has no key for %s%s; export one with: kadmin ktadd -k %s %s",
			s.file, p, othersIn(all), s.file, p)
	}
	allowed := enctypes(cfg.LibDefaults.DefaultTktEnctypes, cfg.LibDefaults.DefaultTktEnctypeIDs)
	usable := slices.DeleteFunc(slices.Clone(allowed), func(e int32) bool { return !slices.Contains(etypes, e) })
	if len(usable) == 0 {
		return nil, fmt.Errorf("the keytab %s has keys of the types %s for %s, and default_tkt_enctypes of krb5.conf allows %s",
			s.file, etypeNames(etypes), p, etypeNames(allowed))
	}
	return secret{
		principal: p, etypes: usable, credentials: credentials.New(p.name, p.realm).WithKeytab(kept),
		wrong: fmt.Sprintf("the KDC has a newer key than the keytab %s; export it again with ktadd", s.file),
	}, nil
}

// newestKeys returns a keytab with the keys of a principal that have the
// highest version, and their types. The library itself takes the latest time
// stamp, which two versions may share.
func newestKeys(all *keytab.Keytab, p principal) (kept *keytab.Keytab, etypes []int32) {
	kept = keytab.New()
	for _, e := range all.Entries {
		if e.Principal.Realm != p.realm || strings.Join(e.Principal.Components, "/") != p.name || len(e.Key.KeyValue) == 0 {
			continue
		}
		if len(kept.Entries) > 0 && e.KVNO > kept.Entries[0].KVNO {
			kept.Entries = kept.Entries[:0]
		}
		if len(kept.Entries) == 0 || e.KVNO == kept.Entries[0].KVNO {
			kept.Entries = append(kept.Entries, e)
		}
	}
	for _, e := range kept.Entries {
		etypes = append(etypes, e.Key.KeyType)
	}
	return kept, etypes
}

// othersIn lists the principals of a keytab, for an error.
func othersIn(all *keytab.Keytab) string {
	var names []string
	for _, e := range all.Entries {
		names = append(names, e.Principal.String())
	}
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 3
	switch n := len(names); {
	case n == 0:
		return ""
	case n > most:
		return fmt.Sprintf(", only for %s and %d others", strings.Join(names[:most], ", "), n-most)
	}
	return ", only for " + strings.Join(names, ", ")
}

type ccacheSource struct{ file string }

func (s ccacheSource) kind() string { return "CCache" }

func (s ccacheSource) validate() error { return nil }

// A process that renews a cache may truncate the file and write it again. So a
// file that is not whole is read again, at most tornReads times.
const (
	tornReads = 5
	tornPause = 50 * time.Millisecond
)

func (s ccacheSource) open(ctx context.Context, _ *config.Config) (credential, error) {
	file, err := s.path()
	if err != nil {
		return nil, err
	}
	for range tornReads - 1 {
		if c, err := readCCache(file); !errors.Is(err, errTorn) {
			return c, err
		}
		if err := pause(ctx, tornPause); err != nil {
			return nil, err
		}
	}
	return readCCache(file)
}

// path returns the file of the cache.
func (s ccacheSource) path() (string, error) {
	name := s.file
	if name == "" {
		name = os.Getenv("KRB5CCNAME")
	}
	if name == "" {
		if os.Getuid() < 0 {
			return "", errors.New("kerberos.CCache needs the name of a file on this system")
		}
		name = filepath.Join("/tmp", fmt.Sprintf("krb5cc_%d", os.Getuid()))
		return name, ownFile(name)
	}
	kind, rest, typed := strings.Cut(name, ":")
	switch {
	case !typed || filepath.VolumeName(name) != "":
		return name, nil
	case kind == "FILE" || kind == "WRFILE":
		return rest, nil
	}
	return "", fmt.Errorf("the credential cache %s is of the kind %s, and only files can be read; "+
		"run kinit -c FILE:/PATH, and give this path to kerberos.CCache", name, kind)
}

// errTorn reports a cache that another process may be writing.
var errTorn = errors.New("the credential cache is not whole")

func readCCache(file string) (credential, error) {
	data, err := readFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no credential cache %s; run kinit, or k5start for a program that runs long", file)
	}
	if err != nil {
		return nil, fmt.Errorf("the credential cache cannot be read: %w", err)
	}
	return parseCCache(file, data)
}

// parseCCache returns the ticket-granting ticket that lasts longest.
func parseCCache(file string, data []byte) (credential, error) {
	cache := new(credentials.CCache)
	if err := guard(func() error { return cache.Unmarshal(data) }); err != nil {
		return nil, fmt.Errorf("%w: %s is not a cache file, or only a part of one; run kinit again", errTorn, file)
	}
	owner := principal{cache.DefaultPrincipal.PrincipalName.PrincipalNameString(), cache.DefaultPrincipal.Realm}
	granting := slices.DeleteFunc(cache.GetEntries(), func(c *credentials.Credential) bool {
		name := principal{c.Server.PrincipalName.PrincipalNameString(), c.Server.Realm}
		return name != grantingName(owner.realm, owner.realm) || principalOf(c) != owner
	})
	if len(granting) == 0 {
		return nil, fmt.Errorf("%w: %s has no ticket-granting ticket for %s; run kinit again", errTorn, file, owner)
	}
	best := slices.MaxFunc(granting, func(a, b *credentials.Credential) int { return a.EndTime.Compare(b.EndTime) })
	c := cached{ticket: ticket{client: owner, realm: owner.realm, key: best.Key, ends: best.EndTime}, file: file}
	if err := guard(func() error { return c.ticket.sealed.Unmarshal(best.Ticket) }); err != nil {
		return nil, fmt.Errorf("%w: the ticket in %s cannot be read; run kinit again", errTorn, file)
	}
	return c, nil
}

func principalOf(c *credentials.Credential) principal {
	return principal{c.Client.PrincipalName.PrincipalNameString(), c.Client.Realm}
}

// cached is the credential of a cache.
type cached struct {
	ticket ticket
	file   string
}

func (c cached) client() principal { return c.ticket.client }

func (c cached) grant(context.Context, *kdc) (ticket, error) {
	if left := time.Until(c.ticket.ends); left <= 0 {
		return ticket{}, fmt.Errorf("the ticket of %s in %s expired at %s, %v ago; run kinit again, or k5start for a program that runs long",
			c.ticket.client, c.file, c.ticket.ends.Format(time.RFC3339), -left.Truncate(time.Second))
	}
	return c.ticket, nil
}

// maxFile is the maximum size of a keytab and of a cache.
const maxFile = 4 << 20

// readFile reads a regular file. Other files could block for ever.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	data, err := os.ReadFile(name)
	// The library reads beyond the end of data into its capacity.
	return slices.Clip(data), err
}

// standard are the encryption types of a file that sets none. The library's own
// list lacks the two of RFC 8009, which it can use.
var standard = config.New().LibDefaults

// enctypes returns the encryption types of a list in krb5.conf.
func enctypes(names []string, ids []int32) []int32 {
	if slices.Equal(names, standard.DefaultTktEnctypes) {
		ids = append(slices.Clone(ids), etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128)
	}
	return ids
}

// etypeNames lists encryption types, for an error.
func etypeNames(ids []int32) string {
	var names []string
	for _, id := range ids {
		best := fmt.Sprintf("type %d", id)
		for name, other := range etypeID.ETypesByName { // the longest name is the full one
			if other == id && (strings.HasPrefix(best, "type ") || cmp.Or(cmp.Compare(len(name), len(best)), cmp.Compare(name, best)) > 0) {
				best = name
			}
		}
		names = append(names, best)
	}
	return strings.Join(names, ", ")
}
