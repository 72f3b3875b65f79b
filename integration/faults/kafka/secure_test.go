package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/adapters/kafka"
	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/integration/brokers"
	"github.com/herald-go/herald/integration/faults/authority"
	"github.com/herald-go/herald/integration/faults/matrix"
)

// Two that may be searched for in what is printed.
const (
	password = "canary-7e21aa"
	wrong    = "canary-of-a-wrong-password"
)

// secured is a broker with a listener for each way in, and with ACLs: who comes over the plain one may do everything.
func secured(t *testing.T, ca *authority.Authority) *brokers.Broker {
	t.Helper()
	cert, key := ca.Issue(t, "broker")
	controller := controllers(t)[0]
	const plainUsers = `org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="` + password + `" user_bob="` + password + `";`
	const scramUsers = `org.apache.kafka.common.security.scram.ScramLoginModule required;`
	settings := map[string]string{
		"listeners": "CONTROLLER://127.0.0.1:" + controller + ",PLAINTEXT://127.0.0.1:{port},LOGIN://127.0.0.1:{port:login}," +
			"BOTH://127.0.0.1:{port:both},MUTUAL://127.0.0.1:{port:mutual}",
		"advertised.listeners": "PLAINTEXT://127.0.0.1:{port},LOGIN://127.0.0.1:{port:login},BOTH://127.0.0.1:{port:both}," +
			"MUTUAL://127.0.0.1:{port:mutual}",
		"listener.security.protocol.map":       "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT,BOTH:SASL_SSL,MUTUAL:SSL",
		"controller.quorum.voters":             "1@127.0.0.1:" + controller,
		"sasl.enabled.mechanisms":              "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		"ssl.keystore.type":                    "PEM",
		"ssl.keystore.location":                "{files}/broker.pem",
		"ssl.truststore.type":                  "PEM",
		"ssl.truststore.location":              "{files}/ca.PEM",
		"listener.name.mutual.ssl.client.auth": "required",
		"authorizer.class.name":                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                          "User:ANONYMOUS",
	}
	for _, listener := range []string{"login", "both"} {
		settings["listener.name."+listener+".plain.sasl.jaas.config"] = plainUsers
		settings["listener.name."+listener+".scram-sha-256.sasl.jaas.config"] = scramUsers
		settings["listener.name."+listener+".scram-sha-512.sasl.jaas.config"] = scramUsers
	}
	opts := []brokers.Option{
		brokers.From("local"), brokers.File("ca.PEM", ca.PEM), brokers.File("broker.pem", append(key, cert...)),
		brokers.Port("login"), brokers.Port("both"), brokers.Port("mutual"),
	}
	for key, value := range settings {
		opts = append(opts, brokers.Setting(key, value))
	}
	b := own(t, opts...)
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		tool(t, b, "kafka-configs", "--alter", "--entity-type", "users", "--entity-name", "alice", "--add-config", mechanism+"=[password="+password+"]")
	}
	return b
}

// allow gives a user operations on what has a name or, with a star at its end, a prefix.
func allow(t *testing.T, b *brokers.Broker, user, kind, name string, operations ...kafkago.ACLOperationType) {
	t.Helper()
	pattern := kafkago.PatternTypeLiteral
	if prefix, ok := strings.CutSuffix(name, "*"); ok && prefix != "" {
		pattern, name = kafkago.PatternTypePrefixed, prefix
	}
	req := &kafkago.CreateACLsRequest{}
	for _, o := range operations {
		req.ACLs = append(req.ACLs, kafkago.ACLEntry{
			ResourceType: map[string]kafkago.ResourceType{"topic": kafkago.ResourceTypeTopic, "group": kafkago.ResourceTypeGroup}[kind],
			ResourceName: name, ResourcePatternType: pattern, Principal: "User:" + user, Host: "*", Operation: o,
			PermissionType: kafkago.ACLPermissionTypeAllow,
		})
	}
	client := bare(t, b)
	asks(t, "create ACLs", func() error {
		res, err := client.CreateACLs(t.Context(), req)
		if err == nil {
			err = errors.Join(res.Errors...)
		}
		return err
	})
	for _, o := range operations { // they hold once the broker has heard of them from the controller
		for !known(t, client, user, name, o) {
			<-time.After(20 * time.Millisecond)
		}
	}
}

// known reports whether the broker goes by a right.
func known(t *testing.T, client *kafkago.Client, user, name string, operation kafkago.ACLOperationType) bool {
	t.Helper()
	req := &kafkago.DescribeACLsRequest{Filter: kafkago.ACLFilter{
		ResourceTypeFilter: kafkago.ResourceTypeAny, ResourceNameFilter: name, ResourcePatternTypeFilter: kafkago.PatternTypeAny,
		PrincipalFilter: "User:" + user, HostFilter: "*", Operation: operation, PermissionType: kafkago.ACLPermissionTypeAllow,
	}}
	found := false
	asks(t, "describe ACLs", func() error {
		res, err := client.DescribeACLs(t.Context(), req)
		found = err == nil && len(res.Resources) > 0
		return err
	})
	return found
}

// login returns the URL of a listener with a user.
func login(b *brokers.Broker, scheme, listener, user, pass string, parameters ...string) string {
	query := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	u := url.URL{Scheme: scheme, Host: b.Port(listener), RawQuery: query.Encode()}
	if user != "" {
		u.User = url.UserPassword(user, pass)
	}
	return u.String()
}

// flows publishes an event and waits for it.
func flows(t *testing.T, broker *messaging.Broker, topic string) {
	t.Helper()
	got := make(chan struct{}, 10)
	handler := messaging.HandlerFunc(func(context.Context, *messaging.Delivery) error {
		got <- struct{}{}
		return nil
	})
	sub, err := broker.Subscribe(t.Context(), topic, handler, messaging.Group("workers"))
	must(t, err)
	defer func() { must(t, sub.Close(context.WithoutCancel(t.Context()))) }()
	must(t, broker.Publish(t.Context(), topic, envelope.New("thing.done", []byte("{}"))))
	select {
	case <-got:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing comes")
	}
}

// refused demands that opening fails at once, in words that hold no password.
func refused(t *testing.T, raw string, words ...string) {
	t.Helper()
	began := time.Now()
	broker, err := kafka.Open(t.Context(), raw)
	if err == nil {
		must(t, broker.Close(t.Context()))
	}
	if took := time.Since(began); err == nil || took > 20*time.Second { // trying again would go on for 30 s
		t.Fatalf("opened with %v after %v, want an error at once", err, took)
	}
	clean(t, err)
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in: %v", word, err)
		}
	}
	t.Log(err)
}

func clean(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), wrong)) {
		t.Errorf("the password is in: %v", err)
	}
}

// Bad input: logins, certificates and rights.
func TestSecurity(t *testing.T) {
	ca := authority.New(t)
	b := secured(t, ca)
	t.Run("logins", func(t *testing.T) { logins(t, b, ca) })
	t.Run("mutual TLS", func(t *testing.T) { mutual(t, b, ca) })
	t.Run("rights", func(t *testing.T) { rights(t, b) })
}

// logins tries each mechanism, plain and over TLS, with the right password and with another.
func logins(t *testing.T, b *brokers.Broker, ca *authority.Authority) {
	trust := authority.File(t, "ca.PEM", ca.PEM)
	topic := matrix.Topic()
	for _, kind := range []string{"topic", "group"} {
		allow(t, b, "alice", kind, "*", kafkago.ACLOperationTypeAll)
	}
	for _, mechanism := range []string{kafka.SASLPlain, kafka.SASLScram256, kafka.SASLScram512} {
		for listener, more := range map[string][]string{"login": nil, "both": {"tls_ca_file", trust}} {
			scheme := map[string]string{"login": "kafka", "both": "kafkas"}[listener]
			more = append(more, "sasl", mechanism)
			t.Run(mechanism+" "+scheme, func(t *testing.T) {
				var log matrix.Lines
				text := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				broker, err := kafka.Open(t.Context(), login(b, scheme, listener, "alice", password, more...), messaging.WithLogger(text))
				must(t, err)
				flows(t, broker, topic)
				must(t, broker.Close(t.Context()))
				if strings.Contains(log.String(), password) {
					t.Errorf("the password is in the log:\n%s", log.String())
				}
				refused(t, login(b, scheme, listener, "alice", wrong, more...), "open", "Authentication Failed", strings.ToUpper(mechanism))
				refused(t, login(b, scheme, listener, "mallory", password, more...), "Authentication Failed")
			})
		}
	}
}

// mutual tries the listener that wants a certificate of each client.
func mutual(t *testing.T, b *brokers.Broker, ca *authority.Authority) {
	stranger := authority.New(t)
	mine, mineKey := ca.Issue(t, "carol")
	theirs, theirsKey := stranger.Issue(t, "carol")
	trust := authority.File(t, "ca.PEM", ca.PEM)
	cert, key := authority.File(t, "cert.pem", mine), authority.File(t, "key.pem", mineKey)
	for _, kind := range []string{"topic", "group"} {
		allow(t, b, "CN=carol", kind, "*", kafkago.ACLOperationTypeAll)
	}
	t.Run("with a certificate", func(t *testing.T) {
		broker, err := kafka.Open(t.Context(), login(b, "kafkas", "mutual", "", "", "tls_ca_file", trust, "tls_cert_file", cert, "tls_key_file", key))
		must(t, err)
		flows(t, broker, matrix.Topic())
		must(t, broker.Close(t.Context()))
	})
	for name, parameters := range map[string][]string{
		"with no certificate":         {"tls_ca_file", trust},
		"with a stranger's":           {"tls_ca_file", trust, "tls_cert_file", authority.File(t, "c.pem", theirs), "tls_key_file", authority.File(t, "k.pem", theirsKey)},
		"with another authority":      {"tls_ca_file", authority.File(t, "other.pem", stranger.PEM), "tls_cert_file", cert, "tls_key_file", key},
		"with the system authorities": {"tls_cert_file", cert, "tls_key_file", key},
		"with a file that is missing": {"tls_ca_file", filepath.Join(t.TempDir(), "nowhere.pem")},
		"with a key for another":      {"tls_ca_file", trust, "tls_cert_file", cert, "tls_key_file", authority.File(t, "k2.pem", theirsKey)},
	} {
		t.Run(name, func(t *testing.T) { refused(t, login(b, "kafkas", "mutual", "", "", parameters...)) })
	}
}
