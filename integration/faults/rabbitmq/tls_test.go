package rabbitmq_test

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/rabbitmq"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/authority"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// The broker wants a certificate of each client. Who has one gets through; every other way is an error at once.
func TestMutualTLS(t *testing.T) {
	trusted, stranger := authority.New(t), authority.New(t)
	cert, key := trusted.Issue(t, "broker")
	b := own(
		t, brokers.File("ca.PEM", trusted.PEM), brokers.File("cert.pem", cert), brokers.File("key.pem", key), brokers.Port("tls"),
		brokers.Setting("listeners.ssl.default", "{port:tls}"), brokers.Setting("ssl_options.cacertfile", "{files}/ca.PEM"),
		brokers.Setting("ssl_options.certfile", "{files}/cert.pem"), brokers.Setting("ssl_options.keyfile", "{files}/key.pem"),
		brokers.Setting("ssl_options.verify", "verify_peer"), brokers.Setting("ssl_options.fail_if_no_peer_cert", "true"),
	)
	mine, mineKey := trusted.Issue(t, "client")
	theirs, theirsKey := stranger.Issue(t, "client")
	ca := authority.File(t, "ca.PEM", trusted.PEM)
	with := func(parameters ...string) string {
		query := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			query.Set(parameters[i], parameters[i+1])
		}
		user, password := login(t, b)
		return "amqps://" + user + ":" + password + "@" + b.Port("tls") + "/?" + query.Encode()
	}
	t.Run("with a certificate", func(t *testing.T) {
		broker, err := rabbitmq.Open(t.Context(), with("tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)))
		must(t, err)
		flows(t, broker)
		must(t, broker.Close(t.Context()))
	})
	for name, raw := range map[string]string{
		"with no certificate":         with("tls_ca_file", ca),
		"with a stranger's":           with("tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", theirs), "tls_key_file", authority.File(t, "k", theirsKey)),
		"with another authority":      with("tls_ca_file", authority.File(t, "ca", stranger.PEM), "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)),
		"with the system authorities": with("tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", mineKey)),
		"with a file that is missing": with("tls_ca_file", filepath.Join(t.TempDir(), "nowhere.pem")),
		"with a key for another":      with("tls_ca_file", ca, "tls_cert_file", authority.File(t, "c", mine), "tls_key_file", authority.File(t, "k", theirsKey)),
	} {
		t.Run(name, func(t *testing.T) {
			_, password := login(t, b)
			began := time.Now()
			broker, err := rabbitmq.Open(t.Context(), raw)
			if err == nil {
				must(t, broker.Close(t.Context()))
			}
			if took := time.Since(began); err == nil || took > atOnce || strings.Contains(err.Error(), password) {
				t.Errorf("opened with %v after %v, want an error at once and without the password", err, took)
			}
			t.Log(err)
		})
	}
}

// flows publishes an event and waits for it.
func flows(t *testing.T, broker *messaging.Broker) {
	t.Helper()
	topic, got := matrix.Topic(), make(chan struct{}, 1)
	handler := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		got <- struct{}{}
		return nil
	})
	_, err := broker.Subscribe(t.Context(), topic, handler, messaging.Group("workers"))
	must(t, err)
	must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte("{}"))))
	select {
	case <-got:
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
}

// Whatever goes wrong, no line of the log holds the password.
func TestLogHoldsNoPassword(t *testing.T) {
	b := own(t)
	user, password := login(t, b)
	var log matrix.Lines
	broker, err := open(t.Context(), b, nil, messaging.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	must(t, err)
	flows(t, broker)
	ctl(t, b, "change_password", user, "another")
	ctl(t, b, "close_all_connections", "the password has changed")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := broker.Publish(ctx, matrix.Topic(), envelope.New("thing.done", []byte("{}"))); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("publish with a password that is no more: %v", err)
	}
	must(t, broker.Close(t.Context()))
	if text := log.String(); text == "" || strings.Contains(text, password) {
		t.Errorf("the log is empty or holds the password:\n%s", text)
	} else {
		t.Logf("%d lines", strings.Count(text, "\n"))
	}
}
