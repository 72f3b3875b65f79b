package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/herald-go/herald/pkg/config"
)

// canary is the secret that must never show. It needs escaping in a URL.
const canary = "hunter2/ca:n@ry"

// secretFile makes a file with a mode.
func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestASecretIsReadFromItsFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{canary, canary},
		{canary + "\n", canary},
		{canary + "\r\n", canary},
		{canary + "\n\n", canary + "\n"},
		{" " + canary + " ", " " + canary + " "},
	} {
		c := parse(t, "broker: kafka://h1:9092,h2:9092\nkafka: {username: me, password_file: "+secretFile(t, tc.text, 0o600)+"}")
		if got := c.Connection(); got.Password.Reveal() != tc.want || got.Username != "me" || !got.Password.IsSet() {
			t.Errorf("%q: got %q", tc.text, got.Password.Reveal())
		}
		if c.Warnings() != nil {
			t.Errorf("warnings %q", c.Warnings())
		}
	}
}

func TestAFileThatEveryUserCanReadIsAWarning(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // which has no such modes
	}
	open := secretFile(t, canary, 0o644)
	c := parse(t, "broker: rediss://host\nredis: {password_file: "+open+", tls: {cert_file: "+open+", key_file: "+open+", insecure: true}}")
	want := []string{
		"f:2: redis.password_file: every user of this machine can read the file (mode 0644)",
		"f:2: redis.tls.key_file: every user of this machine can read the file (mode 0644)",
		"f:2: redis.tls.insecure: the broker's certificate is not checked",
	}
	if got := c.Warnings(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestSecretsThatCanNotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	ok, empty, large := secretFile(t, canary, 0o600), secretFile(t, "\n", 0o600), secretFile(t, strings.Repeat("x", 64<<10+1), 0o600)
	for text, want := range map[string]string{
		"kafka: {password_file: /none/" + canary + "}":            "f:2: kafka.password_file: no such file or directory",
		"kafka: {password_file: " + empty + "}":                   "f:2: kafka.password_file: the file is empty",
		"kafka: {password_file: " + large + "}":                   "f:2: kafka.password_file: larger than 65536 bytes",
		"kafka: {password_file: " + filepath.Dir(ok) + "}":        "f:2: kafka.password_file: is a directory",
		"kafka: {password: x, password_file: " + ok + "}":         "f:2: kafka.password_file: password is given too (f:2); keep one",
		"kafka: {tls: {ca_file: /none}}":                          "f:2: kafka.tls.ca_file: no such file or directory",
		"kafka: {tls: {cert_file: " + ok + "}}":                   "f:2: kafka.tls.cert_file: key_file is missing; they belong together",
		"kafka: {tls: {key_file: " + ok + "}}":                    "f:2: kafka.tls.key_file: cert_file is missing; they belong together",
		"kafka: {tls: {cert_file: /none, key_file: /none}}":       "f:2: kafka.tls.cert_file: no such file or directory\nf:2: kafka.tls.key_file: no such file or directory",
		"redis: {password_file: /none, password: x}":              "",
		"memory: {like: redis}\nrabbitmq: {password: " + ok + "}": "",
	} {
		_, err := hermetic.Parse("f", []byte("broker: kafka://host\n"+text))
		if want == "" && err == nil { // the section of another broker: its secrets are not read
			continue
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
	_, err := hermetic.Parse("f", []byte("broker: kafka://host\nkafka: {password_file: /none}"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
}

func TestTheURLHoldsWhatTheSectionSays(t *testing.T) {
	t.Parallel()
	file := secretFile(t, canary, 0o600)
	for _, tc := range []struct{ broker, section, want string }{
		{"memory://", "memory: {like: redis, max_count: 1, max_bytes: 2, max_age: 3s, max_message: 4}", "memory://?like=redis&max_age=3s&max_bytes=2&max_count=1&max_message=4"},
		{"memory://?like=redis", "memory: {max_count: 1}", "memory://?like=redis&max_count=1"},
		{"memory://", "kafka: {username: me}", "memory://"},
		{"amqp://host", "rabbitmq:", "amqp://host"},
		{"amqps://host:5671/orders?heartbeat=5", "rabbitmq: {username: me, password_file: " + file + "}", "amqps://me:hunter2%2Fca%3An%40ry@host:5671/orders?heartbeat=5"},
		{"amqp://a%40b@host", "rabbitmq: {password: x y}", "amqp://a%40b:x%20y@host"},
		{"amqp://me:it@host", "rabbitmq: {tls: {ca_file: " + file + "}}", "amqp://me:it@host?tls_ca_file=" + strings.ReplaceAll(file, "/", "%2F")},
		{"kafka://h1:9092,h2:9092", "kafka: {replication: 3, tls: {insecure: true}}", "kafka://h1:9092,h2:9092?replication=3&tls_insecure=true"},
		{"REDIS+pubsub://:it@host/3#x", "redis: {username: me}", "redis+pubsub://me:it@host/3#x"},
		{"redis://host", "redis: {password: it}", "redis://:it@host"},
		{
			"redis://s1,s2/0?master=main", "redis: {username: me, sentinel_user: you, sentinel_password_file: " + file + "}",
			"redis://me@s1,s2/0?master=main&sentinel_password=hunter2%2Fca%3An%40ry&sentinel_user=you",
		},
		{"redis://s1?master=main&sentinel_password=it", "redis: {sentinel_user: you}", "redis://s1?master=main&sentinel_password=it&sentinel_user=you"},
		{"nats://me:it@host", "redis: {password: it}", "nats://me:it@host"},
	} {
		c := parse(t, "broker: "+tc.broker+"\n"+tc.section)
		if got := c.URL(); got != tc.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", tc.broker, tc.section, got, tc.want)
		}
	}
	c := parse(t, "broker: kafka://h\nkafka: {replication: 3, tls: {ca_file: "+file+", cert_file: "+file+", key_file: "+file+", insecure: true}}")
	want := config.Connection{Replication: 3, TLS: config.TLS{CAFile: file, CertFile: file, KeyFile: file, Insecure: true}}
	if got := c.Connection(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWhatTheURLSaysTooIsAnError(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ broker, section, want string }{
		{"memory://?like=redis", "memory: {like: kafka}", "f:2: memory.like: broker's URL (f:1) has it too; keep one"},
		{"amqp://me@host", "rabbitmq: {username: you}", "f:2: rabbitmq.username: broker's URL (f:1) has it too; keep one"},
		{"amqp://me:" + "hunter2@host", "rabbitmq: {password_file: /none}", "f:2: rabbitmq.password_file: broker's URL (f:1) has it too; keep one"},
		{"redis://:hunter2@host", "redis: {password: hunter2}", "f:2: redis.password: broker's URL (f:1) has it too; keep one"},
		{"redis://h?sentinel_user=me", "redis: {sentinel_user: you}", "f:2: redis.sentinel_user: broker's URL (f:1) has it too; keep one"},
		{
			"redis://h?sentinel_password=hunter2", "redis: {sentinel_password_file: /none}",
			"f:2: redis.sentinel_password_file: broker's URL (f:1) has it too; keep one",
		},
		{"redis://h?tls_insecure=false", "redis: {tls: {insecure: true}}", "f:2: redis.tls.insecure: broker's URL (f:1) has it too; keep one"},
	} {
		_, err := hermetic.Parse("f", []byte("broker: "+tc.broker+"\n"+tc.section))
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s, %s:\n got %v\nwant %s", tc.broker, tc.section, err, tc.want)
		}
	}
}

// Every way to print anything of the package, with the secret in every place that can hold one.
func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	file := secretFile(t, canary, 0o600)
	plainly := "hunter2"
	type holder struct{ config, copied, connection, secret any }
	for _, text := range []string{
		"broker: amqp://host\nrabbitmq: {password_file: " + file + "}",
		"broker: amqp://host\nrabbitmq: {password: '" + canary + "'}\nredis: {password: hunter2}\nkafka: {password: hunter2}",
		"broker: amqp://me:" + canary + "@host/v?token=hunter2&a=b#hunter2",
		"broker: amqp://me:hunter2@host1,you:hunter2@host2",
		"broker: ${URL:-amqp://:hunter2@host}",
		"broker: ${URL:-amqp://host}\nrabbitmq: {password: '${PASSWORD}'}",
		"broker: redis://host\nredis: {sentinel_password_file: " + file + "}",
		"broker: redis://host\nredis: {sentinel_password: '" + canary + "'}",
		"broker: redis://host?password=hunter2&sasl_passwd=hunter2&api_key=hunter2&client_secret=hunter2&auth=hunter2",
	} {
		c := parse(t, text, "PASSWORD="+canary)
		connection := c.Connection()
		inJSON, err := json.Marshal([]any{c, connection, connection.Password})
		if err != nil {
			t.Fatal(err)
		}
		outputs := []string{string(inJSON), c.String(), c.GoString(), strings.Join(c.Warnings(), "\n")}
		h := holder{c, *c, connection, connection.Password}
		for _, v := range []any{c, *c, connection, &connection, connection.Password, &connection.Password, h, &h, []any{c, connection}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				outputs = append(outputs, fmt.Sprintf(verb, v))
			}
		}
		for _, out := range outputs {
			if strings.Contains(out, plainly) || strings.Contains(out, fmt.Sprintf("%x", plainly)) {
				t.Errorf("%s\nprints %s", text, out)
			}
		}
		if !strings.Contains(c.URL(), plainly) {
			t.Errorf("%s: the URL %s lacks the secret: this test sees nothing", text, c.URL())
		}
	}
}

func TestSecretsAreNeverInErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"broker: me:hunter2@host",
		"broker: [hunter2]",
		"broker: amqp://me:hunter2@host\nrabbitmq: {password: hunter2}",
		"broker: amqp://host\nrabbitmq: {password: hunter2, password_file: hunter2}",
		"broker: amqp://host\nrabbitmq: {password_file: hunter2}",
		"broker: amqp://host\nrabbitmq: {password: *hunter2}",
		"broker: amqp://host\nrabbitmq: {password: ${hunter2",
		"broker: amqp://host\nrabbitmq: {password: '${hunter2'}",
		"broker: amqp://host\nrabbitmq: {password: '${A:-hunter2'}",
		"broker: amqp://host\nrabbitmq: {password: [hunter2]}",
		"broker: amqp://host\nrabbitmq: {password: {hunter2: hunter2}}",
		"broker: amqp://host\nrabbitmq:\n  password:hunter2",
		"broker: amqp://host\nrabbitmq: hunter2",
		"broker: amqp://host\nrabbitmq: \"hunter2\n  hunter2: x",
		"broker: amqp://host\nrabbitmq: {tls: {insecure: '${PASSWORD}'}}",
		"broker: memory://\npublish_timeout: ${PASSWORD}",
		"broker: '${PASSWORD}'",
	} {
		env := []string{"PASSWORD=hunter2"}
		_, err := config.Loader{Environ: env}.Parse("f", []byte(text))
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			if out := fmt.Sprintf(verb, err); strings.Contains(out, "hunter2") {
				t.Errorf("%s\nprints %s", text, out)
			}
		}
	}
}

func TestNoSecretIsNone(t *testing.T) {
	t.Parallel()
	var s config.Secret
	if s.IsSet() || s.Reveal() != "" || s.String() != "" || fmt.Sprintf("%#v", s) != `config.Secret("")` {
		t.Errorf("got %#v", s)
	}
}
