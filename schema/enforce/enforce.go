// Package enforce makes the schemas section of a configuration into the option that holds a broker's publishers and handlers to it. It brings
// the libraries of all formats; a program that needs only some makes a schema.Checker itself.
package enforce

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/pkg/messaging"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/confluent"
	"github.com/herald-go/herald/schema/formats"
	"github.com/herald-go/herald/schema/protobuf"
)

// Option returns the option for adapters.Open, beside those of Config.Options. It does nothing when the configuration names neither folder nor
// registry. A folder is read and compiled at once, relative to the working directory, and the error names every bad schema; a registry is not
// asked yet. The logger is told of events that pass unchecked; nil is none.
func Option(c *config.Config, log *slog.Logger) (messaging.Option, error) {
	s := c.Schemas()
	if !s.IsSet() {
		return messaging.WithChecker(nil), nil
	}
	k, err := Checker(s, log)
	if err != nil {
		return nil, err
	}
	return messaging.WithChecker(k), nil
}

// Checker returns the checker of a schemas section that names a folder or a registry.
func Checker(s config.Schemas, log *slog.Logger) (*schema.Checker, error) {
	unknown, err := policy(s.Unknown)
	if err != nil {
		return nil, err
	}
	out := schema.CheckerConfig{Compilers: formats.All(), Unknown: unknown, Topics: make(map[string]schema.Policy, len(s.Topics)), Logger: log}
	for topic, word := range s.Topics {
		if out.Topics[topic], err = policy(word); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	if s.Folder != "" {
		out.Registry, err = schema.Folder(os.DirFS(s.Folder))
	} else {
		err = withRegistry(&out, s)
	}
	if err != nil {
		return nil, err
	}
	return schema.NewChecker(out)
}

// withRegistry asks a registry instead of a folder.
func withRegistry(out *schema.CheckerConfig, s config.Schemas) error {
	client, err := confluent.New(confluent.Config{
		URL: s.Registry, Username: s.Username, Password: s.Password.Reveal(), Token: s.Token.Reveal(), Timeout: s.Timeout, Indexes: protobuf.Indexes,
	})
	if err != nil {
		return err
	}
	out.Registry = client
	if s.Framing == "confluent" {
		out.Framing, out.Compilers = client, formats.Bare()
	}
	return nil
}

// policy reads the word of a file.
func policy(word string) (schema.Policy, error) {
	switch word {
	case "", "refuse":
		return schema.Refuse, nil
	case "warn":
		return schema.Warn, nil
	case "pass":
		return schema.Pass, nil
	case "off":
		return schema.Skip, nil
	}
	return schema.Refuse, fmt.Errorf("schemas: expected refuse, warn, pass or off, got %q", word)
}
