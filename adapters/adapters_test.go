package adapters_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/herald-go/herald/adapters"
)

func TestOpenTakesTheAdapterOfTheScheme(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"memory://", "memory://?like=kafka&max_count=10", "MEMORY://"} {
		broker, err := adapters.Open(t.Context(), url)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if err := broker.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("%s: close: %v", url, err)
		}
	}
}

func TestOpenSaysWhatToWriteAndNoSecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "  ", "localhost", "nats://user:secret@host", "user:secret@host", "user:secret@host://x", "://user:secret@host",
		"ama zon://user:secret@host", "1secret://host", "%zz://secret@host",
	} {
		_, err := adapters.Open(t.Context(), url)
		if !errors.Is(err, adapters.ErrScheme) {
			t.Errorf("%q: %v, want ErrScheme", url, err)
			continue
		}
		if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "user") || !strings.Contains(text, "memory://") {
			t.Errorf("%q: %s", url, text)
		}
	}
}

func TestOpenRepeatsNoPasswordOfAURLThatIsWrong(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{
		"memory://user:secret@host", "memory://user:sec%zzret@host", "memory://user:secret", "memory://host:secret/path", "memory://?password=secret",
		"memory://user:secret@[::1", "memory://?like=%zz", "memory://secret",
		"amqp://user:sec%zzret@host", "amqp://user:secret@host/vhost?unknown=1", "amqps://user:secret@[::1", "amqp://user:secret@host:port/",
		"kafka://user:sec%zzret@host", "kafka://user:secret@host?unknown=1", "kafkas://user:secret@[::1", "kafka://user:secret@host:port",
		"redis://user:sec%zzret@host", "redis://user:secret@host/db", "redis+pubsub://user:secret@host?unknown=1",
	} {
		// Each is wrong as it stands: nothing is dialled, which would end with the context.
		_, err := adapters.Open(ended, url)
		if errors.Is(err, context.Canceled) {
			t.Errorf("%q: it is dialled: %v", url, err)
		}
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec%") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
