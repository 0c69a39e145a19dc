package main

import (
	"crypto/tls"
	"crypto/x509"
)

// readTLS reads the files of the flags for TLS.
func (a *app) readTLS() (err error) {
	g := a.globals
	if (g.TLSCert == "") != (g.TLSKey == "") {
		return usagef("--tls-cert and --tls-key: one is given without the other; give both")
	}
	for _, f := range []struct {
		flag, path string
		secret     bool
		text       *[]byte
	}{
		{"--tls-ca", g.TLSCA, false, &a.files.ca}, {"--tls-cert", g.TLSCert, false, &a.files.cert}, {"--tls-key", g.TLSKey, true, &a.files.key},
	} {
		if f.path == "" {
			continue
		}
		if *f.text, err = a.readFile(f.flag, f.path, f.secret); err != nil {
			return err
		}
	}
	return nil
}

// tls returns nil when no flag asks for TLS. Its errors are *usageErrors.
func (g *globals) tls(files files) (*tls.Config, error) {
	if !g.TLS && g.TLSCA == "" && g.TLSCert == "" && g.TLSKey == "" && g.TLSServerName == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: g.TLSServerName}
	if g.TLSCA != "" {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(files.ca) {
			return nil, usagef("--tls-ca: %s has no PEM certificate; give the file of a certificate authority", g.TLSCA)
		}
	}
	if g.TLSCert != "" {
		pair, err := tls.X509KeyPair(files.cert, files.key)
		if err != nil {
			return nil, usagef("--tls-cert, --tls-key: %v; give a certificate and its key as PEM files", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
