package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/herald-go/herald/pkg/config"
)

func TestSchemasAreWhatTheFileSays(t *testing.T) {
	t.Parallel()
	const text = `broker: memory://
schemas: {registry: https://registry.example, unknown: warn, framing: confluent, timeout: 3s, username: ada, password: hunter2}
topics: {orders: {schemas: refuse}, logs: {schemas: off}, other: {}}
`
	c, err := hermetic.Parse("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Schemas()
	if got.Password.Reveal() != "hunter2" || strings.Contains(c.String(), "hunter2") || !got.IsSet() {
		t.Errorf("%+v\n%s", got, c)
	}
	got.Password = config.Secret{}
	want := config.Schemas{
		Registry: "https://registry.example", Unknown: "warn", Framing: "confluent", Timeout: 3 * time.Second, Username: "ada",
		Topics: map[string]string{"orders": "refuse", "logs": "off"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got.Topics["orders"] = "pass"
	if c.Schemas().Topics["orders"] != "refuse" {
		t.Error("the caller's change went into the configuration")
	}
	none, err := hermetic.Parse("f", []byte("broker: memory://"))
	if err != nil {
		t.Fatal(err)
	}
	if got := none.Schemas(); !reflect.DeepEqual(got, config.Schemas{}) || got.IsSet() {
		t.Errorf("%+v", got)
	}
}

func TestARegistrysPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	c, err := hermetic.Parse("f", []byte("broker: memory://\nschemas: {registry: 'https://ada:hunter2@registry.example'}"))
	if err != nil {
		t.Fatal(err)
	}
	if text := c.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "https://ada:****@registry.example") {
		t.Error(text)
	}
}
