package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/pkg/config"
	"github.com/herald-go/herald/schema"
	"github.com/herald-go/herald/schema/catalog"
)

// catalogFlags are the flags of `herald catalog`.
type catalogFlags struct {
	configs              []string
	schemas, usage       string
	asyncAPI, html, name string
}

func newCatalog() *cobra.Command {
	var f catalogFlags
	cmd := &cobra.Command{
		Use:   "catalog",
		Short: "Write the AsyncAPI document and the page of all topics and events",
		Long: `catalog puts together what the configurations of services, a folder of schemas and a file with who publishes and
handles what say: an AsyncAPI 3.0 document, and a page in HTML that needs nothing else. Without --asyncapi and --html
it prints the document as JSON. No user name, password or parameter of a broker's URL is in either.

The file of --usage:

  title: Shop
  topics: {orders: What happens to orders.}
  services:
    checkout: {publishes: {orders: [order.placed, order.cancelled@2]}}
    billing: {handles: {orders: {group: billing, types: [order.*]}}}`,
		Example: `  herald catalog --config billing/herald.yaml --config audit/herald.yaml --usage usage.yaml --html events.html
  herald catalog --schemas ./events --asyncapi asyncapi.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.configs, "config", nil, "the configuration of a service, files that go together with commas between them; can be repeated")
	flags.StringVar(&f.schemas, "schemas", "", "the folder of schemas (default that of a configuration, or ./"+defaultDir+", where there is one)")
	flags.StringVar(&f.usage, "usage", "", "the file that says who publishes and handles what")
	flags.StringVar(&f.asyncAPI, "asyncapi", "", "the document to write, .json or .yaml; - is the standard output")
	flags.StringVar(&f.html, "html", "", "the page to write; - is the standard output")
	flags.StringVar(&f.name, "title", "", "what the system is called (default the title of --usage)")
	return cmd
}

func (f *catalogFlags) run(cmd *cobra.Command) error {
	c, err := f.load()
	if err != nil {
		return err
	}
	built, err := catalog.Build(cmd.Context(), c)
	if err != nil {
		return err
	}
	if f.asyncAPI == "" && f.html == "" {
		f.asyncAPI = "-"
	}
	if f.asyncAPI != "" {
		write := built.AsyncAPI
		if ext := filepath.Ext(f.asyncAPI); ext == ".yaml" || ext == ".yml" {
			write = built.AsyncAPIYAML
		}
		if err := f.write(cmd, f.asyncAPI, write); err != nil {
			return err
		}
	}
	if f.html == "" {
		return nil
	}
	return f.write(cmd, f.html, built.Page)
}

// write writes one form of the catalogue.
func (f *catalogFlags) write(cmd *cobra.Command, name string, form func() ([]byte, error)) error {
	text, err := form()
	if err != nil {
		return err
	}
	if name == "-" {
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return putFile(cmd, name, text)
}

// load reads what the flags name.
func (f *catalogFlags) load() (catalog.Config, error) {
	var c catalog.Config
	for _, name := range f.configs {
		cfg, err := config.Load(strings.Split(name, ",")...)
		if err != nil {
			return c, err
		}
		c.Configs = append(c.Configs, cfg)
	}
	if f.usage != "" {
		text, err := os.ReadFile(f.usage)
		if err != nil {
			return c, err
		}
		if c.Usage, err = catalog.ParseUsage(text); err != nil {
			return c, fmt.Errorf("%s: %w", f.usage, err)
		}
	}
	if f.name != "" {
		c.Usage.Title = f.name
	}
	dir, err := f.folder(c.Configs)
	if err != nil || dir == "" {
		return c, err
	}
	registry, err := schema.Folder(os.DirFS(dir))
	if err != nil {
		return c, fmt.Errorf("%s: %w", dir, err)
	}
	c.Registry = registry
	return c, nil
}

// folder returns where the schemas are: where a flag says, where a configuration says, or where they usually are. "" is nowhere.
func (f *catalogFlags) folder(configs []*config.Config) (string, error) {
	dir := f.schemas
	for _, cfg := range configs {
		if dir == "" {
			dir = cfg.Schemas().Folder
		}
	}
	if dir == "" {
		if _, err := os.Stat(defaultDir); err != nil {
			return "", nil
		}
		dir = defaultDir
	}
	_, err := os.Stat(dir)
	return dir, err
}
