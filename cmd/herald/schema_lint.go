package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/herald-go/herald/schema/gate"
)

func newSchemaLint() *cobra.Command {
	var off []string
	var format string
	cmd := &cobra.Command{
		Use:   "lint [DIR]",
		Short: "Advise on names, descriptions, sizes and enums",
		Long: `lint says what could be better about the schemas of a folder. The rules:

  ` + ruleColumns(gate.LintRules()) + `

Exit codes: 0 nothing to say, 1 remarks, 2 wrong usage or trouble on the way.`,
		Example: `  herald schema lint
  herald schema lint ./events --off lint-field-description --format github`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return lint(cmd, dirOf(args), off, format) },
	}
	cmd.Flags().StringArrayVar(&off, "off", nil, "turn a rule off; can be repeated")
	cmd.Flags().StringVar(&format, "format", "text", "how to print: text, json, or github for annotations")
	return cmd
}

// ruleColumns lists rules for a help text.
func ruleColumns(rules []gate.Rule) string {
	var b strings.Builder
	for i, r := range rules {
		switch {
		case i > 0 && i%3 == 0:
			b.WriteString("\n  ")
		case i > 0:
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%-36s", r)
	}
	return strings.TrimRight(trailing.ReplaceAllString(b.String(), "\n"), " ")
}

var trailing = regexp.MustCompile(` +\n`)

func lint(cmd *cobra.Command, dir string, off []string, format string) error {
	if err := knownFormat(format, "text", "json", "github"); err != nil {
		return err
	}
	rules, err := knownRules(off, gate.LintRules())
	if err != nil {
		return err
	}
	set, err := loadDir(cmd, dir)
	if err != nil {
		return err
	}
	problems, err := gate.Lint(cmd.Context(), set, rules...)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	switch format {
	case "json":
		if err := printJSON(w, struct {
			Problems []gate.Problem `json:"problems"`
		}{append([]gate.Problem{}, problems...)}); err != nil {
			return err
		}
	case "github":
		printAnnotations(w, dir, "warning", problems)
	default:
		for _, p := range problems {
			fmt.Fprintln(w, p)
		}
		fmt.Fprintf(w, "%s in %s\n", countOf(len(problems), "remark"), countOf(len(set), "schema"))
	}
	if len(problems) > 0 {
		return errFindings
	}
	return nil
}
