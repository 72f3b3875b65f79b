// Package tlsfiles reads the TLS parameters of an adapter's URL: which certificate authorities to trust, and which certificate to show.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// The URL parameters.
const (
	caParameter       = "tls_ca_file"
	certParameter     = "tls_cert_file"
	keyParameter      = "tls_key_file"
	insecureParameter = "tls_insecure"
)

// Names lists the parameters, for a message that says what is known.
func Names() []string {
	return []string{caParameter, certParameter, keyParameter, insecureParameter}
}

// Files says where the TLS material lies. The zero value trusts the system's authorities and shows no certificate.
type Files struct {
	// CAFile holds PEM certificates to trust instead of the system's; empty means the system's.
	CAFile string
	// CertFile and KeyFile hold the PEM certificate chain and its key for the broker that asks for one. Both or neither.
	CertFile, KeyFile string
	// Insecure leaves the broker's certificate unchecked. It is for trials: whoever sits on the way reads and changes everything.
	Insecure bool
}

// Set takes one URL parameter and reports whether it is one of these. The error is for a value that can't be; files are read by Config.
func (f *Files) Set(name, value string) (known bool, err error) {
	switch name {
	case caParameter:
		f.CAFile = value
	case certParameter:
		f.CertFile = value
	case keyParameter:
		f.KeyFile = value
	case insecureParameter:
		insecure, err := strconv.ParseBool(value)
		if err != nil {
			return true, fmt.Errorf("%s: %q is neither true nor false", name, value)
		}
		f.Insecure = insecure
		return true, nil
	default:
		return false, nil
	}
	if value == "" {
		return true, fmt.Errorf("%s: no file name", name)
	}
	return true, nil
}

// Config reads the files and returns a configuration for TLS 1.2 or later; the caller sets ServerName. Each call reads anew. Errors name the
// parameter and the file, never what stands in it.
func (f Files) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.Insecure} //nolint:gosec // only where the user says so
	if f.CAFile != "" {
		pool, err := authorities(f.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	switch {
	case f.CertFile == "" && f.KeyFile == "":
		return cfg, nil
	case f.KeyFile == "":
		return nil, fmt.Errorf("%s %s: %s is missing", certParameter, f.CertFile, keyParameter)
	case f.CertFile == "":
		return nil, fmt.Errorf("%s %s: %s is missing", keyParameter, f.KeyFile, certParameter)
	}
	pair, err := keyPair(f.CertFile, f.KeyFile)
	if err != nil {
		return nil, err
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

func authorities(file string) (*x509.CertPool, error) {
	rest, err := read(caParameter, file)
	if err != nil {
		return nil, err
	}
	pool, n := x509.NewCertPool(), 0
	for block := (*pem.Block)(nil); ; {
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s %s: block %d is no certificate", caParameter, file, n+1)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s %s: certificate %d is broken", caParameter, file, n+1)
		}
		pool.AddCert(certificate)
		n++
	}
	if n == 0 {
		return nil, fmt.Errorf("%s %s: no PEM certificate", caParameter, file)
	}
	return pool, nil
}

// keyPair tells which of the two files is at fault, which the standard library's errors leave open.
func keyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := read(certParameter, certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := read(keyParameter, keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	block, _ := pem.Decode(cert)
	switch {
	case block == nil:
		return tls.Certificate{}, fmt.Errorf("%s %s: no PEM certificate", certParameter, certFile)
	case block.Type != "CERTIFICATE":
		return tls.Certificate{}, fmt.Errorf("%s %s: the first block is no certificate", certParameter, certFile)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return tls.Certificate{}, fmt.Errorf("%s %s: the certificate is broken", certParameter, certFile)
	}
	if block, _ := pem.Decode(key); block == nil {
		return tls.Certificate{}, fmt.Errorf("%s %s: no PEM key", keyParameter, keyFile)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		// The cause may quote the file, and the certificate is fine.
		return tls.Certificate{}, fmt.Errorf("%s %s: not an unencrypted key that fits %s %s", keyParameter, keyFile, certParameter, certFile)
	}
	return pair, nil
}

// read names the parameter; the standard library's error names the file.
func read(parameter, file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	var cause *fs.PathError
	if errors.As(err, &cause) {
		return nil, fmt.Errorf("%s %s: %w", parameter, file, cause.Err)
	}
	return data, err
}
