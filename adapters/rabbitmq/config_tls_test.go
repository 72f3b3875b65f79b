package rabbitmq_test

import (
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters/rabbitmq"
)

// Whoever names certificates does not want a connection in the clear.
func TestParseURL_TLSFilesNeedAmqps(t *testing.T) {
	t.Parallel()
	for _, parameter := range []string{"tls_ca_file=/ca.pem", "tls_insecure=true"} {
		if _, err := rabbitmq.ParseURL("amqp://host/?" + parameter); err == nil || !strings.Contains(err.Error(), "amqps://") {
			t.Errorf("amqp:// with %s: %v, want an error that says amqps://", parameter, err)
		}
		if _, err := rabbitmq.ParseURL("amqps://host/?" + parameter); err != nil {
			t.Errorf("amqps:// with %s: %v", parameter, err)
		}
	}
}
