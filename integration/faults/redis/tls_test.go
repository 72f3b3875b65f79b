package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue returns a certificate and its key, for a server on the loopback address as well as for a client, good until then.
func (a *authority) issue(t *testing.T, until time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "either side"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, content, 0o600))
	return path
}

// secured starts a server that shows a certificate, and wants one that the authority has signed.
func secured(t *testing.T, a *authority, until time.Time) *brokers.Broker {
	t.Helper()
	cert, key := a.issue(t, until)
	b := own(
		t, brokers.File("ca.pem", a.pem), brokers.File("cert.pem", cert), brokers.File("key.pem", key), brokers.Port("tls"),
		brokers.Setting("tls-port", "{port:tls}"), brokers.Setting("tls-ca-cert-file", "{files}/ca.pem"),
		brokers.Setting("tls-cert-file", "{files}/cert.pem"), brokers.Setting("tls-key-file", "{files}/key.pem"),
		brokers.Setting("tls-auth-clients", "yes"),
	)
	cli(t, b, "CONFIG", "SET", "requirepass", canary)
	return b
}

// canary is a password that no error and no line of a log may hold.
const canary = "canary-password-17"

func overTLS(b *brokers.Broker, parameters ...string) string {
	query := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	return "rediss://:" + canary + "@" + b.Port("tls") + "/?" + query.Encode()
}

// The server wants a certificate of each client. Who has one gets through; every other way is an error at once that says which.
func TestMutualTLS(t *testing.T) {
	trusted, stranger := newAuthority(t), newAuthority(t)
	b := secured(t, trusted, time.Now().Add(time.Hour))
	mine, mineKey := trusted.issue(t, time.Now().Add(time.Hour))
	late, lateKey := trusted.issue(t, time.Now().Add(-time.Minute))
	theirs, theirsKey := stranger.issue(t, time.Now().Add(time.Hour))
	ca := file(t, "ca.pem", trusted.pem)
	for scheme, to := range map[string]messaging.SubscribeOption{"rediss": messaging.Group("workers"), "rediss+pubsub": messaging.Broadcast()} {
		t.Run(scheme+" with a certificate", func(t *testing.T) {
			raw := overTLS(b, "tls_ca_file", ca, "tls_cert_file", file(t, "c", mine), "tls_key_file", file(t, "k", mineKey))
			broker, err := redis.Open(t.Context(), strings.Replace(raw, "rediss", scheme, 1))
			must(t, err)
			flows(t, broker, to)
			must(t, broker.Close(t.Context()))
		})
	}
	for _, c := range []struct{ name, raw, want string }{
		{"with no certificate", overTLS(b, "tls_ca_file", ca), "certificate required"},
		{
			"with a stranger's", overTLS(b, "tls_ca_file", ca, "tls_cert_file", file(t, "c", theirs), "tls_key_file", file(t, "k", theirsKey)),
			"unknown certificate authority",
		},
		{"with an old one", overTLS(b, "tls_ca_file", ca, "tls_cert_file", file(t, "c", late), "tls_key_file", file(t, "k", lateKey)), "expired certificate"},
		{
			"with another authority",
			overTLS(b, "tls_ca_file", file(t, "ca", stranger.pem), "tls_cert_file", file(t, "c", mine), "tls_key_file", file(t, "k", mineKey)),
			"certificate signed by unknown authority",
		},
		{
			"with the system's authorities", overTLS(b, "tls_cert_file", file(t, "c", mine), "tls_key_file", file(t, "k", mineKey)),
			"certificate signed by unknown authority",
		},
		{
			"by another name",
			strings.Replace(overTLS(b, "tls_ca_file", ca, "tls_cert_file", file(t, "c", mine), "tls_key_file", file(t, "k", mineKey)), "127.0.0.1", "localhost", 1),
			"match localhost",
		},
		{"with a file that is missing", overTLS(b, "tls_ca_file", filepath.Join(t.TempDir(), "nowhere.pem")), "no such file"},
		{
			"with a key for another",
			overTLS(b, "tls_ca_file", ca, "tls_cert_file", file(t, "c", mine), "tls_key_file", file(t, "k", theirsKey)), "not an unencrypted key that fits",
		},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.raw, c.want) })
	}
}

// A server whose own certificate is too old is not spoken to, unless nobody looks.
func TestOldServerCertificate(t *testing.T) {
	trusted := newAuthority(t)
	b := secured(t, trusted, time.Now().Add(-time.Minute))
	mine, mineKey := trusted.issue(t, time.Now().Add(time.Hour))
	ca, c, k := file(t, "ca.pem", trusted.pem), file(t, "c", mine), file(t, "k", mineKey)
	t.Run("looked at", func(t *testing.T) {
		refused(t, overTLS(b, "tls_ca_file", ca, "tls_cert_file", c, "tls_key_file", k), "expired")
	})
	t.Run("not looked at", func(t *testing.T) {
		broker, err := redis.Open(t.Context(), overTLS(b, "tls_insecure", "true", "tls_cert_file", c, "tls_key_file", k))
		must(t, err)
		must(t, broker.Close(t.Context()))
	})
}

// refused demands that opening fails at once, for the reason that it names, without the password.
func refused(t *testing.T, raw, want string) {
	t.Helper()
	began := time.Now()
	broker, err := redis.Open(t.Context(), raw)
	if err == nil {
		must(t, broker.Close(t.Context()))
	}
	if took := time.Since(began); err == nil || took > 5*time.Second || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), want) {
		t.Errorf("opened with %v after %v, want an error at once that says %q, and not the password", err, took, want)
	}
	t.Log(err)
}

// flows publishes an event and waits for it.
func flows(t *testing.T, broker *messaging.Broker, to messaging.SubscribeOption) {
	t.Helper()
	topic, got := matrix.Topic(), make(chan struct{}, 1)
	handler := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		got <- struct{}{}
		return nil
	})
	_, err := broker.Subscribe(t.Context(), topic, handler, to)
	must(t, err)
	must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte("{}"))))
	select {
	case <-got:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing comes")
	}
}
