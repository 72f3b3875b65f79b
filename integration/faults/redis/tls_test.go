package redis_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/redis"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/authority"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// secured starts a server that shows a certificate, and wants one that the authority has signed.
func secured(t *testing.T, a *authority.Authority, until time.Time) *brokers.Broker {
	t.Helper()
	cert, key := a.IssueUntil(t, "either side", until)
	b := own(
		t, brokers.File("ca.PEM", a.PEM), brokers.File("cert.pem", cert), brokers.File("key.pem", key), brokers.Port("tls"),
		brokers.Setting("tls-port", "{port:tls}"), brokers.Setting("tls-ca-cert-file", "{files}/ca.PEM"),
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
	trusted, stranger := authority.New(t), authority.New(t)
	b := secured(t, trusted, time.Now().Add(time.Hour))
	mine, mineKey := trusted.Issue(t, "either side")
	late, lateKey := trusted.IssueUntil(t, "either side", time.Now().Add(-time.Minute))
	theirs, theirsKey := stranger.Issue(t, "either side")
	ca := authority.File(t, "ca.PEM", trusted.PEM)
	for scheme, to := range map[string]messaging.SubscribeOption{"rediss": messaging.Group("workers"), "rediss+pubsub": messaging.Broadcast()} {
		t.Run(scheme+" with a certificate", func(t *testing.T) {
			raw := overTLS(b, "tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey))
			broker, err := redis.Open(t.Context(), strings.Replace(raw, "rediss", scheme, 1))
			must(t, err)
			flows(t, broker, to)
			must(t, broker.Close(t.Context()))
		})
	}
	for _, c := range []struct{ name, raw, want string }{
		{"with no certificate", overTLS(b, "tls_ca_file", ca), "certificate required"},
		{
			"with a stranger's", overTLS(b, "tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", theirs), "tls_key_file", authority.File(t, "k", theirsKey)),
			"unknown certificate authority",
		},
		{"with an old one", overTLS(b, "tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", late), "tls_key_file", authority.File(t, "k", lateKey)), "expired certificate"},
		{
			"with another authority",
			overTLS(b, "tls_ca_file", authority.File(t, "ca", stranger.PEM), "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)),
			"certificate signed by unknown authority",
		},
		{
			"with the system's authorities", overTLS(b, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)),
			"certificate signed by unknown authority",
		},
		{
			"by another name",
			strings.Replace(overTLS(b, "tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)), "127.0.0.1", "localhost", 1),
			"match localhost",
		},
		{"with a file that is missing", overTLS(b, "tls_ca_file", filepath.Join(t.TempDir(), "nowhere.pem")), "no such file"},
		{
			"with a key for another",
			overTLS(b, "tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", theirsKey)), "not an unencrypted key that fits",
		},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.raw, c.want) })
	}
}

// A server whose own certificate is too old is not spoken to, unless nobody looks.
func TestOldServerCertificate(t *testing.T) {
	trusted := authority.New(t)
	b := secured(t, trusted, time.Now().Add(-time.Minute))
	mine, mineKey := trusted.Issue(t, "either side")
	ca, c, k := authority.File(t, "ca.PEM", trusted.PEM), authority.File(t, "c", mine), authority.File(t, "k", mineKey)
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
	if took := time.Since(began); err == nil || took > atOnce || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), want) {
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
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
}
