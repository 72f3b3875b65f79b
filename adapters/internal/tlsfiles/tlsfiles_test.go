package tlsfiles_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/internal/tlsfiles"
)

const secret = "MIIhunter2"

// material is a directory with good and bad files.
type material struct{ dir string }

func (m material) path(name string) string { return filepath.Join(m.dir, name) }

func (m material) write(t *testing.T, name string, blocks ...*pem.Block) {
	t.Helper()
	var data []byte
	for _, b := range blocks {
		data = append(data, pem.EncodeToMemory(b)...)
	}
	if err := os.WriteFile(m.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newMaterial(t *testing.T) material {
	t.Helper()
	m := material{t.TempDir()}
	var cert, key *pem.Block
	for _, name := range []string{"b", "a"} {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
			IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"broker"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		cert, key = &pem.Block{Type: "CERTIFICATE", Bytes: der}, &pem.Block{Type: "PRIVATE KEY", Bytes: encoded}
		m.write(t, name+".crt", cert)
		m.write(t, name+".key", key)
	}
	broken := &pem.Block{Type: "CERTIFICATE", Bytes: []byte(secret)}
	m.write(t, "empty")
	m.write(t, "broken.crt", broken)
	m.write(t, "half.crt", cert, broken)
	m.write(t, "two.crt", cert, cert)
	m.write(t, "broken.key", &pem.Block{Type: "PRIVATE KEY", Bytes: []byte(secret)})
	if err := os.WriteFile(m.path("text"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParametersAreSet(t *testing.T) {
	t.Parallel()
	var f tlsfiles.Files
	for name, value := range map[string]string{
		"tls_ca_file": "ca", "tls_cert_file": "crt", "tls_key_file": "key", "tls_insecure": "true",
	} {
		if known, err := f.Set(name, value); !known || err != nil {
			t.Errorf("Set(%s) is %v, %v", name, known, err)
		}
	}
	if want := (tlsfiles.Files{CAFile: "ca", CertFile: "crt", KeyFile: "key", Insecure: true}); f != want {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if known, err := f.Set("tls", "x"); known || err != nil {
		t.Errorf("Set of an unknown parameter is %v, %v", known, err)
	}
	for name, want := range map[string]string{
		"tls_insecure": `tls_insecure: "" is neither true nor false`, "tls_ca_file": "tls_ca_file: no file name",
	} {
		if known, err := f.Set(name, ""); !known || err == nil || err.Error() != want {
			t.Errorf("Set(%s) to nothing is %v, %v, want %s", name, known, err, want)
		}
	}
	for _, name := range tlsfiles.Names() {
		if known, _ := f.Set(name, "1"); !known {
			t.Errorf("%s is listed and not known", name)
		}
	}
}

func TestBadFilesAreNamedAndNotQuoted(t *testing.T) {
	t.Parallel()
	m := newMaterial(t)
	for _, c := range []struct{ ca, cert, key, want string }{
		{"none", "", "", "tls_ca_file DIR/none: no such file or directory"},
		{"empty", "", "", "tls_ca_file DIR/empty: no PEM certificate"},
		{"text", "", "", "tls_ca_file DIR/text: no PEM certificate"},
		{"a.key", "", "", "tls_ca_file DIR/a.key: block 1 is no certificate"},
		{"broken.crt", "", "", "tls_ca_file DIR/broken.crt: certificate 1 is broken"},
		{"half.crt", "", "", "tls_ca_file DIR/half.crt: certificate 2 is broken"},
		{"", "a.crt", "", "tls_cert_file DIR/a.crt: tls_key_file is missing"},
		{"", "", "a.key", "tls_key_file DIR/a.key: tls_cert_file is missing"},
		{"", "none", "a.key", "tls_cert_file DIR/none: no such file or directory"},
		{"", "a.crt", "none", "tls_key_file DIR/none: no such file or directory"},
		{"", "text", "a.key", "tls_cert_file DIR/text: no PEM certificate"},
		{"", "a.key", "a.key", "tls_cert_file DIR/a.key: the first block is no certificate"},
		{"", "broken.crt", "a.key", "tls_cert_file DIR/broken.crt: the certificate is broken"},
		{"", "a.crt", "text", "tls_key_file DIR/text: no PEM key"},
		{"", "a.crt", "broken.key", "tls_key_file DIR/broken.key: not an unencrypted key that fits tls_cert_file DIR/a.crt"},
		{"", "a.crt", "b.key", "tls_key_file DIR/b.key: not an unencrypted key that fits tls_cert_file DIR/a.crt"},
	} {
		var f tlsfiles.Files
		for name, file := range map[*string]string{&f.CAFile: c.ca, &f.CertFile: c.cert, &f.KeyFile: c.key} {
			if file != "" {
				*name = m.path(file)
			}
		}
		cfg, err := f.Config()
		if err == nil || cfg != nil {
			t.Errorf("%+v is taken", c)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), m.dir, "DIR"); got != c.want || strings.Contains(got, secret) {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if _, err := (tlsfiles.Files{CAFile: m.path("none")}).Config(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
}

// shake runs a handshake between a client and a server that asks for a certificate, and returns what the client makes of it.
func shake(t *testing.T, client *tls.Config, m material, versions uint16) error {
	t.Helper()
	server, err := (tlsfiles.Files{CertFile: m.path("a.crt"), KeyFile: m.path("a.key")}).Config()
	if err != nil {
		t.Fatal(err)
	}
	server.MinVersion, server.MaxVersion = versions, versions
	authorities, err := (tlsfiles.Files{CAFile: m.path("b.crt")}).Config()
	if err != nil {
		t.Fatal(err)
	}
	server.ClientAuth, server.ClientCAs = tls.VerifyClientCertIfGiven, authorities.RootCAs
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = errors.Join(conn.(*tls.Conn).HandshakeContext(t.Context()), conn.Close())
		}
		ended <- err
	}()
	near, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client.ServerName = "broker"
	err = tls.Client(near, client).HandshakeContext(t.Context())
	_, _ = near.Close(), listener.Close()
	<-ended
	return err
}

func TestConfigIsWhatTheFilesSay(t *testing.T) {
	t.Parallel()
	m := newMaterial(t)
	for _, c := range []struct {
		name    string
		files   tlsfiles.Files
		version uint16
		want    string
	}{
		{"the authority is trusted", tlsfiles.Files{CAFile: m.path("two.crt"), CertFile: m.path("b.crt"), KeyFile: m.path("b.key")}, tls.VersionTLS12, ""},
		{"another authority", tlsfiles.Files{CAFile: m.path("b.crt")}, tls.VersionTLS12, "unknown authority"},
		{"the system's authorities", tlsfiles.Files{}, tls.VersionTLS12, "unknown authority"},
		{"insecure", tlsfiles.Files{Insecure: true}, tls.VersionTLS12, ""},
		{"too old", tlsfiles.Files{Insecure: true}, tls.VersionTLS11, "protocol version"},
	} {
		cfg, err := c.files.Config()
		if err != nil {
			t.Fatal(err)
		}
		if got := len(cfg.Certificates); (got == 1) != (c.files.CertFile != "") {
			t.Errorf("%s: %d certificates to show", c.name, got)
		}
		err = shake(t, cfg, m, c.version)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
